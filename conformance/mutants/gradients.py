"""Gradients: of first and second order, at ties and kinks, and their dtypes."""

import numpy as np

from mutants.mutant import REAL, plant
from polyk.autodiff.rules import RULES, fit


def only(op, *rules):
    """The rules of `op`; None leaves one as it is."""
    return {op: tuple(w or r for w, r in zip(rules, RULES[op], strict=True))}


def cut(op):
    """The rules of `op` with the incoming gradient detached: right once, wrong twice."""
    return {op: tuple(r and detached(r) for r in RULES[op])}


def detached(rule):
    return lambda b, g, *args, **k: rule(
        b, g, *(b.stop_gradient(a) if b.rank and hasattr(a, "shape") else a for a in args), **k
    )


def row(b, g, x):
    """`fit` that takes the first row instead of the sum."""
    while len(b.shape(g)) > len(b.shape(x)):
        g = b.getitem(g, (0, *(slice(0, d, 1) for d in b.shape(g)[1:])))
    return fit(b, g, x)


def taken(b, g, y, x, i, axis):
    """The gradient of take, set instead of added."""
    order = (
        *range(axis, axis + len(i.shape)),
        *range(axis),
        *range(axis + len(i.shape), len(b.shape(g))),
    )
    rest = b.shape(x)[:axis] + b.shape(x)[axis + 1 :]
    updates = b.reshape(b.transpose(g, order), (-1, *rest))
    zeros = b.full((b.shape(x)[axis], *rest), 0.0, b.dtype(g))
    i = b.reshape(b.where(b.less(i, 0), b.add(i, b.shape(x)[axis]), i), (-1, 1))
    total = b.scatter_update(zeros, i, updates)
    return b.transpose(total, (*range(1, axis + 1), 0, *range(axis + 1, len(b.shape(x)))))


def held(b, y, x, axis):
    return b.reshape(y, tuple(1 if i in axis else d for i, d in enumerate(b.shape(x))))


def one_sided(b, g, z, x, y):
    return fit(b, b.where(b.equal(x, z), g, 0.0), x)


SPREAD = RULES["sum"][0]

plant("relu-grad-1", "relu'(0) is 1", "relu", relu_grad=lambda g, y: np.multiply(g, y >= 0))
plant(
    "relu-grad-half",
    "relu'(0) is 1/2",
    "relu",
    relu_grad=lambda g, y: g * (np.sign(y) + 1).astype(y.dtype) / 2,
)
plant(
    "abs-grad",
    "abs'(0) is 1",
    "abs",
    gradients=only("abs", lambda b, g, y, x: b.where(b.less(x, 0), b.negative(g), g)),
)
plant(
    "maximum-grad-first",
    "a tie of maximum is all for the first",
    "maximum",
    gradients=only(
        "maximum", one_sided, lambda b, g, z, x, y: fit(b, b.where(b.less(x, y), g, 0.0), y)
    ),
)
plant(
    "minimum-grad-both",
    "a tie of minimum is whole for both",
    "minimum",
    gradients=only("minimum", one_sided, lambda b, g, z, x, y: one_sided(b, g, z, y, x)),
)
plant(
    "max-grad-doubled",
    "ties of max take the whole gradient each",
    "max",
    gradients=only(
        "max",
        lambda b, g, y, x, axis, keepdims=False: b.where(
            b.equal(x, held(b, y, x, axis)), held(b, g, x, axis), 0.0
        ),
    ),
)
plant(
    "min-grad-nan",
    "min of equals sends no gradient",
    "min",
    gradients=only(
        "min",
        lambda b, g, y, x, axis, keepdims=False: b.multiply(
            RULES["min"][0](b, g, y, x, axis),
            b.cast(b.less(x, b.add(held(b, y, x, axis), 0.0)), b.dtype(x)),
        ),
    ),
)
plant(
    "clip-grad",
    "clip' is 0 at its bounds",
    "clip",
    gradients={
        "clip": (
            lambda b, g, y, x, lo, hi: fit(
                b, b.where(b.logical_and(b.less(lo, x), b.less(x, hi)), g, 0.0), x
            ),
            None,
            None,
        )
    },
)
plant(
    "power-grad-0",
    "the derivative of x ** 0 at 0 is NaN",
    "power",
    checks=("x ** 0",),
    gradients=only(
        "power",
        lambda b, g, z, x, y: (
            fit(b, b.multiply(g, b.multiply(y, b.power(x, b.subtract(y, 1.0)))), x)
            if hasattr(y, "shape")
            else b.multiply(g, b.multiply(b.divide(z, x), y))
        ),
        None,
    ),
)
plant(
    "broadcast-grad-row",
    "the gradient of broadcasting is that of the first row",
    "add",
    checks=("broadcast",),
    gradients=only("add", lambda b, g, z, x, y: row(b, g, x), lambda b, g, z, x, y: row(b, g, y)),
)
plant(
    "sum-grad-mean",
    "the gradient of sum is divided by the count",
    "sum",
    gradients=only(
        "sum",
        lambda b, g, y, x, axis, keepdims=False: b.divide(
            SPREAD(b, g, y, x, axis), float(max(np.prod(b.shape(x)), 1))
        ),
    ),
)
plant("mean-grad-sum", "the gradient of mean is not divided", "mean", gradients={"mean": (SPREAD,)})
plant(
    "prod-grad-divides",
    "the gradient of prod divides by x",
    "prod",
    gradients=only(
        "prod",
        lambda b, g, y, x, axis, keepdims=False: b.divide(
            b.multiply(held(b, g, x, axis), held(b, y, x, axis)), x
        ),
    ),
)
plant(
    "cumsum-grad",
    "the gradient of cumsum runs forwards",
    "cumsum",
    gradients=only("cumsum", lambda b, g, y, x, axis: b.cumsum(g, axis)),
)
plant(
    "sort-grad",
    "the gradient of sort stays where it is",
    "sort",
    gradients=only("sort", lambda b, g, y, x, axis: g),
)
plant(
    "where-grad",
    "where sends gradient to both sides",
    "where",
    gradients=only("where", None, lambda b, g, z, c, x, y: fit(b, g, x), None),
)
plant("take-grad", "repeated indices of take lose gradient", "take", gradients=only("take", taken))
plant(
    "transpose-grad",
    "the gradient is transposed by the same axes again",
    "transpose",
    gradients=only(
        "transpose", lambda b, g, y, x, axes: b.reshape(b.transpose(g, axes), b.shape(x))
    ),
)
plant(
    "matmul-grad",
    "the gradient of matmul forgets to transpose",
    "matmul",
    gradients=only(
        "matmul",
        None,
        lambda b, g, z, x, y: fit(
            b,
            b.reshape(
                b.matmul(b.reshape(x, (*b.shape(x)[:-2], b.shape(x)[-1], -1)), g),
                (*b.shape(z)[:-2], *b.shape(y)[-2:]),
            ),
            y,
        ),
    ),
)
plant(
    "linear-bias-grad",
    "the bias gets the gradient of the first row",
    "linear",
    gradients=only("linear", None, None, lambda b, g, z, x, k, bias: row(b, g, bias)),
)
plant(
    "getitem-grad",
    "slices send their gradient to the front",
    "get_item",
    gradients=only(
        "getitem",
        lambda b, g, y, x, index: RULES["getitem"][0](
            b,
            g,
            y,
            x,
            tuple(
                slice(0, i.stop - i.start, i.step)
                if isinstance(i, slice) and i.step in (1, None)
                else i
                for i in index
            ),
        ),
    ),
)
plant(
    "softmax-grad",
    "the gradient of softmax forgets its sum",
    "softmax",
    gradients=only(
        "softmax", lambda b, g, y, x, axis: b.multiply(g, b.multiply(y, b.subtract(1.0, y)))
    ),
)
plant(
    "log_softmax-grad",
    "the gradient of log_softmax takes the cotangent for one-hot",
    "log_softmax",
    gradients=only("log_softmax", lambda b, g, y, x, axis: b.subtract(g, b.exp(y))),
)
plant(
    "crossentropy-grad",
    "the gradient of cross-entropy takes targets to sum to 1",
    "categorical_crossentropy",
    gradients={
        "categorical_crossentropy": (
            lambda b, g, y, t, x, axis: b.negative(
                b.multiply(b.expand_dims(g, axis), b.log_softmax(x, (axis,)))
            ),
            lambda b, g, y, t, x, axis: b.multiply(
                b.expand_dims(g, axis), b.subtract(b.softmax(x, (axis,)), t)
            ),
            None,
        )
    },
)
plant(
    "sparse-grad",
    "the gradient of sparse cross-entropy ignores the weights of samples",
    "sparse_categorical_crossentropy",
    gradients=only(
        "sparse_categorical_crossentropy",
        None,
        lambda b, g, y, t, x: RULES["sparse_categorical_crossentropy"][1](
            b, b.full(b.shape(g), 1.0, b.dtype(g)), y, t, x
        ),
    ),
)
plant(
    "layer_norm-grad",
    "layer normalization takes its variance for constant",
    "layer_normalization",
    layer_normalization=REAL.layer_normalization,
    gradients={
        "layer_normalization": (
            lambda b, g, y, x, gamma, beta, axis, eps: b.multiply(
                b.subtract(
                    b.multiply(g, 1.0 if gamma is None else gamma),
                    b.mean(b.multiply(g, 1.0 if gamma is None else gamma), axis, True),
                ),
                b.rsqrt(b.add(b.var(x, axis, True), eps)),
            ),
            lambda b, g, y, x, gamma, beta, axis, eps: fit(
                b,
                b.multiply(
                    g,
                    b.multiply(
                        b.subtract(x, b.mean(x, axis, True)),
                        b.rsqrt(b.add(b.var(x, axis, True), eps)),
                    ),
                ),
                gamma,
            ),
            lambda b, g, y, x, gamma, beta, axis, eps: fit(b, g, beta),
            None,
            None,
        )
    },
)
plant(
    "norm-grad-0",
    "the gradient of norm at 0 is NaN",
    "norm",
    gradients={
        "norm": (
            lambda b, g, y, x, axis, keepdims=False: b.multiply(
                held(b, g, x, axis), b.divide(x, held(b, y, x, axis))
            ),
        )
    },
)
plant(
    "stop_gradient-leaks",
    "stop_gradient lets the gradient through",
    "stop_gradient",
    checks=("stop_gradient",),
    gradients={"stop_gradient": (lambda b, g, y, x: g,)},
)
plant(
    "cast-grad-dtype",
    "a gradient comes in the dtype it was cast to",
    "cast",
    checks=("has_the_dtype", "cast"),
    gradients=only("cast", lambda b, g, y, x, dtype: g, None),
)
plant(
    "conv-grad-half",
    "the gradients of conv are rounded to float16",
    "conv",
    conv_kernel_grad=lambda x, g, *rest: REAL.conv_kernel_grad(
        x, g.astype("f2").astype(g.dtype), *rest
    ),
)
for _op in ("exp", "tanh", "multiply", "divide", "log", "softmax", "log_softmax", "matmul", "conv"):
    plant(f"{_op}-grad2", f"the second derivative of {_op} is detached", _op, gradients=cut(_op))
