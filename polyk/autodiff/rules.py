"""One rule per op: how a gradient at the output becomes gradients at the inputs.

``RULES[op][i]`` is ``rule(b, g, y, *args)`` for argument `i`: `b` is the backend to compute with,
`g` the gradient at the output `y`. Rules use ops of the contract, so a tape can record them too.
An op without a rule is differentiated through its default, unless it is in CONSTANT.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from polyk.dtypes import SCALARS, is_float

Rule = Callable[..., Any]
RULES: dict[str, tuple[Rule | None, ...]] = {}
SEVERAL: dict[str, Rule] = {}  # ops of several results: rule(b, which, g, ys, *args)
# rule(b, g, ys, *args) gives the gradients of all arguments; only the first result passes any on.
JOINT: dict[str, Rule] = {}

# Integer and boolean results, and steps whose derivative is 0 everywhere.
CONSTANT = frozenset(
    [
        "sign",
        "floor",
        "ceil",
        "round",
        "floor_divide",
        "equal",
        "less",
        "less_equal",
        "not_equal",
        "greater",
        "greater_equal",
        "logical_not",
        "logical_and",
        "logical_or",
        "logical_xor",
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "left_shift",
        "right_shift",
        "any",
        "all",
        "argmax",
        "argmin",
        "argsort",
        "isnan",
        "isinf",
        "isfinite",
        "count_nonzero",
        "one_hot",
        "stop_gradient",
        "trunc",
        "random_bits",
        "signbit",
        "view",
    ]
)


def rule(op: str, *rules: Rule | None) -> None:
    RULES[op] = rules


def rule_of_several(op: str, rule: Rule) -> None:
    """The rule for the first argument of `op`, given the gradient of result `which` alone."""
    SEVERAL[op] = rule


def fit(b: Any, g: Any, x: Any) -> Any:
    """Sum `g` over what broadcasting added, to the shape of `x`."""
    if type(x) in SCALARS:
        return None
    shape, have = b.shape(x), b.shape(g)
    if shape == have:
        return g
    lead = len(have) - len(shape)
    spread = [i + lead for i, d in enumerate(shape) if d == 1 and have[i + lead] != 1]
    return b.reshape(b.sum(g, (*range(lead), *spread)), shape)


def keep(b: Any, y: Any, x: Any, axis: tuple[int, ...]) -> Any:
    """`y`, reduced from `x` over `axis`, with those axes back at size 1."""
    return b.reshape(y, tuple(1 if i in axis else d for i, d in enumerate(b.shape(x))))


# Element-wise, one tensor.

rule("negative", lambda b, g, y, x: b.negative(g))
rule("abs", lambda b, g, y, x: b.multiply(g, b.sign(x)))
rule("exp", lambda b, g, y, x: b.multiply(g, y))
rule("expm1", lambda b, g, y, x: b.multiply(g, b.add(y, 1.0)))
rule("log", lambda b, g, y, x: b.divide(g, x))
rule("log1p", lambda b, g, y, x: b.divide(g, b.add(x, 1.0)))
rule("sqrt", lambda b, g, y, x: b.divide(b.multiply(g, 0.5), y))
rule("rsqrt", lambda b, g, y, x: b.multiply(b.multiply(g, -0.5), b.divide(y, x)))
rule("square", lambda b, g, y, x: b.multiply(b.multiply(g, 2.0), x))
rule("sin", lambda b, g, y, x: b.multiply(g, b.cos(x)))
rule("cos", lambda b, g, y, x: b.negative(b.multiply(g, b.sin(x))))
rule("tan", lambda b, g, y, x: b.multiply(g, b.add(b.square(y), 1.0)))
rule("arcsin", lambda b, g, y, x: b.divide(g, b.sqrt(b.subtract(1.0, b.square(x)))))
rule("arccos", lambda b, g, y, x: b.negative(b.divide(g, b.sqrt(b.subtract(1.0, b.square(x))))))
rule("arctan", lambda b, g, y, x: b.divide(g, b.add(b.square(x), 1.0)))
rule("sinh", lambda b, g, y, x: b.multiply(g, b.cosh(x)))
rule("cosh", lambda b, g, y, x: b.multiply(g, b.sinh(x)))
rule("tanh", lambda b, g, y, x: b.multiply(g, b.subtract(1.0, b.square(y))))
rule("arcsinh", lambda b, g, y, x: b.divide(g, b.sqrt(b.add(b.square(x), 1.0))))
rule("arccosh", lambda b, g, y, x: b.divide(g, b.sqrt(b.subtract(b.square(x), 1.0))))
rule("arctanh", lambda b, g, y, x: b.divide(g, b.subtract(1.0, b.square(x))))


def _bell(b: Any, g: Any, x: Any, scale: float) -> Any:
    return b.multiply(b.multiply(g, scale), b.exp(b.negative(b.square(x))))


rule("erf", lambda b, g, y, x: _bell(b, g, x, 2 / math.sqrt(math.pi)))
rule("erfc", lambda b, g, y, x: _bell(b, g, x, -2 / math.sqrt(math.pi)))
rule(
    "erfinv",
    lambda b, g, y, x: b.multiply(b.multiply(g, math.sqrt(math.pi) / 2), b.exp(b.square(y))),
)


def _cast(b: Any, g: Any, y: Any, x: Any, dtype: str) -> Any:
    """A step to or from whole numbers is flat."""
    return b.cast(g, b.dtype(x)) if is_float(dtype) and is_float(b.dtype(x)) else None


rule("cast", _cast, None)

# Element-wise, two tensors.

rule("add", lambda b, g, z, x, y: fit(b, g, x), lambda b, g, z, x, y: fit(b, g, y))
rule(
    "subtract",
    lambda b, g, z, x, y: fit(b, g, x),
    lambda b, g, z, x, y: fit(b, b.negative(g), y),
)
rule(
    "multiply",
    lambda b, g, z, x, y: fit(b, b.multiply(g, y), x),
    lambda b, g, z, x, y: fit(b, b.multiply(g, x), y),
)
rule(
    "divide",
    lambda b, g, z, x, y: fit(b, b.divide(g, y), x),
    lambda b, g, z, x, y: fit(b, b.negative(b.divide(b.multiply(g, z), y)), y),
)
rule(
    "mod",
    lambda b, g, z, x, y: fit(b, g, x),
    lambda b, g, z, x, y: fit(b, b.negative(b.multiply(g, b.floor(b.divide(x, y)))), y),
)


def _power_base(b: Any, g: Any, z: Any, x: Any, y: Any) -> Any:
    if type(y) in SCALARS:
        slope = b.multiply(b.power(x, y - 1), float(y)) if y else 0.0
        return b.multiply(g, slope)
    flat = b.equal(y, 0)
    slope = b.multiply(y, b.power(x, b.where(flat, 1.0, b.subtract(y, 1.0))))
    return fit(b, b.where(flat, 0.0, b.multiply(g, slope)), x)


def _power_exponent(b: Any, g: Any, z: Any, x: Any, y: Any) -> Any:
    if type(x) in SCALARS:
        return b.multiply(g, b.multiply(z, math.log(x) if x > 0 else 0.0 if x == 0 else math.nan))
    log = b.log(b.where(b.equal(x, 0), 1.0, x))
    return fit(b, b.multiply(g, b.multiply(z, log)), y)


rule("power", _power_base, _power_exponent)


def _winner(b: Any, g: Any, z: Any, x: Any, y: Any) -> Any:
    """`g` where `x` is the result `z`, half of it where `y` is too."""
    chosen = b.logical_or(b.equal(x, z), b.not_equal(x, x))
    share = b.where(b.equal(x, y), b.multiply(g, 0.5), g)
    return fit(b, b.where(chosen, share, 0.0), x)


rule("maximum", _winner, lambda b, g, z, x, y: _winner(b, g, z, y, x))
rule("minimum", _winner, lambda b, g, z, x, y: _winner(b, g, z, y, x))


def _angle(b: Any, g: Any, x: Any, y: Any, other: Any, sign: float) -> Any:
    return b.multiply(b.multiply(g, sign), b.divide(other, b.add(b.square(x), b.square(y))))


rule(
    "arctan2",
    lambda b, g, z, x, y: fit(b, _angle(b, g, x, y, y, 1.0), x),
    lambda b, g, z, x, y: fit(b, _angle(b, g, x, y, x, -1.0), y),
)


def _below(b: Any, g: Any, y: Any, x: Any, low: Any, high: Any) -> Any:
    return fit(b, b.where(b.logical_and(b.less(x, low), b.less_equal(low, high)), g, 0.0), low)


def _above(b: Any, g: Any, y: Any, x: Any, low: Any, high: Any) -> Any:
    return fit(b, b.where(b.less(high, b.maximum(x, low)), g, 0.0), high)


rule(
    "clip",
    lambda b, g, y, x, low, high: fit(
        b, b.where(b.logical_or(b.less(x, low), b.less(high, x)), 0.0, g), x
    ),
    _below,
    _above,
)
rule(
    "where",
    None,
    lambda b, g, z, c, x, y: fit(b, b.where(c, g, 0.0), x),
    lambda b, g, z, c, x, y: fit(b, b.where(c, 0.0, g), y),
)

# Reductions.


def _spread(b: Any, g: Any, x: Any, axis: tuple[int, ...]) -> Any:
    return b.broadcast_to(keep(b, g, x, axis), b.shape(x))


rule("sum", lambda b, g, y, x, axis, keepdims=False: _spread(b, g, x, axis))


def _mean(b: Any, g: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    count = math.prod(b.shape(x)[a] for a in axis)
    return _spread(b, b.divide(g, float(max(count, 1))), x, axis)


rule("mean", _mean)


def _prod(b: Any, g: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    """Each factor's share is the product of the others: of those before it and those after."""
    shape = b.shape(x)
    order = (*(i for i in range(len(shape)) if i not in axis), *axis)
    rows = b.reshape(b.transpose(x, order), (-1, math.prod(shape[a] for a in axis)))
    rest = b.multiply(_before(b, rows), b.flip(_before(b, b.flip(rows, (1,))), (1,)))
    rest = b.reshape(rest, tuple(shape[i] for i in order))
    inverse = tuple(sorted(range(len(order)), key=order.__getitem__))
    return b.multiply(keep(b, g, x, axis), b.transpose(rest, inverse))


def _before(b: Any, rows: Any) -> Any:
    """The product of all earlier elements of each row."""
    n, m = b.shape(rows)
    shifted = b.pad(b.getitem(rows, (slice(0, n, 1), slice(0, m - 1, 1))), ((0, 0), (1, 0)), 1)
    return b.cumprod(shifted, 1)


rule("prod", _prod)


def _extreme(b: Any, g: Any, y: Any, x: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    top = keep(b, y, x, axis)
    hit = b.logical_or(b.equal(x, top), b.not_equal(x, x))
    share = b.cast(hit, b.dtype(g))
    return b.multiply(b.divide(share, b.sum(share, axis, True)), keep(b, g, x, axis))


rule("max", _extreme)
rule("min", _extreme)


def _reverse_sum(b: Any, g: Any, axis: int) -> Any:
    return b.flip(b.cumsum(b.flip(g, (axis,)), axis), (axis,))


rule("cumsum", lambda b, g, y, x, axis: _reverse_sum(b, g, axis))


def _cumprod(b: Any, g: Any, y: Any, x: Any, axis: int) -> Any:
    """Sum over j >= i of g_j times the product of all of x up to j but x_i: a matrix per row."""
    shape = b.shape(x)
    n = shape[axis]
    x, g = b.swapaxes(x, axis, len(shape) - 1), b.swapaxes(g, axis, len(shape) - 1)
    steps = b.arange(0, n, 1, "int32")
    own = b.equal(b.reshape(steps, (n, 1)), b.reshape(steps, (1, n)))
    partial = b.cumprod(b.where(own, 1.0, b.expand_dims(x, len(shape) - 1)), len(shape))
    upto = b.less_equal(b.reshape(steps, (n, 1)), b.reshape(steps, (1, n)))
    share = b.where(upto, b.multiply(partial, b.expand_dims(g, len(shape) - 1)), 0.0)
    return b.swapaxes(b.sum(share, (len(shape),)), axis, len(shape) - 1)


rule("cumprod", _cumprod)


def _sort(b: Any, g: Any, y: Any, x: Any, axis: int) -> Any:
    """Send each gradient back to where its value came from."""
    home = b.argsort(b.argsort(x, axis), axis)
    return b.take_along_axis(g, home, axis)


rule("sort", _sort)

# Matrix products.


def _t(b: Any, x: Any) -> Any:
    n = len(b.shape(x))
    return b.swapaxes(x, n - 2, n - 1)


def _matmul_y(b: Any, g: Any, z: Any, x: Any, y: Any) -> Any:
    if len(b.shape(y)) == 2 < len(b.shape(x)):  # one product, not a sum of many
        x, g = (b.reshape(v, (-1, b.shape(v)[-1])) for v in (x, g))
    return fit(b, b.matmul(_t(b, x), g), y)


rule("matmul", lambda b, g, z, x, y: fit(b, b.matmul(g, _t(b, y)), x), _matmul_y)
rule(
    "linear",
    lambda b, g, z, x, k, bias: b.matmul(g, _t(b, k)),
    lambda b, g, z, x, k, bias: _matmul_y(b, g, z, x, k),
    lambda b, g, z, x, k, bias: b.sum(g, tuple(range(len(b.shape(g)) - 1))),
)
