"""Quantiles, reductions that pass over NaN, counts, and reductions by segment."""

import math
from typing import Any

from polyk import dtypes
from polyk.errors import ShapeError, UnsupportedOp
from polyk.ops import reductions
from polyk.ops.dispatch import Tensor, cast, floating, floating_tensors, indices, many, one, tensors
from polyk.shapes import axis_index, axis_tuple

__all__ = [
    "argpartition",
    "bincount",
    "cdist",
    "corrcoef",
    "histogram",
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmedian",
    "nanmin",
    "nanpercentile",
    "nanprod",
    "nanquantile",
    "nanstd",
    "nansum",
    "nanvar",
    "percentile",
    "psnr",
    "ptp",
    "quantile",
    "segment_max",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "trapezoid",
    "unique",
]

Axis = int | tuple[int, ...] | list[int] | None


def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest less the smallest."""
    from polyk.ops.elementwise import subtract

    return subtract(reductions.max(x, axis, keepdims), reductions.min(x, axis, keepdims))


def _known(x: Any, value: float) -> Tensor:
    """`x` with `value` in place of NaN; ints as they are."""
    b, x = one(x)
    return b.known(x, value) if b.dtype(x) in dtypes.FLOATS else x


def nansum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum of what is not NaN."""
    return reductions.sum(_known(x, 0.0), axis, keepdims)


def nanprod(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The product of what is not NaN."""
    return reductions.prod(_known(x, 1.0), axis, keepdims)


def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running sums in which NaN counts as 0."""
    return reductions.cumsum(_known(x, 0.0), axis, dtype)


def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running products in which NaN counts as 1."""
    return reductions.cumprod(_known(x, 1.0), axis, dtype)


def _nan_extreme(reduce: Any, worst: float, x: Any, axis: Axis, keepdims: bool) -> Tensor:
    b, x = one(x)
    if b.dtype(x) not in dtypes.FLOATS:
        return reduce(x, axis, keepdims)
    best = reduce(b.known(x, worst), axis, keepdims)
    nothing = b.all(b.isnan(x), axis_tuple(axis, len(b.shape(x))), keepdims)
    return b.where(nothing, math.nan, best)


def nanmax(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest number; NaN where there is none."""
    return _nan_extreme(reductions.max, -math.inf, x, axis, keepdims)


def nanmin(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest number; NaN where there is none."""
    return _nan_extreme(reductions.min, math.inf, x, axis, keepdims)


def _nan_arg(op: str, worst: float, x: Any, axis: int | None, keepdims: bool) -> Tensor:
    b, x = one(x)
    index = getattr(reductions, op)(_known(x, worst), axis, keepdims)
    if b.dtype(x) not in dtypes.FLOATS:
        return index
    nothing = b.all(b.isnan(x), axis_tuple(axis, len(b.shape(x))), keepdims)
    return b.where(nothing, -1, index)


def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the largest number is, int32; -1 where all are NaN."""
    return _nan_arg("argmax", -math.inf, x, axis, keepdims)


def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the smallest number is, int32; -1 where all are NaN."""
    return _nan_arg("argmin", math.inf, x, axis, keepdims)


def nanmean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean of what is not NaN; NaN where nothing is left."""
    b, x = floating(x)
    return b.nanmean(x, axis_tuple(axis, len(b.shape(x))), keepdims)


def nanvar(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The population variance of what is not NaN; NaN where nothing is left."""
    b, x = floating(x)
    return b.nanvar(x, axis_tuple(axis, len(b.shape(x))), keepdims)


def nanstd(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The square root of `nanvar`."""
    from polyk.ops.elementwise import sqrt

    return sqrt(nanvar(x, axis, keepdims))


_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(
    x: Any, q: Any, axis: Axis, method: str, keepdims: bool, percent: bool, skip_nan: bool
) -> Tensor:
    """The axes of `q` come first in the result, then what is left of `x`."""
    if method not in _METHODS:
        raise ValueError(f"quantile: method must be one of {', '.join(_METHODS)}; got {method!r}.")
    b, x, q = floating_tensors(x, q)
    q = b.divide(q, 100.0) if percent else q
    shape, asked = b.shape(x), b.shape(q)
    axes = axis_tuple(axis, len(shape))
    rest = [a for a in range(len(shape)) if a not in axes]
    left, count = [shape[a] for a in rest], math.prod(shape[a] for a in axes)
    if not count:
        raise ShapeError(f"quantile of an empty axis (shape {shape}, axis {axis}) has no value.")
    rows = b.reshape(b.transpose(x, (*rest, *axes)), (*left, count))
    y = b.quantile(rows, b.reshape(q, (math.prod(asked),)), method, skip_nan)
    y = b.transpose(y, (len(rest), *range(len(rest))))
    kept = [1 if a in axes else d for a, d in enumerate(shape)]
    return b.reshape(y, (*asked, *(kept if keepdims else left)))


def quantile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """The value below which the share `q` of the elements lies, `q` within 0 and 1.

    Between two elements: `method` "linear", "lower", "higher", "midpoint" or "nearest". NaN where
    there is one. The axes of `q` come first in the result.
    """
    return _quantile(x, q, axis, method, keepdims, percent=False, skip_nan=False)


def percentile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """As `quantile`, with `q` within 0 and 100."""
    return _quantile(x, q, axis, method, keepdims, percent=True, skip_nan=False)


def nanquantile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """As `quantile`, of what is not NaN; NaN where nothing is left."""
    return _quantile(x, q, axis, method, keepdims, percent=False, skip_nan=True)


def nanpercentile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """As `percentile`, of what is not NaN; NaN where nothing is left."""
    return _quantile(x, q, axis, method, keepdims, percent=True, skip_nan=True)


def nanmedian(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The median of what is not NaN; NaN where nothing is left."""
    return nanquantile(x, 0.5, axis, "midpoint", keepdims)


def argpartition(x: Any, kth: int, axis: int = -1) -> Tensor:
    """int32 indices that put the `kth` smallest in its place, smaller ones before it.

    They sort the whole axis, which is more than asked, and the same on every engine.
    """
    return reductions.argsort(x, axis)


def _highest(b: Any, ids: Tensor, op: str, name: str) -> int:
    """One more than the largest of `ids`, which must be known."""
    if not b.is_concrete(ids):
        raise UnsupportedOp(f"{op}: {name} must be given where values are not known, as here.")
    values = b.to_numpy(ids)
    if values.size and values.min() < 0 and op == "bincount":
        raise ValueError(f"bincount counts ints from 0; got {values.min()}.")
    return int(values.max()) + 1 if values.size else 0


def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """How often 0, 1, 2... occur along the last axis, int32, or the sums of their `weights`.

    The result has a place for the largest, and `minlength` at least. Under compile, where the
    largest is not known, it has `minlength` and larger ones do not count.
    """
    if sparse:
        raise UnsupportedOp("bincount: polyk has no sparse tensors.")
    b, (x, weights) = tensors(x, weights)
    ids = indices(b, x, "bincount: x")
    if b.is_concrete(ids) or not minlength:
        minlength = max(minlength, _highest(b, ids, "bincount", "minlength"))
    return b.bincount(ids, weights, minlength)


def histogram(x: Any, bins: int = 10, range: Any = None) -> tuple[Tensor, Tensor]:
    """int32 counts of the elements in `bins` equal spans, and their ``bins + 1`` edges.

    `range` is (least, most), by default those of `x`; the last span holds its upper end.
    """
    from polyk.ops.creation import linspace

    b, x = floating(x)
    if bins < 1:
        raise ValueError(f"histogram: bins must be a positive int; got {bins!r}.")
    if range is None:
        empty = not math.prod(b.shape(x))
        low, high = (0.0, 1.0) if empty else (reductions.min(x), reductions.max(x))
    else:
        low, high = range
    low, high = (
        b.full((), v, b.dtype(x)) if isinstance(v, (int, float)) else v for v in (low, high)
    )
    flat = b.equal(low, high)
    low = b.where(flat, b.subtract(low, 0.5), low)
    high = b.where(flat, b.add(high, 0.5), high)
    edges = cast(b, linspace(low, high, bins + 1), b.dtype(x))
    return b.histogram(x, edges), edges


def _segments(data: Any, segment_ids: Any, num_segments: Any, op: str) -> tuple[Any, ...]:
    b, (x, ids) = tensors(data, segment_ids)
    ids = indices(b, ids, f"{op}: segment_ids")
    if b.shape(ids) != b.shape(x)[:1]:
        raise ShapeError(
            f"{op}: data {b.shape(x)} needs one id a row; got segment_ids {b.shape(ids)}."
        )
    count = _highest(b, ids, op, "num_segments") if num_segments is None else num_segments
    return b, x, ids, count


def segment_sum(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The sum of the rows that share an id: (n, ...) and (n,) to (num_segments, ...).

    Ids outside the segments are passed over; an empty segment gives 0. `num_segments` must be given
    under compile. `sorted` changes nothing.
    """
    b, x, ids, count = _segments(data, segment_ids, num_segments, "segment_sum")
    return b.segment_sum(x, ids, count)


def segment_prod(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """As `segment_sum`, the product; an empty segment gives 1."""
    b, x, ids, count = _segments(data, segment_ids, num_segments, "segment_prod")
    return b.segment_prod(x, ids, count)


def segment_max(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """As `segment_sum`, the largest; an empty segment gives -inf, or the least int."""
    b, x, ids, count = _segments(data, segment_ids, num_segments, "segment_max")
    return b.segment_max(x, ids, count, dtypes.lowest(b.dtype(x)))


def segment_min(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """As `segment_sum`, the smallest; an empty segment gives inf, or the largest int."""
    b, x, ids, count = _segments(data, segment_ids, num_segments, "segment_min")
    dtype = b.dtype(x)
    most = math.inf if dtype in dtypes.FLOATS else dtypes.limits(dtype)[1]
    return b.segment_min(x, ids, count, most)


def corrcoef(x: Any) -> Tensor:
    """The correlation of every two rows, within -1 and 1; NaN of constant rows."""
    b, x = floating(x)
    if len(b.shape(x)) == 1:
        return b.squeeze(b.corrcoef(b.expand_dims(x, 0)), (0, 1))
    if len(b.shape(x)) != 2:
        raise ShapeError(f"corrcoef needs a matrix of variables in rows; got {b.shape(x)}.")
    return b.corrcoef(x)


def cdist(x: Any, y: Any) -> Tensor:
    """Euclidean distances: (..., n, d) and (..., m, d) to (..., n, m). At 0 the derivative is 0."""
    b, x, y = floating_tensors(*tensors(x, y)[1])
    if min(len(b.shape(x)), len(b.shape(y))) < 2 or b.shape(x)[-1] != b.shape(y)[-1]:
        raise ShapeError(f"cdist: rows of {b.shape(x)} and {b.shape(y)} must have one length.")
    return b.cdist(x, y)


def psnr(x1: Any, x2: Any, max_val: float) -> Tensor:
    """The peak signal-to-noise ratio in decibels, over all elements; inf of equal tensors."""
    b, x, y = floating_tensors(x1, x2)
    away = b.square(b.subtract(x, y))
    error = b.mean(away, tuple(range(len(b.shape(away)))))
    return b.subtract(20 * math.log10(max_val), b.multiply(b.log10(error), 10.0))


def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """The integral of `y` along `axis` by the trapezoidal rule, over points `x` or `dx` apart."""
    b, y = floating(y)
    a = axis_index(axis, len(b.shape(y)))
    n = b.shape(y)[a]

    def ends(v: Tensor, axis: int) -> list[Tensor]:
        return [b.getitem(v, b._span(v, axis, lo, n - 1 + lo)) for lo in (1, 0)]

    middle = b.multiply(b.add(*ends(y, a)), 0.5)
    if x is None:
        return b.multiply(b.sum(middle, (a,)), float(dx))
    b, (middle, x) = many([middle, x])
    rank = len(b.shape(x))
    width = b.subtract(*ends(x, 0 if rank == 1 else a))
    if rank == 1:
        place = [n - 1 if i == a else 1 for i, _ in enumerate(b.shape(y))]
        width = b.reshape(width, tuple(place))
    return b.sum(b.multiply(middle, width), (a,))


def unique(
    x: Any, sorted: bool = True, return_index: bool = False, return_inverse: bool = False,
    return_counts: bool = False, axis: int | None = None, size: int | None = None,
    fill_value: Any = None,
) -> Any:  # fmt: skip
    """The distinct elements (or slices along `axis`), ascending; int32 indices and counts.

    With `size` there are so many: cut, or filled up with `fill_value` (by default the smallest).
    Not under compile, where the number of them is not known.
    """
    import numpy as np

    b, x = one(x)
    if not b.is_concrete(x):
        raise UnsupportedOp("unique: its shape depends on values that compile does not know.")
    found, index, inverse, counts = np.unique(b.to_numpy(x), True, True, True, axis)
    a = 0 if axis is None else axis
    if size is not None:
        place = np.minimum(np.arange(size), len(counts))
        first = found.take([0], a)
        fill = first if fill_value is None else np.full_like(first, fill_value)
        found = np.concatenate([found, fill], a).take(place, a)
        index, counts = (np.append(v, 0)[place] for v in (index, counts))
    wanted = ((return_index, index), (return_inverse, inverse), (return_counts, counts))
    more = [b.asarray(v.astype(np.int32)) for want, v in wanted if want]
    return (b.asarray(found), *more) if more else b.asarray(found)
