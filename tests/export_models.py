"""Models that are exported and compared: (model, data for n samples), by name."""

import numpy as np

import polyk
from polyk import layers as L
from polyk import ops

ACTIVATIONS = (
    "elu exponential gelu hard_sigmoid hard_silu leaky_relu log_sigmoid log_softmax mish relu6 "
    "selu sigmoid silu softmax softplus softsign tanh celu glu hard_shrink sparsemax squareplus"
)
CELLS = {
    "lstm": L.LSTM,
    "gru": L.GRU,
    "gru_v1": lambda n, **k: L.GRU(n, reset_after=False, **k),
    "simple": L.SimpleRNN,
    "lstm_relu": lambda n, **k: L.LSTM(n, activation="relu", **k),
    "stacked": lambda n, **k: L.RNN([L.LSTMCell(3), L.GRUCell(n)], **k),
}
MODELS = {}


def floats(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def ids(high, *shape):
    return np.random.default_rng(0).integers(0, high, shape).astype("int32")


def model(make):
    MODELS[make.__name__] = make
    return make


def stack(shape, *layers, dtype="float32", length=None):
    """A Sequential for float inputs; `length` is what an open axis is in the data."""

    def make():
        made = [L.Input(shape, dtype=dtype), *(layer() for layer in layers)]
        real = [length if d is None else d for d in shape]
        return polyk.Sequential(made), lambda n: floats(n, *real).astype(dtype)

    return make


for name, cell in CELLS.items():
    MODELS[name] = stack((None, 4), lambda c=cell: c(5), length=6)
    MODELS[f"{name}_sequences"] = stack(
        (6, 4), lambda c=cell: c(5, return_sequences=True, go_backwards=True)
    )
    MODELS[f"{name}_bidirectional"] = stack(
        (None, 4), lambda c=cell: L.Bidirectional(c(5, return_sequences=True)), length=6
    )

    def masked(cell=cell):
        layers = [L.Embedding(9, 4, mask_zero=True), cell(5, return_sequences=True), cell(5)]
        entry = L.Input((None,), dtype="int32")
        return polyk.Sequential([entry, *layers]), lambda n: ids(9, n, 5)

    MODELS[f"{name}_masked"] = masked

for name in ACTIVATIONS.split():
    MODELS[name] = stack((5, 8), lambda name=name: L.Activation(name))
    MODELS[f"{name}_float64"] = stack(
        (5, 8), lambda name=name: L.Activation(name, dtype="float64"), dtype="float64"
    )

MODELS |= {
    "unrolled": stack((6, 4), lambda: L.LSTM(3, unroll=True)),
    "conv_lstm": stack((None, 6, 2), lambda: L.ConvLSTM1D(3, 3), length=4),
    "time_distributed": stack(
        (None, 6, 6, 1), lambda: L.TimeDistributed(L.Conv2D(2, 3)),
        lambda: L.TimeDistributed(L.Flatten()), lambda: L.LSTM(3), length=4,
    ),
    "open_image": stack(
        (None, None, 3), lambda: L.Conv2D(4, 3, padding="same", activation="relu"),
        L.MaxPooling2D, lambda: L.Conv2D(4, 3), L.GlobalAveragePooling2D, length=11,
    ),
    "open_strides": stack(
        (None, 3), lambda: L.Conv1D(4, 3, padding="same", strides=2), L.GlobalMaxPooling1D,
        length=11,
    ),
    "causal": stack((None, 4), lambda: L.Conv1D(5, 3, padding="causal"), length=9),
    "convnet": stack(
        (28, 28, 1), lambda: L.Conv2D(8, 3, activation="relu"), L.BatchNormalization,
        L.MaxPooling2D, lambda: L.ZeroPadding2D(1), lambda: L.Conv2D(8, 3, strides=2),
        L.Flatten, lambda: L.Dropout(0.5), lambda: L.Dense(10, activation="softmax"),
    ),
    "bilinear": stack((6, 6, 3), lambda: L.UpSampling2D(2, interpolation="bilinear")),
    "half": stack((8,), lambda: L.Dense(16, dtype="mixed_float16"), lambda: L.Dense(4)),
    "float64": stack(
        (8,), lambda: L.Dense(16, dtype="float64"), lambda: L.LayerNormalization(dtype="float64"),
        lambda: L.BatchNormalization(dtype="float64"), dtype="float64",
    ),
}  # fmt: skip


@model
def two_lengths():
    a, b = L.Input((None, 3), name="source"), L.Input((None, 4), name="target")
    _, h, c = L.LSTM(5, return_state=True)(a)
    y = L.LSTM(5, return_sequences=True)(b, initial_state=[h, c])
    return polyk.Model([a, b], L.Dense(2)(y)), lambda n: [floats(n, 5, 3), floats(n, 7, 4)]


@model
def transformer():
    x = L.Input((None,), dtype="int32")
    e = L.Embedding(20, 8, mask_zero=True)(x)
    e = L.LayerNormalization()(e + L.MultiHeadAttention(2, 4)(e, e, use_causal_mask=True))
    e = L.LayerNormalization()(e + L.Dense(8)(L.Dense(16, activation="gelu")(e)))
    return polyk.Model(x, L.Dense(20)(e)), lambda n: ids(20, n, 6)


@model
def attention():
    x, z = L.Input((None, 8)), L.Input((None, 8))
    both = [
        L.Attention()([x, z]),
        L.AdditiveAttention()([x, z]),
        L.GroupQueryAttention(4, 4, 2)(x, z),
    ]
    return polyk.Model([x, z], both), lambda n: [floats(n, 6, 8), floats(n, 3, 8)]


@model
def unet():
    x = L.Input((8, 8, 3))
    a = L.Conv2D(4, 3, padding="same", activation="silu")(x)
    deep = L.Conv2D(4, 3, strides=2, padding="same")(a)
    wide = L.Conv2DTranspose(4, 3, strides=2, padding="same")(deep)
    joined = L.Concatenate()([x, L.UpSampling2D(2)(L.MaxPooling2D(2)(a)), wide])
    return polyk.Model(x, L.Conv2D(1, 1)(joined)), lambda n: floats(n, 8, 8, 3)


@model
def shared():
    dense, a, b = L.Dense(4), L.Input((3,), name="a"), L.Input((3,), name="b")
    outputs = {"sum": dense(a) + dense(b), "double": dense(a) * 2}
    return polyk.Model({"a": a, "b": b}, outputs), lambda n: {"a": floats(n, 3), "b": -floats(n, 3)}


@model
def nested():
    inner = polyk.Sequential([L.Input((4,)), L.Dense(4, activation="tanh"), L.Dense(4)])
    x = L.Input((4,))
    return polyk.Model(x, inner(inner(x))), lambda n: floats(n, 4)


class Branches(L.Layer):
    """A condition, a loop whose end depends on the data, and slices of an open axis."""

    def call(self, x):
        y = ops.cond(ops.sum(x) > 0, lambda: x * 2, lambda: x - 1)
        _, y = ops.while_loop(
            lambda i, y: ops.sum(y) < 1e3, lambda i, y: (i + 1, y * 2), (0, ops.abs(y) + 1)
        )
        return [y, x[:, -1], x[:, -3:], x[:, 1:-1], x[:, ::2], x[:, ::-1], ops.tile(x, (1, 2, 1)),
                ops.var(x, (0, 1)), ops.reshape(x, (-1, 3)), ops.sort(x, 1), ops.cumprod(x, 1),
                ops.roll(x, 1, 1), ops.repeat(x, 2, 1)]  # fmt: skip


@model
def branches():
    x = L.Input((None, 3))
    return polyk.Model(x, Branches()(x)), lambda n: floats(n, 7, 3)


class Subclassed(polyk.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = L.Dense(3), L.Dense(2)

    def call(self, x, training=False):
        return self.second(ops.relu(self.first(x)))


@model
def subclassed():
    made = Subclassed()
    made(floats(2, 4))
    return made, lambda n: floats(n, 4)
