"""What ONNX and the array API have and Keras has not, by keyword or by name."""

import itertools
import math

import numpy as np

from polyk_conformance import oracle
from polyk_conformance.bounded import Bounded
from polyk_conformance.cases.case import array, first, floated, floats, ints, table

X = floats(2, 7, 6, 2, seed=1)
MATRIX = floats(4, 3, seed=2)


def windows(x, k, s, p, d, ceil_mode):
    """For each place, the cells of the unpadded image that its window sees, and how many it has."""
    sizes = x.shape[1:3]
    counts = []
    for n in sizes:
        span = n + 2 * p - (k - 1) * d - 1
        count = (math.ceil if ceil_mode else math.floor)(span / s) + 1
        counts.append(count - (ceil_mode and (count - 1) * s >= n + p))
    for i, j in itertools.product(*map(range, counts)):
        cells = [
            (i * s - p + a * d, j * s - p + c * d) for a in range(k) for c in range(k)
        ]  # fmt: skip
        inside = [c for c in cells if all(0 <= v < n for v, n in zip(c, sizes, strict=True))]
        counted = [c for c in cells if all(-p <= v < n + p for v, n in zip(c, sizes, strict=True))]
        yield (i, j), inside, len(counted)


def pooled(reduce):
    def reference(x, pool_size, strides=1, padding=((0, 0), (0, 0)), dilation_rate=1,
                  ceil_mode=False, **options):  # fmt: skip
        places = list(windows(x, pool_size, strides, padding[0][0], dilation_rate, ceil_mode))
        rows, columns = (max(p[i] for p, *_ in places) + 1 for i in (0, 1))
        y = np.zeros((len(x), rows, columns, x.shape[-1]))
        for (i, j), inside, counted in places:
            y[:, i, j] = reduce(x, inside, counted, **options)
        return y

    return reference


def largest(x, inside, counted):
    return np.max([x[:, i, j] for i, j in inside], 0)


def place(x, inside, counted):
    best = np.argmax([x[:, i, j] for i, j in inside], 0)
    return np.array([i * x.shape[2] + j for i, j in inside])[best]


def average(x, inside, counted, count_include_pad=False):
    total = np.sum([x[:, i, j] for i, j in inside], 0)
    return total / (counted if count_include_pad else len(inside))


def _pools():
    def mean(*args, **kwargs):
        return Bounded(pooled(average)(*args, **kwargs), 64.0)

    def both(*args, **kwargs):
        return pooled(largest)(*args, **kwargs), pooled(place)(*args, **kwargs)

    border = ((1, 1), (1, 1))
    options = {
        "dilated": {"strides": 1, "dilation_rate": 2}, "ceil": {"strides": 2, "ceil_mode": True},
        "ceil-padded": {"strides": 3, "ceil_mode": True, "padding": border},
        "all": {"strides": 2, "dilation_rate": 2, "padding": border, "ceil_mode": True},
    }  # fmt: skip
    rows = [(label, X, 3, kwargs) for label, kwargs in options.items()]
    counted = [
        (f"{label}-counted", X, 3, {**kwargs, "padding": border, "count_include_pad": True})
        for label, kwargs in options.items()
        if label in ("ceil", "dilated")
    ]
    return [
        *table("max_pool", pooled(largest), first, *rows),
        *table("average_pool", mean, first, *rows, *counted),
        *table("max_pool_with_argmax", both, lambda args: (first(args), "int32"), rows[0],
               rows[2]),
        *table("max_pool", pooled(largest), first, ("smooth-dilated", *rows[0][1:]), smooth=(0,)),
        *table("average_pool", mean, first, ("smooth-all", *rows[3][1:]), smooth=(0,)),
    ]  # fmt: skip


def _transposes():
    def grouped(x, kernel, strides=1, groups=1, **options):
        parts = zip(np.split(x, groups, -1), np.split(kernel, groups, -1), strict=True)
        found = [oracle.conv_transpose(a, k, strides, **options) for a, k in parts]
        return Bounded(*(np.concatenate(v, -1) for v in ([f.v for f in found],
                                                         [f.e for f in found])))  # fmt: skip

    def shaped(x, kernel, strides, output_shape):
        extra = [n - (m - 1) * strides - k for n, m, k in zip(
            output_shape, x.shape[1:-1], kernel.shape, strict=False)]  # fmt: skip
        return oracle.conv_transpose(x, kernel, strides, output_padding=extra)

    x, kernel = floats(1, 3, 3, 4, seed=3), floats(2, 2, 3, 4, seed=4)
    return [
        *table("conv_transpose", grouped, floated, ("groups", x, kernel,
                                                    {"strides": 2, "groups": 2})),
        *table("conv_transpose", shaped, floated, ("output-shape", x, kernel,
                                                   {"strides": 2, "output_shape": (7, 6)})),
    ]  # fmt: skip


def _scatters():
    def scatter(reduce):
        def reference(x, indices, updates, reduction):
            y = x.copy()
            reduce.at(y, tuple(np.moveaxis(indices, -1, 0)), updates)
            return Bounded(y, 8 * abs(y)) if y.dtype.kind == "f" else y

        return reference

    def gather_nd(x, indices):
        return x[tuple(np.moveaxis(indices, -1, 0))]

    kinds = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
    rows, cells = array([[1], [3], [1]], "int32"), array([[0, 0], [3, 2], [-1, 2]], "int32")
    cases = []
    for name, reduce in kinds.items():
        kwargs = {"reduction": name}
        cases += table("scatter_update", scatter(reduce), first,
                       (f"{name}-rows", MATRIX, rows, floats(3, 3, seed=5), kwargs),
                       (f"{name}-cells", ints(4, 3), cells, ints(3, seed=6), kwargs))  # fmt: skip
        cases += table("scatter_update", scatter(reduce), first,
                       (f"smooth-{name}", MATRIX, rows, floats(3, 3, seed=5), kwargs),
                       smooth=(0, 2))  # fmt: skip
    return [
        *cases, *table("gather_nd", gather_nd, first, ("cells", MATRIX, cells),
                       ("rows", ints(4, 3), rows)),
        *table("gather_nd", gather_nd, first, ("smooth", MATRIX, cells), smooth=(0,)),
    ]  # fmt: skip


def _reductions():
    def corrected(f):
        return lambda x, axis=None, correction=0: Bounded(f(x, axis, ddof=correction), 64.0)

    rows = [("axis", MATRIX, {"axis": 1, "correction": 1}), ("all", MATRIX, {"correction": 0.5})]
    wide = ("wide", ints(5, dtype="int8"), {"dtype": "float32"})
    return [
        *table("var", corrected(np.var), first, *((f"corrected-{n}", *r) for n, *r in rows)),
        *table("std", corrected(np.std), first, *((f"corrected-{n}", *r) for n, *r in rows)),
        *table("sum", lambda x, dtype: np.sum(x, dtype=dtype), "float32", wide),
        *table("mean", lambda x, dtype: Bounded(np.mean(x), 8.0), "float32", wide),
        *table("prod", lambda x, dtype: np.prod(x, dtype="int64"), "int64",
               ("wide", ints(5, dtype="int8"), {"dtype": "int64"})),
        *table("cumsum", lambda x, dtype: np.cumsum(x), "int64",
               ("wide", ints(5), {"dtype": "int64"})),
    ]  # fmt: skip


CASES = [c for f in (_pools, _transposes, _scatters, _reductions) for c in f()]
