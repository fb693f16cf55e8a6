"""Quantiles, NaN passed over, counts, segments, distances."""

import math
import warnings

import numpy as np

from polyk_conformance import oracle
from polyk_conformance.bounded import Bounded, wrap
from polyk_conformance.cases.case import (
    array,
    doubles,
    first,
    floated,
    floats,
    ints,
    summed,
    table,
)

CUBE = floats(2, 3, 4, seed=1)
HOLES = array([[1.0, math.nan, 3.0, -2.0], [math.nan] * 4, [4.0, 4.0, math.nan, math.nan]])


def quiet(f):
    """NumPy warns of a row of nothing but NaN."""

    def run(*args, **kwargs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return f(*args, **kwargs)

    return run


def _nan():
    def loose(f, terms):
        def reference(x, axis=None, keepdims=False):
            value = quiet(f)(x, axis=oracle.axis_of(axis), keepdims=keepdims)
            size = quiet(np.nansum)(abs(x) ** (2 if "var" in f.__name__ else 1))
            return Bounded(value, terms * np.broadcast_to(size, np.shape(value)))

        return reference

    def running(f):
        return lambda x, axis=None: Bounded(f(x, axis), 16 * abs(f(x, axis)) + 16)

    rows = [
        ("rows", HOLES, {"axis": 1}), ("all", HOLES),
        ("keepdims", HOLES, {"axis": (0, 1), "keepdims": True}),
    ]  # fmt: skip
    smooth = ("smooth", array([[1.0, math.nan, 3.0], [-2.0, 0.5, 1.5]]), {"axis": 1})
    cases = []
    for name in ("nansum", "nanprod", "nanmean", "nanvar", "nanmax", "nanmin"):
        f = loose(getattr(np, name), 24)
        cases += table(name, f, floated, *rows)
        cases += table(name, f, floated, smooth, smooth=(0,))
    cases += table("nansum", np.nansum, summed, ("ints", ints(5)))
    cases += table("nanmax", np.nanmax, first, ("ints", ints(5)))
    root = lambda x, **k: Bounded(quiet(np.nanstd)(x, **k), 64 * np.nanmax(abs(x)))  # noqa: E731
    cases += table("nanstd", root, floated, *rows)
    cases += table("nanstd", root, floated, smooth, smooth=(0,))
    for name in ("nancumsum", "nancumprod"):
        f = running(getattr(np, name))
        cases += table(name, f, floated, ("rows", HOLES, {"axis": 1}), ("flat", HOLES))
        cases += table(name, f, floated, smooth, smooth=(0,))
    for name in ("nanargmax", "nanargmin"):
        cases += table(name, _nan_arg(name), "int32", ("rows", HOLES, {"axis": 1}),
                       ("flat", HOLES), ("ints", ints(4)))  # fmt: skip
    return cases


def _nan_arg(name):
    def reference(x, axis=None):
        if x.dtype.kind != "f":
            return getattr(np, name)(x, axis)
        empty = np.isnan(x).all(axis)
        filled = np.where(np.isnan(x), math.inf * (1 if "min" in name else -1), x)
        return np.where(empty, -1, getattr(np, name)(filled, axis))

    return reference


def _quantiles():
    def loose(f):
        def reference(x, *q, axis=None, **kwargs):
            value = quiet(f)(x, *q, axis=oracle.axis_of(axis), **kwargs)
            return Bounded(value, (8 + 6 * x.size) * np.nanmax(abs(x)) + 0 * np.nan_to_num(value))

        return reference

    q = array([0.1, 0.5, 0.77])
    methods = [
        (m, CUBE, q, {"axis": 1, "method": m})
        for m in ("lower", "higher", "nearest", "midpoint")
    ]  # fmt: skip
    nan = ("nan", HOLES, q, {"axis": 1})
    rows = [
        ("two", CUBE, array(0.3), {"axis": (0, 2)}), ("ints", ints(6), array(0.25)),
        ("keepdims", CUBE, q, {"axis": 1, "keepdims": True}), nan,
    ]  # fmt: skip
    smooth = ("smooth", floats(2, 5), q.astype("f4"), {"axis": 1})
    percent = [("axis", CUBE, q * 100, {"axis": 1})]
    return [
        *table("quantile", loose(np.quantile), floated, *rows, *methods),
        *table("quantile", loose(np.quantile), floated, smooth, smooth=(0,)),
        *table("percentile", loose(np.percentile), floated, *percent),
        *table("nanquantile", loose(np.nanquantile), floated, nan),
        *table("nanpercentile", loose(np.nanpercentile), floated,
               ("nan", HOLES, q * 100, {"axis": 1})),
        *table("nanmedian", loose(np.nanmedian), floated, ("nan", HOLES, {"axis": 1}),
               ("all", HOLES)),
        *table("nanmedian", loose(np.nanmedian), floated, ("smooth", floats(5)), smooth=(0,)),
        *table("median", loose(np.median), floated, ("two", CUBE, {"axis": (0, 2)})),
        *table(
            "ptp", lambda x, **k: Bounded(np.ptp(x, **k), 2 * abs(x).max()), first,
            ("axis", CUBE, {"axis": 1}), ("all", floats(5), {"keepdims": True}),
        ),
        *table("ptp", np.ptp, first, ("ints", ints(5))),
        *table("ptp", np.ptp, first, ("smooth", floats(5)), smooth=(0,)),
        *table(
            "argpartition", lambda x, kth, axis=-1: np.argsort(x, axis, kind="stable"), "int32",
            ("rows", floats(2, 5), 2), ("columns", ints(4, 2), 1, {"axis": 0}),
        ),
    ]  # fmt: skip


def _counts():
    def bincount(x, weights=None, minlength=0):
        if x.ndim > 1:
            return np.stack([bincount(row, weights, minlength) for row in x])
        value = np.bincount(x, weights, minlength)
        return value if weights is None else Bounded(value, 8 * abs(weights).sum() + 0 * value)

    def histogram(x, bins=10, range=None):
        counts, edges = np.histogram(x.astype("f4"), bins, range)
        return counts, Bounded(edges, 8 * abs(edges).max() + 0 * edges)

    def weighted(args):
        return "int32" if len(args) < 2 else args[1].dtype.name

    def unique(x, return_index=False, return_inverse=False, return_counts=False, axis=None,
               size=None, fill_value=None):  # fmt: skip
        if size is not None:
            return np.append(np.unique(x), [fill_value] * size)[:size]
        return np.unique(x, return_index, return_inverse, return_counts, axis)

    def pair(args):
        return "int32", floated(args)

    everything = {"return_index": True, "return_inverse": True, "return_counts": True}
    return [
        *table(
            "bincount", bincount, weighted, ("plain", array([1, 3, 1, 0], "int32")),
            ("longer", array([1, 1], "uint8"), {"minlength": 4}),
            ("weights", array([0, 2, 2], "int32"), array([0.5, 1.0, 2.0])),
            ("rows", array([[0, 2], [1, 1]], "int32"), {"minlength": 3}), static=True,
        ),
        *table(
            "histogram", histogram, pair, ("range", floats(20), {"bins": 4, "range": (-1.0, 1.0)}),
            ("ends", array([0.0, 1.0, 2.0, 4.0]), {"bins": 4}), ("flat", array([2.0, 2.0])),
        ),
        *table(
            "unique", unique, "int32", ("plain", ints(9)), ("size", ints(3, lo=0, hi=3),
            {"size": 5, "fill_value": -1}), ("all", ints(2, 4), everything),
            ("axis", ints(4, 2, lo=0, hi=2), {"axis": 0}), static=True,
        ),
    ]  # fmt: skip


IDS = array([2, 0, 2, 0, 3], "int32")


def _segments():
    def by(reduce, empty):
        def reference(data, ids, num_segments=None):
            count = ids.max() + 1 if num_segments is None else num_segments
            low = empty(data) if callable(empty) else empty
            nothing = np.full(data.shape[1:], low)
            members = [data[ids == s] for s in range(count)]
            value = np.stack([reduce(rows, 0) if len(rows) else nothing for rows in members])
            return Bounded(value, 8 * abs(value) + 8) if data.dtype.kind == "f" else value

        return reference

    def edge(name):
        return lambda x: (
            math.inf * (1 if name == "max" else -1)
            if x.dtype.kind == "f"
            else getattr(np.iinfo("int32"), name)
        )

    count = {"num_segments": 5}
    rows = [
        ("rows", floats(5, 2), IDS, count), ("found", floats(5), IDS),
        ("ints", ints(5), IDS, count),
        ("outside", floats(5), array([0, -1, 9, 1, 0], "int32"), {"num_segments": 2}),
    ]  # fmt: skip
    smooth = ("smooth", floats(5, 2), array([1, 0, 1, 0, 2], "int32"), {"num_segments": 3})
    kinds = {
        "segment_sum": by(np.sum, 0), "segment_prod": by(np.prod, 1),
        "segment_max": by(np.max, edge("min")), "segment_min": by(np.min, edge("max")),
    }  # fmt: skip
    cases = []
    for name, f in kinds.items():
        cases += table(name, f, first, rows[0], *rows[2:])
        cases += table(name, f, first, rows[1], static=True)
        cases += table(name, f, first, smooth, smooth=(0,))
    return cases


def _relations():
    def cdist(x, y):
        away = wrap(x[..., :, None, :]) - y[..., None, :, :]
        return oracle.root((away * away).sum(-1))

    def corrcoef(x):
        value = np.corrcoef(x)
        return Bounded(value, 4.0 * x.shape[-1] + 32 + 0 * value)

    def trapezoid(y, x=None, dx=1.0, axis=-1):
        value = np.trapezoid(y, x, dx, axis)
        steps = abs(np.diff(x)).max() if x is not None else dx
        return Bounded(value, 16 * np.sum(abs(y), axis) * steps + 0 * value)

    grid = array([0.0, 0.5, 2.0, 2.5])
    return [
        *table(
            "cdist", cdist, floated, ("matrices", floats(3, 2), floats(4, 2, seed=1)),
            ("batch", floats(2, 3, 2), floats(2, 1, 2, seed=1)), ("doubles", doubles(2, 2),
            doubles(2, 2)),
        ),
        *table("cdist", cdist, floated, ("smooth", floats(3, 2), floats(2, 2, seed=1)),
               smooth=(0, 1)),
        *table("corrcoef", corrcoef, floated, ("rows", floats(3, 6)), ("vector", floats(5))),
        *table("corrcoef", corrcoef, floated, ("smooth", floats(3, 4)), smooth=(0,)),
        *table(
            "trapezoid", trapezoid, floated, ("spaced", CUBE, {"dx": 0.5}),
            ("points", CUBE, grid), ("axis", CUBE, {"axis": 1}), ("ints", ints(4)),
        ),
        *table("trapezoid", trapezoid, floated, ("smooth", floats(2, 4), grid), smooth=(0, 1)),
    ]  # fmt: skip


CASES = [c for f in (_nan, _quantiles, _counts, _segments, _relations) for c in f()]
