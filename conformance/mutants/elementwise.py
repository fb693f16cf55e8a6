"""Element-wise functions, activations, dtypes of results."""

import math

import numpy as np

from mutants.mutant import REAL, plant


def half(f):
    """`f` computed in float16."""
    return lambda x, *rest: np.asarray(f(np.asarray(x, "f2"), *rest)).astype(x.dtype)


def divided(x, y):
    """How NumPy holds a quotient of whole numbers that is rounded toward zero."""
    return np.trunc(np.divide(x, y)).astype(np.result_type(x, y))


plant("floor_divide-trunc", "`//` rounds toward zero", "floor_divide", floor_divide=divided)
plant("mod-fmod", "`%` takes the sign of the dividend", "mod", mod=np.fmod)
plant("mod-unchecked", "an int modulo 0 is 0 in silence", "mod", mod=np.mod)
plant(
    "round-half-away",
    "round sends halves away from zero",
    "round",
    round=lambda x: np.trunc(x + np.copysign(x.dtype.type(0.5), x)),
)
plant("sign-nan", "sign(NaN) is 0", "sign", sign=lambda x: np.sign(np.nan_to_num(x)))
plant("relu-nan", "relu(NaN) is 0", "relu", relu=lambda x: np.where(x > 0, x, 0))
plant("maximum-nan", "maximum skips NaN", "maximum", maximum=np.fmax)
plant("minimum-nan", "minimum skips NaN", "minimum", minimum=np.fmin)
plant(
    "clip-nan",
    "clip turns NaN into a bound",
    "clip",
    clip=lambda x, low, high: np.fmin(np.fmax(x, low), high),
)
plant(
    "clip-crossed",
    "clip with crossed bounds gives the lower",
    "clip",
    clip=lambda x, low, high: np.maximum(np.minimum(x, high), low),
)
plant("expm1-naive", "expm1 is exp(x) - 1", "expm1", expm1=lambda x: np.exp(x) - 1)
plant("log1p-naive", "log1p is log(1 + x)", "log1p", log1p=lambda x: np.log(1 + x))
plant("exp-half", "exp is computed in float16", "exp", exp=half(np.exp))
plant("sqrt-widens", "sqrt returns float64", "sqrt", sqrt=lambda x: np.sqrt(x.astype("f8")))
plant(
    "rsqrt-shifted",
    "rsqrt adds 1e-7 lest it divides by 0",
    "rsqrt",
    rsqrt=lambda x: 1 / np.sqrt(x + x.dtype.type(1e-7)),
)
plant(
    "divide-shifted",
    "division adds 1e-7 lest it divides by 0",
    "divide",
    divide=lambda x, y: np.divide(x, np.add(y, np.float32(1e-7)), dtype=getattr(x, "dtype", None)),
)
plant(
    "tanh-overflows",
    "tanh by way of exp(2x) overflows",
    "tanh",
    tanh=lambda x: (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1),
)
plant(
    "sigmoid-tanh",
    "sigmoid by way of tanh has no lower tail",
    "sigmoid",
    sigmoid=lambda x: np.tanh(x / 2) / 2 + x.dtype.type(0.5),
)
plant(
    "softplus-naive",
    "softplus is log(1 + exp(x))",
    "softplus",
    softplus=lambda x: np.log(1 + np.exp(x)),
)
plant("erfc-from-erf", "erfc is 1 - erf", "erfc", erfc=lambda x: 1 - REAL.erf(x))
plant(
    "gelu-tail",
    "exact gelu by 1 + erf has no lower tail",
    "gelu",
    gelu=lambda x, approximate: (
        REAL.gelu(x, True)
        if approximate
        else 0.5 * x * (1 + REAL.erf(x * x.dtype.type(math.sqrt(0.5))))
    ),
)
plant(
    "gelu-approximate",
    "gelu is always the tanh approximation",
    "gelu",
    gelu=lambda x, approximate: REAL.gelu(x, True),
)
plant(
    "elu-naive",
    "elu is exp(x) - 1 below 0",
    "elu",
    elu=lambda x, alpha: np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1)),
)
plant(
    "leaky-slope",
    "leaky_relu ignores its slope",
    "leaky_relu",
    leaky_relu=lambda x, negative_slope: REAL.leaky_relu(x, 0.2),
)
plant(
    "selu-constants",
    "selu has its constants to four digits",
    "selu",
    selu=lambda x: REAL.multiply(REAL.elu(x, 1.6733), x.dtype.type(1.0507)),
)
plant(
    "shrink-strict",
    "hard_shrink keeps what lies on the threshold",
    "hard_shrink",
    hard_shrink=lambda x, t: np.where(abs(x) < t, x.dtype.type(0), x),
)
plant(
    "logaddexp-naive",
    "logaddexp is log(exp(x) + exp(y))",
    "logaddexp",
    logaddexp=lambda x, y: np.log(np.exp(x) + np.exp(y)),
)
plant(
    "hypot-naive",
    "hypot squares, and overflows",
    "hypot",
    hypot=lambda x, y: np.sqrt(np.square(x) + np.square(y)),
)
plant(
    "power-by-log",
    "x ** y is exp(y log(x))",
    "power",
    power=lambda x, y: np.exp(np.multiply(y, np.log(x))).astype(np.result_type(x, y)),
)
plant(
    "arctan2-one-quadrant",
    "arctan2 is arctan(x / y)",
    "arctan2",
    arctan2=lambda x, y: np.arctan(np.divide(x, y)),
)
plant(
    "cos-shifted",
    "cos is sin(x + pi/2)",
    "cos",
    cos=lambda x: np.sin(x + x.dtype.type(math.pi / 2)),
)
plant(
    "log10-constant",
    "log10 divides by 2.3026",
    "log10",
    log10=lambda x: np.log(x) / x.dtype.type(2.3026),
)
plant("equal-close", "equal takes what is close for equal", "equal", equal=np.isclose)
plant(
    "less-nan", "less is not(>=), so NaN is less", "less", less=lambda x, y: ~np.greater_equal(x, y)
)
plant("isfinite-nan", "isfinite is not isnan", "isfinite", isfinite=lambda x: ~np.isnan(x))
plant(
    "where-blend",
    "where is a sum of products, so NaN leaks",
    "where",
    where=lambda c, x, y: REAL.add(
        REAL.multiply(REAL.cast(c, np.result_type(x, y)), x),
        REAL.multiply(REAL.cast(~c, np.result_type(x, y)), y),
    ),
)
plant(
    "shift-logical",
    "right_shift drops the sign",
    "right_shift",
    right_shift=lambda x, y: np.right_shift(x.view(f"u{x.itemsize}"), y).astype(x.dtype),
)
plant("xor-or", "bitwise_xor is bitwise_or", "bitwise_xor", bitwise_xor=np.bitwise_or)
plant(
    "multiply-float32",
    "whole numbers are multiplied as float32",
    "multiply",
    multiply=lambda x, y: (
        np.multiply(x, y)
        if getattr(x, "dtype", y).kind == "f"
        else np.multiply(x, y, dtype="f4", casting="unsafe").astype(np.result_type(x, y))
    ),
)
plant(
    "add-saturates",
    "int32 saturates instead of wrapping around",
    "add random_bits",
    checks=("test_random",),
    add=lambda x, y: (
        np.add(x, y)
        if getattr(x, "dtype", None) != "i4"
        else np.clip(np.add(x, y, dtype="i8"), -(2**31), 2**31 - 1).astype("i4")
    ),
)
plant(
    "scalar-promotes",
    "a Python scalar makes float64 of a float32",
    "add",
    add=lambda x, y: np.add(x, np.float64(y)) if isinstance(y, float) else np.add(x, y),
)
plant(
    "cast-rounds",
    "cast to int rounds",
    "cast",
    cast=lambda x, dtype: (np.rint(x) if "int" in dtype else x).astype(dtype),
)
plant(
    "cast-bool-truncates",
    "cast to bool goes by way of int",
    "cast",
    cast=lambda x, d: (x.astype("i4") if d == "bool" and x.dtype.kind == "f" else x).astype(d),
)
plant(
    "asarray-narrows",
    "Python floats are float32 whatever floatx is",
    "convert_to_tensor array",
    checks=("floatx",),
    asarray=lambda x, dtype=None: REAL.asarray(
        np.asarray(REAL.asarray(x), "f4") if type(x) is float and dtype is None else x, dtype
    ),
)
plant(
    "arange-adds-up",
    "arange adds its step up in float32",
    "arange",
    arange=lambda start, stop, step, dtype: (
        np.cumsum(np.full(len(np.arange(start, stop, step)), step, "f4"))
        - np.float32(step)
        + np.float32(start)
    ).astype(dtype),
)
plant(
    "full-float",
    "full makes floats of whole numbers",
    "full zeros ones",
    full=lambda shape, value, dtype: np.full(shape, value, "f4" if dtype == "int32" else dtype),
)
plant(
    "copy-aliases",
    "copy shares memory with what it copies",
    "copy",
    checks=("memory_of_their_own",),
    copy=lambda x: x,
)
plant(
    "add-in-place",
    "add writes into its first argument",
    "add",
    add=lambda x, y: (
        np.add(x, y, out=x)
        if np.ndim(x) and np.shape(x) == np.shape(y) and x.flags.writeable and x.dtype == y.dtype
        else np.add(x, y)
    ),
)
plant(
    "relu-in-place",
    "relu writes into its argument",
    "relu",
    relu=lambda x: np.maximum(x, 0, out=x) if x.ndim else np.maximum(x, 0),
)
