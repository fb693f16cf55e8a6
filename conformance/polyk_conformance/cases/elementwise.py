"""Element-wise functions of one tensor, and of two that broadcast."""

import math

import numpy as np

from polyk_conformance.bounded import Bounded, exp, function, log1p, where, wrap
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
    joined,
    table,
)

SPECIALS = array([math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.5])
WIDE = np.concatenate([SPECIALS, floats(14, seed=1, lo=-9, hi=9)]).reshape(4, 6)
TINY = array([1e-7, -1e-7, 1e-4, -3e-4, 1e-12])  # where 1 + x has few digits of x left
UNIT_RANGE = np.concatenate([SPECIALS[:8], floats(16, seed=2, lo=-1, hi=1)]).reshape(4, 6)

vector_erf = np.vectorize(math.erf, otypes=[float])
vector_erfc = np.vectorize(math.erfc, otypes=[float])

# name: NumPy's function, units in the last place that an engine may be off (OpenCL's full profile
# where it has one), the range on which it is smooth.
FUNCTIONS = {
    "exp": (np.exp, 5, (-2, 2)),
    "exp2": (lambda x: carry(np.exp2, x, abs(x)), 5, (-2, 2)),
    "expm1": (np.expm1, 5, (-2, 2)),
    "log": (np.log, 4, (0.3, 3)),
    "log2": (np.log2, 5, (0.3, 3)),
    "log10": (np.log10, 5, (0.3, 3)),
    "log1p": (np.log1p, 4, (-0.6, 3)),
    "sqrt": (np.sqrt, 2, (0.3, 3)),
    "rsqrt": (lambda x: 1 / np.sqrt(x), 4, (0.3, 3)),
    "sin": (np.sin, 5, (-2, 2)),
    "cos": (np.cos, 5, (-2, 2)),
    "tan": (np.tan, 6, (-1.2, 1.2)),
    "arcsin": (np.arcsin, 5, (-0.8, 0.8)),
    "arccos": (np.arccos, 5, (-0.8, 0.8)),
    "arctan": (np.arctan, 5, (-2, 2)),
    "sinh": (np.sinh, 30, (-2, 2)),
    "cosh": (np.cosh, 30, (-2, 2)),
    "tanh": (np.tanh, 6, (-2, 2)),
    "arcsinh": (np.arcsinh, 6, (-2, 2)),
    "arccosh": (np.arccosh, 6, (1.3, 3)),
    "arctanh": (np.arctanh, 6, (-0.8, 0.8)),
    "erf": (vector_erf, 16, (-2, 2)),
    "erfc": (lambda x: carry(vector_erfc, x, 2 * x * x), 16, (-2, 2)),
    "sinc": (lambda x: carry(np.sinc, x, abs(x / np.tan(np.pi * x)) * np.pi), 8, (0.2, 0.9)),
    "reciprocal": (lambda x: 1 / x, 2, (0.3, 3)),
    "deg2rad": (np.deg2rad, 2, (-2, 2)),
    "rad2deg": (np.rad2deg, 2, (-2, 2)),
}
STEPS = {"floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.round}
HALVES = array([[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5], [-1.2, -0.7, -0.0, 0.0, 0.3, 0.8, 9.9]])
TESTS = {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite}


def carry(f, x, condition):
    """`f`, with the error that rounding an inner product of size `condition` makes."""
    value = f(x)
    return Bounded(value, 8 * abs(value) * np.where(np.isfinite(condition), condition, 0))


def _function(name, f, ulps, smooth):
    def reference(x):
        value = f(x)
        extra = value.e if isinstance(value, Bounded) else 0.0
        value = value.v if isinstance(value, Bounded) else value
        return Bounded(value, 2 * ulps * abs(value) + extra)

    lo, hi = smooth
    middle = floats(2, 3, seed=3, lo=lo, hi=hi)
    return [
        *table(
            name, reference, floated, ("plain", middle), ("doubles", middle.astype("f8")),
            smooth=(0,),
        ),
        *table(
            name, reference, floated, ("specials", WIDE), ("unit", UNIT_RANGE), ("tiny", TINY),
            ("ints", array([0, 1, 2, -1], "int32")), ("bools", array([True, False])),
            ("scalar", 0.5), ("zero-d", array(0.25)), ("empty", floats(0, 3)),
        ),
    ]  # fmt: skip


def _steps():
    cases = []
    for name, f in STEPS.items():
        cases += table(
            name, f, first, ("halves", HALVES), ("doubles", HALVES.astype("f8")),
            ("ints", ints(3)), ("specials", SPECIALS), ("empty", floats(2, 0)),
        )  # fmt: skip
    for name, f in TESTS.items():
        cases += table(name, f, "bool", ("specials", SPECIALS), ("ints", ints(3)))
    return cases


def _signs():
    def square(x):
        return Bounded(x * x, abs(x * x)) if x.dtype.kind == "f" else np.asarray(x) * 1 * x

    def sign(x):
        return np.sign(x.astype(int)) if x.dtype == bool else np.sign(x)

    rows = [
        ("specials", SPECIALS), ("doubles", doubles(3, 1)), ("ints", ints(2, 3)),
        ("empty", floats(0)),
    ]  # fmt: skip
    top = float(np.finfo(np.float32).max)

    def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
        high, low = posinf or top, neginf or -top
        return np.where(
            np.isnan(x), nan, np.where(x == np.inf, high, np.where(x == -np.inf, low, x))
        )

    return [
        *table("absolute", np.abs, first, *rows, ("bools", bools(3))),
        *table("absolute", np.abs, first, ("smooth", floats(3, seed=5, lo=0.5)), smooth=(0,)),
        *table("negative", lambda x: -x, first, *rows),
        *table("negative", lambda x: -x, first, ("smooth", floats(3)), smooth=(0,)),
        *table("sign", sign, counted, *rows, ("bools", bools(3))),
        *table("square", square, counted, *rows),
        *table("square", square, counted, ("smooth", floats(2, 3)), smooth=(0,)),
        *table(
            "nan_to_num", nan_to_num, first, ("specials", SPECIALS), ("ints", ints(3)),
            ("given", SPECIALS, {"nan": 7.0, "posinf": 1.0, "neginf": -1.0}),
        ),
        *table(
            "round", lambda x, decimals: Bounded(np.round(x, decimals), 2 * abs(x)), first,
            ("decimals", floats(6, lo=-99, hi=99), {"decimals": 1}),
            ("tens", floats(6, lo=-99, hi=99), {"decimals": -1}),
        ),
        *table(
            "round", np.round, first,
            ("int-tens", array([15, 25, -25, 14], "int32"), {"decimals": -1}),
        ),
    ]  # fmt: skip


# Two tensors.

GRID = floats(3, 3, seed=7)
COLUMN, ROW = array([[1.0], [2.0], [3.0]]), array([1.0, 2.0, 3.0])
PAIRS = [
    ("column", GRID, COLUMN),  # Keras on TensorFlow adds this along the wrong axis
    ("row", GRID, ROW),
    ("one-shape", GRID, floats(3, 3, seed=6)),
    ("outer", COLUMN, ROW),
    ("batch", floats(2, 4, 5, 4, seed=8), floats(1, 4, 1, 1, seed=9)),
    ("lower-rank", floats(3, 1, 2, seed=10), floats(2, 1, seed=11)),
    ("empty", floats(0, 3), floats(1, 3, seed=1)),
    ("zero-d", array(2.0), floats(3, seed=1)),
    ("doubles", doubles(2, 3, seed=12), doubles(3, seed=13)),
    ("mixed-floats", floats(3, seed=14), doubles(3, seed=15)),
    ("mixed", ints(3, seed=16), floats(3, seed=17)),
    ("ints", ints(2, 3, seed=18), ints(3, seed=19)),
    ("widths", array([47753, 2], "int64"), array([-132, 3], "int16")),
    ("zero-d-int64", array(47753, "int64"), array([-132], "int16")),
    ("unsigned", array([1, 200], "uint8"), array([-1, 100], "int8")),
    ("float-scalar", floats(3, seed=20), 0.1),
    ("left-scalar", 3.0, floats(3, seed=21)),
    ("int-scalar", floats(3, seed=22), 2),
    ("ints-float-scalar", ints(3, seed=23), 0.5),
    ("ints-int-scalar", ints(3, seed=24), 3),
    ("double-scalar", doubles(3, seed=25), 0.1),
    ("specials", np.repeat(SPECIALS, 10), np.tile(SPECIALS, 10)),
]
SMOOTH = [("smooth", floats(3, 1, seed=30, lo=0.5), floats(1, 2, seed=31, lo=0.5)),
          ("smooth-rank", floats(2, 3, seed=32, lo=0.5), floats(3, seed=33, lo=0.5))]  # fmt: skip


def _rounded(f):
    """One rounding for floats, none for ints."""

    def reference(x, y):
        value = f(np.asarray(x), np.asarray(y))
        if value.dtype.kind != "f":
            return value
        loose = any(isinstance(v, float) and float(np.float32(v)) != v for v in (x, y))
        slack = 0.0 if not loose else max(abs(v) for v in (x, y) if isinstance(v, float))
        return Bounded(value, abs(value) * 2 + slack * 3)

    return reference


def _arithmetic():
    cases = []
    for name, f in {"add": np.add, "multiply": np.multiply}.items():
        cases += table(name, _rounded(f), joined, *PAIRS, ("bools", bools(4), bools(4, seed=1)))
    for name, f in {"maximum": np.maximum, "minimum": np.minimum}.items():
        cases += table(name, _rounded(f), joined, *PAIRS, ("bools", bools(4), bools(4, seed=1)))
    cases += table(
        "subtract",
        _rounded(np.subtract),
        counted,
        *PAIRS,
    )
    cases += table(
        "subtract", lambda x, y: np.subtract(x, y, dtype=int), counted,
        ("bools", bools(4), bools(4, seed=1)),
    )  # fmt: skip
    division = [(label, x, y) for label, x, y in PAIRS if label not in ("widths", "unsigned")]
    cases += table("divide", lambda x, y: _rounded(np.divide)(x, y), floated, *division)
    for name in ("add", "multiply", "maximum", "minimum", "subtract", "divide"):
        f = getattr(np, name)
        cases += table(name, _rounded(f), joined, *SMOOTH, smooth=(0, 1))
    return cases


def _comparisons():
    names = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    cases = []
    for name in names:
        f = getattr(np, name)

        def reference(x, y, f=f):
            x, y = (np.float32(v) if isinstance(v, float) and v == 0.1 else v for v in (x, y))
            return f(x, y)

        rows = [*PAIRS, ("close", array([1.0, 1.0, 2.0]), array([1.000001, 1.0, 2.000001]))]
        skip = ("double-scalar", "mixed-floats", "batch", "row", "lower-rank", "zero-d")
        cases += table(name, reference, "bool", *(p for p in rows if p[0] not in skip))
    truth = [("numbers", array([0.0, 2.0, -1.0]), ints(3)), ("bools", bools(2, 1), bools(1, 3))]
    for name in ("logical_and", "logical_or", "logical_xor"):
        cases += table(name, getattr(np, name), "bool", *truth)
    cases += table(
        "logical_not", np.logical_not, "bool", ("numbers", SPECIALS), ("bools", bools(3))
    )
    close = [
        (
            "near", array([1.0, 2.0, math.nan, math.inf]),
            array([1.000001, 2.1, math.nan, math.inf]),
        ),
        ("nan", array([math.nan, 1.0]), array([math.nan, 1.0]), {"equal_nan": True}),
        ("tolerance", array([1.0, 2.0]), array([1.05, 2.5]), {"rtol": 0.1}),
    ]  # fmt: skip
    return cases + table("isclose", np.isclose, "bool", *close)


QUOTIENTS = [
    ("signs", array([7, -7, 7, -7], "int32"), array([2, 2, -2, -2], "int32")),
    ("float-signs", array([7.0, -7.0, 7.0, -7.0, 0.0]), array([2.0, 2.0, -2.0, -2.0, 3.0])),
    ("scalar", ints(3, seed=1), 3),
    ("column", array([[5.0], [-6.0]]), array([2.0, -4.0, 8.0])),
    ("mixed", array([5, -5], "int32"), array([2.0, 2.0])),
    ("empty", ints(0), ints(0)),
    ("bools", bools(3), array([True, True, True])),
]


def _whole():
    def counting(f):
        return lambda x, y: (
            f(x.astype(int), np.asarray(y).astype(int)) if x.dtype == bool else f(x, y)
        )

    cases = []
    for name, f in {"floor_divide": np.floor_divide, "mod": np.mod}.items():
        cases += table(name, counting(f), counted, *QUOTIENTS)
    cases += table(
        "mod", np.mod, joined, ("smooth", array([2.5, 7.3]), array([2.0, 3.0])), smooth=(0, 1)
    )
    bits = [
        ("ints", ints(2, 3, lo=0, hi=99), ints(3, seed=1)), ("bools", bools(4), bools(4, seed=1)),
        ("widths", ints(3, dtype="int8"), ints(3)), ("scalar", ints(3), 6),
    ]  # fmt: skip
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        cases += table(name, getattr(np, name), joined, *bits)
    cases += table("bitwise_not", np.bitwise_not, first, ("ints", ints(4)), ("bools", bools(3)))
    for name in ("left_shift", "right_shift"):
        cases += table(name, getattr(np, name), first, ("ints", ints(5, lo=-99, hi=99), 3))
    return cases


def _powers():
    def power(x, y):
        value = np.power(np.asarray(x), np.asarray(y))
        return Bounded(value, 32 * abs(value)) if value.dtype.kind == "f" else value

    return [
        *table(
            "power", power, joined, ("column", floats(3, 1, lo=0.5), floats(2, seed=1)),
            ("ints", ints(4), array([0, 1, 2, 3], "int32")), ("square", floats(3), 2),
            ("half", floats(3, lo=0.5), 0.5), ("base", 2, floats(3)), ("int-scalar", ints(3), 2),
            ("whole", array([-2.0, -2.0, 0.0, 0.0]), array([2.0, 3.0, 0.0, 2.0])),
            ("specials", np.repeat(SPECIALS, 10), np.tile(SPECIALS, 10)),
            ("doubles", doubles(3, lo=0.5), doubles(3, seed=1)),
        ),
        *table("power", power, joined, ("smooth", *SMOOTH[0][1:]), smooth=(0, 1)),
        *table("power", power, joined, ("smooth-cube", floats(3), 3), smooth=(0,)),
    ]  # fmt: skip


def _angles():
    def logaddexp(x, y):
        top = np.maximum(x, y)
        safe = np.where(np.isfinite(top), top, 0.0)
        value = log1p(exp(wrap(-abs(np.subtract(x, y))))) + safe
        return where(np.isfinite(top), value, np.logaddexp(x, y))

    def loose(f, ulps):
        return lambda x, y: function(lambda v: v, ulps=ulps)(f(x, y))

    def hypot(x, y):
        return loose(np.hypot, 6)(x, y)

    skip = ("widths", "unsigned", "zero-d-int64", "float-scalar", "row", "batch")
    rows = [p for p in PAIRS if p[0] not in skip]
    finite = [p for p in rows if p[0] != "specials"]
    big = ("huge", array([1e30, 3.0, math.inf]), array([1e30, 4.0, math.nan]))
    no_nan = [*finite, ("zeros", array([1.0, 0.0, -2.0]), array([0.0, 0.0, 4.0]))]

    def divide_no_nan(x, y):
        x, y = np.asarray(x, float), np.asarray(y, float)
        return wrap(np.where(y == 0, 0.0, x / y)) * 1.0

    return [
        *table("arctan2", loose(np.arctan2, 7), floated, *rows),
        *table(
            "logaddexp",
            logaddexp,
            floated,
            *rows,
            ("large", array([500.0, -500.0, 100.0]), array([499.0, -501.0, -100.0])),
        ),
        *table("hypot", hypot, floated, *finite, big),
        *table("divide_no_nan", divide_no_nan, floated, *no_nan),
        *table("arctan2", loose(np.arctan2, 7), floated, *SMOOTH, smooth=(0, 1)),
        *table("logaddexp", logaddexp, floated, *SMOOTH, smooth=(0, 1)),
        *table("hypot", hypot, floated, *SMOOTH, smooth=(0, 1)),
        *table("divide_no_nan", divide_no_nan, floated, *SMOOTH, smooth=(0, 1)),
    ]


def _choices():
    def clip(x, low, high):
        return np.minimum(np.maximum(x, low), high)

    def over_values(args):
        return joined(args[1:])

    mask = array([[True], [False], [True]])
    return [
        *table(
            "clip", clip, joined, ("scalars", SPECIALS, -1.0, 1.0), ("ints", ints(5), -2, 2),
            ("crossed", floats(4), 1.0, -1.0), ("tensors", floats(2, 3), floats(3), floats(2, 1)),
            ("float-bounds", ints(4), -0.5, 1.5), ("empty", floats(0), 0.0, 1.0),
            ("doubles", doubles(4), -1.0, 1.0), ("bounds-as-ints", floats(4), 0, 1),
        ),
        *table("clip", clip, joined, ("smooth", floats(6), -0.75, 0.75), smooth=(0,)),
        *table(
            "where", np.where, over_values, ("broadcast", mask, floats(3, 2), floats(2)),
            ("scalar", mask, floats(3, 1), 0.0), ("both-scalars", mask, 1.0, 2.0),
            ("mixed", mask, ints(3, 1), floats(3, 1)), ("ints", mask, ints(3, 1), 7),
            ("numbers", array([0.0, 2.0]), 1, 0), ("zero-d", array(True), floats(2), ints(2)),
            ("nan-elsewhere", array([True, False]), floats(2), math.nan),
        ),
        *table(
            "where", np.where, over_values, ("smooth", mask, floats(3, 2), floats(2)),
            smooth=(1, 2),
        ),
    ]  # fmt: skip


CASES = [c for name, row in FUNCTIONS.items() for c in _function(name, *row)]
for _family in (_steps, _signs, _arithmetic, _comparisons, _whole, _powers, _angles, _choices):
    CASES += _family()
for _op, _name in {
    "absolute": "abs",
    "divide": "true_divide",
    "bitwise_not": "bitwise_invert",
    "left_shift": "bitwise_left_shift",
    "right_shift": "bitwise_right_shift",
}.items():
    CASES += alias(CASES, _op, _name)
