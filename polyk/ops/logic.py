"""Comparison, logic, bits, choice. Operands broadcast as in NumPy and meet in one dtype."""

import math
from typing import Any

from polyk import dtypes
from polyk.errors import DTypeError
from polyk.ops.dispatch import Tensor, cast, floating, floating_pair, one, pair, tensors

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "equal",
    "greater",
    "greater_equal",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "left_shift",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "nan_to_num",
    "not_equal",
    "right_shift",
    "where",
]


def isnan(x: Any) -> Tensor:
    """Whether `x` is NaN."""
    b, x = floating(x)
    return b.isnan(x)


def isinf(x: Any) -> Tensor:
    """Whether `x` is infinite."""
    b, x = floating(x)
    return b.isinf(x)


def isfinite(x: Any) -> Tensor:
    """Whether `x` is neither NaN nor infinite."""
    b, x = floating(x)
    return b.isfinite(x)


def equal(x1: Any, x2: Any) -> Tensor:
    """``x1 == x2``, a bool tensor."""
    b, x, y = pair(x1, x2)
    return b.equal(x, y)


def not_equal(x1: Any, x2: Any) -> Tensor:
    """``x1 != x2``, a bool tensor."""
    b, x, y = pair(x1, x2)
    return b.not_equal(x, y)


def less(x1: Any, x2: Any) -> Tensor:
    """``x1 < x2``, a bool tensor."""
    b, x, y = pair(x1, x2)
    return b.less(x, y)


def less_equal(x1: Any, x2: Any) -> Tensor:
    """``x1 <= x2``, a bool tensor."""
    b, x, y = pair(x1, x2)
    return b.less_equal(x, y)


def greater(x1: Any, x2: Any) -> Tensor:
    """``x1 > x2``, a bool tensor."""
    b, x, y = pair(x1, x2)
    return b.greater(x, y)


def greater_equal(x1: Any, x2: Any) -> Tensor:
    """``x1 >= x2``, a bool tensor."""
    b, x, y = pair(x1, x2)
    return b.greater_equal(x, y)


def isclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """``|x1 - x2| <= atol + rtol |x2|``; equal infinities are close."""
    b, (x, y) = tensors(x1, x2)
    b, x, y = floating_pair(x, y)
    near = b.less_equal(b.abs(b.subtract(x, y)), b.add(b.multiply(b.abs(y), rtol), atol))
    near = b.logical_or(b.logical_and(near, b.isfinite(y)), b.equal(x, y))
    return b.logical_or(near, b.logical_and(b.isnan(x), b.isnan(y))) if equal_nan else near


def logical_not(x: Any) -> Tensor:
    """``not x``; a number counts as true unless it is 0."""
    b, x = one(x)
    return b.logical_not(cast(b, x, "bool"))


def logical_and(x1: Any, x2: Any) -> Tensor:
    """``x1 and x2``."""
    b, (x, y) = tensors(x1, x2)
    return b.logical_and(cast(b, x, "bool"), cast(b, y, "bool"))


def logical_or(x1: Any, x2: Any) -> Tensor:
    """``x1 or x2``."""
    b, (x, y) = tensors(x1, x2)
    return b.logical_or(cast(b, x, "bool"), cast(b, y, "bool"))


def logical_xor(x1: Any, x2: Any) -> Tensor:
    """Whether exactly one of `x1`, `x2` is true."""
    b, (x, y) = tensors(x1, x2)
    return b.logical_xor(cast(b, x, "bool"), cast(b, y, "bool"))


def bitwise_and(x: Any, y: Any) -> Tensor:
    """Bits set in both; of bools: and."""
    b, x, y, dtype = _bits(x, y)
    return b.logical_and(x, y) if dtype == "bool" else b.bitwise_and(x, y)


def bitwise_or(x: Any, y: Any) -> Tensor:
    """Bits set in either; of bools: or."""
    b, x, y, dtype = _bits(x, y)
    return b.logical_or(x, y) if dtype == "bool" else b.bitwise_or(x, y)


def bitwise_xor(x: Any, y: Any) -> Tensor:
    """Bits set in exactly one; of bools: xor."""
    b, x, y, dtype = _bits(x, y)
    return b.logical_xor(x, y) if dtype == "bool" else b.bitwise_xor(x, y)


def bitwise_not(x: Any) -> Tensor:
    """Every bit flipped; of bools: not."""
    b, x = one(x)
    return b.logical_not(x) if b.dtype(x) == "bool" else b.bitwise_xor(x, -1)


bitwise_invert = bitwise_not


def left_shift(x: Any, y: int) -> Tensor:
    """The bits of `x` moved up by `y` places, a Python int."""
    b, x, _, _ = _bits(x, 0)
    return b.left_shift(x, y)


def right_shift(x: Any, y: int) -> Tensor:
    """The bits of `x` moved down by `y` places, a Python int; the sign is kept."""
    b, x, _, _ = _bits(x, 0)
    return b.right_shift(x, y)


bitwise_left_shift, bitwise_right_shift = left_shift, right_shift


def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """`x1` where `condition` holds, else `x2`; without them, `nonzero` of the condition."""
    if x1 is None and x2 is None:
        from polyk.ops.indexing import nonzero

        return nonzero(condition)
    b, (condition,) = tensors(condition)
    if type(x1) in dtypes.SCALARS and type(x2) in dtypes.SCALARS:
        x1 = b.asarray(x1)
    b2, x1, x2 = pair(x1, x2)
    b = b2 if b2.rank > b.rank else b
    return b.where(cast(b, condition, "bool"), x1, x2)


def _bits(x: Any, y: Any) -> tuple[Any, Any, Any, str]:
    b, x, y = pair(x, y)
    dtype = b.dtype(y if type(x) in dtypes.SCALARS else x)
    if dtypes.is_float(dtype):
        raise DTypeError(f"bits are an affair of ints and bools; got {dtype}.")
    return b, x, y, dtype


def nan_to_num(x: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    """Replace NaN by `nan` and infinities by the given or the largest finite values."""
    b, x = one(x)
    dtype = b.dtype(x)
    if not dtypes.is_float(dtype):
        return x
    top = dtypes.largest(dtype)
    x = b.where(b.isnan(x), float(nan), x)
    x = b.where(b.equal(x, math.inf), top if posinf is None else float(posinf), x)
    return b.where(b.equal(x, -math.inf), -top if neginf is None else float(neginf), x)
