"""New tensors, conversion, and questions about tensors."""

import math
from collections.abc import Sequence
from typing import Any

from polyk import dtypes
from polyk.errors import DTypeError, ShapeError
from polyk.ops import dispatch
from polyk.ops.dispatch import Tensor, floating, floating_pair, many, one, tensors
from polyk.select import current, is_tensor, to_numpy
from polyk.shapes import axis_tuple

__all__ = [
    "arange",
    "array",
    "array_equal",
    "cast",
    "convert_to_numpy",
    "convert_to_tensor",
    "copy",
    "dtype",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "geomspace",
    "identity",
    "is_tensor",
    "linspace",
    "logspace",
    "meshgrid",
    "ndim",
    "normalize",
    "ones",
    "ones_like",
    "shape",
    "size",
    "tri",
    "zeros",
    "zeros_like",
]

Shape = int | Sequence[int]


def _size(d: Any) -> Any:
    """An array or a float as an int; an engine's symbol for a size as it is."""
    return int(d) if hasattr(d, "dtype") or isinstance(d, float) else d


def _sizes(shape: Shape) -> tuple[int, ...]:
    sizes = (shape,) if isinstance(shape, int) else tuple(map(_size, shape))
    if any(d < 0 for d in sizes):
        raise ShapeError(f"a shape has no negative sizes; got {shape}.")
    return sizes


def convert_to_tensor(x: Any, dtype: Any = None) -> Tensor:
    """`x` as a tensor: of its own backend if it is one, else of the backend in use.

    NumPy arrays keep their dtype; Python floats become floatx, ints int32, bools bool.
    """
    b, x = one(x)
    x = x if dtype is None else dispatch.cast(b, x, _supported(b, dtype))
    _supported(b, b.dtype(x))
    return x


def array(x: Any, dtype: Any = None) -> Tensor:
    """As `convert_to_tensor`, but always a copy."""
    b, x = one(x)
    x = b.copy(x)
    return x if dtype is None else dispatch.cast(b, x, _supported(b, dtype))


def _supported(b: Any, dtype: Any) -> str:
    name = dtypes.standardize(dtype)
    if b.rank == 0 and name not in b.dtypes:
        known = ", ".join(b.dtypes)
        raise DTypeError(f"backend {b.name!r} has no dtype {name}. It has {known}.")
    return name


def convert_to_numpy(x: Any) -> Any:
    """The values of `x` as a NumPy array on the host."""
    return to_numpy(x)


def cast(x: Any, dtype: Any) -> Tensor:
    """`x` in another dtype. Float to int goes toward zero (NaN and overflow: unspecified)."""
    b, x = one(x)
    name = dtypes.standardize(dtype)
    return x if b.dtype(x) == name else b.cast(x, _supported(b, name))


def shape(x: Any) -> tuple[int, ...]:
    """The shape, a tuple of ints."""
    b, x = one(x)
    return b.shape(x)


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(shape(x))


def size(x: Any) -> int:
    """The number of elements."""
    return math.prod(shape(x))


def dtype(x: Any) -> str:
    """The name of the dtype."""
    b, x = one(x)
    return b.dtype(x)


def copy(x: Any) -> Tensor:
    """A tensor of the same values in memory of its own."""
    b, x = one(x)
    return b.copy(x)


def zeros(shape: Shape, dtype: Any = None) -> Tensor:
    """Zeros, floatx by default."""
    return full(shape, 0, dtype or dtypes.floatx())


def ones(shape: Shape, dtype: Any = None) -> Tensor:
    """Ones, floatx by default."""
    return full(shape, 1, dtype or dtypes.floatx())


def full(shape: Shape, fill_value: Any, dtype: Any = None) -> Tensor:
    """`fill_value` (a scalar, or a tensor that broadcasts) everywhere."""
    b, value = one(fill_value)
    name = _supported(b, dtype) if dtype is not None else b.dtype(value)
    if type(fill_value) in dtypes.SCALARS:
        return b.full(_sizes(shape), dtypes.PYTHON[name](fill_value), name)
    return b.broadcast_to(dispatch.cast(b, value, name), _sizes(shape))


def empty(shape: Shape, dtype: Any = None) -> Tensor:
    """As `zeros`: what an uninitialized tensor holds would differ from run to run."""
    return zeros(shape, dtype)


def empty_like(x: Any, dtype: Any = None) -> Tensor:
    """As `zeros_like`."""
    return zeros_like(x, dtype)


def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros of the shape and dtype of `x`."""
    return full_like(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Ones of the shape and dtype of `x`."""
    return full_like(x, 1, dtype)


def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """`fill_value` in the shape and dtype of `x`."""
    b, x = one(x)
    name = _supported(b, dtype) if dtype is not None else b.dtype(x)
    if type(fill_value) in dtypes.SCALARS:
        return b.full(b.shape(x), dtypes.PYTHON[name](fill_value), name)
    b, (value,) = tensors(fill_value)
    return b.broadcast_to(dispatch.cast(b, value, name), b.shape(x))


def arange(start: float, stop: Any = None, step: float | None = None, dtype: Any = None) -> Tensor:
    """`start`, ``start + step``, ... below `stop`; int32 for ints, else floatx."""
    step = 1 if step is None else step
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise ValueError("arange: step must not be 0.")
    b = current()
    whole = all(isinstance(v, int) for v in (start, stop, step))
    name = _supported(b, dtype or ("int32" if whole else dtypes.floatx()))
    return b.arange(start, stop, step, name)


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False,
    dtype: Any = None, axis: int = 0,
) -> Any:  # fmt: skip
    """`num` evenly spaced numbers from `start` to `stop`, along a new axis.

    With `retstep` a pair: the numbers and their distance.
    """
    b, (start, stop) = tensors(start, stop)
    b, start, stop = floating_pair(start, stop)
    result = _along(b.linspace(start, stop, num, endpoint), axis, dtype)
    if not retstep:
        return result
    step = b.divide(b.subtract(stop, start), float(num - 1 if endpoint else num) or math.nan)
    return result, step if dtype is None else cast(step, dtype)


def _along(x: Tensor, axis: int, dtype: Any) -> Tensor:
    """`x` with its first axis moved to `axis`, in `dtype`."""
    from polyk.ops.shaping import moveaxis

    x = moveaxis(x, 0, axis) if axis else x
    return x if dtype is None else cast(x, dtype)


def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: float = 10,
    dtype: Any = None, axis: int = 0,
) -> Tensor:  # fmt: skip
    """``base ** start`` to ``base ** stop`` by `num` equal factors, along a new axis."""
    b, exponents = floating(linspace(start, stop, num, endpoint))
    return _along(b.power(float(base), exponents), axis, dtype)


def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Tensor:
    """`start` to `stop`, of one sign, by `num` equal factors, along a new axis."""
    b, (start, stop) = tensors(start, stop)
    b, start, stop = floating_pair(start, stop)
    steps = b.linspace(b.log(b.abs(start)), b.log(b.abs(stop)), num, endpoint)
    return _along(b.multiply(b.exp(steps), b.sign(start)), axis, dtype)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """(N, M): ones on the k-th diagonal, zeros elsewhere."""
    b = current()
    return b.eye(N, N if M is None else M, k, _supported(b, dtype or dtypes.floatx()))


def identity(n: int, dtype: Any = None) -> Tensor:
    """The (n, n) identity matrix."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """(N, M): ones on and below the k-th diagonal."""
    b = current()
    m = N if M is None else M
    return b.tril(b.full((N, m), 1, _supported(b, dtype or dtypes.floatx())), k)


def meshgrid(*x: Any, indexing: str = "xy") -> list[Tensor]:
    """Coordinate tensors of the grid spanned by vectors; "xy" swaps the first two axes."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij'; got {indexing!r}.")
    if not x:
        return []
    b, xs = tensors(*x)
    return b.meshgrid([b.reshape(v, (math.prod(b.shape(v)),)) for v in xs], indexing)


def normalize(
    x: Any,
    axis: int | tuple[int, ...] | list[int] | None = -1,
    order: int = 2,
    epsilon: float | None = None,
) -> Tensor:
    """`x` divided by its norm along `axis`, or by `epsilon` where that is larger."""
    from polyk.ops.linalg import norm

    b, x = floating(x)
    floor = 1e-7 if epsilon is None else epsilon
    if order == 2:  # without a square root, which has no slope at 0
        total = b.sum(b.square(x), axis_tuple(axis, len(b.shape(x))), True)
        return b.multiply(x, b.rsqrt(b.maximum(total, floor**2)))
    return b.divide(x, b.maximum(norm(x, order, axis, keepdims=True), floor))


def array_equal(x: Any, y: Any) -> bool:
    """Whether both have the same shape and the same values; a Python bool."""
    b, (x, y) = tensors(x, y)
    if b.shape(x) != b.shape(y):
        return False
    _, (x, y) = many([x, y])
    return bool(b.to_numpy(b.all(b.equal(x, y), tuple(range(len(b.shape(x)))))))
