"""The less common element-wise functions, bits, saturation, choice; windows."""

import math

import numpy as np

from polyk import ops
from polyk_conformance.bounded import Bounded
from polyk_conformance.cases.case import (
    array,
    counted,
    first,
    floated,
    floats,
    ints,
    joined,
    table,
)
from polyk_conformance.cases.control import program
from polyk_conformance.cases.elementwise import SPECIALS, vector_erf

POINTS = array([-3.5, -1.0, -1e-3, 0.0, 0.25, 1.0, 8.0, 300.0])


def near(f, ulps=4.0, floor=0.0):
    """`f` good to `ulps` units in the last place, or of `floor` where that is more."""

    def reference(*args):
        value = f(*args)
        return Bounded(value, 2 * ulps * np.maximum(abs(value), floor))

    return reference


def inverse_erf(x):
    """By bisection on math.erf, which needs no table."""

    def one(v):
        if not v:
            return v
        if abs(v) >= 1:
            return math.copysign(math.inf, v) if abs(v) == 1 else math.nan
        low, high = -6.0, 6.0
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if math.erf(middle) < v else (low, middle)
        return (low + high) / 2

    return np.vectorize(one, otypes=[float])(x)


def _functions():
    smooth = floats(2, 3, seed=3, lo=0.2, hi=0.9)
    rows = {
        "cbrt": (np.cbrt, 6, POINTS),
        "erfinv": (inverse_erf, 64, array([-1.0, -0.999, -0.3, 0.0, 0.5, 0.75, 1.0, 1.5])),
        "i0": (np.i0, 64, array([-4.0, -0.5, 0.0, 0.1, 3.0, 9.0])),
    }
    cases = []
    for name, (f, ulps, points) in rows.items():
        cases += table(
            name, near(f, ulps), floated, ("points", points), ("doubles", points[1:4].astype("f8")),
        )  # fmt: skip
        cases += table(name, near(f, ulps), floated, ("smooth", smooth), smooth=(0,))
    assert np.allclose(vector_erf(inverse_erf(smooth)), smooth)
    return [
        *cases, *table("fabs", np.fabs, floated, ("floats", SPECIALS), ("ints", ints(4))),
        *table("fabs", np.fabs, floated, ("smooth", smooth), smooth=(0,)),
        *table("isposinf", np.isposinf, "bool", ("specials", SPECIALS)),
        *table("isneginf", np.isneginf, "bool", ("specials", SPECIALS)),
        *table("isreal", np.isreal, "bool", ("specials", SPECIALS), ("ints", ints(2, 2))),
        *table(
            "signbit", np.signbit, "bool", ("floats", array([-1.0, -0.0, 0.0, 2.0, -math.inf])),
            ("ints", array([-1, 0, 2], "int32")), ("unsigned", array([0, 200], "uint8")),
        ),
    ]  # fmt: skip


def _pairs():
    def fmod(x, y):
        return np.fmod(x.astype(int), y) if x.dtype == bool else np.fmod(x, y)

    column, row = floats(3, 1, seed=1), floats(2, seed=2)
    nan = array([1.0, math.nan, math.nan]), array([math.nan, 2.0, math.nan])
    logs = near(np.logaddexp2, 8, 1.0)
    cases = [
        *table(
            "logaddexp2", logs, floated, ("column", column, row),
            ("infinite", array([-math.inf, math.inf]), array([-math.inf, 1.0])),
        ),
        *table("logaddexp2", logs, floated, ("smooth", column, row), smooth=(0, 1)),
        *table(
            "heaviside", np.heaviside, floated, ("points", SPECIALS, array(0.5)),
            ("ints", ints(5), array(1, "int32")),
        ),
        *table(
            "nextafter", lambda x, y: np.nextafter(x.astype("f4"), np.float32(y)), floated,
            ("up", array([1.0, -1.0, 3.5]), array(9.0)), ("down", array([2.0, -2.5]), array(-9.0)),
            ("same", array([1.5]), array([1.5])),
        ),
        *table(
            "fmod", fmod, counted, ("signs", array([7.5, -7.5, 7.5]), array([2.0, 2.0, -2.0])),
            ("ints", array([7, -7, 7], "int32"), array([3, 3, -3], "int32")),
        ),
        *table(
            "fmod", fmod, first, ("smooth", array([2.5, -7.3]), array([2.0, 3.0])), smooth=(0, 1),
        ),
        *table(
            "ldexp", near(np.ldexp, 6), floated,
            ("points", array([0.75, -1.5, 0.0]), array([3, -2, 5], "int32")),
            ("ints", array([3, 1], "int32"), array([1, 2], "int32")),
        ),
        *table(
            "ldexp", near(np.ldexp, 6), first, ("smooth", row, array([1, -1], "int32")),
            smooth=(0,),
        ),
    ]  # fmt: skip
    for name in ("fmax", "fmin"):
        f = getattr(np, name)
        cases += table(name, f, joined, ("column", column, row), ("nan", *nan),
                       ("ints", ints(3), ints(3, seed=1)))  # fmt: skip
        cases += table(name, f, joined, ("smooth", column, row), smooth=(0, 1))
    for name in ("gcd", "lcm"):
        cases += table(
            name, getattr(np, name), counted,
            ("signs", array([12, -12, 0, 0, 7], "int32"), array([18, 18, 5, 0, -7], "int32")),
            ("column", ints(3, 1, lo=1, hi=60), array([12, 35], "int32")),
        )  # fmt: skip
    return cases


def _choices():
    def select(condlist, choicelist, default=0):
        return np.select(condlist, choicelist, default)

    def isin(x, y, assume_unique=False, invert=False):
        return np.isin(x, y, invert=invert)

    def saturated(dtype):
        limits = np.iinfo(dtype)
        return lambda x, _: np.clip(np.trunc(x), limits.min, limits.max)

    x = floats(4, seed=5)
    near_x = x + array([0, 1e-7, 0, 1e-9])
    return [
        *table(
            "select", select, "float32",
            ("first", [x > 1, x > 0], [x, x * 2], {"default": 7.0}), ("default", [x > 9], [x]),
        ),
        *table(
            "isin", isin, "bool", ("ints", ints(2, 3), ints(3, seed=1)),
            ("inverted", ints(4), ints(2, 2), {"invert": True}),
        ),
        *table(
            "allclose", lambda x, y, **k: np.array(np.allclose(x, y, **k)), "bool",
            ("near", x, near_x), ("apart", x, x + 1),
            ("nan", array([math.nan]), array([math.nan]), {"equal_nan": True}),
        ),
        *table(
            "saturate_cast", saturated("uint8"), "uint8",
            ("uint8", array([-5.0, 3.7, 255.0, 1e9, math.inf]), "uint8"),
            ("from-ints", array([-5, 300, 7], "int32"), "uint8"),
        ),
        *table(
            "saturate_cast", saturated("int32"), "int32",
            ("int32", array([-1e20, 3e9, 2.5, -math.inf]), "int32"),
        ),
        *table(
            "saturate_cast", lambda x, _: np.clip(x, -65504, 65504), "float16",
            ("half", array([1e6, -1e6, 2.0]), "float16"),
        ),
        *table(
            "view", lambda x, dtype: np.asarray(x, "f4").view(dtype), lambda args: args[1],
            ("int32", floats(2, 3), "int32"), ("narrow", floats(2, 3), "int16"),
        ),
        *table(
            "view", lambda x, dtype: np.asarray(x, "i2").view(dtype), lambda args: args[1],
            ("wide", ints(2, 4, dtype="int16"), "int32"),
        ),
        *table("view", lambda x, dtype: x, first, ("same", floats(3), "float32")),
    ]  # fmt: skip


def _windows():
    cases = []
    for name in ("bartlett", "blackman", "hamming", "hanning"):
        f = getattr(np, name)
        cases += [
            program(name, f"{n}", lambda name=name, n=n: getattr(ops, name)(n),
                    lambda f=f, n=n: Bounded(f(n), 1.0))
            for n in (1, 6)
        ]  # fmt: skip
    kaiser = lambda: Bounded(np.kaiser(7, 5.0), 8.0)  # noqa: E731
    return [*cases, program("kaiser", "7", lambda: ops.kaiser(7, 5.0), kaiser)]


def _spaces():
    def geomspace(start, stop, num=50, endpoint=True, axis=0):
        value = np.geomspace(start, stop, num, endpoint, axis=axis)
        return Bounded(value, abs(value) * (16 + 8 * np.log(abs(value).max() + 2)))

    def logspace(start, stop, num=50, endpoint=True, base=10, axis=0):
        value = np.logspace(start, stop, num, endpoint, base, axis=axis)
        return Bounded(value, abs(value) * (32 + 16 * abs(np.log(abs(value) + 1))))

    ends = array([1.0, -2.0]), array([8.0, -50.0])
    return [
        *table(
            "geomspace", geomspace, floated, ("vectors", *ends, {"num": 4}),
            ("open", *ends, {"num": 3, "endpoint": False, "axis": 1}),
        ),
        *table(
            "logspace", logspace, floated, ("vectors", array([0.0, 1.0]), array([2.0, -1.0]),
                                            {"num": 4, "base": 2}),
        ),
        *table("empty", lambda s: np.zeros(s), "float32", ("pair", (2, 3))),
        *table("empty_like", np.zeros_like, first, ("ints", ints(3))),
    ]  # fmt: skip


CASES = [c for f in (_functions, _pairs, _choices, _windows, _spaces) for c in f()]
