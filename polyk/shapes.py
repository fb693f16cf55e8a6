"""Shape arithmetic: axes, broadcasting, convolution and pooling. Pure Python, no tensors."""

import math
from collections.abc import Sequence

from polyk.errors import ShapeError

Shape = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]


def axis_index(axis: int, ndim: int) -> int:
    """`axis` counted from the front."""
    if not -ndim <= axis < ndim:
        raise ShapeError(f"axis {axis} is out of range for a tensor of {ndim} dimensions.")
    return axis % ndim


ALL_AXES = [tuple(range(ndim)) for ndim in range(65)]


def axis_tuple(axis: int | Sequence[int] | None, ndim: int) -> Shape:
    """`axis` as a sorted tuple counted from the front; None means every axis."""
    if axis is None:
        return ALL_AXES[ndim]
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    result = sorted(axis_index(a, ndim) for a in axes)
    if len(set(result)) != len(result):
        raise ShapeError(f"axis {axis} names an axis twice.")
    return tuple(result)


def broadcast(*shapes: Sequence[int]) -> Shape:
    """The shape to which `shapes` broadcast together."""
    ndim = max([0, *map(len, shapes)])  # Dynamo cannot trace max(..., default=0)
    result = [1] * ndim
    for shape in shapes:
        for i, d in enumerate(shape, ndim - len(shape)):
            if d != 1 and result[i] not in (1, d):
                given = ", ".join(str(tuple(s)) for s in shapes)
                raise ShapeError(f"shapes {given} do not broadcast together.")
            if d != 1:
                result[i] = d
    return tuple(result)


def reduced(shape: Sequence[int], axes: Sequence[int], keepdims: bool) -> Shape:
    """The shape left when `axes` (counted from the front) are reduced away."""
    if keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def resolve_reshape(shape: Sequence[int], new: Sequence[int]) -> Shape:
    """`new` with its one -1 replaced by what the size of `shape` leaves for it.

    Where a size of `shape` is not known (None), None and -1 both mean "what is left".
    """
    if None in shape:
        return tuple(-1 if d is None else d for d in new)
    size, known = math.prod(shape), math.prod(d for d in new if d != -1)
    wrong = ShapeError(f"cannot reshape {tuple(shape)} (size {size}) to {tuple(new)}.")
    if list(new).count(-1) > 1:
        raise wrong
    if -1 in new:
        if size % known if known else size:
            raise wrong
        new = [size // known if known and d == -1 else max(d, 0) for d in new]
    if math.prod(new) != size or any(d < 0 for d in new):
        raise wrong
    return tuple(new)


def spread(value: int | Sequence[int], n: int, name: str) -> Shape:
    """`value` once per spatial dimension: 2 -> (2, 2)."""
    if isinstance(value, int):
        value = (value,) * n
    if len(value) != n or not all(isinstance(v, int) and v > 0 for v in value):
        raise ShapeError(f"{name} must be a positive int or {n} of them; got {value!r}.")
    return tuple(value)


def padding_pairs(
    padding: str | Sequence[int | Sequence[int]],
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
) -> Pads:
    """Zeros before and after each spatial dimension, for "valid", "same" or explicit pairs.

    "same" is TensorFlow's: the output has ``ceil(size / stride)`` cells and an odd zero goes at
    the end.
    """
    n = len(sizes)
    if not isinstance(padding, str):
        given = [(p, p) if isinstance(p, int) else tuple(p) for p in padding]
        if len(given) != n or any(len(p) != 2 or min(p) < 0 for p in given):
            raise ShapeError(f"explicit padding needs {n} pairs (before, after); got {padding!r}.")
        return tuple((before, after) for before, after in given)
    if padding.lower() == "valid":
        return ((0, 0),) * n
    if padding.lower() != "same":
        raise ShapeError(f"padding must be 'same', 'valid' or explicit pairs; got {padding!r}.")
    pairs = []
    for size, k, s, d in zip(sizes, window, strides, dilation, strict=True):
        total = max((-(-size // s) - 1) * s + (k - 1) * d + 1 - size, 0)
        pairs.append((total // 2, total - total // 2))
    return tuple(pairs)


def window_output(
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    pads: Pads,
    dilation: Sequence[int],
) -> Shape:
    """How many places a sliding window has along each spatial dimension (never negative)."""
    return tuple(
        max((size + lo + hi - (k - 1) * d - 1) // s + 1, 0)
        for size, k, s, (lo, hi), d in zip(sizes, window, strides, pads, dilation, strict=True)
    )


def transpose_output(
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    padding: str,
    dilation: Sequence[int],
    output_padding: Sequence[int] | None = None,
) -> Shape:
    """Spatial sizes after a transposed convolution, as in Keras."""
    result = []
    for i, (size, k, s, d) in enumerate(zip(sizes, window, strides, dilation, strict=True)):
        k = (k - 1) * d + 1
        if output_padding is None:
            result.append(size * s if padding == "same" else size * s + max(k - s, 0))
        else:
            pad = 2 * (k // 2) if padding == "same" else 0
            result.append((size - 1) * s + k - pad + output_padding[i])
    return tuple(result)


def dot_general(a: Shape, b: Shape) -> Shape:
    """The shape of ``matmul`` of two tensors with at least two dimensions each."""
    if a[-1] != b[-2]:
        raise ShapeError(f"matmul: the last axis of {a} and the second last of {b} differ.")
    return (*broadcast(a[:-2], b[:-2]), a[-2], b[-1])
