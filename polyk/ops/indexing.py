"""Gather, scatter, one-hot, slices.

Negative indices count from the end. An index out of range raises IndexError where its value is
known; inside a compiled function `take` gives NaN (0 for ints) and `one_hot` zeros there.
"""

import builtins
import math
from collections.abc import Sequence
from typing import Any

from polyk import dtypes, select
from polyk.errors import ShapeError, UnsupportedOp
from polyk.ops.dispatch import Tensor, cast, one, tensors
from polyk.ops.dispatch import indices as as_indices
from polyk.shapes import axis_index

__all__ = [
    "digitize",
    "gather_nd",
    "get_item",
    "multi_hot",
    "nonzero",
    "one_hot",
    "scatter",
    "scatter_add",
    "scatter_update",
    "searchsorted",
    "slice",
    "slice_update",
    "take",
    "take_along_axis",
]


def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """The cells of `axis` (or of the flat tensor) that `indices`, of any shape, name."""
    b, (x, where) = tensors(x, indices)
    where = as_indices(b, where)
    if axis is None:
        return b.take(b.reshape(x, (math.prod(b.shape(x)),)), where, 0)
    return b.take(x, where, axis_index(axis, len(b.shape(x))))


def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """One cell of `axis` for each place of `indices`, which broadcasts with `x` elsewhere."""
    b, (x, where) = tensors(x, indices)
    where = as_indices(b, where)
    if axis is None:
        x, axis = b.reshape(x, (math.prod(b.shape(x)),)), 0
    shape, given = b.shape(x), b.shape(where)
    if len(shape) != len(given):
        raise ShapeError(f"take_along_axis: x {shape} and indices {given} differ in rank.")
    a = axis_index(axis, len(shape))
    from polyk.shapes import broadcast

    both = broadcast(shape[:a] + (1,) + shape[a + 1 :], given[:a] + (1,) + given[a + 1 :])
    x = b.broadcast_to(x, both[:a] + (shape[a],) + both[a + 1 :])
    return b.take_along_axis(x, b.broadcast_to(where, both[:a] + (given[a],) + both[a + 1 :]), a)


def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> Tensor:
    """1 at the place of each label along a new axis of size `num_classes`, 0 elsewhere."""
    b, labels = one(x)
    labels = as_indices(b, labels, "one_hot labels")
    _check_range(b, labels, num_classes, "one_hot: label")
    name = dtypes.standardize(dtype or dtypes.floatx())
    return b.one_hot(labels, num_classes, axis_index(axis, len(b.shape(labels)) + 1), name)


def multi_hot(inputs: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> Tensor:
    """1 for each class among the labels of a row: (..., n) to (..., num_classes)."""
    hot = one_hot(inputs, num_classes, axis, dtype)
    b, hot = one(hot)
    return b.max(hot, (axis_index(axis - 1 if axis < 0 else axis + 1, len(b.shape(hot))),))


def _check_range(b: Any, labels: Tensor, n: int, what: str) -> None:
    if not b.is_concrete(labels) or b.rank == 1:
        return
    values = b.to_numpy(labels)
    if values.size and (values.min() < -n or values.max() >= n):
        bad = values[(values < -n) | (values >= n)].flat[0]
        raise IndexError(f"{what} {bad} is out of range for {n}.")


def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Tensor:
    """A copy of `inputs` with ``inputs[indices[i]] = updates[i]``; the last of several stays.

    `indices` (..., k) name places in the first k axes; `updates` has the shape of `indices`
    without its last axis, then the remaining axes of `inputs`. With a `reduction`, "add", "mul",
    "max" or "min", updates meet the value that is there, and one another.
    """
    b, x, where, values = _places(inputs, indices, updates)
    if reduction is None:
        return b.scatter_update(x, where, values)
    if reduction == "add":
        return b.scatter_add(x, where, values)
    if reduction not in ("mul", "max", "min"):
        raise ValueError(f"scatter_update: reduction is add, mul, max or min; got {reduction!r}.")
    shape, k = b.shape(x), b.shape(where)[1]
    rows = b.reshape(x, (math.prod(shape[:k]), math.prod(shape[k:])))
    values = b.reshape(values, (b.shape(where)[0], b.shape(rows)[1]))
    places = _flat_places(b, where, shape[:k])
    if reduction == "mul":
        return b.reshape(b.scatter_multiply(rows, places, values), shape)
    return b.reshape(b.scatter_extreme(rows, places, values, reduction == "max"), shape)


def _flat_places(b: Any, where: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """(n,): the places that the rows of `where` (n, k) have when the k axes are one."""
    steps = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
    return b.sum(b.multiply(where, b.constant(_limits(steps))), (1,))


def gather_nd(x: Any, indices: Any) -> Tensor:
    """``x[indices[i]]``: indices (..., k) name places in the first k axes; (..., rest)."""
    b, (x, where) = tensors(x, indices)
    where = as_indices(b, where)
    shape, given = b.shape(x), b.shape(where)
    if not given or given[-1] > len(shape):
        raise ShapeError(f"gather_nd: indices {given} must end in at most {len(shape)}.")
    k = given[-1]
    _check_places(b, where, shape[:k], "gather_nd")
    where = b.reshape(where, (math.prod(given[:-1]), k))
    where = b.where(b.less(where, 0), b.add(where, b.constant(_limits(shape[:k]))), where)
    rows = b.reshape(x, (math.prod(shape[:k]), *shape[k:]))
    y = b.take(rows, _flat_places(b, where, shape[:k]), 0)
    return b.reshape(y, (*given[:-1], *shape[k:]))


def _check_places(b: Any, where: Tensor, sizes: tuple[int, ...], op: str) -> None:
    if not b.is_concrete(where) or b.rank == 1:
        return
    host = b.to_numpy(where).reshape(-1, len(sizes))
    wrong = (host < -_limits(sizes)) | (host >= _limits(sizes))
    if wrong.any():
        bad = host[wrong.any(1)][0].tolist()
        raise IndexError(f"{op}: index {bad} is out of range for shape {sizes}.")


def scatter_add(inputs: Any, indices: Any, updates: Any) -> Tensor:
    """As `scatter_update`, but updates are added, also where a place comes up twice."""
    b, x, where, values = _places(inputs, indices, updates)
    return b.scatter_add(x, where, values)


def scatter(indices: Any, values: Any, shape: Sequence[int]) -> Tensor:
    """Zeros of `shape` with `values` added at `indices`, as in `scatter_add`."""
    b, (values, _) = tensors(values, indices)
    return scatter_add(b.full(tuple(shape), 0, b.dtype(values)), indices, values)


def _places(inputs: Any, indices: Any, updates: Any) -> tuple[Any, Tensor, Tensor, Tensor]:
    b, (x, where, values) = tensors(inputs, indices, updates)
    where = as_indices(b, where)
    shape, given = b.shape(x), b.shape(where)
    if not given or given[-1] > len(shape):
        raise ShapeError(
            f"scatter: indices {given} must end in at most {len(shape)}, inputs {shape}."
        )
    k = given[-1]
    rest = shape[k:]
    count = math.prod(given[:-1])
    limits = b.constant(_limits(shape[:k]))
    _check_places(b, where, shape[:k], "scatter")
    where = b.reshape(where, (count, k))
    where = b.where(b.less(where, 0), b.add(where, limits), where)
    values = cast(b, values, b.dtype(x))
    if b.shape(values) != given[:-1] + rest:
        values = b.broadcast_to(values, given[:-1] + rest)
    return b, x, where, b.reshape(values, (count, *rest))


def _limits(sizes: Sequence[int]) -> Any:
    import numpy as np

    return np.asarray(sizes, np.int32)


def slice(inputs: Any, start_indices: Sequence[int], shape: Sequence[int]) -> Tensor:
    """The block of `shape` that begins at `start_indices`; -1 means up to the end."""
    b, x = one(inputs)
    sizes = b.shape(x)
    index = []
    for start, want, n in zip(_ints(start_indices), shape, sizes, strict=True):
        stop = n if want == -1 else start + want
        if not 0 <= start <= stop <= n:
            raise IndexError(f"slice: {start}:{stop} is out of range for an axis of {n}.")
        index.append(_slice(start, stop, 1))
    return b.getitem(x, tuple(index))


def slice_update(inputs: Any, start_indices: Sequence[int], updates: Any) -> Tensor:
    """A copy of `inputs` with the block at `start_indices` replaced by `updates`."""
    b, (x, new) = tensors(inputs, updates)
    starts = _ints(start_indices)
    for start, d, n in zip(starts, b.shape(new), b.shape(x), strict=True):
        if not 0 <= start <= start + d <= n:
            raise IndexError(
                f"slice_update: {start}:{start + d} is out of range for an axis of {n}."
            )
    return b.slice_update(x, starts, cast(b, new, b.dtype(x)))


def _ints(values: Any) -> tuple[int, ...]:
    """Python ints, from ints or from tensors whose values are known."""
    b = (
        select.backend_of(*values)
        if isinstance(values, (list, tuple))
        else select.backend_of(values)
    )
    try:
        return tuple(int(v) for v in values)
    except Exception as e:
        raise UnsupportedOp(f"{b.name}: the start of a slice must be known when traced.") from e


_slice = builtins.slice  # `slice` is an op here


def get_item(x: Any, key: Any) -> Tensor:
    """``x[key]``: ints, slices, None, ..., and at most one tensor or list of indices or bools."""
    b, x = one(x)
    keys = list(key) if isinstance(key, tuple) else [key]
    named = sum(k is not None and k is not Ellipsis for k in keys)
    rank = len(b.shape(x))
    if named > rank:
        raise IndexError(f"{named} indices for a tensor of {rank} axes.")
    if Ellipsis not in [k if k is Ellipsis else 0 for k in keys]:
        keys.append(Ellipsis)
    at = next(i for i, k in enumerate(keys) if k is Ellipsis)
    keys[at : at + 1] = [_slice(None)] * (rank - named)
    return _index(b, x, keys)


def _index(b: Any, x: Tensor, keys: list[Any]) -> Tensor:
    basic, shape, flips, gather = [], [], [], None
    axis = 0
    for k in keys:
        if k is None:
            shape.append(1)
            continue
        n = b.shape(x)[axis]
        axis += 1
        if isinstance(k, _slice):
            start, stop, step = k.indices(n)
            count = len(range(start, stop, step))
            if step < 0:
                flips.append(len(shape))
                start, step = start + (count - 1) * step if count else 0, -step
            start = start if count else 0
            basic.append(_slice(start, start + (count - 1) * step + 1 if count else start, step))
            shape.append(count)
        elif isinstance(k, int) and not isinstance(k, bool):
            if not -n <= k < n:
                raise IndexError(f"index {k} is out of range for axis {axis - 1} of size {n}.")
            basic.append(k % n)
        elif gather is None:
            gather = (len(shape), k)
            basic.append(_slice(0, n, 1))
            shape.append(n)
        else:
            raise UnsupportedOp("indexing by more than one tensor; use ops.take or ops.scatter.")
    x = b.reshape(b.getitem(x, tuple(basic)), tuple(shape))
    x = b.flip(x, tuple(flips)) if flips else x
    return x if gather is None else take(x, _positions(gather[1]), gather[0])


def _positions(key: Any) -> Any:
    """Indices as they are; a bool mask as the indices where it holds."""
    import numpy as np

    if select.engine_of(key) is not None:
        b, key = one(key)
        if b.dtype(key) != "bool":
            return key
        key = b.to_numpy(key)
    return np.nonzero(key)[0].astype(np.int32) if np.asarray(key).dtype == bool else key


def nonzero(x: Any) -> tuple[Tensor, ...]:
    """For each axis, the int32 places of the elements that are not 0. Not under compile."""
    import numpy as np

    b, x = one(x)
    if not b.is_concrete(x):
        raise UnsupportedOp("nonzero: its shape depends on values that compile does not know.")
    return tuple(b.asarray(i.astype(np.int32)) for i in np.nonzero(b.to_numpy(x)))


def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Tensor:
    """Where each of `values` goes into a sorted vector, int32: before equals, or after them."""
    b, (edges, values) = tensors(sorted_sequence, values)
    if side not in ("left", "right"):
        raise ValueError(f"searchsorted: side must be 'left' or 'right'; got {side!r}.")
    rank = len(b.shape(values))
    both = dtypes.promote(b.dtype(edges), b.dtype(values))
    column = b.expand_dims(cast(b, values, both), rank)
    compare = b.less if side == "left" else b.less_equal
    return b.count_nonzero(compare(cast(b, edges, both), column), (rank,))


def digitize(x: Any, bins: Sequence[float]) -> Tensor:
    """The bin of each element, int32: 0 below ``bins[0]``, ``len(bins)`` from the last on."""
    return searchsorted(bins, x, "right")
