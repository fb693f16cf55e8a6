"""Activations, losses, normalization."""

import math

import numpy as np

from polyk_conformance import oracle
from polyk_conformance.bounded import Bounded, expm1, tanh, where, wrap
from polyk_conformance.cases.case import (
    Case,
    alias,
    array,
    doubles,
    floated,
    floats,
    ints,
    table,
)
from polyk_conformance.cases.elementwise import vector_erfc

POINTS = array([-85, -30, -12, -6.19, -4, -3, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 3, 4, 6, 30, 85])
SPECIALS = array([math.nan, math.inf, -0.0])
CALM = floats(2, 3, seed=1, lo=0.1, hi=1.9) * array([[1], [-1]])  # no kink is near
LOGITS = floats(3, 5, seed=2, lo=-4, hi=4)


def outputs(args):
    return floated(args[1:])


def inputs(args):
    return floated(args[:1])


def gelu(x, approximate=False):
    if approximate:
        inner = (wrap(x) * x * x * 0.044715 + x) * math.sqrt(2 / math.pi)
        lost = 4 * abs(x)  # 1 + tanh has an absolute error
        value = wrap(x) * 0.5 * (tanh(inner) + 1.0)
        return Bounded(value.v, value.e + lost)
    value = 0.5 * x * vector_erfc(-x * math.sqrt(0.5))
    return Bounded(value, abs(value) * (64 + 8 * x * x))


def elu(x, alpha=1.0):
    return where(x > 0, x, expm1(wrap(np.minimum(x, 0.0))) * alpha)


def celu(x, alpha=1.0):
    return where(x > 0, x, expm1(wrap(np.minimum(x, 0.0)) / alpha) * alpha)


def silu(x):
    return wrap(x) * oracle.sigmoid(x)


def mish(x):
    return wrap(x) * tanh(oracle.softplus(x))


def hard_sigmoid(x):
    value = (np.clip(x + 3, 0, 6)) / 6
    return Bounded(value, 4 * np.maximum(abs(value), abs(x) * (abs(x) < 3.1) / 6))


def squareplus(x, b=4):
    """x + sqrt(x^2 + b) cancels for negative x, in every engine that computes it so."""
    value = (x + np.sqrt(x * x + b)) / 2
    return Bounded(value, 8 * (abs(x) + math.sqrt(b)))


def glu(x, axis=-1):
    a, b = np.split(x, 2, axis)
    return wrap(a) * oracle.sigmoid(b)


ACTIVATIONS = {
    "relu": (lambda x: np.maximum(x, 0.0), {}),
    "relu6": (lambda x: np.clip(x, 0.0, 6.0), {}),
    "leaky_relu": (lambda x, negative_slope=0.2: where(x > 0, x, wrap(x) * negative_slope),
        {"negative_slope": 0.3}),
    "elu": (elu, {"alpha": 0.5}),
    "selu": (lambda x: elu(x, 1.6732632423543772) * 1.0507009873554805, {}),
    "celu": (celu, {"alpha": 0.5}),
    "sigmoid": (oracle.sigmoid, {}),
    "log_sigmoid": (lambda x: -oracle.softplus(-x), {}),
    "softplus": (oracle.softplus, {}),
    "softsign": (lambda x: wrap(x) / (wrap(abs(x)) + 1.0), {}),
    "silu": (silu, {}),
    "mish": (mish, {}),
    "gelu": (gelu, {"approximate": True}),
    "hard_sigmoid": (hard_sigmoid, {}),
    "hard_silu": (lambda x: wrap(x) * hard_sigmoid(x), {}),
    "hard_tanh": (lambda x: np.clip(x, -1.0, 1.0), {}),
    "tanh_shrink": (lambda x: wrap(x) - tanh(wrap(x)), {}),
    "hard_shrink": (lambda x, threshold=0.5: np.where(abs(x) <= threshold, 0.0, x),
        {"threshold": 1.0}),
    "soft_shrink": (
        lambda x, threshold=0.5: where(abs(x) <= threshold, 0.0, wrap(x) - np.sign(x) * threshold),
        {"threshold": 1.0},
    ),
    "squareplus": (squareplus, {"b": 1.0}),
}  # fmt: skip
LIMITS = {"silu", "mish", "gelu", "softsign", "hard_silu", "tanh_shrink", "squareplus"}  # inf / inf


def _activations():
    cases = []
    for name, (reference, options) in ACTIVATIONS.items():
        specials = SPECIALS[[0, 2]] if name in LIMITS else SPECIALS
        rows = [
            ("points", POINTS), ("doubles", POINTS.astype("f8")), ("specials", specials),
            ("ints", ints(4)), ("zero-d", array(-0.75)), ("empty", floats(0, 2)),
        ]  # fmt: skip
        rows += [("options", POINTS, options)] if options else []
        cases += table(name, reference, floated, *rows)
        cases += table(name, reference, floated, ("smooth", CALM), smooth=(0,))
    threshold = lambda x, t, v: np.where(x > t, x, v)  # noqa: E731
    cases += table("threshold", threshold, inputs, ("points", POINTS, 0.5, -7.0))
    cases += table(
        "threshold",
        threshold,
        inputs,
        ("smooth", CALM, 0.0, 2.0),
        smooth=(0,),
    )
    cases += table(
        "glu", glu, floated, ("last", floats(2, 6)), ("first", floats(4, 3), {"axis": 0})
    )
    cases += table("glu", glu, floated, ("smooth", floats(2, 6)), smooth=(0,))
    return cases + alias(cases, "silu", "swish") + alias(cases, "hard_silu", "hard_swish")


def _softmaxes():
    rows = [
        ("last", LOGITS), ("first", LOGITS, {"axis": 0}),
        ("two", floats(2, 3, 4), {"axis": (1, 2)}), ("list", floats(2, 3, 4), {"axis": [0, -1]}),
        ("large", floats(2, 4, lo=-500, hi=500)),
        ("all-masked", array([[-math.inf] * 3, [0.0, -math.inf, 1.0]])),
        ("one-class", floats(3, 1)), ("nan", array([[math.nan, 1.0], [1.0, 2.0]])),
        ("vector", floats(4)), ("ints", ints(2, 3)), ("doubles", doubles(2, 3)),
        ("wide", floats(1, 3000, lo=-9, hi=9)), ("empty", floats(0, 3)),
    ]  # fmt: skip
    smooth = [("smooth", LOGITS), ("smooth-first", LOGITS, {"axis": 0})]
    cases = []
    for name, reference in {"softmax": oracle.softmax, "log_softmax": oracle.log_softmax}.items():
        cases += table(name, reference, floated, *rows)
        cases += table(name, reference, floated, *smooth, smooth=(0,))
    return cases


P = oracle.softmax(LOGITS).v.astype("f4")
CALM_P = floats(3, 5, seed=9, lo=0.3, hi=0.7)
HOT = np.eye(5, dtype="f4")[[0, 4, 2]]
SOFT = floats(3, 5, seed=3, lo=0, hi=1)  # does not sum to 1


def _losses():
    logits = {"from_logits": True}
    rows = [
        ("hot", HOT, LOGITS, logits), ("soft", SOFT, LOGITS, logits), ("probabilities", HOT, P),
        ("axis", SOFT, LOGITS, {"axis": 0, **logits}), ("large", HOT, LOGITS * 200, logits),
        ("certain", HOT, np.eye(5, dtype="f4")[[0, 4, 1]]),
        ("int-targets", HOT.astype("int32"), LOGITS, logits),
        ("doubles", SOFT.astype("f8"), LOGITS.astype("f8"), logits),
    ]  # fmt: skip
    labels = array([0, 4, 2], "int32")
    sparse = [
        ("logits", labels, LOGITS, logits), ("probabilities", labels, P),
        ("column", labels[:, None], LOGITS, logits),
        ("int64", labels.astype("int64"), LOGITS, logits),
        ("uint8", labels.astype("uint8"), LOGITS, logits),
        ("images", ints(2, 3, lo=0, hi=4), floats(2, 3, 4), logits),
        ("axis", labels[:2], floats(5, 2), {"axis": 0, **logits}),
        ("outside", array([0, 7, -1], "int32"), LOGITS, logits),
        ("outside-p", array([0, 7, -1], "int32"), P),
    ]  # fmt: skip
    binary = [
        ("logits", SOFT, LOGITS * 50, logits), ("probabilities", SOFT, P),
        ("sure", HOT[:1], HOT[1:2]), ("int-targets", HOT.astype("int32"), LOGITS, logits),
    ]  # fmt: skip
    return [
        *table("categorical_crossentropy", oracle.crossentropy, floated, *rows),
        *table(
            "categorical_crossentropy", oracle.crossentropy, floated,
            ("smooth", SOFT, LOGITS, logits), ("smooth-p", SOFT, CALM_P), smooth=(0, 1),
        ),
        *table("sparse_categorical_crossentropy", oracle.sparse_crossentropy, outputs, *sparse),
        *table(
            "sparse_categorical_crossentropy", oracle.sparse_crossentropy, outputs,
            ("smooth", *sparse[0][1:]), ("smooth-p", labels, CALM_P), smooth=(1,),
        ),
        *table("binary_crossentropy", oracle.binary_crossentropy, floated, *binary),
        *table(
            "binary_crossentropy", oracle.binary_crossentropy, floated,
            ("smooth", SOFT, LOGITS, logits), ("smooth-p", SOFT, CALM_P), smooth=(0, 1),
        ),
    ]  # fmt: skip


IMAGE, CHANNELS = floats(2, 3, 2, 4, seed=4), floats(4, seed=5, lo=0.5)


def _scalings():
    def linear(x, kernel, bias=None):
        y = oracle.matmul(x, kernel)
        return y if bias is None else y + bias

    def normalize(x, axis=-1, order=2, epsilon=None):
        length = oracle.norm(x, order, axis, True)
        floor = 1e-7 if epsilon is None else epsilon
        return wrap(x) / Bounded(np.maximum(length.v, floor), length.e + floor)

    return [
        *table(
            "linear", linear, floated, ("bias", floats(2, 3), floats(3, 4), floats(4)),
            ("bare", floats(2, 3), floats(3, 4)),
            ("deep", floats(2, 5, 3), floats(3, 4), floats(4)),
            ("vector", floats(3), floats(3, 2), floats(2)),
            ("empty", floats(0, 3), floats(3, 4), floats(4)),
        ),
        *table(
            "linear", linear, floated, ("smooth", floats(2, 5, 3), floats(3, 4), floats(4)),
            smooth=(0, 1, 2),
        ),
        *table(
            "normalize", normalize, inputs, ("last", LOGITS), ("first", LOGITS, {"axis": 0}),
            ("order-1", LOGITS, {"order": 1}), ("zeros", LOGITS * 0), ("ints", ints(2, 3)),
        ),
        *table("normalize", normalize, inputs, ("smooth", LOGITS), smooth=(0,)),
    ]  # fmt: skip


def normalize_batch(x, gamma=None, beta=None, axis=-1, epsilon=1e-3):
    axes, put = tuple(i for i in range(x.ndim) if i != axis % x.ndim), oracle.place_on(axis, x.ndim)
    y = (wrap(x) - wrap(x).mean(axes, True)) / oracle.sqrt(oracle.variance(x, axes, True) + epsilon)
    y = y if gamma is None else y * put(gamma)
    return y if beta is None else y + put(beta), wrap(x).mean(axes, False), oracle.variance(x, axes)


class First(Case):
    """The first result alone: the others pass no gradient on."""

    def call(self, *args):
        return super().call(*args)[0]

    def want(self):
        return super().want()[:1]


def _batch_norms():
    beta = floats(4, seed=8)
    rows = [
        ("bare", IMAGE), ("full", IMAGE, CHANNELS, beta), ("scale", IMAGE, CHANNELS),
        ("offset", IMAGE, None, beta), ("rows", floats(9, 4), CHANNELS, beta),
        ("line", floats(2, 5, 4), CHANNELS, beta), ("epsilon", IMAGE, {"epsilon": 1e-5}),
        ("axis-1", floats(2, 4, 3, 5), CHANNELS, beta, {"axis": 1}),
        ("axis-0", floats(4, 3, 5), CHANNELS, beta, {"axis": 0}),
        ("single", floats(1, 4), CHANNELS, beta), ("constant", CHANNELS * 0 + IMAGE[:1, :1]),
        ("far", floats(8, 16, 4, lo=999, hi=1001), CHANNELS, beta),
        ("small", IMAGE * array(1e-4), {"epsilon": 1e-3}),
        ("doubles", IMAGE.astype("f8"), CHANNELS.astype("f8"), beta.astype("f8")),
        ("mixed", IMAGE, CHANNELS.astype("f8"), beta),
        ("nan", np.where(IMAGE > 1.8, np.nan, IMAGE).astype("f4"), CHANNELS, beta),
    ]  # fmt: skip
    cases = table("normalize_batch", normalize_batch, inputs, *rows)
    chosen = [c for c in cases if c.label in ("bare", "full", "scale", "rows", "axis-1", "axis-0")]
    slopes = [
        First(c.op, f"smooth-{c.label}", c.args, c.kwargs, c.reference, c.dtype, tuple(range(n)))
        for c in chosen
        for n in [len(c.args)]
    ]
    return [*cases, *slopes]


def _norms():
    stats = (floats(4, seed=6), floats(4, seed=7, lo=0.1))
    both = {"offset": floats(4, seed=8), "scale": CHANNELS}
    batch = [
        ("bare", IMAGE, *stats, -1), ("full", IMAGE, *stats, -1, both),
        ("scale", IMAGE, *stats, 3, {"scale": CHANNELS}),
        ("axis-1", floats(2, 4, 3), *stats, 1, both),
        ("epsilon", IMAGE, *stats, -1, {"epsilon": 0.5}),
        ("small-variance", IMAGE, stats[0], CHANNELS * 0, -1),
        ("empty", floats(0, 4), *stats, -1),
    ]  # fmt: skip
    layer = [
        ("bare", IMAGE), ("full", IMAGE, CHANNELS, floats(4)),
        ("axes", IMAGE, {"axis": (1, 2, 3)}),
        ("vectors", IMAGE, floats(2, 4), floats(2, 4, seed=1), {"axis": (-2, -1)}),
        ("epsilon", IMAGE, {"epsilon": 1e-5}), ("constant", array([[2.0, 2.0]])),
        ("offset", floats(2, 64, lo=999, hi=1001)), ("doubles", IMAGE.astype("f8")),
    ]  # fmt: skip

    return [
        *table("batch_normalization", oracle.batch_normalization, inputs, *batch),
        *table(
            "batch_normalization", oracle.batch_normalization, inputs, ("smooth", *batch[0][1:]),
            smooth=(0, 1, 2),
        ),
        *table("layer_normalization", oracle.layer_normalization, inputs, *layer),
        *table(
            "layer_normalization", oracle.layer_normalization, inputs, ("smooth", *layer[1][1:]),
            smooth=(0, 1, 2),
        ),
        *table(
            "rms_normalization", oracle.rms_normalization, inputs, ("bare", IMAGE),
            ("scale", IMAGE, CHANNELS), ("zeros", IMAGE * 0),
        ),
        *table(
            "rms_normalization", oracle.rms_normalization, inputs, ("smooth", IMAGE, CHANNELS),
            smooth=(0, 1),
        ),
    ]  # fmt: skip


def _dropout():
    return table(
        "dropout",
        lambda x, rate, seed: x,
        floated,
        ("none", floats(3), 0.0, {"seed": 1}),
        smooth=(0,),
    )


CASES = [
    c
    for f in (_activations, _softmaxes, _losses, _scalings, _batch_norms, _norms, _dropout)
    for c in f()
]
