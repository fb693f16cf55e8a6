"""Convolution and pooling: one to three dimensions, both layouts, every kind of padding."""

import itertools
import math

import numpy as np

from polyk_conformance import oracle
from polyk_conformance.bounded import Bounded
from polyk_conformance.cases.case import Case, array, first, floated, floats, ints, table

FIRST = {"data_format": "channels_first"}
X = floats(2, 6, 5, 4, seed=1)  # four channels, so that groups of two and four exist
LINE, SOLID = floats(2, 7, 3, seed=2), floats(1, 4, 3, 5, 2, seed=3)
K = floats(3, 2, 4, 6, seed=4)
EVEN = floats(2, 4, 4, 3, seed=5)
POOL = floats(2, 6, 5, 3, seed=6)

CONV = [
    ("plain", X, K),
    ("same", X, K, {"padding": "same"}),
    ("same-even", X, EVEN, {"padding": "same"}),
    ("strided", X, K, {"strides": (2, 1)}),
    ("strided-remainder", X, K, {"strides": (3, 2)}),
    ("same-strided", X, EVEN, {"strides": (2, 3), "padding": "same"}),
    ("dilated", X, K, {"dilation_rate": (1, 2)}),
    ("same-dilated", X, K, {"dilation_rate": (2, 1), "padding": "same"}),
    ("strided-dilated", X, K, {"strides": 2, "dilation_rate": (2, 1)}),
    ("grouped", X, floats(2, 2, 2, 6, seed=7)),
    ("grouped-same-strided", X, floats(3, 3, 2, 4, seed=8), {"strides": 2, "padding": "same"}),
    ("depthwise", X, floats(2, 2, 1, 8, seed=9)),
    ("pointwise", X, floats(1, 1, 4, 2, seed=10)),
    ("pointwise-strided", X, floats(1, 1, 4, 2, seed=10), {"strides": 2}),
    ("explicit", X, K, {"padding": ((2, 0), (1, 3))}),
    ("explicit-even", X, K, {"padding": [1, 1]}),
    ("kernel-too-large", X, floats(7, 2, 4, 3)),
    ("kernel-fills", X, floats(6, 5, 4, 3)),
    ("same-kernel-large", floats(1, 2, 2, 1), floats(5, 4, 1, 2), {"padding": "same"}),
    ("empty-batch", floats(0, 6, 5, 4), K),
    ("no-filters", X, floats(3, 2, 4, 0)),
    ("line", LINE, floats(3, 3, 2)),
    ("line-same-strided", LINE, floats(4, 3, 2), {"strides": 2, "padding": "same"}),
    ("solid", SOLID, floats(2, 2, 3, 2, 3)),
    ("solid-same", SOLID, floats(2, 1, 2, 2, 3), {"padding": "same", "strides": (2, 1, 2)}),
    ("channels-first", np.moveaxis(X, -1, 1), K, FIRST),
    ("channels-first-same", np.moveaxis(X, -1, 1), EVEN, {"padding": "same", **FIRST}),
    ("channels-first-line", np.moveaxis(LINE, -1, 1), floats(3, 3, 2), {"strides": 2, **FIRST}),
    ("doubles", X.astype("f8"), K.astype("f8")),
    ("mixed", ints(1, 4, 4, 2), floats(2, 2, 2, 1)),
    ("ints", ints(1, 4, 4, 2), ints(2, 2, 2, 1)),
    ("deep", floats(1, 4, 4, 96, seed=11), floats(3, 3, 96, 2, seed=12)),
    ("nan", np.where(X > 1.9, np.nan, X).astype("f4"), K),
]
SMOOTH = (
    "same-even", "strided-remainder", "same-strided", "dilated", "strided-dilated", "grouped",
    "depthwise", "explicit", "line-same-strided", "solid-same", "channels-first-same",
    "pointwise-strided", "same-kernel-large",
)  # fmt: skip


def smooth(cases: list[Case], labels: tuple[str, ...], *arguments: int) -> list[Case]:
    """The cases of these labels once more, for their gradients."""
    chosen = [c for c in cases if c.label in labels]
    return [c.but(label=f"smooth-{c.label}", smooth=arguments) for c in chosen]


def _convs():
    cases = table("conv", oracle.conv, floated, *CONV)
    depth = floats(2, 3, 4, 2, seed=13)
    depthwise = table(
        "depthwise_conv", oracle.depthwise_conv, floated, ("plain", X, depth),
        ("same", X, depth, {"padding": "same", "strides": 2}), ("line", LINE, floats(2, 3, 2)),
        ("channels-first", np.moveaxis(X, -1, 1), depth, FIRST),
        ("dilated", X, depth, {"dilation_rate": 2}),
    )  # fmt: skip
    point = floats(1, 1, 8, 3, seed=14)
    separable = table(
        "separable_conv", oracle.separable_conv, floated, ("plain", X, depth, point),
        ("same", X, depth, point, {"padding": "same", "strides": (2, 1)}),
        ("channels-first", np.moveaxis(X, -1, 1), depth, point, FIRST),
    )  # fmt: skip
    return [
        *cases, *smooth(cases, SMOOTH, 0, 1), *depthwise, *smooth(depthwise, ("same",), 0, 1),
        *separable, *smooth(separable, ("same",), 0, 1, 2),
    ]  # fmt: skip


def _transposes():
    x = floats(2, 3, 4, 3, seed=15)
    square, even = floats(3, 3, 2, 3, seed=16), floats(2, 4, 2, 3, seed=17)
    rows = [
        ("valid", x, square), ("same", x, square, {"padding": "same"}),
        ("strided", x, square, {"strides": 2}),
        ("same-strided", x, square, {"strides": 2, "padding": "same"}),
        ("even", x, even, {"strides": (2, 1)}),
        ("same-even", x, even, {"strides": 2, "padding": "same"}),
        ("stride-over-kernel", x, floats(2, 2, 2, 3), {"strides": 3}),
        ("same-stride-over-kernel", x, floats(2, 2, 2, 3), {"strides": 3, "padding": "same"}),
        ("dilated", x, square, {"dilation_rate": (2, 1)}),
        ("output-padding", x, square, {"strides": 2, "output_padding": 1}),
        (
            "same-output-padding", x, square,
            {"strides": 2, "padding": "same", "output_padding": 1},
        ),
        ("output-padding-0", x, even, {"strides": 2, "padding": "same", "output_padding": 0}),
        ("line", LINE, floats(3, 2, 3), {"strides": 2}), ("solid", SOLID, floats(2, 2, 2, 1, 2)),
        ("channels-first", np.moveaxis(x, -1, 1), square, {"strides": 2, **FIRST}),
        ("empty-batch", floats(0, 3, 4, 3), square),
        ("doubles", x.astype("f8"), square.astype("f8")),
    ]  # fmt: skip
    cases = table("conv_transpose", oracle.conv_transpose, floated, *rows)
    chosen = ("same-strided", "even", "dilated", "same-output-padding", "line")
    return [*cases, *smooth(cases, chosen, 0, 1)]


def _pools():
    rows = [
        ("plain", POOL, 2), ("int", POOL, 3, {"strides": 1}),
        ("oblong", POOL, (2, 3), {"strides": (1, 2)}), ("same", POOL, 2, {"padding": "same"}),
        ("same-odd", POOL, 3, {"strides": 2, "padding": "same"}),
        ("stride-over-window", POOL, 2, {"strides": 3}), ("window-too-large", POOL, (7, 2)),
        ("same-window-large", floats(1, 2, 2, 1), 5, {"strides": 1, "padding": "same"}),
        ("explicit", POOL, 3, {"strides": 2, "padding": ((1, 0), (2, 1))}),
        ("empty-batch", floats(0, 6, 5, 3), 2), ("line", LINE, 2),
        (
            "line-same", array([0, 1, 4, 9]).reshape(1, 4, 1), 3,
            {"strides": 2, "padding": "same"},
        ),
        ("solid", SOLID, 2, {"strides": 1}),
        ("solid-same", SOLID, (2, 1, 3), {"padding": "same"}),
        ("channels-first", np.moveaxis(POOL, -1, 1), 2, FIRST),
        (
            "channels-first-same", np.moveaxis(POOL, -1, 1), 3,
            {"strides": 2, "padding": "same", **FIRST},
        ),
        ("negative", -abs(POOL) - 1, 3, {"padding": "same"}), ("doubles", POOL.astype("f8"), 2),
    ]  # fmt: skip
    special = [
        ("nan", array([1.0, math.nan, 3.0, 4.0]).reshape(1, 4, 1), 2),
        ("infinite", array([-math.inf] * 4 + [1.0]).reshape(1, 5, 1), 2, {"padding": "same"}),
        ("all-infinite", array([-math.inf] * 3).reshape(1, 3, 1), 2, {"padding": "same"}),
    ]
    cases = table(
        "max_pool", oracle.max_pool, first, *rows, *special, ("ints", ints(1, 4, 4, 2), 2)
    )
    means = table(
        "average_pool", oracle.average_pool, floated, *rows, ("ints", ints(1, 4, 4, 2), 2)
    )
    chosen = (
        "int",
        "same-odd",
        "stride-over-window",
        "explicit",
        "solid-same",
        "channels-first-same",
    )
    return [*cases, *smooth(cases, chosen, 0), *means, *smooth(means, chosen, 0)]


def adaptive(x, output_size, reduce):
    n = x.ndim - 2
    sizes = [output_size] * n if isinstance(output_size, int) else list(output_size)
    y = np.zeros((x.shape[0], *sizes, x.shape[-1]))
    for place in itertools.product(*map(range, sizes)):
        spans = zip(place, x.shape[1:-1], sizes, strict=True)
        cells = [slice(i * d // m, -(-(i + 1) * d // m)) for i, d, m in spans]
        y[(slice(None), *place)] = reduce(x[(slice(None), *cells)], tuple(range(1, n + 1)))
    return y


@oracle.either_format
def adaptive_max_pool(x, output_size):
    return adaptive(x.astype(float), output_size, np.max)


@oracle.either_format
def adaptive_average_pool(x, output_size):
    x = x.astype(float)
    value, size = (adaptive(v, output_size, np.mean) for v in (x, abs(x)))
    return Bounded(value, size * (math.prod(x.shape[1:-1]) + 4))


def _adaptive_pools():
    rows = [
        ("even", POOL, (3, 5)), ("uneven", POOL, (4, 2)), ("int", POOL, 4), ("one", POOL, 1),
        ("finer", POOL, (7, 9)), ("line", LINE, 3), ("solid", SOLID, (2, 3, 4)),
        ("channels-first", np.moveaxis(POOL, -1, 1), 4, FIRST),
        ("empty-batch", floats(0, 6, 5, 3), 4), ("doubles", POOL.astype("f8"), 4),
        ("infinite", array([math.inf, 1, 2, -math.inf, 3]).reshape(1, 5, 1), 2),
        ("nan", array([math.nan, 1, 2, 3, 4]).reshape(1, 5, 1), 3),
    ]  # fmt: skip
    whole = ("ints", ints(1, 5, 5, 2), 3)
    chosen = ("uneven", "line", "channels-first")
    cases = table("adaptive_max_pool", adaptive_max_pool, first, *rows, whole)
    means = table("adaptive_average_pool", adaptive_average_pool, floated, *rows, whole)
    return [*cases, *smooth(cases, chosen, 0), *means, *smooth(means, chosen, 0)]


CASES = [c for f in (_convs, _transposes, _pools, _adaptive_pools) for c in f()]
