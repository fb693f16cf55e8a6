"""Shape: reshape, join, cut, pad, repeat."""

from collections.abc import Sequence
from typing import Any

from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor, many, one
from polyk.shapes import axis_index, axis_tuple, resolve_reshape

__all__ = [
    "array_split",
    "broadcast_to",
    "concatenate",
    "diag",
    "diagonal",
    "diff",
    "expand_dims",
    "flip",
    "hstack",
    "moveaxis",
    "pad",
    "ravel",
    "repeat",
    "reshape",
    "roll",
    "rot90",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "tile",
    "trace",
    "transpose",
    "tril",
    "triu",
    "unstack",
    "vstack",
]

Axis = int | Sequence[int] | None


def reshape(x: Any, newshape: int | Sequence[int]) -> Tensor:
    """The same elements in another shape; one size may be -1."""
    b, x = one(x)
    new = (newshape,) if isinstance(newshape, int) else tuple(newshape)
    return b.reshape(x, resolve_reshape(b.shape(x), new))


def ravel(x: Any) -> Tensor:
    """The elements in one axis."""
    return reshape(x, (-1,))


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """The axes in another order, reversed by default."""
    b, x = one(x)
    rank = len(x.shape)
    if axes is None:
        return b.transpose(x, tuple(reversed(range(rank))))
    order = tuple(axis_index(a, rank) for a in axes)
    if sorted(order) != list(range(rank)):
        raise ShapeError(f"transpose: axes {tuple(axes)} do not name {rank} axes once each.")
    return b.transpose(x, order)


def expand_dims(x: Any, axis: int | Sequence[int]) -> Tensor:
    """A new axis of size 1 at each place `axis` of the result."""
    b, x = one(x)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    for a in axis_tuple(axes, len(x.shape) + len(axes)):
        x = b.expand_dims(x, a)
    return x


def squeeze(x: Any, axis: Axis = None) -> Tensor:
    """Without its axes of size 1, or without those named, which must be of size 1."""
    b, x = one(x)
    shape = b.shape(x)
    ones = tuple(i for i, d in enumerate(shape) if d == 1)
    axes = ones if axis is None else axis_tuple(axis, len(shape))
    if any(a not in ones for a in axes):
        raise ShapeError(f"squeeze: axis {axis} of {shape} is not of size 1.")
    return b.squeeze(x, axes)


def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged."""
    b, x = one(x)
    rank = len(x.shape)
    return b.swapaxes(x, axis_index(axis1, rank), axis_index(axis2, rank))


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """The axes `source` moved to `destination`, the others in their order."""
    b, x = one(x)
    rank = len(x.shape)
    src, dst = ([axis_index(a, rank) for a in ((v,) if isinstance(v, int) else v)]
                for v in (source, destination))  # fmt: skip
    order = [a for a in range(rank) if a not in src]
    for d, s in sorted(zip(dst, src, strict=True)):
        order.insert(d, s)
    return b.transpose(x, tuple(order))


def broadcast_to(x: Any, shape: Sequence[int]) -> Tensor:
    """`x` repeated to `shape` where it has size 1 or no axis."""
    from polyk.shapes import broadcast

    b, x = one(x)
    if broadcast(b.shape(x), shape) != tuple(shape):
        raise ShapeError(f"{b.shape(x)} does not broadcast to {tuple(shape)}.")
    return b.broadcast_to(x, tuple(shape))


def concatenate(xs: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors joined along an axis they have; their other axes agree."""
    b, tensors = _several(xs, "concatenate")
    rank = len(tensors[0].shape)
    a = axis_index(axis, rank)
    shapes = [b.shape(t) for t in tensors]
    if any(s[:a] + s[a + 1 :] != shapes[0][:a] + shapes[0][a + 1 :] for s in shapes):
        given = ", ".join(map(str, shapes))
        raise ShapeError(f"concatenate along axis {axis}: shapes {given} do not fit.")
    return b.concatenate(tensors, a)


def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape joined along a new axis."""
    b, tensors = _several(x, "stack")
    shapes = {b.shape(t) for t in tensors}
    if len(shapes) > 1:
        raise ShapeError(f"stack needs tensors of one shape; got {sorted(shapes)}.")
    return b.stack(tensors, axis_index(axis, len(tensors[0].shape) + 1))


def _several(xs: Sequence[Any], op: str) -> tuple[Any, list[Tensor]]:
    if len(xs) == 0:
        raise ValueError(f"{op} needs at least one tensor.")
    return many(list(xs))


def _at_least(x: Any, rank: int) -> Tensor:
    b, x = one(x)
    return b.reshape(x, (1,) * (rank - len(x.shape)) + b.shape(x))


def hstack(xs: Sequence[Any]) -> Tensor:
    """Joined side by side: along axis 1, or 0 for vectors."""
    rows = [_at_least(x, 1) for x in xs]
    return concatenate(rows, 0 if len(rows[0].shape) == 1 else 1)


def vstack(xs: Sequence[Any]) -> Tensor:
    """Joined on top of one another: along axis 0, vectors as rows."""
    return concatenate([_at_least(x, 2) for x in xs], 0)


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Equal parts, or the parts between the given indices."""
    b, x = one(x)
    a = axis_index(axis, len(x.shape))
    n = b.shape(x)[a]
    if not isinstance(indices_or_sections, int):
        points = [max(i + n, 0) if i < 0 else min(i, n) for i in indices_or_sections]
        return b.split(x, points, a)
    parts = indices_or_sections
    if parts < 1 or n % parts:
        raise ShapeError(f"split: axis {axis} of {b.shape(x)} does not divide into {parts}.")
    return b.split(x, [i * (n // parts) for i in range(1, parts)], a)


def array_split(x: Any, indices_or_sections: int, axis: int = 0) -> list[Tensor]:
    """As `split`, but the first parts may be one longer than the rest."""
    b, x = one(x)
    a = axis_index(axis, len(x.shape))
    each, more = divmod(b.shape(x)[a], indices_or_sections)
    points = [i * each + min(i, more) for i in range(1, indices_or_sections)]
    return b.split(x, points, a)


def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slices along `axis`, without it."""
    b, x = one(x)
    return b.unstack(x, axis_index(axis, len(x.shape)))


def tile(x: Any, repeats: int | Sequence[int]) -> Tensor:
    """`x` laid out `repeats` times along each axis."""
    b, x = one(x)
    times = (repeats,) if isinstance(repeats, int) else tuple(repeats)
    rank = max(len(times), len(x.shape))
    x = b.reshape(x, (1,) * (rank - len(x.shape)) + b.shape(x))
    return b.tile(x, (1,) * (rank - len(times)) + times)


def repeat(x: Any, repeats: int, axis: int | None = None) -> Tensor:
    """Each element `repeats` times in a row along `axis`, or of the flat tensor."""
    b, x = one(x)
    if axis is None:
        x, axis = ravel(x), 0
    return b.repeat(x, repeats, axis_index(axis, len(x.shape)))


def roll(x: Any, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Tensor:
    """Shifted along `axis` (or flat); what falls off one end enters at the other."""
    b, x = one(x)
    if axis is None:
        flat = b.roll(ravel(x), int(shift), 0)  # type: ignore[arg-type]
        return b.reshape(flat, b.shape(x))
    axes = (axis,) if isinstance(axis, int) else axis
    for s, a in zip((shift,) if isinstance(shift, int) else shift, axes, strict=True):
        x = b.roll(x, s, axis_index(a, len(x.shape)))
    return x


def flip(x: Any, axis: Axis = None) -> Tensor:
    """The order along `axis` (all by default) reversed."""
    b, x = one(x)
    return b.flip(x, axis_tuple(axis, len(x.shape)))


def pad(
    x: Any, pad_width: Any, mode: str = "constant", constant_values: float | None = None
) -> Tensor:
    """Grown at its edges.

    `pad_width` is a pair for each axis, one pair for all, or an int. Modes: "constant",
    "reflect" (mirrored about the edge cell), "symmetric" (edge cell included), "edge" (the edge
    cell repeated), "wrap" (from the other end).
    """
    b, x = one(x)
    rank = len(x.shape)
    if isinstance(pad_width, int):
        pad_width = ((pad_width, pad_width),) * rank
    elif len(pad_width) == 2 and all(isinstance(p, int) for p in pad_width):
        pad_width = (tuple(pad_width),) * rank
    pairs = tuple((int(p[0]), int(p[-1])) for p in pad_width)
    if len(pairs) != rank or any(min(p) < 0 for p in pairs):
        raise ShapeError(f"pad: {pad_width!r} is not a pair (before, after) for {rank} axes.")
    if mode == "constant":
        from polyk import dtypes

        return b.pad(x, pairs, dtypes.PYTHON[b.dtype(x)](constant_values or 0))
    if constant_values is not None:
        raise ValueError(f"pad: constant_values has no meaning in mode {mode!r}.")
    for axis, (lo, hi) in enumerate(pairs):
        if lo or hi:
            source = _pad_source(b.shape(x)[axis], lo, hi, mode)
            x = b.take(x, b.constant(source), axis)
    return x


def _pad_source(n: int, lo: int, hi: int, mode: str) -> Any:
    """Which cell of an axis of size `n` each cell of the padded axis shows, as int32."""
    import numpy as np

    if n == 0:
        raise ShapeError(f"pad: an empty axis has nothing to {mode}.")
    places = np.arange(-lo, n + hi)
    if mode == "edge":
        source = np.clip(places, 0, n - 1)
    elif mode == "wrap":
        source = places % n
    elif mode == "symmetric":
        turn = places % (2 * n)
        source = np.minimum(turn, 2 * n - 1 - turn)
    elif mode == "reflect":
        turn = places % max(2 * n - 2, 1)
        source = np.minimum(turn, 2 * n - 2 - turn) if n > 1 else places * 0
    else:
        raise ValueError(
            f"pad: mode must be constant, reflect, symmetric, edge or wrap; got {mode!r}."
        )
    return source.astype(np.int32)


def tril(x: Any, k: int = 0) -> Tensor:
    """Zero above the k-th diagonal of the last two axes."""
    b, x = _matrix(x, "tril")
    return b.tril(x, k)


def triu(x: Any, k: int = 0) -> Tensor:
    """Zero below the k-th diagonal of the last two axes."""
    b, x = _matrix(x, "triu")
    return b.triu(x, k)


def _matrix(x: Any, op: str) -> tuple[Any, Tensor]:
    b, x = one(x)
    if len(x.shape) < 2:
        raise ShapeError(f"{op} needs at least two axes; got shape {b.shape(x)}.")
    return b, x


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonal of two axes, as a new last one."""
    b, x = _matrix(x, "diagonal")
    return b.diagonal(moveaxis(x, (axis1, axis2), (-2, -1)), offset)


def diag(x: Any, k: int = 0) -> Tensor:
    """The matrix with a vector on its k-th diagonal, or the diagonal of a matrix."""
    b, x = one(x)
    return b.diag(x, k) if len(x.shape) == 1 else diagonal(x, k)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of the diagonal."""
    from polyk.ops.reductions import sum

    return sum(diagonal(x, offset, axis1, axis2), -1)


def rot90(array: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """Turned by `k` quarters from the first of `axes` toward the second."""
    first, second = axes
    if k % 4 == 2:
        return flip(array, axes)
    if k % 4 == 0:
        return one(array)[1]
    return flip(swapaxes(array, first, second), first if k % 4 == 1 else second)


def diff(a: Any, n: int = 1, axis: int = -1) -> Tensor:
    """Differences of neighbors, `n` times over."""
    from polyk.ops.elementwise import subtract
    from polyk.ops.logic import not_equal

    b, x = one(a)
    i = axis_index(axis, len(x.shape))
    for _ in range(n):
        d = b.shape(x)[i]
        late, early = (b.split(x, [p], i) for p in (1, max(d - 1, 0)))
        x = (not_equal if b.dtype(x) == "bool" else subtract)(late[1], early[0])
    return x
