"""Element-wise functions that are met less often: roots, remainders, neighbors, choice.

Operands broadcast and meet in one dtype as everywhere.
"""

import math
from collections.abc import Sequence
from typing import Any

from polyk import dtypes
from polyk.errors import DTypeError, ShapeError
from polyk.ops.dispatch import Tensor, cast, floating, floating_pair, indices, many, one, tensors

__all__ = [
    "allclose",
    "cbrt",
    "erfinv",
    "fabs",
    "fmax",
    "fmin",
    "fmod",
    "gcd",
    "heaviside",
    "i0",
    "isin",
    "isneginf",
    "isposinf",
    "isreal",
    "lcm",
    "ldexp",
    "logaddexp2",
    "nextafter",
    "saturate_cast",
    "select",
    "signbit",
    "view",
]


def cbrt(x: Any) -> Tensor:
    """The cube root, negative below 0."""
    b, x = floating(x)
    return b.cbrt(x)


def erfinv(x: Any) -> Tensor:
    """The inverse of `erf`; infinite at -1 and 1, NaN beyond."""
    b, x = floating(x)
    return b.erfinv(x)


def i0(x: Any) -> Tensor:
    """The modified Bessel function of the first kind, of order 0."""
    b, x = floating(x)
    return b.i0(x)


def fabs(x: Any) -> Tensor:
    """``|x|``, a float."""
    b, x = floating(x)
    return b.abs(x)


def signbit(x: Any) -> Tensor:
    """Whether `x` is negative or -0.0. Of NaN: unspecified, for engines normalize its sign."""
    b, x = one(x)
    return b.signbit(x) if b.dtype(x) in dtypes.FLOATS else b.less(cast(b, x, "int64"), 0)


def isposinf(x: Any) -> Tensor:
    """Whether `x` is infinity."""
    b, x = floating(x)
    return b.equal(x, math.inf)


def isneginf(x: Any) -> Tensor:
    """Whether `x` is minus infinity."""
    b, x = floating(x)
    return b.equal(x, -math.inf)


def isreal(x: Any) -> Tensor:
    """True everywhere: polyk has no complex dtype."""
    b, x = one(x)
    return b.full(b.shape(x), True, "bool")


def _tensors_of(x1: Any, x2: Any) -> tuple[Any, Tensor, Tensor]:
    """Two float tensors of one dtype."""
    b, x, y = floating_pair(*tensors(x1, x2)[1])
    return b, x, y


def _numbers(x1: Any, x2: Any) -> tuple[Any, Tensor, Tensor]:
    """Two tensors of one dtype, bools as int32."""
    b, (x, y) = many([x1, x2])
    return (b, b.cast(x, "int32"), b.cast(y, "int32")) if b.dtype(x) == "bool" else (b, x, y)


def logaddexp2(x1: Any, x2: Any) -> Tensor:
    """``log2(2 ** x1 + 2 ** x2)`` without overflow."""
    b, x, y = _tensors_of(x1, x2)
    return b.logaddexp2(x, y)


def nextafter(x1: Any, x2: Any) -> Tensor:
    """The neighbor of `x1` among the floats, on the way to `x2`."""
    b, x, y = _tensors_of(x1, x2)
    return b.nextafter(x, y)


def heaviside(x1: Any, x2: Any) -> Tensor:
    """0 where `x1` is negative, 1 where it is positive, `x2` where it is 0; NaN stays NaN."""
    b, x, y = _tensors_of(x1, x2)
    return b.heaviside(x, y)


def _passing_nan(op: str, plain: str, x1: Any, x2: Any) -> Tensor:
    b, (x, y) = many([x1, x2])
    return getattr(b, op if b.dtype(x) in dtypes.FLOATS else plain)(x, y)


def fmax(x1: Any, x2: Any) -> Tensor:
    """The larger number; NaN only where both are."""
    return _passing_nan("fmax", "maximum", x1, x2)


def fmin(x1: Any, x2: Any) -> Tensor:
    """The smaller number; NaN only where both are."""
    return _passing_nan("fmin", "minimum", x1, x2)


def fmod(x1: Any, x2: Any) -> Tensor:
    """The remainder with the sign of `x1`, as in C; an int by 0 raises."""
    b, x, y = _numbers(x1, x2)
    return b.fmod(x, y)


def _whole(op: str, x1: Any, x2: Any) -> Tensor:
    b, x, y = _numbers(x1, x2)
    if b.dtype(x) in dtypes.FLOATS:
        raise DTypeError(f"{op} is of ints; got {b.dtype(x)}.")
    return getattr(b, op)(x, y)


def gcd(x1: Any, x2: Any) -> Tensor:
    """The greatest common divisor of ints, never negative."""
    return _whole("gcd", x1, x2)


def lcm(x1: Any, x2: Any) -> Tensor:
    """The least common multiple of ints, never negative; 0 with 0."""
    return _whole("lcm", x1, x2)


def ldexp(x1: Any, x2: Any) -> Tensor:
    """``x1 * 2 ** x2``, `x2` ints."""
    b, (x, exponent) = tensors(x1, x2)
    return b.ldexp(floating(x)[1], indices(b, exponent, "ldexp: exponents"))


def allclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether `isclose` holds everywhere, a bool scalar."""
    from polyk.ops.logic import isclose
    from polyk.ops.reductions import all

    return all(isclose(x1, x2, rtol, atol, equal_nan))


def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element of `x1` is among those of `x2` (or, with `invert`, is not)."""
    b, (x, among) = many([x1, x2])
    rank = len(b.shape(x))
    hit = b.equal(b.expand_dims(x, rank), b.reshape(among, (math.prod(b.shape(among)),)))
    found = b.any(hit, (rank,))
    return b.logical_not(found) if invert else found


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """The choice whose condition is the first to hold; `default` where none does."""
    from polyk.ops.logic import where

    if not condlist or len(condlist) != len(choicelist):
        raise ValueError(
            f"select needs a choice for each condition; got {len(condlist)} conditions and "
            f"{len(choicelist)} choices."
        )
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result


def saturate_cast(x: Any, dtype: Any) -> Tensor:
    """`x` in another dtype, held within its range first."""
    b, x = one(x)
    name = dtypes.standardize(dtype)
    old = b.dtype(x)
    if old == "bool" or (name in dtypes.FLOATS and dtypes.promote(old, name) == name):
        return cast(b, x, name)
    low, high = dtypes.limits(name)
    least, most = dtypes.limits(old)
    if old in dtypes.INTS:
        return b.cast(b.clip(x, int(max(low, least)), int(min(high, most))), name)
    if name in dtypes.FLOATS:
        return b.cast(b.clip(x, low, high), name)
    return _saturated(b, b.cast(x, "float32") if dtypes.bits(old) == 16 else x, name)


def _saturated(b: Any, x: Tensor, dtype: str) -> Tensor:
    """Of floats to ints; the largest int need not be a float, so it is put in afterwards."""
    kind = dtypes.PYTHON[dtype]
    low, high = dtypes.limits(dtype)
    inside = b.where(b.less(b.abs(x), float(max(-low, high))), x, 0.0)
    y = b.cast(b.clip(inside, float(low), float(high)), dtype)
    y = b.where(b.less_equal(float(high), x), kind(high), y)
    return b.where(b.less_equal(x, float(low)), kind(low), y)


def view(x: Any, dtype: Any = None) -> Tensor:
    """The same bits as another dtype; the last axis shrinks or grows where the widths differ."""
    b, x = one(x)
    if dtype is None:
        return x
    old, new = b.dtype(x), dtypes.standardize(dtype)
    size = dtypes.bits(old) * (b.shape(x)[-1] if b.shape(x) else 1)
    if size % dtypes.bits(new) or (not b.shape(x) and dtypes.bits(old) != dtypes.bits(new)):
        raise ShapeError(f"view: the last axis of {old} {b.shape(x)} does not divide into {new}.")
    if "bool" in (old, new):
        raise DTypeError("view: bools have no bits of their own on every engine; use cast.")
    return x if old == new else b.view(x, new)
