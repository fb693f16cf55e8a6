"""What a layer does, and the layers that have no specimen in the zoo."""

import numpy as np
import pytest
from conftest import AVAILABLE

import polyk
from polyk import layers, ops

rng = np.random.default_rng(0)
IMAGES = rng.standard_normal((2, 6, 7, 4)).astype("float32")
CASES = [  # layer, input
    (lambda: layers.Dense(3, activation="tanh"), rng.standard_normal((2, 5)).astype("float32")),
    (lambda: layers.Dense(3, use_bias=False), rng.standard_normal((2, 4, 5)).astype("float32")),
    (lambda: layers.Activation("softmax"), IMAGES),
    (lambda: layers.Embedding(9, 3), np.array([[1, 8, 0], [2, 2, 3]], "int32")),
    (lambda: layers.LSTM(3), IMAGES[:, 0]),
    (lambda: layers.LSTM(3, return_sequences=True, go_backwards=True), IMAGES[:, 0]),
]
IDS = [f"{i}-{type(make()).__name__}" for i, (make, _) in enumerate(CASES)]


@pytest.mark.parametrize(("make", "x"), CASES, ids=IDS)
def test_inferred_shape_is_the_real_one(make, x):
    layer = make()
    shape = layer.compute_output_shape((None, *x.shape[1:]))
    assert shape[0] is None
    assert tuple(layer(x).shape[1:]) == shape[1:]


@pytest.mark.parametrize(("make", "x"), CASES, ids=IDS)
def test_config_makes_an_equal_layer(make, x):
    first = make()
    second = type(first).from_config(first.get_config())
    assert second.get_config() == first.get_config()
    first(x), second(x)
    second.set_weights(first.get_weights())
    np.testing.assert_array_equal(polyk.to_numpy(first(x)), polyk.to_numpy(second(x)))


@pytest.mark.parametrize(("make", "x"), CASES, ids=IDS)
@pytest.mark.parametrize("other", [name for name in AVAILABLE if name != "numpy"])
def test_backends_agree(make, x, other):
    with polyk.use("numpy"):
        layer = make()
        layer(x)
        weights = layer.get_weights()
        wanted = polyk.to_numpy(layer(x, training=True))
    with polyk.use(other):
        layer = make()
        layer(x)
        layer.set_weights(weights)
        got = polyk.to_numpy(layer(x, training=True))
    np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-5)


def test_batch_normalization_keeps_running_statistics(backend):
    layer = layers.BatchNormalization(momentum=0.9)
    x = IMAGES * 3 + 1
    y = polyk.to_numpy(layer(x, training=True))
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(
        polyk.to_numpy(layer.moving_mean), 0.1 * x.mean((0, 1, 2)), rtol=1e-4
    )
    variance = 0.9 + 0.1 * x.var((0, 1, 2))
    np.testing.assert_allclose(polyk.to_numpy(layer.moving_variance), variance, rtol=1e-4)
    before = layer.get_weights()
    layer(x)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_frozen_batch_normalization_uses_its_statistics():
    layer = layers.BatchNormalization(epsilon=0.0)
    layer(IMAGES)
    layer.trainable = False
    np.testing.assert_allclose(polyk.to_numpy(layer(IMAGES, training=True)), IMAGES, rtol=1e-6)


def test_dropout_masks_are_the_same_everywhere_and_move_on(backend):
    layer = layers.Dropout(0.3, seed=5)
    x = np.ones((4, 100), "float32")
    first, second = (polyk.to_numpy(layer(x, training=True)) for _ in range(2))
    assert not np.array_equal(first, second)
    with polyk.use("numpy"):
        twin = layers.Dropout(0.3, seed=5)
        np.testing.assert_array_equal(first, polyk.to_numpy(twin(x, training=True)))
    assert abs((first == 0).mean() - 0.3) < 0.08
    np.testing.assert_allclose(first[first > 0], 1 / 0.7, rtol=1e-6)
    np.testing.assert_array_equal(polyk.to_numpy(layer(x)), x)


def test_lstm_against_a_loop_in_numpy():
    layer = layers.LSTM(3, return_sequences=True)
    x = IMAGES[:, 0]
    y = polyk.to_numpy(layer(x))
    kernel, recurrent, bias = layer.get_weights()
    h = c = np.zeros((2, 3), "float32")
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        np.testing.assert_allclose(y[:, t], h, rtol=1e-5, atol=1e-6)
    assert bias[3:6].tolist() == [1, 1, 1]


def test_a_custom_layer_reads_and_writes_weights(backend):
    class Counting(layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight("scale", (input_shape[-1],), "ones")
            self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.seen = self.seen + 1
            return ops.multiply(x, self.scale)

    layer = Counting()
    x = np.ones((2, 3), "float32")
    for _ in range(3):
        layer(x)
    assert float(polyk.to_numpy(layer.seen)) == 3
    assert [w.name for w in layer.trainable_weights] == ["scale"]
    assert [w.name for w in layer.non_trainable_weights] == ["seen"]


def test_an_attribute_of_the_same_name_may_hold_no_weight():
    with_bias, without = layers.Dense(2), layers.Dense(2, use_bias=False)
    x = np.ones((1, 3), "float32")
    with_bias(x), without(x)
    assert without.bias is None
    assert with_bias.bias is not None


def test_sublayers_are_found_in_lists_and_counted_once():
    class Stack(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            shared = layers.Dense(3)
            self.parts = [shared, {"again": shared}, layers.Dense(3)]

        def call(self, x):
            return self.parts[2](self.parts[0](x))

    stack = Stack()
    stack(np.ones((1, 3), "float32"))
    assert len(stack.layers) == 2
    assert len(stack.weights) == 4


def test_freezing_reaches_what_is_inside():
    model = polyk.Sequential([layers.Input((3,)), layers.Dense(2), layers.Dense(1)])
    model.layers[0].trainable = False
    assert len(model.trainable_weights) == 2
    model.trainable = False
    assert model.trainable_weights == []


@pytest.mark.parametrize(
    ("make", "x", "error", "says"),
    [
        (lambda: layers.Dense(0), None, ValueError, "units must be a positive int; got 0"),
        (lambda: layers.Dense(2, activation="rleu"), None, LookupError, "Did you mean 'relu'"),
        (lambda: layers.Dense(2, activaton="relu"), None, TypeError, "'activaton'"),
        (lambda: layers.Conv2D(3, 3, padding="full"), None, ValueError, "'valid' or 'same'"),
        (lambda: layers.Conv2D(3, (3, 3, 3)), None, ValueError, "kernel_size"),
        (lambda: layers.Conv2D(5, 3, groups=2), None, ValueError, "multiple of groups"),
        (lambda: layers.Conv2D(4, 3), np.ones((2, 5)), ValueError, "expected an input of 4 axes"),
        (lambda: layers.Dropout(1.0), None, ValueError, "rate"),
        (lambda: layers.Embedding(3, 2), np.array([[3]]), IndexError, "3"),
        (lambda: layers.LSTM(2), np.ones((2, 5), "float32"), ValueError, "3 axes"),
    ],
)
def test_wrong_use_is_told(make, x, error, says):
    with pytest.raises(error, match=says):
        make()(x)


def test_a_changed_width_names_layer_and_model():
    model = polyk.Sequential([layers.Dense(2)], name="net")
    model(np.ones((1, 32), "float32"))
    says = r"Dense 'dense\w*' \(in Sequential 'net'\): expected an input whose last axis is 32, "
    with pytest.raises(polyk.ShapeError, match=says + r"got \(None, 28\)"):
        model(np.ones((1, 28), "float32"))


def test_a_foreign_error_keeps_its_type_and_gains_a_note():
    class Broken(layers.Layer):
        def call(self, x):
            raise KeyError("mine")

    with pytest.raises(KeyError) as caught:
        Broken(name="b")(np.ones((2, 3), "float32"))
    assert "in Broken 'b', called with (2, 3); backend" in caught.value.__notes__[0]


def test_a_layer_that_was_built_by_hand_keeps_its_weights(backend):
    layer = layers.Dense(2)
    layer.build((None, 3))
    assert layer.built
    before = layer.get_weights()
    layer(np.ones((1, 3), "float32"))
    assert len(layer.weights) == 2
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])


def test_a_layer_may_build_those_inside():
    class Pair(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.first, self.second = layers.Dense(2), layers.Dense(3)

        def build(self, input_shape):
            self.first.build(input_shape)
            self.second.build((None, 2))

        def call(self, x):
            return self.second(self.first(x))

    model = polyk.Sequential([layers.Input((4,)), Pair()], seed=0)
    model.compile("sgd", "mse")
    model.train_on_batch(np.ones((2, 4)), np.ones((2, 3)))
    assert [w.shape for w in model.weights] == [(4, 2), (2,), (2, 3), (3,)]
