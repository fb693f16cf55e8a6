"""Every layer, forwards and backwards in float64, beside the same layer on the reference engine.

The same seed gives the same first weights, bit for bit, and so the same outputs, gradients and
running statistics up to rounding.
"""

import numpy as np
import pytest

import polyk
from polyk import layers, ops, trees
from polyk_conformance import reference
from polyk_conformance.checks import assert_close

pytestmark = pytest.mark.conformance(level="NN", mode="layer")


def normal(*shape):
    return np.random.default_rng(1).normal(size=shape)


def places(*shape):
    return np.random.default_rng(2).integers(0, 7, shape).astype("int32")


def masked(layer):
    """`layer` behind an embedding whose zeros are masked."""
    return polyk.Sequential([layers.Embedding(7, 4, mask_zero=True), layer])


LINE, IMAGE, SOLID = normal(3, 8, 4), normal(2, 7, 6, 4), normal(1, 4, 5, 4, 2)
LAYERS = {
    "Dense": (lambda: layers.Dense(5, activation="tanh"), normal(4, 6)),
    "Dense-deep": (lambda: layers.Dense(3), LINE),
    "Embedding": (lambda: layers.Embedding(7, 3), places(4, 5)),
    "Conv1D": (lambda: layers.Conv1D(3, 3, strides=2, padding="same"), LINE),
    "Conv1D-dilated": (lambda: layers.Conv1D(3, 2, dilation_rate=2), LINE),
    "Conv2D": (lambda: layers.Conv2D(6, (3, 2), activation="relu"), IMAGE),
    "Conv2D-strided": (lambda: layers.Conv2D(6, 3, strides=(2, 1), padding="same"), IMAGE),
    "Conv2D-groups": (lambda: layers.Conv2D(6, 3, groups=2, use_bias=False), IMAGE),
    "Conv3D": (lambda: layers.Conv3D(2, 2), SOLID),
    "MaxPooling1D": (lambda: layers.MaxPooling1D(2), LINE),
    "MaxPooling2D": (lambda: layers.MaxPooling2D(3, strides=2, padding="same"), IMAGE),
    "AveragePooling2D": (lambda: layers.AveragePooling2D(3, strides=2, padding="same"), IMAGE),
    "AveragePooling3D": (lambda: layers.AveragePooling3D(2), SOLID),
    "GlobalMaxPooling1D": (lambda: layers.GlobalMaxPooling1D(), LINE),
    "GlobalAveragePooling2D": (lambda: layers.GlobalAveragePooling2D(keepdims=True), IMAGE),
    "BatchNormalization": (lambda: layers.BatchNormalization(momentum=0.9), IMAGE),
    "BatchNormalization-line": (lambda: layers.BatchNormalization(epsilon=0.1), normal(6, 3)),
    "Dropout": (lambda: layers.Dropout(0.4, seed=5), normal(6, 4)),
    "LSTM": (lambda: layers.LSTM(3), LINE),
    "LSTM-dropout": (lambda: layers.LSTM(3, dropout=0.3, recurrent_dropout=0.3, seed=4), LINE),
    "LSTM-backwards": (lambda: layers.LSTM(3, return_sequences=True, go_backwards=True), LINE),
    "LSTM-masked": (lambda: masked(layers.LSTM(3)), places(3, 6)),
    "GRU": (lambda: layers.GRU(3, return_sequences=True), LINE),
    "GRU-before": (lambda: layers.GRU(3, reset_after=False), LINE),
    "SimpleRNN": (lambda: layers.SimpleRNN(3), LINE),
    "Bidirectional": (lambda: layers.Bidirectional(layers.LSTM(2)), LINE),
    "TimeDistributed": (lambda: layers.TimeDistributed(layers.Dense(2)), LINE),
    "Conv2DTranspose": (lambda: layers.Conv2DTranspose(2, 3, strides=2, padding="same"), IMAGE),
    "SeparableConv2D": (lambda: layers.SeparableConv2D(3, 2), IMAGE),
    "DepthwiseConv2D": (lambda: layers.DepthwiseConv2D(3, strides=2), IMAGE),
    "GroupNormalization": (lambda: layers.GroupNormalization(2), IMAGE),
    "LayerNormalization": (lambda: layers.LayerNormalization(), LINE),
    "RMSNormalization": (lambda: layers.RMSNormalization(), LINE),
    "PReLU": (lambda: layers.PReLU(shared_axes=[1]), LINE),
    "UpSampling2D": (lambda: layers.UpSampling2D(2), IMAGE),
    "Flatten": (lambda: layers.Flatten(), IMAGE),
    "Reshape": (lambda: layers.Reshape((4, 8)), LINE),
    "Activation": (lambda: layers.Activation("gelu"), normal(3, 4)),
}
STEPWISE = ["BatchNormalization", "Dropout", "LSTM", "LSTM-dropout"]


def total(parts):
    return ops.sum(ops.stack(parts))


def outcome(engine, name, compiled=True):
    """First weights, outputs, gradients of weights and inputs, and the state after two calls."""
    make, array = LAYERS[name]
    with polyk.use(engine):
        polyk.set_random_seed(3)
        layer, x = make(), ops.convert_to_tensor(array)
        layer.build(array.shape)
        first = [w.numpy() for w in layer.weights]

        def loss(x):
            found = trees.flatten(layer(x, training=True))
            return total([ops.sum(ops.square(y) + y) for y in found]), found

        def step(x):
            weights = layer.trainable_weights
            outputs, gradients = loss(x)[1], []
            if weights:
                gradients = polyk.value_and_grad(lambda: loss(x)[0], weights=weights)()[1]
            if array.dtype.kind == "f":
                gradients = [*gradients, polyk.grad(lambda v: loss(v)[0])(x)]
            return outputs, gradients

        run = polyk.compile(step, state=[layer]) if compiled else step
        outputs, gradients = run(x)
        state = [w.numpy() for w in layer.state]
        found = [[polyk.to_numpy(t) for t in ts] for ts in (outputs, gradients)]
    return [first, *found, state]


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_gives_what_the_reference_gives(backend, float64, name):
    got, want = outcome(backend, name), outcome(reference.engine(), name)
    for mine, its in zip(got[0], want[0], strict=True):
        np.testing.assert_array_equal(mine, its)
    for mine, its in zip(got[1:], want[1:], strict=True):
        assert_close(name.partition("-")[0], mine, its)


@pytest.mark.parametrize("name", STEPWISE)
def test_a_layer_with_state_gives_the_same_eagerly(backend, float64, name):
    if not backend.eager:
        pytest.skip("an engine that traces takes long to run a layer op by op")
    got, want = outcome(backend, name, False), outcome(backend, name)
    for mine, its in zip(got, want, strict=True):
        assert_close(name.partition("-")[0], mine, its)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, kernel, recurrent, bias):
    """All states ``(N, steps, units)`` of an LSTM: S. Hochreiter, J. Schmidhuber, 1997."""
    h = c = np.zeros((len(x), len(recurrent)))
    states = []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states, 1)


@pytest.mark.parametrize("backwards", [False, True])
def test_an_lstm_is_its_equations(backend, float64, backwards):
    layer = layers.LSTM(3, return_sequences=True, go_backwards=backwards)
    found = layer(ops.convert_to_tensor(LINE))
    given = LINE[:, ::-1] if backwards else LINE
    want = lstm(given, *layer.get_weights())
    assert_close("LSTM", [found], [want])


def test_an_lstm_begins_with_an_open_forget_gate(backend):
    layer = layers.LSTM(2)
    layer.build((None, 4, 3))
    assert layer.get_weights()[-1].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("training", [True, False])
def test_batch_normalization_is_its_equations(backend, float64, training):
    layer = layers.BatchNormalization(momentum=0.75, epsilon=0.5)
    x = IMAGE * 2 + 3
    found = layer(ops.convert_to_tensor(x), training=training)
    mean, var = (x.mean((0, 1, 2)), x.var((0, 1, 2))) if training else (0.0, 1.0)
    assert_close("BatchNormalization", [found], [(x - mean) / np.sqrt(var + 0.5)])
    moved = [0.25 * x.mean((0, 1, 2)), 0.75 + 0.25 * x.var((0, 1, 2))]
    kept = [np.zeros(4), np.ones(4)]
    assert_close("BatchNormalization", layer.get_weights()[2:], moved if training else kept)


def test_dropout_does_nothing_but_in_training(backend):
    x = ops.ones((4, 5))
    layer = layers.Dropout(0.5, seed=1)
    assert polyk.to_numpy(layer(x)).tolist() == np.ones((4, 5)).tolist()
    kept = polyk.to_numpy(layer(x, training=True))
    assert set(kept.flat) == {0.0, 2.0}
    assert not np.array_equal(kept, polyk.to_numpy(layer(x, training=True)))
