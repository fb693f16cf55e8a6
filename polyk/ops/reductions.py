"""Reductions, scans, sorting. `axis` is an int, a tuple of ints, or None for all axes."""

import math
from collections.abc import Callable
from typing import Any

from polyk import dtypes
from polyk.errors import ShapeError, UnsupportedOp
from polyk.ops.dispatch import Tensor, cast, floating, indices, one, tensors
from polyk.select import ENGINES
from polyk.shapes import ALL_AXES, axis_index, axis_tuple, reduced, resolve_reshape

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "average",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "in_top_k",
    "logsumexp",
    "max",
    "mean",
    "median",
    "min",
    "moments",
    "prod",
    "sort",
    "std",
    "sum",
    "top_k",
    "var",
]

Axis = int | tuple[int, ...] | list[int] | None


def sum(x: Any, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """The sum; 0 of nothing. Bools and small ints add up in int32, or all in `dtype`."""
    b = ENGINES.get(type(x))
    if dtype is not None:
        b, x = _as(x, dtype)
    elif b is None or x.dtype not in b.floats:
        b, x = _addable(x)
    return b.sum(x, ALL_AXES[x.ndim] if axis is None else axis_tuple(axis, x.ndim), keepdims)


def prod(x: Any, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """The product; 1 of nothing. Bools and small ints multiply in int32, or all in `dtype`."""
    b, x = _addable(x) if dtype is None else _as(x, dtype)
    return b.prod(x, axis_tuple(axis, x.ndim), keepdims)


def _addable(x: Any) -> tuple[Any, Tensor]:
    """`x` in the dtype in which it is added up."""
    b, x = one(x)
    return b, x if x.dtype in b.floats else cast(b, x, dtypes.to_sum(b.dtype(x)))


def _as(x: Any, dtype: Any) -> tuple[Any, Tensor]:
    b, x = one(x)
    return b, cast(b, x, dtypes.standardize(dtype))


def mean(x: Any, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """The mean, a float (in `dtype` if given); NaN of nothing."""
    b, x = floating(x) if dtype is None else _as(x, dtype)
    return b.mean(x, axis_tuple(axis, x.ndim), keepdims)


def var(x: Any, axis: Axis = None, keepdims: bool = False, correction: float = 0.0) -> Tensor:
    """The variance of the population: the squares' sum over the count, less `correction`."""
    b, x = floating(x)
    axes = axis_tuple(axis, x.ndim)
    y = b.var(x, axes, keepdims)
    return b.multiply(y, _corrected(b.shape(x), axes, correction)) if correction else y


def _corrected(shape: tuple[int, ...], axes: tuple[int, ...], correction: float) -> float:
    count = math.prod(shape[a] for a in axes)
    return count / (count - correction) if count > correction else math.nan


def std(x: Any, axis: Axis = None, keepdims: bool = False, correction: float = 0.0) -> Tensor:
    """The square root of `var`; its derivative at 0 is 0."""
    b, x = floating(x)
    axes = axis_tuple(axis, x.ndim)
    y = b.std(x, axes, keepdims)
    scale = _corrected(b.shape(x), axes, correction) if correction else 1.0
    return b.multiply(y, math.sqrt(scale)) if correction else y


def _extreme(op: str, x: Any, axis: Axis, keepdims: bool, initial: Any) -> Tensor:
    b, x = one(x)
    dtype = b.dtype(x)
    axes = axis_tuple(axis, x.ndim)
    if 0 in [b.shape(x)[a] for a in axes] and initial is None:
        raise ShapeError(f"{op} of an empty axis (shape {b.shape(x)}, axis {axis}) has no value.")
    if dtype == "bool":
        return (b.any if op == "max" else b.all)(x, axes, keepdims)
    if initial is None:
        return getattr(b, op)(x, axes, keepdims)
    pads = tuple((0, 1) if i in axes else (0, 0) for i in range(x.ndim))
    return getattr(b, op)(b.pad(x, pads, dtypes.PYTHON[dtype](initial)), axes, keepdims)


def max(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The largest; NaN wins. Ties share the gradient. An empty axis needs `initial`."""
    return _extreme("max", x, axis, keepdims, initial)


def min(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The smallest; NaN wins. Ties share the gradient. An empty axis needs `initial`."""
    return _extreme("min", x, axis, keepdims, initial)


amax, amin = max, min


def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether one element is not 0; False of nothing."""
    b, x = one(x)
    return b.any(cast(b, x, "bool"), axis_tuple(axis, x.ndim), keepdims)


def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether no element is 0; True of nothing."""
    b, x = one(x)
    return b.all(cast(b, x, "bool"), axis_tuple(axis, x.ndim), keepdims)


def count_nonzero(x: Any, axis: Axis = None) -> Tensor:
    """How many elements are not 0, int32."""
    b, x = one(x)
    return b.count_nonzero(x, axis_tuple(axis, x.ndim))


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """``log(sum(exp(x)))`` without overflow; -inf of nothing and of all -inf."""
    b, x = floating(x)
    return b.logsumexp(x, axis_tuple(axis, x.ndim), keepdims)


def average(x: Any, axis: Axis = None, weights: Any = None) -> Tensor:
    """The mean weighted by `weights` (of the shape of `x`, or of its one `axis`)."""
    if weights is None:
        return mean(x, axis)
    b, x = floating(x)
    b, (w,) = tensors(weights)
    w = cast(b, w, b.dtype(x))
    axes = axis_tuple(axis, x.ndim)
    if b.shape(w) != b.shape(x):
        w = b.reshape(w, tuple(d if i in axes else 1 for i, d in enumerate(b.shape(x))))
        w = b.broadcast_to(w, b.shape(x))
    return b.divide(b.sum(b.multiply(x, w), axes), b.sum(w, axes))


def moments(
    x: Any, axes: Axis, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """The mean and the population variance over `axes`."""
    if synchronized:
        raise UnsupportedOp("moments: polyk runs on one device; leave synchronized=False.")
    return mean(x, axes, keepdims), var(x, axes, keepdims)


def median(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The middle value, or the mean of the two middle ones; NaN where there is a NaN."""
    b, x = floating(x)
    shape = b.shape(x)
    axes = axis_tuple(axis, len(shape))
    rest = [a for a in range(len(shape)) if a not in axes]
    left = tuple(shape[a] for a in rest)
    rows = b.reshape(b.transpose(x, (*rest, *axes)), (*left, math.prod(shape[a] for a in axes)))
    middle = b.median(rows, len(left))
    return b.reshape(middle, reduced(shape, axes, True)) if keepdims else middle


def _arg(op: str, x: Any, axis: int | None, keepdims: bool) -> Tensor:
    b, x = one(x)
    x = cast(b, x, "int32") if b.dtype(x) == "bool" else x
    rank, shape = x.ndim, b.shape(x)
    flat = b.reshape(x, resolve_reshape(shape, (-1,))) if axis is None else x
    a = 0 if axis is None else axis_index(axis, rank)
    if b.shape(flat)[a] == 0:
        raise ShapeError(f"{op} of an empty axis (shape {shape}, axis {axis}) has no value.")
    result = getattr(b, op)(flat, a)
    if not keepdims:
        return result
    return b.reshape(result, (1,) * rank) if axis is None else b.expand_dims(result, a)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the largest element is, int32: the first NaN, else the first of the largest."""
    return _arg("argmax", x, axis, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the smallest element is, int32: the first NaN, else the first of the smallest."""
    return _arg("argmin", x, axis, keepdims)


def _along(x: Any, axis: int | None, wide: Callable[[str], str] = str) -> tuple[Any, Tensor, int]:
    """The backend, `x` (flat where `axis` is None) in dtype ``wide(dtype)``, the axis."""
    b, x = one(x)
    x = cast(b, x, wide(b.dtype(x)))
    if axis is None:
        return b, b.reshape(x, resolve_reshape(b.shape(x), (-1,))), 0
    return b, x, axis_index(axis, x.ndim)


def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running sums along `axis`, or of the flat tensor; in `dtype` if given."""
    b, x, axis = _along(x if dtype is None else _as(x, dtype)[1], axis, dtypes.to_sum)
    return b.cumsum(x, axis)


def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running products along `axis`, or of the flat tensor; in `dtype` if given."""
    b, x, axis = _along(x if dtype is None else _as(x, dtype)[1], axis, dtypes.to_sum)
    return b.cumprod(x, axis)


def sort(x: Any, axis: int | None = -1) -> Tensor:
    """In ascending order, NaN last."""
    b, x, axis = _along(x, axis, lambda d: "int32" if d == "bool" else d)
    return b.sort(x, axis)


def argsort(x: Any, axis: int | None = -1) -> Tensor:
    """The int32 indices that sort `x`: ascending, stable, NaN last."""
    b, x, axis = _along(x, axis, lambda d: "int32" if d == "bool" else d)
    return b.argsort(x, axis)


def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The `k` largest of the last axis and their int32 indices.

    Largest first, ties by lowest index, NaN above all numbers. They come sorted also where
    `sorted` is False.
    """
    b, x = one(x)
    if not 0 <= k <= b.shape(x)[-1]:
        raise ShapeError(f"top_k: k = {k}, but the last axis of {b.shape(x)} is shorter.")
    return b.top_k(x, k)


def in_top_k(targets: Any, predictions: Any, k: int) -> Tensor:
    """Whether each target class is among the `k` best predictions, ties included.

    `targets` (N,), `predictions` (N, classes); the result is (N,) bool.
    """
    b, (targets, predictions) = tensors(targets, predictions)
    return b.in_top_k(indices(b, targets, "targets"), predictions, k)
