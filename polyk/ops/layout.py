"""Joins and cuts by direction, frames, blocks, and places in a grid."""

import math
from collections.abc import Sequence
from typing import Any

from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor, many, one, tensors
from polyk.ops.dispatch import indices as as_indices
from polyk.ops.shaping import _at_least, concatenate, flip, split
from polyk.shapes import broadcast

__all__ = [
    "append",
    "broadcast_arrays",
    "depth_to_space",
    "diagflat",
    "dsplit",
    "dstack",
    "extract_sequences",
    "fliplr",
    "flipud",
    "hsplit",
    "space_to_depth",
    "unravel_index",
    "vsplit",
]


def append(x1: Any, x2: Any, axis: int | None = None) -> Tensor:
    """`x2` after `x1` along `axis`, or both flat."""
    b, xs = many([x1, x2])
    if axis is None:
        xs, axis = [b.reshape(x, (math.prod(b.shape(x)),)) for x in xs], 0
    return concatenate(xs, axis)


def broadcast_arrays(*arrays: Any) -> list[Tensor]:
    """Each tensor in the shape to which they broadcast together, in its own dtype."""
    b, xs = tensors(*arrays)
    shape = broadcast(*map(b.shape, xs))
    return [b.broadcast_to(x, shape) for x in xs]


def dstack(xs: Sequence[Any]) -> Tensor:
    """Joined along the third axis, which vectors and matrices get at the end."""
    deep = []
    for x in xs:
        b, x = one(_at_least(x, 1))
        x = b.expand_dims(x, 0) if len(b.shape(x)) == 1 else x
        deep.append(b.expand_dims(x, 2) if len(b.shape(x)) == 2 else x)
    return concatenate(deep, 2)


def _split(x: Any, parts: int | Sequence[int], axis: int, rank: int, op: str) -> list[Tensor]:
    b, x = one(x)
    if len(b.shape(x)) < rank:
        raise ShapeError(f"{op} needs {rank} axes or more; got shape {b.shape(x)}.")
    return split(x, parts, axis)


def hsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """Cut along axis 1, or 0 for vectors."""
    axis = min(len(one(x)[1].shape) - 1, 1)
    return _split(x, indices_or_sections, axis, 1, "hsplit")


def vsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """Cut along axis 0."""
    return _split(x, indices_or_sections, 0, 2, "vsplit")


def dsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """Cut along axis 2."""
    return _split(x, indices_or_sections, 2, 3, "dsplit")


def fliplr(x: Any) -> Tensor:
    """The order along axis 1 reversed."""
    return flip(x, 1)


def flipud(x: Any) -> Tensor:
    """The order along axis 0 reversed."""
    return flip(x, 0)


def diagflat(x: Any, k: int = 0) -> Tensor:
    """The matrix with the elements of `x`, flat, on its k-th diagonal."""
    b, x = one(x)
    return b.diag(b.reshape(x, (math.prod(b.shape(x)),)), k)


def unravel_index(indices: Any, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """For each axis of `shape`, where the flat `indices` lie, int32. Negative ones count from the
    end; out of range: unspecified, for checking would wait for the device."""
    b, x = one(indices)
    x = as_indices(b, x)
    size = math.prod(shape)
    x = b.where(b.less(x, 0), b.add(x, size), x)
    places = []
    for d in shape:
        size //= max(d, 1)
        places.append(b.mod(b.floor_divide(x, max(size, 1)), max(d, 1)))
    return tuple(places)


def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Tensor:
    """Frames of the last axis, `sequence_stride` apart: (..., n) to (..., frames, length)."""
    import numpy as np

    b, x = one(x)
    n = b.shape(x)[-1]
    count = max((n - sequence_length) // sequence_stride + 1, 0)
    starts = np.arange(count, dtype=np.int32)[:, None] * sequence_stride
    places = starts + np.arange(sequence_length, dtype=np.int32)
    return b.take(x, b.constant(places), len(b.shape(x)) - 1)


def _blocks(x: Any, block_size: int, data_format: str | None, op: str) -> Any:
    """The backend, `x` channels last, and its sizes."""
    from polyk.ops.conv import _channels_first, _to_last

    b, x = one(x)
    first = _channels_first(data_format)
    if len(b.shape(x)) != 4 or block_size < 2:
        raise ShapeError(f"{op} needs images of 4 axes and a block of 2 or more; got "
                         f"{b.shape(x)} and {block_size}.")  # fmt: skip
    x = _to_last(b, x, first)
    return b, x, first, b.shape(x)


def depth_to_space(x: Any, block_size: int, data_format: str | None = "channels_last") -> Tensor:
    """Channels laid out as blocks: (N, H, W, s * s * C) to (N, H * s, W * s, C)."""
    from polyk.ops.conv import _to_first

    b, x, first, (n, h, w, c) = _blocks(x, block_size, data_format, "depth_to_space")
    s, depth = block_size, c // block_size**2
    if c % s**2:
        raise ShapeError(f"depth_to_space: {c} channels do not make blocks of {s} by {s}.")
    x = b.transpose(b.reshape(x, (n, h, w, s, s, depth)), (0, 1, 3, 2, 4, 5))
    return _to_first(b, b.reshape(x, (n, h * s, w * s, depth)), first)


def space_to_depth(x: Any, block_size: int, data_format: str | None = "channels_last") -> Tensor:
    """Blocks gathered in channels: (N, H * s, W * s, C) to (N, H, W, s * s * C)."""
    from polyk.ops.conv import _to_first

    b, x, first, (n, h, w, c) = _blocks(x, block_size, data_format, "space_to_depth")
    s = block_size
    if h % s or w % s:
        raise ShapeError(f"space_to_depth: {h} by {w} cells do not cut into blocks of {s}.")
    x = b.transpose(b.reshape(x, (n, h // s, s, w // s, s, c)), (0, 1, 3, 2, 4, 5))
    return _to_first(b, b.reshape(x, (n, h // s, w // s, s * s * c)), first)
