"""Shape: reshape, join, cut, pad, repeat. Nothing is computed, so everything is exact."""

import numpy as np

from polyk import ops
from polyk_conformance import oracle
from polyk_conformance.cases.case import (
    Case,
    array,
    bools,
    counted,
    doubles,
    first,
    floats,
    ints,
    joined,
    map_arrays,
    summed,
    table,
    widen,
)

CUBE = floats(2, 3, 4, seed=1)
MATRIX = floats(3, 4, seed=2)
MODES = ("reflect", "symmetric", "edge", "wrap")


def _views():
    def moved(x, source, destination):
        return np.moveaxis(x, source, destination)

    def expand_dims(x, axis):
        return np.expand_dims(x, axis)

    def squeeze(x, axis=None):
        return np.squeeze(x, tuple(axis) if isinstance(axis, list) else axis)

    ones = floats(1, 3, 1, seed=3)
    return [
        *table(
            "reshape", np.reshape, first, ("plain", CUBE, (6, 4)), ("rest", CUBE, (4, -1)),
            ("int", CUBE, -1), ("zero-d", array([2.0]), ()), ("empty", floats(0, 3), (3, 0, 2)),
            ("empty-rest", floats(0, 3), (-1, 3)), ("bools", bools(4), (2, 2)),
        ),
        *table(
            "ravel", np.ravel, first, ("plain", CUBE), ("zero-d", array(1.0)),
            ("empty", floats(2, 0)),
        ),
        *table(
            "transpose", np.transpose, first, ("reversed", CUBE), ("axes", CUBE, (1, 2, 0)),
            ("negative", CUBE, {"axes": [-1, 0, 1]}), ("vector", floats(3)),
            ("zero-d", array(1.0)), ("empty", floats(0, 2)),
        ),
        *table(
            "expand_dims", expand_dims, first, ("front", CUBE, 0), ("back", CUBE, -1),
            ("two", CUBE, (0, -1)), ("zero-d", array(1.0), 0), ("pair", CUBE, [1, 3]),
        ),
        *table(
            "squeeze", squeeze, first, ("all", ones), ("one", ones, {"axis": -1}),
            ("two", ones, {"axis": (0, 2)}), ("nothing", CUBE), ("list", ones, {"axis": [0]}),
        ),
        *table("swapaxes", np.swapaxes, first, ("ends", CUBE, 0, -1), ("same", CUBE, 1, 1)),
        *table(
            "moveaxis", moved, first, ("one", CUBE, 0, -1), ("two", CUBE, [0, 1], [-1, 0]),
            ("back", CUBE, -1, 1),
        ),
        *table(
            "broadcast_to", np.broadcast_to, first, ("column", floats(3, 1), (2, 3, 4)),
            ("zero-d", array(1.0), (2, 2)), ("empty", floats(1, 3), (0, 3)),
            ("ints", ints(3), (2, 3)),
        ),
    ]  # fmt: skip


def _joins():
    def hstack(xs):
        return np.hstack([np.asarray(x) for x in xs])

    def vstack(xs):
        return np.vstack(xs)

    pair, mixed = [floats(2, 3), floats(2, 1, seed=1)], [ints(2), doubles(3)]
    same = [floats(2, 3), floats(2, 3, seed=1), floats(2, 3, seed=2)]
    narrow = [array([1], "int8"), array([True]), array([300], "int16")]
    return [
        *table(
            "concatenate", np.concatenate, joined, ("last", pair, {"axis": -1}), ("mixed", mixed),
            ("three", same, {"axis": 1}), ("empty", [floats(0, 3), floats(2, 3)]),
            ("narrow", narrow), ("one", [floats(2)]), ("floats", [floats(2), doubles(2)]),
        ),
        *table(
            "stack", np.stack, joined, ("front", same), ("back", same, {"axis": -1}),
            ("middle", same, {"axis": 1}), ("scalars", [array(1.0), array(2, "int32")]),
            ("one", [floats(2)]),
        ),
        *table(
            "hstack", hstack, joined, ("vectors", [floats(2), floats(3)]), ("matrices", pair),
            ("zero-d", [array(1.0), array(2.0)]),
        ),
        *table(
            "vstack", vstack, joined, ("vectors", [floats(3), floats(3, seed=1)]),
            ("matrices", [floats(1, 3), floats(2, 3)]),
        ),
    ]  # fmt: skip


def _cuts():
    def unstack(x, axis=0):
        return [np.take(x, i, axis) for i in range(x.shape[axis])]

    return [
        *table(
            "split", np.split, first, ("equal", MATRIX, 3), ("axis", MATRIX, 2, {"axis": -1}),
            ("points", MATRIX, [1, 3], {"axis": 1}), ("empty-part", MATRIX, [1, 1]),
            ("beyond", MATRIX, [2, 9]),
        ),
        *table(
            "array_split", np.array_split, first, ("uneven", floats(7), 3),
            ("many", floats(2), 4), ("axis", MATRIX, 3, {"axis": 1}),
        ),
        *table("unstack", unstack, first, ("rows", MATRIX), ("columns", MATRIX, {"axis": -1})),
    ]  # fmt: skip


def _copies():
    def tile(x, repeats):
        return np.tile(x, repeats)

    return [
        *table(
            "tile", tile, first, ("int", MATRIX, 2), ("each", MATRIX, (2, 1)),
            ("more", floats(2), (2, 3)), ("fewer", MATRIX, (2,)), ("none", floats(2), 0),
            ("zero-d", array(1.0), 3),
        ),
        *table(
            "repeat", np.repeat, first, ("flat", MATRIX, 2), ("axis", MATRIX, 2, {"axis": 1}),
            ("negative", MATRIX, 3, {"axis": -1}), ("none", MATRIX, 0, {"axis": 0}),
        ),
        *table(
            "roll", np.roll, first, ("flat", MATRIX, 2), ("axis", MATRIX, 1, {"axis": 0}),
            ("negative", MATRIX, -1, {"axis": -1}), ("two", MATRIX, (1, 2), {"axis": (0, 1)}),
            ("around", floats(3), 7), ("empty", floats(0), 1),
        ),
        *table(
            "flip", np.flip, first, ("all", CUBE), ("one", CUBE, {"axis": 1}),
            ("two", CUBE, {"axis": (0, -1)}), ("empty", floats(0)),
        ),
        *table(
            "rot90", np.rot90, first, ("once", MATRIX), ("twice", MATRIX, {"k": 2}),
            ("back", MATRIX, {"k": -1}), ("axes", CUBE, {"axes": (1, 2)}),
            ("full", MATRIX, {"k": 4}),
        ),
        *table(
            "diff", lambda x, **k: _rounded(np.diff(x, **k), x), first, ("last", MATRIX),
            ("ints", ints(5)), ("axis", MATRIX, {"axis": 0}), ("bools", bools(5)),
            ("short", floats(1)),
        ),
        *table(
            "diff", lambda x, **k: _rounded(np.diff(x, **k), x, 8), first,
            ("twice", MATRIX, {"n": 2}),
        ),
    ]  # fmt: skip


def _rounded(value, x, times=1):
    return oracle.Bounded(value, times * abs(x).max()) if x.dtype.kind == "f" else value


def _pads():
    def pad(x, pad_width, mode="constant", constant_values=None):
        kwargs = {} if constant_values is None else {"constant_values": constant_values}
        return np.pad(x, pad_width, mode, **kwargs)

    each = ((1, 2), (0, 1))
    return [
        *table(
            "pad", pad, first, ("each", MATRIX, each), ("int", MATRIX, 2),
            ("pair", MATRIX, (1, 2)), ("value", MATRIX, each, {"constant_values": 7.0}),
            ("nothing", MATRIX, 0), ("ints", ints(3), 1, {"constant_values": 9}),
            ("bools", bools(3), 1), ("empty", floats(0, 2), ((1, 1), (0, 0))),
            ("ones-for-bools", bools(2), 1, {"constant_values": 1}),
            *((m, MATRIX, each, {"mode": m}) for m in MODES),
            *((m + "-far", floats(3), (5, 7), {"mode": m}) for m in MODES),
            *((m + "-one", floats(1), 2, {"mode": m}) for m in MODES[1:]),
        ),
    ]  # fmt: skip


def _diagonals():
    def batched(f):
        return lambda x, k=0: f(x, k)

    stacked = floats(2, 3, 4, seed=5)
    ks = [
        ("main", stacked), ("above", stacked, {"k": 1}), ("below", stacked, {"k": -2}),
        ("far-above", MATRIX, {"k": 9}), ("far-below", MATRIX, {"k": -9}), ("ints", ints(3, 3)),
        ("bools", bools(3, 3)), ("empty", floats(0, 3)),
        ("nan", array([[1, np.nan], [np.nan, 2]])),
    ]  # fmt: skip
    offsets = [
        ("main", MATRIX), ("above", MATRIX, {"offset": 1}), ("below", MATRIX, {"offset": -1}),
        ("axes", stacked, {"axis1": 0, "axis2": 2}),
        ("batch", stacked, {"axis1": -2, "axis2": -1}), ("far", MATRIX, {"offset": 9}),
    ]  # fmt: skip

    def trace(x, offset=0, axis1=0, axis2=1):
        return oracle.total(np.diagonal(x, offset, axis1, axis2), -1)

    def vdot(x, y):
        return oracle.multiplied(np.vdot, x, y, x.size)

    return [
        *table("tril", batched(np.tril), first, *ks),
        *table("triu", batched(np.triu), first, *ks),
        *table("diagonal", np.diagonal, first, *offsets),
        *table(
            "trace", trace, summed, *offsets, ("int8", ints(3, 3, lo=99, hi=127, dtype="int8")),
        ),
        *table(
            "diag", batched(np.diag), first, ("vector", floats(3)),
            ("above", floats(2), {"k": 1}), ("below", ints(2), {"k": -1}), ("matrix", MATRIX),
            ("matrix-above", MATRIX, {"k": 2}),
        ),
        *table(
            "vdot", vdot, counted, ("vectors", floats(5), floats(5, seed=1)),
            ("matrices", MATRIX, floats(4, 3)), ("ints", ints(4), ints(4, seed=1)),
            ("mixed", ints(4), floats(4)),
        ),
    ]  # fmt: skip


CASES = [c for f in (_views, _joins, _cuts, _copies, _pads, _diagonals) for c in f()]

SMOOTH = {"reshape": "plain", "transpose": "axes", "broadcast_to": "column", "pad": "each",
          "flip": "one", "tile": "each", "repeat": "axis", "roll": "axis", "tril": "above",
          "triu": "above", "diagonal": "batch", "diag": "above", "expand_dims": "two",
          "squeeze": "one", "moveaxis": "two", "rot90": "once", "diff": "last",
              "trace": "main"}  # fmt: skip
CASES += [c.but(label="smooth", smooth=(0,)) for c in CASES if SMOOTH.get(c.op) == c.label]
for _mode in MODES:
    CASES += [
        c.but(label=f"smooth-{_mode}", smooth=(0,)) for c in CASES if str(c) == f"pad-{_mode}"
    ]
CASES += [c.but(label="smooth", smooth=(0, 1)) for c in CASES if str(c) == "vdot-vectors"]
CASES += [
    c.but(label="smooth", smooth=(0,))
    for c in CASES
    if str(c) in ("split-points", "unstack-columns")
]


class Joined(Case):
    """A case whose arguments are the items of the one list that the op takes."""

    def call(self, *args):
        return getattr(ops, self.op)(list(args), **self.kwargs)

    def want(self):
        return [self.reference(list(map_arrays(widen, self.args)), **self.kwargs)]


CASES += [
    Joined(
        "concatenate", "smooth", (floats(2, 3), floats(2, 1)), {"axis": 1}, np.concatenate, first,
        (0, 1),
    ),
    Joined(
        "stack", "smooth", (floats(2), floats(2, seed=1)), {"axis": 1}, np.stack, first, (0, 1),
    ),
]  # fmt: skip
