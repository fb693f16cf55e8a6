"""Creation, shape, products and reductions where Keras 1's names or defaults differ from ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import config, ops
from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor

__all__ = [
    "arange",
    "argmax",
    "argmin",
    "batch_dot",
    "batch_flatten",
    "cast_to_floatx",
    "clip",
    "concatenate",
    "constant",
    "cumprod",
    "cumsum",
    "dot",
    "eval",
    "expand_dims",
    "eye",
    "flatten",
    "gather",
    "identity",
    "int_shape",
    "l2_normalize",
    "one_hot",
    "ones",
    "ones_like",
    "permute_dimensions",
    "pow",
    "print_tensor",
    "repeat",
    "repeat_elements",
    "reverse",
    "size",
    "slice",
    "squeeze",
    "transpose",
    "zeros",
    "zeros_like",
]

Axis = int | tuple[int, ...] | list[int] | None


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """A tensor of zeros."""
    return ops.zeros(shape, dtype or config.floatx())


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """A tensor of ones."""
    return ops.ones(shape, dtype or config.floatx())


def eye(size: int, dtype: Any = None, name: str | None = None) -> Tensor:
    """The identity matrix (size, size)."""
    return ops.eye(size, dtype=dtype or config.floatx())


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of the shape of `x`."""
    return ops.zeros_like(x, dtype)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of the shape of `x`."""
    return ops.ones_like(x, dtype)


def arange(start: int, stop: int | None = None, step: int = 1, dtype: Any = "int32") -> Tensor:
    """``start, start + step, ...`` below `stop`."""
    return ops.arange(start, stop, step, dtype)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """`value` as a tensor, in floatx unless `dtype` says otherwise; one value fills `shape`."""
    x = ops.convert_to_tensor(value, dtype or config.floatx())
    if shape is None:
        return x
    return ops.broadcast_to(x, shape) if ops.size(x) == 1 else ops.reshape(x, shape)


def one_hot(indices: Any, num_classes: int) -> Tensor:
    """Ints (...) to rows of zeros with a one (..., num_classes)."""
    return ops.one_hot(indices, num_classes)


def cast_to_floatx(x: Any) -> Tensor:
    """`x` in floatx."""
    return ops.cast(x, config.floatx())


def eval(x: Any) -> Any:
    """The value of a tensor or variable as a NumPy array."""
    return ops.convert_to_numpy(x)


def identity(x: Any, name: str | None = None) -> Tensor:
    """`x` as a tensor."""
    return ops.convert_to_tensor(x)


def print_tensor(x: Any, message: str = "") -> Any:
    """Print `message` and the value of `x`, which is returned."""
    print(message, ops.convert_to_numpy(x))
    return x


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The shape, None for every size that is not known."""
    return tuple(x.shape)


def size(x: Any, name: str | None = None) -> int:
    """The number of elements."""
    return ops.size(x)


def transpose(x: Any) -> Tensor:
    """The axes in reverse order."""
    return ops.transpose(x)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Tensor:
    """The axes in the order of `pattern`."""
    return ops.transpose(x, tuple(pattern))


def expand_dims(x: Any, axis: int = -1) -> Tensor:
    """A new axis of size 1."""
    return ops.expand_dims(x, axis)


def squeeze(x: Any, axis: int) -> Tensor:
    """`x` without the axis `axis` of size 1."""
    return ops.squeeze(x, axis)


def flatten(x: Any) -> Tensor:
    """All elements in one axis."""
    return ops.ravel(x)


def batch_flatten(x: Any) -> Tensor:
    """(N, ...) to (N, M)."""
    return ops.reshape(x, (ops.shape(x)[0], -1))


def concatenate(tensors: Sequence[Any], axis: int = -1) -> Tensor:
    """The tensors one after the other along `axis`."""
    return ops.concatenate(tensors, axis)


def slice(x: Any, start: Sequence[int], size: Sequence[int]) -> Tensor:
    """The block of shape `size` that begins at `start`."""
    return ops.slice(x, start, size)


def repeat_elements(x: Any, rep: int, axis: int) -> Tensor:
    """Each slice along `axis` `rep` times, as in ``numpy.repeat``."""
    return ops.repeat(x, rep, axis)


def repeat(x: Any, n: int) -> Tensor:
    """(N, D) to (N, n, D)."""
    if ops.ndim(x) != 2:
        raise ShapeError(f"repeat takes a matrix; got shape {int_shape(x)}.")
    return ops.repeat(ops.expand_dims(x, 1), n, 1)


def reverse(x: Any, axes: Axis) -> Tensor:
    """`x` backward along `axes`."""
    return ops.flip(x, axes)


def gather(reference: Any, indices: Any) -> Tensor:
    """The slices of `reference` along its first axis."""
    return ops.take(reference, indices, axis=0)


def pow(x: Any, a: Any) -> Tensor:
    """``x ** a``."""
    return ops.power(x, a)


def clip(x: Any, min_value: Any = None, max_value: Any = None) -> Tensor:
    """`x` between two bounds; None means no bound."""
    x = x if min_value is None else ops.maximum(x, min_value)
    return x if max_value is None else ops.minimum(x, max_value)


def cumsum(x: Any, axis: int = 0) -> Tensor:
    """Running sums along `axis`."""
    return ops.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> Tensor:
    """Running products along `axis`."""
    return ops.cumprod(x, axis)


def argmax(x: Any, axis: int = -1) -> Tensor:
    """The index of the largest element along `axis`, the first of equals."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Tensor:
    """The index of the smallest element along `axis`, the first of equals."""
    return ops.argmin(x, axis)


def dot(x: Any, y: Any) -> Tensor:
    """NumPy's dot: the last axis of `x` against the second last of `y`."""
    return ops.dot(x, y)


def batch_dot(x: Any, y: Any, axes: int | Sequence[int] | None = None) -> Tensor:
    """For each of N samples the product of `x` and `y` summed over one axis of each.

    Shapes: the axes of `x` without ``axes[0]``, then those of `y` without the batch and
    ``axes[1]``. Two matrices give (N, 1). By default the last axis of `x` meets the second last
    of `y` (its last if `y` is a matrix).

    >>> K.batch_dot(K.ones((8, 2, 3)), K.ones((8, 3, 5))).shape
    (8, 2, 5)
    """
    rx, ry = ops.ndim(x), ops.ndim(y)
    if min(rx, ry) < 2:
        raise ShapeError(f"batch_dot takes batches; got shapes {int_shape(x)} and {int_shape(y)}.")
    given = (
        (rx - 1, max(ry - 2, 1))
        if axes is None
        else (axes, axes)
        if isinstance(axes, int)
        else axes
    )
    ax, ay = given[0] % rx, given[1] % ry
    if 0 in (ax, ay):
        raise ShapeError("batch_dot does not sum over the batch; use tensordot.")
    letters = "abcdefghijklmnopqrstuvw"
    left = ["z", *letters[: rx - 1]]
    right = ["z", *letters[rx : rx + ry - 1]]
    left[ax] = right[ay] = "y"
    rest = [c for c in (*left, *right[1:]) if c != "y"]
    out = ops.einsum(f"{''.join(left)},{''.join(right)}->{''.join(rest)}", x, y)
    return ops.expand_dims(out, 1) if len(rest) == 1 else out


def l2_normalize(x: Any, axis: Axis = None) -> Tensor:
    """`x` divided by its Euclidean norm along `axis` (at least 1e-6)."""
    squares = ops.sum(ops.square(x), axis, keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(squares, 1e-12)))
