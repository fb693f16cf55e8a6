"""Functional models: structures of inputs and outputs, names, parts as models, configs, clones."""

import json

import numpy as np
import pytest

import polyk
from polyk import layers, ops

rng = np.random.default_rng(0)
X = rng.standard_normal((8, 6)).astype("float32")


def two_headed():
    a, b = layers.Input((6,), name="a"), layers.Input((6,), name="b")
    shared = layers.Dense(4, "tanh", name="shared")
    both = ops.concatenate([shared(a), shared(b)[:, ::-1] * 2], axis=-1)
    mean = ops.mean(both, axis=-1, keepdims=True) - np.float32(0.5)
    return polyk.Model(
        [a, b],
        [layers.Dense(1, name="left")(both), layers.Dense(2, name="right")(both + mean)],
        seed=0, name="net",
    )  # fmt: skip


def same(model, other, *data):
    for v, w in zip(model.predict(*data), other.predict(*data), strict=True):
        np.testing.assert_allclose(v, w, rtol=1e-6)


def test_a_config_is_json_and_makes_an_equal_model():
    model = two_headed()
    config = json.loads(json.dumps(model.get_config()))
    twin = type(model).from_config(config)
    assert twin.get_config() == model.get_config()
    assert [layer.name for layer in twin.layers] == ["a", "b", "shared", "left", "right"]
    assert len(twin.weights) == 6  # the shared layer is one
    twin.set_weights(model.get_weights())
    same(model, twin, [X, -X])


def test_a_config_with_models_and_dicts_inside():
    x = layers.Input((6,), name="x")
    inner = polyk.Sequential([layers.Input((6,)), layers.Dense(3)], name="inner")
    outputs = {"sum": inner(x) + 1, "product": layers.Dense(1)(ops.square(x))}
    model = polyk.Model({"x": x}, outputs)
    twin = type(model).from_config(json.loads(json.dumps(model.get_config())))
    twin.set_weights(model.get_weights())
    got, wanted = twin.predict({"x": X}), model.predict({"x": X})
    assert list(got) == list(outputs)
    for key in outputs:
        np.testing.assert_allclose(got[key], wanted[key], rtol=1e-6)


def test_what_is_no_data_cannot_be_told():
    class With(layers.Layer):
        def call(self, x, function):
            return function(x)

    x = layers.Input((6,))
    model = polyk.Model(x, With()(x, function=ops.exp))
    with pytest.raises(TypeError, match="the call of 'with' takes .* cannot be told as data"):
        model.get_config()


def test_a_config_may_name_ops_of_the_contract_and_nothing_else():
    x = layers.Input((6,))
    config = polyk.Model(x, ops.exp(x)).get_config()
    config["nodes"][0]["op"] = "to_numpy"
    with pytest.raises(ValueError, match="no op named 'to_numpy'"):
        type(polyk.Model(x, ops.exp(x))).from_config(config)


def test_inputs_by_name_in_order_or_in_their_structure():
    model = two_headed()
    wanted = model.predict([X, -X])
    for data in ({"b": -X, "a": X}, (X, -X)):
        for v, w in zip(model.predict(data), wanted, strict=True):
            np.testing.assert_array_equal(v, w)
    with pytest.raises(ValueError, match=r"needs the inputs \['b'\]"):
        model({"a": X})


def test_logs_are_called_by_the_output_layers():
    model = two_headed()
    model.compile("sgd", "mse", metrics=[["mae"], ["mae"]])
    logs = model.fit([X, X], [np.ones((8, 1)), np.ones((8, 2))], verbose=0).history
    assert list(logs) == ["loss", "left_loss", "right_loss", "left_mae", "right_mae"]


def test_parts_of_a_model_are_models_with_the_same_weights(backend):
    model = polyk.Sequential([layers.Input((6,)), layers.Dense(5, "relu", name="x"),
                              layers.Dense(2)], seed=0)  # fmt: skip
    features = polyk.Model(model.input, model.get_layer("x").output)
    kernel, bias = model.layers[0].get_weights()
    np.testing.assert_allclose(
        features.predict(X), np.maximum(X @ kernel + bias, 0), rtol=1e-4, atol=1e-6
    )
    head = polyk.Model(model.layers[0].output, model.output)
    np.testing.assert_allclose(
        head.predict(features.predict(X)), model.predict(X), rtol=1e-4, atol=1e-6
    )


def test_layers_know_their_input_and_output_in_a_graph():
    x = layers.Input((6,), name="x")
    dense = layers.Dense(3)
    y = dense(x)
    assert dense.input is x
    assert dense.output is y
    assert repr(y) == f"<GraphTensor shape=(None, 3), dtype=float32, name={dense.name}>"
    fresh = layers.Dense(3)
    with pytest.raises(AttributeError, match="was not called on an Input: it has no output"):
        fresh.output  # noqa: B018


def test_a_layer_of_the_user_may_be_called_output():
    class Net(polyk.Model):
        def __init__(self):
            super().__init__()
            self.output = layers.Dense(2)

        def call(self, x):
            return self.output(x)

    assert Net()(X).shape == (8, 2)


def test_two_layers_of_one_name_are_refused():
    x = layers.Input((6,))
    with pytest.raises(ValueError, match="two layers are called 'twin'"):
        polyk.Model(x, layers.Dense(2, name="twin")(layers.Dense(2, name="twin")(x)))


def test_data_are_brought_to_the_input():
    """Ints become the Input's floats, a missing or superfluous last axis of size 1 is mended."""
    x = layers.Input((1,))
    model = polyk.Model(x, x * 2.0)
    for data in (np.arange(3), np.arange(3)[:, None], np.arange(3.0)[:, None, None]):
        np.testing.assert_array_equal(model.predict(data), [[0], [2], [4]])
        assert model.predict(data).dtype == "float32"


def test_freezing_a_model_inside_reaches_training(backend):
    inner = polyk.Sequential([layers.Input((6,)), layers.Dense(3)], seed=0)
    x = layers.Input((6,))
    outer = polyk.Model(x, layers.Dense(1)(inner(x)), seed=1)
    outer.compile("sgd", "mse")
    outer.fit(X, np.ones((8, 1)), verbose=0)
    inner.trainable = False
    before = inner.get_weights()
    head = outer.layers[-1].get_weights()
    outer.fit(X, np.ones((8, 1)), verbose=0)
    for v, w in zip(before, inner.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)
    assert not np.array_equal(head[0], outer.layers[-1].get_weights()[0])


def test_a_clone_has_new_layers():
    model = two_headed()
    twin = polyk.models.clone_model(model)
    assert not {id(x) for x in twin.layers} & {id(x) for x in model.layers}
    twin.set_weights([w + 1 for w in twin.get_weights()])
    for v, w in zip(twin.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w + 1)  # the seed is the same


def test_a_clone_may_change_layers_on_the_way():
    def wider(layer):
        config = layer.get_config()
        return type(layer).from_config({**config, "units": 2 * config["units"]})

    stack = [layers.Input((6,)), layers.Dense(5), layers.Dense(2)]
    twin = polyk.models.clone_model(polyk.Sequential(stack), clone_function=wider)
    assert twin.output_shape == (None, 4)


def test_a_clone_keeps_the_function_of_a_lambda():
    model = polyk.Sequential([layers.Input((6,)), layers.Lambda(lambda x: x + 1)])
    np.testing.assert_array_equal(polyk.models.clone_model(model).predict(X), X + 1)


# Weights that ops take.


def scaled(**kwargs):
    """A model with a kernel and a scale of no layer; all ones."""
    kernel = polyk.Variable(np.ones((6, 2)), name="kernel", constraint=polyk.constraints.NonNeg())
    scale = polyk.weights.Weight("scale", (2,), initializer=polyk.initializers.get("ones"))
    x = layers.Input((6,))
    return polyk.Model(x, ops.matmul(x, kernel) * scale, **kwargs), kernel, scale


def test_a_graph_reads_a_weight_when_it_runs(backend):
    model, kernel, _ = scaled(backend=backend)
    kernel.assign(np.full((6, 2), 3.0))
    np.testing.assert_allclose(model.predict(X), np.repeat(3 * X.sum(1)[:, None], 2, 1), rtol=1e-4)


def test_a_model_finds_moves_and_trains_the_weights_of_ops(backend):
    model, kernel, scale = scaled(backend=backend)
    assert model.weights == model.trainable_weights == [kernel, scale]
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((8, 2), "float32"), verbose=0)
    assert (kernel.numpy() != 1).all() and (scale.numpy() != 1).all()


def test_a_graph_does_not_give_a_weight_its_first_value():
    x, w = (
        layers.Input((6,)),
        polyk.weights.Weight("w", (6,), initializer=polyk.initializers.get("normal")),
    )
    y = x + w
    assert w.backend is None
    a, b = polyk.Model(x, y, seed=1), scaled()[0]
    assert a.weights == [w] and w.path == f"{a.name}/w" and len(b.weights) == 2


def test_a_weight_of_a_layer_in_the_graph_is_not_counted_twice():
    x, dense = layers.Input((6,)), layers.Dense(6, use_bias=False)
    h = dense(x)
    model = polyk.Model(x, ops.matmul(h, dense.weights[0]))
    assert model.weights == dense.weights and model.weights[0].path == f"{dense.name}/kernel"


def test_a_layer_may_be_given_a_weight():
    x, w = layers.Input((6,)), polyk.Variable(np.ones((1, 6)))
    model = polyk.Model(x, layers.Add()([x, w]))
    w.assign(np.full((1, 6), 2.0))
    assert model.weights == [w]
    np.testing.assert_allclose(model.predict(X), X + 2, rtol=1e-6)


def test_weights_of_ops_are_told_in_the_config():
    model, kernel, _ = scaled()
    twin = type(model).from_config(json.loads(json.dumps(model.get_config())))
    assert twin.get_config() == model.get_config()
    assert [w.shape for w in twin.weights] == [(6, 2), (2,)]
    assert isinstance(twin.weights[0].constraint, polyk.constraints.NonNeg)
    assert twin.weights[0] is not kernel
    same(model, twin, X)
    assert "kernel" in "".join(row.name for row in twin._rows())


# Subclasses that make the graph themselves.


class Doubled(polyk.Model):
    """Its steps count, its loss is doubled."""

    def __init__(self, units, **kwargs):
        x = layers.Input((6,))
        h = layers.Dense(units, "tanh", name="hidden")(x)
        super().__init__(inputs=x, outputs=layers.Dense(1)(h), **kwargs)
        self.units = units
        self.tracker = polyk.metrics.Mean(name="doubled")

    def train_step(self, data):
        x, y = data
        weights = self.trainable_weights

        def loss():
            return 2 * ops.mean(ops.square(self(x, training=True) - y))

        value, grads = polyk.value_and_grad(loss, weights=weights)()
        self.optimizer.apply(grads, weights)
        self.tracker.update_state(value)
        return {"doubled": self.tracker.result()}


class Plain(polyk.Model):
    """Only a step of its own."""

    def test_step(self, data):
        return {"answer": ops.convert_to_tensor(42.0)}


def test_a_subclass_may_make_the_graph_itself(backend):
    model = Doubled(3, seed=0, backend=backend)
    assert isinstance(model, Doubled) and isinstance(model, polyk.models.Functional)
    assert type(model).__name__ == "Doubled" and model.name.startswith("doubled")
    assert [w.shape for w in model.weights] == [(6, 3), (3,), (3, 1), (1,)]
    assert model.output_shape == (None, 1) and model.get_layer("hidden").units == 3
    model.compile("sgd")
    logs = model.fit(X, X[:, :1], epochs=3, verbose=0).history["doubled"]
    assert logs[2] < logs[0]


def test_a_subclass_with_its_own_arguments_is_made_from_them_again(tmp_path):
    model = Doubled(3, name="d")
    assert model.get_config()["units"] == 3 and "nodes" not in model.get_config()
    twins = [Doubled.from_config(model.get_config()), polyk.models.clone_model(model)]
    model.save(tmp_path / "m.polyk")
    loaded = polyk.load_model(tmp_path / "m.polyk", custom_objects={"Doubled": Doubled})
    for twin in twins:
        twin.set_weights(model.get_weights())
    for twin in (*twins, loaded):
        assert isinstance(twin, Doubled)
        same(model, twin, X)


@pytest.mark.parametrize("how", ["positions", "names"])
def test_a_subclass_without_a_constructor_takes_inputs_and_outputs(how):
    x = layers.Input((6,))
    y = layers.Dense(2)(x)
    model = Plain(x, y, name="p") if how == "positions" else Plain(inputs=x, outputs=y, name="p")
    model.compile(loss="mse")
    assert model.evaluate(X, X[:, :2], verbose=0) == 42
    config = json.loads(json.dumps(model.get_config()))
    twin = Plain.from_config(config)
    assert isinstance(twin, Plain) and twin.get_config() == model.get_config()


def test_one_class_may_be_functional_or_not():
    class Either(polyk.Model):
        def __init__(self, graph):
            if graph:
                x = layers.Input((6,))
                super().__init__(inputs=x, outputs=layers.Dense(1)(x))
            else:
                super().__init__()
                self.dense = layers.Dense(2)

        def extra(self):
            return type(self).__name__

    functional, other = Either(True), Either(False)
    assert functional.predict(X).shape == (8, 1) and functional.extra() == other.extra() == "Either"
    assert not isinstance(other, polyk.models.Functional)


def test_layers_that_a_subclass_holds_besides_the_graph_are_its_own():
    model = Doubled(2)
    model.extra = layers.Dense(4)
    model.extra.build((None, 6))
    assert model.layers[-1] is model.extra and len(model.weights) == 6
