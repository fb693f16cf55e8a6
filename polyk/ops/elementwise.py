"""Element-wise maths.

Operands broadcast as in NumPy and meet in one dtype by `polyk.dtypes.promote`; a function of real
numbers turns ints into floatx. NaN propagates.
"""

import math
from typing import Any

from polyk import dtypes
from polyk.ops.dispatch import (
    Tensor,
    binary,
    cast,
    floating,
    floating_pair,
    floating_tensors,
    one,
    pair,
    unary,
)

__all__ = [
    "abs",
    "absolute",
    "add",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "ceil",
    "clip",
    "cos",
    "cosh",
    "deg2rad",
    "divide",
    "divide_no_nan",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "floor_divide",
    "hypot",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "power",
    "rad2deg",
    "reciprocal",
    "round",
    "rsqrt",
    "sign",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "true_divide",
    "trunc",
]


def absolute(x: Any) -> Tensor:
    """``|x|``; the derivative at 0 is 0."""
    b, x = one(x)
    return x if b.dtype(x) == "bool" else b.abs(x)


abs = absolute


def negative(x: Any) -> Tensor:
    """``-x``."""
    b, x = one(x)
    return b.negative(cast(b, x, "int32") if b.dtype(x) == "bool" else x)


def sign(x: Any) -> Tensor:
    """-1, 0 or 1; NaN for NaN, 0 for both zeros."""
    b, x = one(x)
    return b.sign(cast(b, x, "int32") if b.dtype(x) == "bool" else x)


@unary
def exp(x: Any) -> Tensor:
    """``e ** x``."""


@unary
def exp2(x: Any) -> Tensor:
    """``2 ** x``."""


@unary
def expm1(x: Any) -> Tensor:
    """``e ** x - 1``, accurate near 0."""


@unary
def log(x: Any) -> Tensor:
    """Natural logarithm; -inf at 0, NaN below."""


@unary
def log2(x: Any) -> Tensor:
    """Logarithm to base 2."""


@unary
def log10(x: Any) -> Tensor:
    """Logarithm to base 10."""


@unary
def log1p(x: Any) -> Tensor:
    """``log(1 + x)``, accurate near 0."""


@unary
def sqrt(x: Any) -> Tensor:
    """Square root; NaN below 0."""


@unary
def rsqrt(x: Any) -> Tensor:
    """``1 / sqrt(x)``."""


@unary
def sin(x: Any) -> Tensor:
    """Sine of radians."""


@unary
def cos(x: Any) -> Tensor:
    """Cosine of radians."""


@unary
def tan(x: Any) -> Tensor:
    """Tangent of radians."""


@unary
def arcsin(x: Any) -> Tensor:
    """Inverse sine, in radians."""


@unary
def arccos(x: Any) -> Tensor:
    """Inverse cosine, in radians."""


@unary
def arctan(x: Any) -> Tensor:
    """Inverse tangent, in radians."""


@unary
def sinh(x: Any) -> Tensor:
    """Hyperbolic sine."""


@unary
def cosh(x: Any) -> Tensor:
    """Hyperbolic cosine."""


@unary
def tanh(x: Any) -> Tensor:
    """Hyperbolic tangent."""


@unary
def arcsinh(x: Any) -> Tensor:
    """Inverse hyperbolic sine."""


@unary
def arccosh(x: Any) -> Tensor:
    """Inverse hyperbolic cosine."""


@unary
def arctanh(x: Any) -> Tensor:
    """Inverse hyperbolic tangent."""


@unary
def erf(x: Any) -> Tensor:
    """The error function."""


@unary
def erfc(x: Any) -> Tensor:
    """``1 - erf(x)``, accurate for large `x`."""


@unary
def sinc(x: Any) -> Tensor:
    """``sin(pi x) / (pi x)``; 1 at 0."""


def floor(x: Any) -> Tensor:
    """The largest whole number not above `x`. Ints stay as they are."""
    b, x = one(x)
    return b.floor(x) if dtypes.is_float(b.dtype(x)) else x


def ceil(x: Any) -> Tensor:
    """The smallest whole number not below `x`. Ints stay as they are."""
    b, x = one(x)
    return b.ceil(x) if dtypes.is_float(b.dtype(x)) else x


def trunc(x: Any) -> Tensor:
    """`x` without its fraction. Ints stay as they are."""
    b, x = one(x)
    return b.trunc(x) if dtypes.is_float(b.dtype(x)) else x


def round(x: Any, decimals: int = 0) -> Tensor:
    """To the nearest, half to even. Ints stay as they are unless `decimals` is negative."""
    b, x = one(x)
    if not dtypes.is_float(b.dtype(x)):
        if decimals >= 0:
            return x
        scaled = round(divide(cast(b, x, "float64"), 10.0**-decimals))
        return b.cast(b.multiply(scaled, 10.0**-decimals), b.dtype(x))
    if not decimals:
        return b.round(x)
    return b.divide(b.round(b.multiply(x, 10.0**decimals)), 10.0**decimals)


def square(x: Any) -> Tensor:
    """``x * x``."""
    b, x = one(x)
    return b.square(cast(b, x, "int32") if b.dtype(x) == "bool" else x)


def reciprocal(x: Any) -> Tensor:
    """``1 / x``."""
    b, x = floating(x)
    return b.divide(1.0, x)


def deg2rad(x: Any) -> Tensor:
    """Degrees to radians."""
    b, x = floating(x)
    return b.multiply(x, math.pi / 180)


def rad2deg(x: Any) -> Tensor:
    """Radians to degrees."""
    b, x = floating(x)
    return b.multiply(x, 180 / math.pi)


@binary
def add(x1: Any, x2: Any) -> Tensor:
    """``x1 + x2``; of bools: or."""
    b, x, y = pair(x1, x2)
    return b.add(x, y)


@binary
def multiply(x1: Any, x2: Any) -> Tensor:
    """``x1 * x2``; of bools: and."""
    b, x, y = pair(x1, x2)
    return b.multiply(x, y)


@binary
def maximum(x1: Any, x2: Any) -> Tensor:
    """The larger; a tie halves the gradient."""
    b, x, y = pair(x1, x2)
    return b.maximum(x, y)


@binary
def minimum(x1: Any, x2: Any) -> Tensor:
    """The smaller; a tie halves the gradient."""
    b, x, y = pair(x1, x2)
    return b.minimum(x, y)


def subtract(x1: Any, x2: Any) -> Tensor:
    """``x1 - x2``; bools count as ints."""
    b, x, y = _numbers(x1, x2)
    return b.subtract(x, y)


def floor_divide(x1: Any, x2: Any) -> Tensor:
    """The quotient rounded toward minus infinity; an int divided by 0 raises."""
    b, x, y = _numbers(x1, x2)
    return b.floor_divide(x, y)


def mod(x1: Any, x2: Any) -> Tensor:
    """The remainder, with the sign of `x2`; an int modulo 0 raises."""
    b, x, y = _numbers(x1, x2)
    return b.mod(x, y)


def power(x1: Any, x2: Any) -> Tensor:
    """``x1 ** x2``; the derivative at ``x1 = x2 = 0`` is 0."""
    b, x, y = _numbers(x1, x2)
    return b.power(x, y)


def divide(x1: Any, x2: Any) -> Tensor:
    """``x1 / x2``; of ints: a float."""
    b, x, y = floating_pair(x1, x2)
    return b.divide(x, y)


def arctan2(x1: Any, x2: Any) -> Tensor:
    """The angle of the point with ordinate `x1` and abscissa `x2`, in radians."""
    b, x, y = floating_pair(x1, x2)
    return b.arctan2(x, y)


def logaddexp(x1: Any, x2: Any) -> Tensor:
    """``log(exp(x1) + exp(x2))`` without overflow."""
    b, x, y = floating_tensors(x1, x2)
    return b.logaddexp(x, y)


def hypot(x1: Any, x2: Any) -> Tensor:
    """``sqrt(x1 ** 2 + x2 ** 2)`` without overflow."""
    b, x, y = floating_tensors(x1, x2)
    return b.hypot(x, y)


true_divide = divide


def divide_no_nan(x1: Any, x2: Any) -> Tensor:
    """``x1 / x2``, and 0 where `x2` is 0."""
    b, x, y = floating_tensors(x1, x2)
    zero = b.equal(y, 0)
    return b.where(zero, 0.0, b.divide(x, b.where(zero, 1.0, y)))


def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """`x` held between two bounds; the derivative at a bound is 1. NaN stays NaN.

    Where ``x_min > x_max`` the result is `x_max`.
    """
    b, x, low = pair(x, x_min)
    b, x, high = pair(x, x_max)
    low = cast(b, low, b.dtype(x)) if type(low) not in dtypes.SCALARS else low
    return b.clip(x, low, high)


def _numbers(x: Any, y: Any) -> tuple[Any, Any, Any]:
    """As `pair`, with bools as int32."""
    b, x, y = pair(x, y)
    if b.dtype(y if type(x) in dtypes.SCALARS else x) != "bool":
        return b, x, y
    x, y = (int(v) if type(v) in dtypes.SCALARS else b.cast(v, "int32") for v in (x, y))
    return b, x, y
