"""Matrix and tensor products, with vectors, batches, empty axes and mixed dtypes."""

import math

import numpy as np

from polyk_conformance import oracle
from polyk_conformance.cases.case import bools, counted, doubles, floats, ints, joined, table


def _matmul():
    rows = [
        ("matrices", floats(2, 3), floats(3, 4)), ("vectors", floats(3), floats(3, seed=1)),
        ("row", floats(3), floats(3, 2)), ("column", floats(2, 3), floats(3)),
        ("batch", floats(5, 2, 3), floats(5, 3, 4, seed=1)),
        ("broadcast", floats(4, 1, 2, 3), floats(5, 3, 2)),
        ("shared", floats(5, 2, 3), floats(3, 4)),
        ("square", floats(2, 3, 3), floats(2, 3, 3, seed=1)),
        ("vector-batch", floats(3), floats(2, 3, 4)),
        ("batch-vector", floats(2, 4, 3), floats(3)), ("inner-empty", floats(2, 0), floats(0, 3)),
        ("empty", floats(0, 3), floats(3, 2)), ("empty-batch", floats(0, 2, 3), floats(3, 2)),
        ("long", floats(2, 700, seed=2), floats(700, 2, seed=3)),
        ("ints", ints(2, 3), ints(3, 4, seed=1)), ("mixed", ints(2, 3), floats(3, 2)),
        ("mixed-floats", floats(2, 3), doubles(3, 2)),
        ("doubles", doubles(2, 3), doubles(3, 2, seed=1)),
        ("int64", ints(2, 3, dtype="int64"), ints(3, 2)),
        ("infinite", np.array([[np.inf, 1]], "f4"), floats(2, 1)),
    ]  # fmt: skip
    return [
        *table("matmul", oracle.matmul, joined, *rows),
        *table(
            "matmul",
            oracle.matmul,
            joined,
            *_smooth(rows, "matrices", "broadcast", "row"),
            smooth=(0, 1),
        ),
    ]


def _smooth(rows, *labels):
    return [(f"smooth-{label}", *rest) for label, *rest in rows if label in labels]


def _products():
    def dot(x, y):
        return oracle.multiplied(np.dot, x, y, x.shape[-1] if x.ndim and y.ndim else 1)

    def inner(x, y):
        return oracle.multiplied(np.inner, x, y, x.shape[-1] if x.ndim and y.ndim else 1)

    def outer(x, y):
        return oracle.multiplied(np.outer, x, y, 1)

    def cross(x, y, axis=-1):
        x, y = (np.moveaxis(v, axis, -1).astype(float) for v in (x, y))
        (a, b, c), (d, e, f) = ([v[..., i] for i in range(3)] for v in (x, y))
        size = [abs(b * f) + abs(c * e), abs(c * d) + abs(a * f), abs(a * e) + abs(b * d)]
        value = np.stack([b * f - c * e, c * d - a * f, a * e - b * d], -1)
        return oracle.Bounded(
            np.moveaxis(value, -1, axis), 4 * np.moveaxis(np.stack(size, -1), -1, axis)
        )

    dots = [
        ("vectors", floats(3), floats(3, seed=1)), ("matrices", floats(2, 3), floats(3, 4)),
        ("n-d", floats(4, 5, 2), floats(3, 2, 3, seed=1)),
        ("n-d-vector", floats(4, 5, 2), floats(2)),
        ("zero-d", np.float32(2.0).reshape(()), floats(3)), ("ints", ints(2, 3), ints(3)),
        ("mixed", ints(2, 3), floats(3, 2)), ("bools-ints", bools(2, 3), ints(3)),
    ]  # fmt: skip
    return [
        *table("dot", dot, counted, *dots),
        *table("dot", dot, counted, *_smooth(dots, "n-d"), smooth=(0, 1)),
        *table(
            "inner", inner, joined, ("vectors", *dots[0][1:]),
            ("n-d", floats(4, 5, 2), floats(3, 2)),
            ("zero-d", np.float32(2.0).reshape(()), floats(3)),
        ),
        *table(
            "outer", outer, joined, ("vectors", floats(3), floats(2)),
            ("matrices", floats(2, 2), floats(3)), ("ints", ints(3), ints(2)),
        ),
        *table(
            "cross", cross, joined, ("vectors", floats(3), floats(3, seed=1)),
            ("rows", floats(4, 3), floats(4, 3, seed=1)),
            ("columns", floats(3, 2), floats(3, 2, seed=1), {"axis": 0}),
            ("broadcast", floats(4, 3), floats(3)),
        ),
        *table("outer", outer, joined, ("smooth", floats(3), floats(2)), smooth=(0, 1)),
        *table("cross", cross, joined, ("smooth", floats(4, 3), floats(3)), smooth=(0, 1)),
    ]  # fmt: skip


def _tensordots():
    def tensordot(x, y, axes=2):
        summed = axes if isinstance(axes, int) else axes[0]
        summed = range(x.ndim - summed, x.ndim) if isinstance(summed, int) else summed
        terms = math.prod(x.shape[a] for a in summed)
        return oracle.multiplied(lambda a, b: np.tensordot(a, b, axes), x, y, terms)

    x, y = floats(2, 3, 4), floats(3, 4, 5, seed=1)
    rows = [
        ("two", x, y), ("none", floats(2), floats(3), {"axes": 0}),
        ("lists", x, y, {"axes": [[1, 2], [0, 1]]}),
        ("crossed", x, floats(4, 5, 3), {"axes": [[1, 2], [2, 0]]}),
        ("negative", x, y, {"axes": [[-1], [-2]]}), ("ints", ints(2, 3), ints(3, 2), {"axes": 1}),
        ("empty", floats(2, 0), floats(0, 3), {"axes": 1}),
    ]  # fmt: skip
    return [
        *table("tensordot", tensordot, joined, *rows),
        *table("tensordot", tensordot, joined, *_smooth(rows, "crossed"), smooth=(0, 1)),
    ]


def _einsums():
    def einsum(subscripts, *xs):
        sizes = math.prod(max(d, 1) for x in xs for d in x.shape)
        if all(x.dtype.kind != "f" for x in xs):
            return np.einsum(subscripts, *(x.astype(np.int64) for x in xs))
        # One product of all operands: every sum has at most as many terms as there are elements.
        value = np.einsum(subscripts, *xs)
        size = np.einsum(subscripts, *(abs(x).astype(float) for x in xs))
        return oracle.Bounded(value, (min(sizes, 64) + 2 * len(xs)) * size)

    a, b, c = floats(2, 3), floats(3, 4, seed=1), floats(4, 2, seed=2)
    cube = floats(5, 2, 3, seed=3)
    rows = [
        ("matmul", "ij,jk->ik", a, b), ("implicit", "ij,jk", a, b),
        ("chain", "ij,jk,kl->il", a, b, c), ("batch", "bij,bjk->bik", cube, floats(5, 3, 4)),
        ("trace", "ii->", floats(3, 3)), ("diagonal", "ii->i", floats(3, 3)),
        ("transpose", "ij->ji", a), ("sum", "ij->", a),
        ("outer", "i,j->ij", floats(2), floats(3)), ("dots", "...ij,...jk->...ik", cube, b),
        ("dots-implicit", "...ij,jk", cube, b),
        ("hadamard", "ij,ij->ij", a, floats(2, 3, seed=4)),
        ("batched-diagonal", "bii->bi", floats(2, 3, 3)),
        ("attention", "bqhd,bkhd->bhqk", floats(2, 3, 2, 4), floats(2, 5, 2, 4)),
        ("spaces", " i j , j k -> k i ", a, b), ("ints", "ij,jk->ik", ints(2, 3), ints(3, 2)),
        ("empty", "ij,jk->ik", floats(2, 0), floats(0, 3)),
        ("mixed", "i,i->", ints(3), floats(3)), ("implicit-order", "ba", a),
        ("repeated-summed", "iij->j", floats(3, 3, 2)),
    ]  # fmt: skip
    rule = lambda args: joined(args[1:])  # noqa: E731
    return [
        *table("einsum", einsum, rule, *rows),
        *table("einsum", einsum, rule, *_smooth(rows, "batch", "attention"), smooth=(1, 2)),
        *table("einsum", einsum, rule, *_smooth(rows, "diagonal"), smooth=(1,)),
    ]


CASES = [c for f in (_matmul, _products, _tensordots, _einsums) for c in f()]
