"""Reductions, running sums, sorting."""

import math

import numpy as np

from polyk_conformance import oracle
from polyk_conformance.bounded import Bounded
from polyk_conformance.cases.case import (
    alias,
    array,
    bools,
    counted,
    doubles,
    first,
    floated,
    floats,
    ints,
    summed,
    table,
)

CUBE = floats(2, 3, 4, seed=1)
TIES = array([[1, 3, 3, 2], [0, 0, 0, 0], [5, 1, 5, 5]])
NAN = array([[1.0, math.nan, 3.0, math.nan], [2.0, 4.0, -math.inf, 4.0]])
AXES = [
    ("all", CUBE),
    ("one", CUBE, {"axis": 1}),
    ("last", CUBE, {"axis": -1}),
    ("tuple", CUBE, {"axis": (0, 2)}),
    ("list", CUBE, {"axis": [-1, 0]}),
    ("keepdims", CUBE, {"axis": 1, "keepdims": True}),
    ("all-keepdims", floats(4), {"keepdims": True}),
    ("no-axis", CUBE, {"axis": ()}),
    ("zero-d", array(3.0)),
    ("size-one", floats(3, 1, 2), {"axis": 1}),
    ("doubles", doubles(3, 4), {"axis": 0}),
    ("nan", NAN, {"axis": 1}),
    ("ints", ints(3, 4), {"axis": -1}),
]
EMPTY = [
    ("empty", floats(0)),
    ("empty-axis", floats(2, 0, 3), {"axis": 1}),
    ("empty-batch", floats(0, 3), {"axis": -1}),
]
BOOLS = [("bools", bools(2, 5), {"axis": 1})]
SMOOTH = [
    ("smooth", floats(2, 3, seed=4, lo=0.5), {"axis": 1}),
    ("smooth-all", floats(4, seed=5, lo=0.5)),
]


def listed(f):
    """A NumPy reduction that takes a list of axes as well."""

    def reference(x, axis=None, keepdims=False, **kwargs):
        return f(x, axis=oracle.axis_of(axis), keepdims=keepdims, **kwargs)

    return reference


def _sums():
    small = [
        ("int8", ints(200, lo=100, hi=127, dtype="int8")),
        ("bool-row", bools(2, 300), {"axis": 1}),
    ]
    cases = []
    for name, f in {"sum": oracle.total, "prod": oracle.product}.items():
        cases += table(name, listed(f), summed, *AXES, *EMPTY, *BOOLS)
        cases += table(name, listed(f), summed, *SMOOTH, smooth=(0,))
    cases += table("sum", listed(oracle.total), summed, *small)
    cases += table(
        "prod", listed(oracle.product), summed, ("zeros", array([[0.0, 2.0], [3.0, 4.0]]))
    )
    moments = {"mean": oracle.mean, "var": oracle.variance, "std": oracle.deviation}
    for name, f in moments.items():
        offset = ("offset", floats(2, 50, seed=9, lo=999, hi=1001), {"axis": 1})
        rows = [r for r in AXES if not (name != "mean" and r[0] == "nan")]
        cases += table(name, listed(f), floated, *rows, *BOOLS, EMPTY[0], EMPTY[2], offset)
        cases += table(name, listed(f), floated, *SMOOTH, smooth=(0,))
    cases += table("var", listed(oracle.variance), floated, ("constant", array([[3.0, 3.0]])))

    def moments(x, axes, keepdims=False):
        return oracle.mean(x, axes, keepdims), oracle.variance(x, axes, keepdims)

    cases += table(
        "moments", moments, floated, ("one", CUBE, {"axes": 1}),
        ("keepdims", CUBE, {"axes": (0, 1), "keepdims": True}),
    )  # fmt: skip
    return cases


def _extremes():
    cases = []
    for name in ("max", "min"):
        f = listed(getattr(np, name))
        rows = [*AXES, ("ties", TIES, {"axis": 1}), EMPTY[2], ("infinite", array([-math.inf] * 3))]
        cases += table(name, f, first, *rows, *BOOLS)
        cases += table(
            name, f, first, ("initial", floats(2, 0), {"axis": 1, "initial": 7.0}),
            ("initial-ints", ints(3), {"initial": 2}),
        )  # fmt: skip
        cases += table(name, f, first, *SMOOTH, smooth=(0,))
        cases += alias(cases, name, "a" + name)
    for name in ("argmax", "argmin"):
        f = getattr(np, name)
        rows = [
            ("flat", CUBE), ("one", CUBE, {"axis": 1}), ("last", CUBE, {"axis": -1}),
            ("keepdims", CUBE, {"axis": 1, "keepdims": True}), ("ties", TIES, {"axis": 1}),
            ("flat-keepdims", CUBE, {"keepdims": True}), ("nan", NAN, {"axis": 1}),
            ("ints", ints(7)), ("bools", bools(5)), ("doubles", doubles(5)),
            ("empty-batch", floats(0, 3), {"axis": -1}),
        ]  # fmt: skip
        cases += table(name, f, "int32", *rows)
    for name in ("any", "all"):
        rows = [r for r in AXES if r[0] != "doubles"]
        cases += table(name, listed(getattr(np, name)), "bool", *rows, *EMPTY, *BOOLS)
    return cases


def _norms():
    def count_nonzero(x, axis=None):
        return np.count_nonzero(x, oracle.axis_of(axis))

    orders = [
        (f"order-{o}", CUBE, {"ord": o, "axis": 1}) for o in (1, 2, 3, 0, math.inf, -math.inf)
    ]
    rows = [
        ("flat", CUBE), ("ints", ints(4)), ("keepdims", CUBE, {"axis": (0, 2), "keepdims": True}),
        ("zeros", floats(2, 3) * 0, {"axis": 1}), ("doubles", doubles(3)),
    ]  # fmt: skip
    weights = [
        ("none", CUBE, {"axis": 1}), ("full", CUBE, {"weights": abs(floats(2, 3, 4, seed=3))}),
        ("vector", CUBE, {"axis": 1, "weights": array([1.0, 2.0, 3.0])}),
        ("ints", ints(4), {"weights": ints(4, lo=1)}),
    ]  # fmt: skip
    lse = [r for r in AXES if r[0] != "no-axis"]
    return [
        *table(
            "count_nonzero", count_nonzero, "int32", ("flat", ints(9)),
            ("axis", ints(3, 4), {"axis": 0}), ("bools", bools(5)),
            ("floats", NAN, {"axis": (0, 1)}),
        ),
        *table("norm", oracle.norm, floated, *rows, *orders),
        *table("norm", oracle.norm, floated, *SMOOTH, smooth=(0,)),
        *table("average", oracle.average, floated, *weights),
        *table(
            "logsumexp", listed(oracle.logsumexp), floated, *lse, *EMPTY,
            ("large", floats(2, 3, lo=-500, hi=500), {"axis": 1}),
            ("infinite", array([[-math.inf] * 2, [math.inf, 1.0]]), {"axis": 1}),
        ),
        *table("logsumexp", listed(oracle.logsumexp), floated, *SMOOTH, smooth=(0,)),
        *table(
            "median", lambda x, **k: Bounded(np.median(x, **k), abs(np.median(x, **k))), floated,
            ("odd", floats(3, 5), {"axis": 1}), ("even", floats(3, 4), {"axis": -1}),
            ("flat", CUBE), ("keepdims", CUBE, {"axis": 1, "keepdims": True}),
            ("nan", NAN, {"axis": 1}), ("ints", ints(5)),
            ("flat-keepdims", CUBE, {"keepdims": True}),
        ),
        *table("median", np.median, floated, ("smooth", floats(5)), smooth=(0,)),
    ]  # fmt: skip


def _orders():
    def sort(x, axis=-1):
        return np.sort(x.astype(int) if x.dtype == bool else x, axis)

    def argsort(x, axis=-1):
        return np.argsort(x, axis, kind="stable")

    def in_top_k(targets, predictions, k):
        score = np.take_along_axis(predictions, targets[:, None], 1)
        return (np.sum(predictions > score, 1) < k) & np.isfinite(score[:, 0])

    runs = [
        ("flat", CUBE), ("one", CUBE, {"axis": 1}), ("last", CUBE, {"axis": -1}),
        ("ints", ints(3, 4), {"axis": 1}), ("bools", bools(5)), ("empty", floats(0)),
        ("int8", ints(200, lo=1, hi=3, dtype="int8")), ("doubles", doubles(4)),
    ]  # fmt: skip
    rows = [
        ("last", CUBE), ("first", CUBE, {"axis": 0}), ("flat", CUBE, {"axis": None}),
        ("ties", TIES), ("nan", NAN), ("ints", ints(3, 5)), ("bools", bools(6)),
        ("many-ties", ints(40, lo=0, hi=3)), ("empty", floats(2, 0)), ("doubles", doubles(5)),
    ]  # fmt: skip
    classes = array([[0.1, 0.6, 0.3], [0.4, 0.4, 0.2], [0.2, 0.3, 0.5]])
    cases = []
    for name, f in {"cumsum": np.cumsum, "cumprod": np.cumprod}.items():
        kept = runs if name == "cumsum" else [r for r in runs if r[0] != "int8"]
        cases += table(name, oracle.running(f), summed, *kept)
        cases += table(
            name, oracle.running(f), summed, ("smooth", floats(2, 3), {"axis": 1}), smooth=(0,)
        )
    return [
        *cases, *table("sort", sort, counted, *rows),
        *table("sort", sort, counted, ("smooth", floats(2, 4)), smooth=(0,)),
        *table("argsort", argsort, "int32", *rows),
        *table(
            "top_k", oracle.top_k, lambda args: (first(args), "int32"), ("two", floats(3, 5), 2),
            ("ties", TIES, 3), ("nan", NAN, 2), ("none", floats(2, 3), 0),
            ("ints", ints(2, 6), 6), ("vector", floats(4), 1),
            ("many-ties", ints(1, 40, lo=0, hi=3), 20),
            ("unsorted", floats(2, 4), 2, {"sorted": False}),
        ),
        *table(
            "in_top_k", in_top_k, "bool", ("one", array([1, 1, 0], "int32"), classes, 1),
            ("two", array([2, 0, 1], "int32"), classes, 2),
        ),
    ]  # fmt: skip


CASES = [case for family in (_sums, _extremes, _norms, _orders) for case in family()]
