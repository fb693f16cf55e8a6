"""Running error analysis: a float64 value and how far rounding may carry it.

An oracle written with `Bounded` gives the value and, to first order, the bound at once. The bound
is in units of the unit roundoff u, so that one oracle serves every precision; there is no absolute
tolerance anywhere. `budget` is the largest error over its bound: at most 1, on the same scale for
every op and dtype. Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, ch. 3.
"""

from typing import NamedTuple

import numpy as np

UNIT = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}
HELD = ("float16", "float32")  # narrower than the oracle, with an infinity of their own
TINY = {"float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}


class Bounded:
    """`v` and `e`, arrays of one shape: the value, and its error in units of u."""

    __array_ufunc__ = None  # a NumPy array on the left must ask __radd__ and its like

    def __init__(self, v, e=0.0):
        self.v = np.asarray(v, np.float64)
        e = np.broadcast_to(np.asarray(e, np.float64), self.v.shape)
        self.e = np.where(np.isfinite(self.v) & ~np.isnan(e), e, 0.0)

    @property
    def shape(self):
        return self.v.shape

    def __add__(self, other):
        other = wrap(other)
        return rounded(self.v + other.v, self.e + other.e)

    def __neg__(self):
        return Bounded(-self.v, self.e)

    def __sub__(self, other):
        return self + -wrap(other)

    def __rsub__(self, other):
        return wrap(other) - self

    def __mul__(self, other):
        other = wrap(other)
        with np.errstate(all="ignore"):
            return rounded(self.v * other.v, abs(self.v) * other.e + abs(other.v) * self.e)

    def __truediv__(self, other):
        other = wrap(other)
        with np.errstate(all="ignore"):
            v = self.v / other.v
            return rounded(v, (self.e + abs(v) * other.e) / abs(other.v))

    def __rtruediv__(self, other):
        return wrap(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __getitem__(self, index):
        return Bounded(self.v[index], self.e[index])

    def move(self, fn):
        """A rearrangement, which rounds nothing."""
        return Bounded(fn(self.v), fn(self.e))

    def sum(self, axis=None, keepdims=False):
        """Of n terms in any order: n - 1 roundings of the sum of their sizes."""
        total = self.v.sum(axis=axis, keepdims=keepdims)
        terms = self.v.size // max(total.size, 1)
        size = abs(self.v).sum(axis=axis, keepdims=keepdims)
        e = self.e.sum(axis=axis, keepdims=keepdims) + max(terms - 1, 0) * size
        return Bounded(total, e)

    def mean(self, axis=None, keepdims=False):
        total = self.sum(axis, keepdims)
        return total / float(self.v.size // max(total.v.size, 1))


def wrap(x):
    """As Bounded; a Python float that float32 does not hold is off by a rounding."""
    if isinstance(x, Bounded):
        return x
    if isinstance(x, float) and np.isfinite(x) and float(np.float32(x)) != x:
        return Bounded(x, abs(x))
    return Bounded(x)


def rounded(v, e):
    """A result with the error it brings along and one rounding of its own."""
    return Bounded(v, e + abs(v))


def function(f, slope=None, ulps=4.0):
    """A library function good to `ulps` units in the last place; `slope` is its derivative."""

    def bounded(x):
        x = wrap(x)
        with np.errstate(all="ignore"):
            v = f(x.v)
            carried = abs(slope(x.v)) * x.e if slope else 0.0
            return Bounded(v, carried + 2 * ulps * abs(v))

    return bounded


exp = function(np.exp, np.exp, 5)
log = function(np.log, lambda x: 1 / x, 4)
log1p = function(np.log1p, lambda x: 1 / (1 + x), 4)
expm1 = function(np.expm1, np.exp, 5)
sqrt = function(np.sqrt, lambda x: 0.5 / np.sqrt(x), 1)
tanh = function(np.tanh, lambda x: 1 - np.tanh(x) ** 2, 6)


def where(condition, x, y):
    x, y = wrap(x), wrap(y)
    return Bounded(np.where(condition, x.v, y.v), np.where(condition, x.e, y.e))


def contract(product, *operands, terms):
    """A sum of `terms` products: ``product(*operands)`` is linear in each of them."""
    values = [np.asarray(x, np.float64) for x in operands]
    size = product(*(abs(x) for x in values))
    return Bounded(product(*values), (terms + len(operands)) * size)


class Gap(NamedTuple):
    """The cell that comes closest to its bound, or goes furthest beyond it."""

    used: float  # its error over what is allowed there
    place: tuple[int, ...] = ()
    got: float = 0.0
    want: float = 0.0
    allowed: float = 0.0
    ulps: float = 0.0  # its error in units in the last place of what is wanted

    def __str__(self):
        return (
            f"at {self.place}: got {self.got!r}, want {self.want!r}, allowed {self.allowed:.3g}"
            f" ({self.ulps:.3g} ulp off)"
        )


def budget(got, want):
    """The `Gap` between the array `got` and the `Bounded` `want`."""
    dtype, got = got.dtype.name, np.asarray(got, np.float64)
    if not got.size:
        return Gap(0.0)
    with np.errstate(all="ignore"):
        held = want.v.astype(dtype).astype(float) if dtype in HELD else want.v
        same = (
            (got == want.v) | (np.isnan(got) & np.isnan(want.v)) | (np.isinf(got) & (got == held))
        )
        allowed = UNIT[dtype] * (want.e + 2 * abs(want.v)) + TINY[dtype]
        used = np.where(same, 0.0, abs(got - want.v) / allowed)
    used = np.where(np.isnan(used), np.inf, used)
    i = int(np.argmax(used))
    place = tuple(map(int, np.unravel_index(i, used.shape)))
    got, value = float(got.flat[i]), float(want.v.flat[i])
    error = 0.0 if same.flat[i] else abs(got - value)
    return Gap(
        float(used.flat[i]), place, got, value, float(allowed.flat[i]), error / ulp(value, dtype)
    )


def ulp(value, dtype):
    """The distance from `value` to the next number of `dtype`; that of TINY below it."""
    size = max(abs(value), TINY[dtype]) if np.isfinite(value) else TINY[dtype]
    return 2 * UNIT[dtype] * 2.0 ** np.floor(np.log2(size))
