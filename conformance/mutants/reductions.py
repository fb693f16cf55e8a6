"""Reductions, sorting, softmax, matrix products."""

import numpy as np

from mutants.mutant import REAL, plant


def tf32(x):
    """`x` with ten bits of mantissa, as matrix units take it."""
    return (x.view("i4") + 0x1000 & ~0x1FFF).view("f4") if x.dtype == "f4" else x


def last_of(f):
    """argmax or argmin that returns the last of equals."""
    return lambda x, axis: (x.shape[axis] - 1 - f(np.flip(x, axis), axis).astype("i4")).astype("i4")


def shifted(x, axis):
    e = np.exp(x - np.max(x))
    return e / e.sum(axis, keepdims=True)


plant(
    "sum-half",
    "sum adds up in float16",
    "sum",
    sum=lambda x, axis, keepdims=False: (
        REAL.sum(x, axis, keepdims)
        if x.dtype.kind != "f"
        else np.sum(x, axis, "f2", keepdims=keepdims).astype(x.dtype)
    ),
)
plant(
    "sum-keepdims",
    "sum forgets keepdims",
    "sum",
    sum=lambda x, axis, keepdims=False: REAL.sum(x, axis),
)
plant(
    "sum-first-axis",
    "sum takes the first of several axes",
    "sum",
    sum=lambda x, axis, keepdims=False: REAL.sum(x, axis[:1], keepdims),
)
plant(
    "prod-empty",
    "prod of nothing is 0",
    "prod",
    prod=lambda x, axis, keepdims=False: REAL.prod(x, axis, keepdims) * (0 not in x.shape),
)
plant(
    "mean-count",
    "mean divides by the size of the whole tensor",
    "mean",
    mean=lambda x, axis, keepdims=False: REAL.sum(x, axis, keepdims) / x.dtype.type(max(x.size, 1)),
)
plant(
    "mean-empty",
    "mean of nothing is 0",
    "mean",
    mean=lambda x, axis, keepdims=False: (
        np.nan_to_num(REAL.mean(x, axis, keepdims)) if not x.size else REAL.mean(x, axis, keepdims)
    ),
)
plant(
    "var-ddof",
    "var divides by n - 1",
    "var",
    var=lambda x, axis, keepdims=False: np.var(x, axis, ddof=1, keepdims=keepdims),
)
plant(
    "var-one-pass",
    "var is E[x^2] - E[x]^2",
    "var",
    var=lambda x, axis, keepdims=False: (
        REAL.mean(x * x, axis, keepdims) - REAL.mean(x, axis, keepdims) ** 2
    ),
)
plant(
    "std-epsilon",
    "std adds 1e-7 under the root",
    "std",
    std=lambda x, axis, keepdims=False: np.sqrt(REAL.var(x, axis, keepdims) + x.dtype.type(1e-7)),
)
plant(
    "max-nan",
    "max skips NaN",
    "max",
    max=lambda x, axis, keepdims=False: np.fmax.reduce(x, axis, keepdims=keepdims),
)
plant(
    "min-nan",
    "min skips NaN",
    "min",
    min=lambda x, axis, keepdims=False: np.fmin.reduce(x, axis, keepdims=keepdims),
)
plant(
    "all-empty",
    "all of nothing is False",
    "all",
    all=lambda x, axis, keepdims=False: REAL.all(x, axis, keepdims) & (x.size > 0),
)
plant("argmax-last", "argmax returns the last of equals", "argmax", argmax=last_of(np.argmax))
plant("argmax-int64", "argmax returns int64", "argmax", argmax=np.argmax)
plant(
    "argmax-nan",
    "argmax skips NaN",
    "argmax",
    argmax=lambda x, axis: REAL.argmax(
        np.where(x != x, -np.inf, x) if x.dtype.kind == "f" else x, axis
    ),
)
plant(
    "argmin-nan",
    "argmin skips NaN",
    "argmin",
    argmin=lambda x, axis: REAL.argmin(
        np.where(x != x, np.inf, x) if x.dtype.kind == "f" else x, axis
    ),
)
plant(
    "cumsum-exclusive",
    "cumsum leaves out the element itself",
    "cumsum",
    cumsum=lambda x, axis: REAL.cumsum(x, axis) - x,
)
plant(
    "cumprod-flat",
    "cumprod runs along the last axis always",
    "cumprod",
    cumprod=lambda x, axis: REAL.cumprod(x, -1),
)
plant(
    "sort-nan-first",
    "sort puts NaN first",
    "sort",
    sort=lambda x, axis: (
        np.flip(-np.sort(-x, axis), axis) if x.dtype.kind == "f" else np.sort(x, axis)
    ),
)
plant(
    "argsort-unstable",
    "argsort is not stable",
    "argsort",
    argsort=lambda x, axis: np.argsort(x, axis, kind="heapsort").astype("i4"),
)
plant(
    "top_k-ties",
    "top_k takes the highest index of equals",
    "top_k",
    top_k=lambda x, k: (lambda i: (np.take_along_axis(x, i, -1), i))(
        np.flip(REAL.argsort(x, x.ndim - 1), -1)[..., :k]
    ),
)
plant(
    "top_k-ascending",
    "top_k returns the smallest",
    "top_k",
    top_k=lambda x, k: (lambda i: (np.take_along_axis(x, i, -1), i))(
        REAL.argsort(x, x.ndim - 1)[..., :k]
    ),
)
plant(
    "in_top_k-ties",
    "in_top_k counts equals as above",
    "in_top_k",
    in_top_k=lambda t, p, k: np.sum(p >= np.take_along_axis(p, t[:, None], 1), 1) <= k,
)
plant(
    "median-lower",
    "median of an even count is the lower one",
    "median",
    median=lambda x, axis: np.take(np.sort(x, axis), (x.shape[axis] - 1) // 2, axis),
)
plant(
    "count-nan",
    "count_nonzero leaves out NaN",
    "count_nonzero",
    count_nonzero=lambda x, axis, keepdims=False: REAL.sum(
        ((x != 0) & (x == x)).astype("i4"), axis, keepdims
    ),
)
plant(
    "norm-max",
    "norm of one axis is that of all",
    "norm",
    norm=lambda x, axis, keepdims=False: REAL.norm(x, tuple(range(x.ndim)), keepdims),
)
plant(
    "logsumexp-naive",
    "logsumexp is log(sum(exp(x)))",
    "logsumexp",
    logsumexp=lambda x, axis, keepdims=False: np.log(REAL.sum(np.exp(x), axis, keepdims)),
)
plant(
    "logsumexp-infinite",
    "logsumexp of all -inf is NaN",
    "logsumexp",
    logsumexp=lambda x, axis, keepdims=False: (
        lambda top: (
            REAL.sum(np.log(REAL.sum(np.exp(x - top), axis, True)) + top, (), True)
            if keepdims
            else np.squeeze(np.log(REAL.sum(np.exp(x - top), axis, True)) + top, axis)
        )
    )(np.max(x, axis, keepdims=True, initial=-np.inf)),
)
plant(
    "softmax-no-shift",
    "softmax does not subtract the maximum",
    "softmax",
    softmax=lambda x, axis: np.exp(x) / np.exp(x).sum(axis, keepdims=True),
)
plant(
    "softmax-global",
    "softmax subtracts the maximum of the whole tensor",
    "softmax",
    softmax=shifted,
)
plant(
    "softmax-last",
    "softmax normalizes the last axis always",
    "softmax",
    softmax=lambda x, axis: REAL.softmax(x, (-1,)),
)
plant(
    "softmax-masked",
    "softmax of all -inf is 0",
    "softmax",
    softmax=lambda x, axis: np.nan_to_num(REAL.softmax(x, axis)),
)
plant(
    "log_softmax-log",
    "log_softmax is log(softmax(x))",
    "log_softmax",
    log_softmax=lambda x, axis: np.log(REAL.softmax(x, axis)),
)
plant(
    "log_softmax-epsilon",
    "log_softmax is log(softmax(x) + 1e-7)",
    "log_softmax",
    log_softmax=lambda x, axis: np.log(REAL.softmax(x, axis) + x.dtype.type(1e-7)),
)

plant(
    "matmul-half",
    "matmul rounds its arguments to float16",
    "matmul",
    matmul=lambda x, y: (
        np.matmul(x.astype("f2"), y.astype("f2"), dtype=x.dtype)
        if x.dtype.kind == "f"
        else np.matmul(x, y)
    ),
)
plant(
    "matmul-tf32",
    "matmul rounds its arguments to TF32",
    "matmul",
    matmul=lambda x, y: np.matmul(tf32(x), tf32(y)),
)
plant(
    "matmul-transposed",
    "a batch of square matrices is transposed",
    "matmul",
    matmul=lambda x, y: np.matmul(
        x, np.swapaxes(y, -1, -2) if y.ndim > 2 and y.shape[-1] == y.shape[-2] else y
    ),
)
plant(
    "linear-bias",
    "linear forgets the bias of deeper tensors",
    "linear",
    linear=lambda x, kernel, bias: REAL.linear(x, kernel, bias if x.ndim < 3 else None),
)
plant(
    "tensordot-order",
    "tensordot pairs its axes in sorted order",
    "tensordot",
    tensordot=lambda x, y, ax, ay: np.tensordot(x, y, (sorted(ax), sorted(ay))),
)
plant("outer-swapped", "outer is transposed", "outer", outer=lambda x, y: np.outer(y, x))
plant("cross-sign", "cross has the wrong sign", "cross", cross=lambda x, y: REAL.cross(y, x))
plant(
    "einsum-diagonal",
    "einsum takes no diagonals",
    "einsum",
    einsum=lambda inputs, output, *xs: REAL.einsum(
        [t if len(set(t)) == len(t) else t[0] + "zyxw"[: len(t) - 1] for t in inputs], output, *xs
    ),
)
