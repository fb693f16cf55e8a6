"""What every layer has from its base class: losses, metrics, several inputs, specs, configs."""

import json

import numpy as np
import pytest
import reference

import polyk
from polyk import layers, metrics, ops, regularizers

X = np.random.default_rng(0).standard_normal((8, 6)).astype("float32")


class Charging(layers.Layer):
    """Charges the mean of its input."""

    def call(self, x):
        self.add_loss(ops.mean(x))
        return x


def test_losses_are_those_of_the_last_call_and_of_weights():
    charging = Charging()
    dense = layers.Dense(3, kernel_regularizer="l2")
    model = polyk.Sequential([charging, dense])
    for _ in range(2):
        model(X)
    charged, penalty = model.losses
    np.testing.assert_allclose(polyk.to_numpy(charged), X.mean(), rtol=1e-5)
    kernel = dense.get_weights()[0]
    np.testing.assert_allclose(polyk.to_numpy(penalty), 0.01 * (kernel**2).sum(), rtol=1e-5)
    assert [float(v) for v in charging.losses] == [float(charged)]
    assert len(dense.losses) == 1


def test_training_adds_what_layers_charge(backend):
    def loss(**kwargs):
        stack = [layers.Input((6,)), layers.Dense(3, **kwargs)]
        model = polyk.Sequential(stack, seed=0)
        model.compile(polyk.optimizers.SGD(0.0), "mse")
        fitted = model.fit(X, np.zeros((8, 3)), batch_size=8, verbose=0).history["loss"][0]
        assert abs(model.evaluate(X, np.zeros((8, 3)), verbose=0) - fitted) < 1e-5
        return fitted, model.predict(X)

    plain, outputs = loss()
    charged, _ = loss(activity_regularizer=regularizers.L2(0.5))
    np.testing.assert_allclose(charged - plain, 0.5 * (outputs**2).sum() / 8, rtol=1e-4)


def test_a_model_may_learn_from_added_losses_alone(backend):
    class Norm(layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight("scale", (), "ones")

        def call(self, x):
            y = x * self.scale
            self.add_loss(ops.mean(ops.square(y)))
            return y

    model = polyk.Sequential([layers.Input((6,)), Norm()])
    model.compile(polyk.optimizers.SGD(0.1))
    history = model.fit(X, epochs=3, verbose=0).history["loss"]
    assert history[2] < history[1] < history[0]
    assert model.losses == []  # nothing is left over from the compiled step


def test_added_losses_agree_with_keras(float64):
    def build(library):
        model = library.Sequential([
            library.layers.Input((6,)),
            library.layers.Dense(4, activity_regularizer="l1", kernel_regularizer="l2"),
            library.layers.Dense(2),
        ])  # fmt: skip
        model.compile("sgd", "mse")
        return model

    y = np.ones((8, 2))
    with reference.keras() as keras:
        theirs, ours = build(keras), build(polyk)
        ours.set_weights(theirs.get_weights())
        wanted = theirs.evaluate(X, y, verbose=0)
    np.testing.assert_allclose(ours.evaluate(X, y, verbose=0), wanted, rtol=1e-6)


def test_a_metric_of_a_layer_is_shown_and_starts_over_each_epoch(backend):
    class Watching(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.seen = metrics.Mean(name="seen")

        def call(self, x):
            self.seen.update_state(x)
            return x

    model = polyk.Sequential([layers.Input((6,)), Watching(), layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(X, np.ones((8, 1)), epochs=2, batch_size=4, verbose=0).history
    np.testing.assert_allclose(history["seen"], [X.mean()] * 2, rtol=1e-4, atol=1e-6)


class Mixing(layers.Layer):
    """Weights for each of two inputs."""

    def build(self, query_shape, value_shape):
        self.shapes = query_shape, value_shape
        self.q = self.add_weight("q", (query_shape[-1],), "ones")
        self.v = self.add_weight("v", (value_shape[-1],), "ones")

    def call(self, query, value, scale=1.0):
        return ops.sum(query * self.q, -1) + scale * ops.sum(value * self.v, -1)


@pytest.mark.parametrize("by_name", [False, True])
def test_build_takes_the_shapes_of_several_inputs_by_name(by_name):
    layer, value = Mixing(), np.ones((8, 3), "float32")
    y = layer(X, value=value, scale=2.0) if by_name else layer(X, value, 2.0)
    assert layer.shapes == ((None, 6), (None, 3))
    np.testing.assert_allclose(polyk.to_numpy(y), X.sum(-1) + 6, rtol=1e-5)


def test_several_inputs_in_a_graph_some_by_keyword():
    a, b = layers.Input((6,)), layers.Input((3,))
    y = Mixing()(a, value=b)
    assert y.shape == (None,)
    model = polyk.Model([a, b], y)
    got = model.predict([X, np.ones((8, 3))])
    np.testing.assert_allclose(got, X.sum(-1) + 3, rtol=1e-5)


def test_output_shapes_of_several_inputs():
    assert Mixing().compute_output_shape((None, 6), (None, 3)) == (None,)
    assert Mixing().compute_output_shape(query_shape=(2, 6), value_shape=(2, 3)) == (2,)
    assert layers.Dense(4).compute_output_shape(input_shape=(None, 6)) == (None, 4)


def test_a_dict_of_inputs_builds_by_a_dict_of_shapes():
    class Both(layers.Layer):
        def build(self, input_shape):
            self.shapes = input_shape

        def call(self, inputs):
            return inputs["a"] + inputs["b"]

    layer = Both()
    layer({"a": X, "b": X})
    assert layer.shapes == {"a": (None, 6), "b": (None, 6)}


@pytest.mark.parametrize(
    ("spec", "shape", "says"),
    [
        ({"ndim": 3}, (2, 6), "an input of 3 axes"),
        ({"max_ndim": 2}, (2, 6, 1), "at most 2 axes"),
        ({"min_ndim": 3}, (2, 6), "at least 3 axes"),
        ({"axes": {-1: 5}}, (2, 6), "whose last axis is 5"),
        ({"shape": (None, 5)}, (2, 6), "whose axis 1 is 5"),
        ({"shape": (None, None)}, (2, 6), None),
        ({"shape": (None, 6, 1), "allow_last_axis_squeeze": True}, (2, 6), None),
        ({"shape": (None, 6), "allow_last_axis_squeeze": True}, (2, 6, 1), None),
        ({"dtype": "int32"}, (2, 6), "an input of int32"),
    ],
)
def test_an_input_spec_refuses_what_does_not_fit(spec, shape, says):
    layer = layers.Identity()
    layer.input_spec = layers.InputSpec(**spec)
    x = np.ones(shape, "float32")
    if says is None:
        layer(x)
    else:
        with pytest.raises((polyk.ShapeError, polyk.DTypeError), match=says):
            layer(x)


def test_specs_of_several_inputs():
    class Two(layers.Layer):
        def call(self, inputs):
            return inputs[0]

    layer = Two()
    layer.input_spec = [layers.InputSpec(ndim=2), layers.InputSpec(ndim=3)]
    layer([X, X[:, None]])
    with pytest.raises(polyk.ShapeError, match="expected 2 inputs, got 3"):
        layer([X, X, X])
    with pytest.raises(polyk.ShapeError, match="3 axes"):
        layer([X, X])


def test_nested_objects_come_back_from_a_config():
    wrapped = layers.Wrapper(
        layers.Dense(3, "relu", kernel_regularizer=regularizers.L1(0.1), name="inner"), name="outer"
    )
    twin = layers.Wrapper.from_config(json.loads(json.dumps(wrapped.get_config())))
    assert twin.get_config() == wrapped.get_config()
    assert isinstance(twin.layer, layers.Dense)
    assert isinstance(twin.layer.kernel_regularizer, regularizers.L1)


def test_a_layer_is_built_again_from_its_build_config():
    layer = layers.Dense(3)
    assert layer.get_build_config() is None
    layer(X)
    config = json.loads(json.dumps(layer.get_build_config()))
    assert config == {"input_shape": [None, 6]}
    twin = layers.Dense.from_config(layer.get_config())
    twin.build_from_config(config)
    assert [w.shape for w in twin.weights] == [(6, 3), (3,)]


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"input_shape": (6,)}, (None, 6)),
        ({"input_dim": 6}, (None, 6)),
        ({"batch_input_shape": (4, 6)}, (4, 6)),
        ({"input_shape": (6,), "batch_size": 4}, (4, 6)),
    ],
)
def test_the_first_layer_may_say_the_input_as_in_keras_2(arguments, shape):
    model = polyk.Sequential([layers.Dense(2, **arguments)])
    assert model.input_shape == shape
    assert len(model.weights) == 2


def test_first_weights_may_be_given_as_in_keras_2(backend):
    table = np.arange(6.0, dtype="float32").reshape(3, 2)
    layer = layers.Embedding(3, 2, weights=[table], input_length=4)
    model = polyk.Sequential([layer])
    np.testing.assert_array_equal(model.predict(np.array([[2, 0, 1, 1]])), table[[[2, 0, 1, 1]]])
    with pytest.raises(polyk.ShapeError, match=r"has shape \(3, 2\); got \(2, 2\)"):
        layers.Embedding(3, 2, weights=[table[:2]])(np.array([[1]]))


def test_the_mode_reaches_layers_inside_and_defaults_hold():
    class Mode(layers.Layer):
        def call(self, x, training=True):
            self.training = training
            return x

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.mode = Mode()

        def call(self, x):
            return self.mode(x)

    outer = Outer()
    for given, seen in ((True, True), (False, False), (None, True)):
        outer(X, training=given)
        assert outer.mode.training is seen
    outer.mode(X, False)  # by position
    assert outer.mode.training is False


def test_a_lambda_calls_its_function(backend):
    layer = layers.Lambda(lambda x, power: x**power, arguments={"power": 2})
    model = polyk.Sequential([layers.Input((6,)), layer])
    assert model.output_shape == (None, 6)
    np.testing.assert_allclose(model.predict(X), X**2, rtol=1e-6)


def test_a_lambda_is_given_mask_and_mode_if_it_asks():
    seen = {}

    def function(x, mask, training):
        seen.update(mask=mask, training=training)
        return x

    words = np.array([[1, 0]])
    stack = [layers.Embedding(3, 2, mask_zero=True), layers.Lambda(function, mask=lambda x, m: m)]
    polyk.Sequential(stack)(words, training=True)
    assert seen["training"] is True
    np.testing.assert_array_equal(polyk.to_numpy(seen["mask"]), words != 0)


def test_a_lambda_is_not_made_from_data():
    config = layers.Lambda(np.exp).get_config()
    with pytest.raises(TypeError, match="cannot be made from data: write a layer class"):
        layers.Lambda.from_config(config)


class Positions(layers.Layer):
    """As examples write layers: no ``**kwargs``, no config, and an argument used only once."""

    def __init__(self, length, width):
        super().__init__()
        self.table = layers.Embedding(length, width)

    def call(self, x):
        return x + self.table(ops.arange(ops.shape(x)[1]))


def test_a_layer_that_says_nothing_of_configs_has_one(tmp_path):
    model = polyk.Sequential([layers.Input((5, 3)), Positions(5, width=3)], seed=1)
    x = np.ones((2, 5, 3), "float32")
    before = model.predict(x, verbose=0)
    model.layers[0].trainable = False
    model.save(tmp_path / "m.polyk")
    again = polyk.load_model(tmp_path / "m.polyk", custom_objects={"Positions": Positions})
    np.testing.assert_array_equal(again.predict(x, verbose=0), before)
    assert again.layers[0].name == model.layers[0].name and not again.layers[0].trainable


@pytest.mark.parametrize("base", [layers.Layer, polyk.Model])
@pytest.mark.parametrize(
    "use",
    [
        lambda x: x(np.ones((2, 3), "float32")),
        lambda x: x(layers.Input((3,))),
        lambda x: polyk.Sequential([x]),
        lambda x: x.add_weight("w", (2,)),
        lambda x: x.name,
        lambda x: x.trainable,
    ],
)
def test_a_forgotten_call_of_the_base_constructor_is_named(base, use):
    class Forgetful(base):
        def __init__(self):
            self.units = 3

        def call(self, x):
            return x

    with pytest.raises(RuntimeError, match=r"Forgetful.*super\(\).__init__\(\)"):
        use(Forgetful())


def test_assign_on_a_weight_that_reads_as_a_tensor_names_the_way(backend):
    class Counter(layers.Layer):
        def build(self, shape):
            self.n = self.add_weight("n", (), "zeros", trainable=False)

        def call(self, x):
            self.n.assign_add(1)
            return x

    with pytest.raises(AttributeError) as caught:
        Counter()(np.ones((2, 3), "float32"))
    assert "self.w = ..." in "".join(caught.value.__notes__)


def test_an_argument_of_keras_1_names_its_successor():
    with pytest.raises(
        TypeError, match="unknown argument 'border_mode'. It is called 'padding' now"
    ):
        layers.Conv2D(32, 3, border_mode="same")
