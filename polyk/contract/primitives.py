"""The abstract methods: the whole of what a backend must implement.

`x`, `y` are tensors of the backend (or, in binary methods, one of them a Python scalar).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

Tensor = Any
Axes = tuple[int, ...]
Shape = tuple[int, ...]


class Primitives(ABC):
    """Creation, element-wise maths, reductions, shape and indexing, matmul, gather and scatter."""

    # Creation and conversion.

    @abstractmethod
    def asarray(self, x: Any, dtype: str | None = None) -> Tensor:
        """A tensor on the current device, from NumPy data, scalars, lists or a tensor."""

    @abstractmethod
    def to_numpy(self, x: Tensor) -> Any:
        """The values of `x` as a NumPy array on the host."""

    @abstractmethod
    def full(self, shape: Shape, value: float, dtype: str) -> Tensor: ...

    @abstractmethod
    def arange(self, start: float, stop: float, step: float, dtype: str) -> Tensor: ...

    @abstractmethod
    def cast(self, x: Tensor, dtype: str) -> Tensor:
        """Float to int goes toward zero; anything to bool is ``x != 0``."""

    # Element-wise, on one tensor. From exp to arctanh, and floor, ceil and round: floats only.

    @abstractmethod
    def negative(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def abs(self, x: Tensor) -> Tensor:
        """The derivative at 0 is 0."""

    @abstractmethod
    def sign(self, x: Tensor) -> Tensor:
        """NaN where `x` is NaN; 0 for both zeros."""

    @abstractmethod
    def exp(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def expm1(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def log(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def log1p(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def sqrt(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def sin(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def cos(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def tan(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def arcsin(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def arccos(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def arctan(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def sinh(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def cosh(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def tanh(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def arcsinh(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def arccosh(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def arctanh(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def floor(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def ceil(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def round(self, x: Tensor) -> Tensor:
        """Half to even."""

    # Element-wise, on two tensors that broadcast.

    @abstractmethod
    def add(self, x: Tensor, y: Tensor) -> Tensor: ...

    @abstractmethod
    def subtract(self, x: Tensor, y: Tensor) -> Tensor: ...

    @abstractmethod
    def multiply(self, x: Tensor, y: Tensor) -> Tensor: ...

    @abstractmethod
    def divide(self, x: Tensor, y: Tensor) -> Tensor:
        """Floats only."""

    @abstractmethod
    def floor_divide(self, x: Tensor, y: Tensor) -> Tensor:
        """Rounds toward minus infinity; an int divided by 0 raises, or is 0 under compile."""

    @abstractmethod
    def mod(self, x: Tensor, y: Tensor) -> Tensor:
        """The sign of the divisor; an int modulo 0 raises, or is 0 under compile."""

    @abstractmethod
    def power(self, x: Tensor, y: Tensor) -> Tensor:
        """The derivative of ``x ** 0`` is 0, also at 0."""

    @abstractmethod
    def maximum(self, x: Tensor, y: Tensor) -> Tensor:
        """NaN wins. A tie sends half of the gradient to each side."""

    @abstractmethod
    def minimum(self, x: Tensor, y: Tensor) -> Tensor:
        """NaN wins. A tie sends half of the gradient to each side."""

    @abstractmethod
    def arctan2(self, x: Tensor, y: Tensor) -> Tensor: ...

    @abstractmethod
    def equal(self, x: Tensor, y: Tensor) -> Tensor: ...

    @abstractmethod
    def less(self, x: Tensor, y: Tensor) -> Tensor: ...

    @abstractmethod
    def less_equal(self, x: Tensor, y: Tensor) -> Tensor: ...

    # Logic on bools; bits of ints (shifts by a Python int; right_shift keeps the sign).

    @abstractmethod
    def logical_not(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def logical_and(self, x: Tensor, y: Tensor) -> Tensor: ...

    @abstractmethod
    def bitwise_and(self, x: Tensor, y: Tensor) -> Tensor: ...

    @abstractmethod
    def bitwise_or(self, x: Tensor, y: Tensor) -> Tensor: ...

    @abstractmethod
    def bitwise_xor(self, x: Tensor, y: Tensor) -> Tensor: ...

    @abstractmethod
    def left_shift(self, x: Tensor, y: Tensor) -> Tensor: ...

    @abstractmethod
    def right_shift(self, x: Tensor, y: Tensor) -> Tensor: ...

    @abstractmethod
    def where(self, condition: Tensor, x: Tensor, y: Tensor) -> Tensor: ...

    # Reductions over `axis`, a tuple of axes (one axis for arg*, cum* and sort).

    @abstractmethod
    def sum(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor: ...

    @abstractmethod
    def prod(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor: ...

    @abstractmethod
    def max(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor:
        """NaN wins. Ties share the gradient equally. Core refuses an empty axis."""

    @abstractmethod
    def min(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor:
        """NaN wins. Ties share the gradient equally. Core refuses an empty axis."""

    @abstractmethod
    def any(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor: ...

    @abstractmethod
    def all(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor: ...

    @abstractmethod
    def argmax(self, x: Tensor, axis: int) -> Tensor:
        """int32: the first NaN, else the first of the largest."""

    @abstractmethod
    def argmin(self, x: Tensor, axis: int) -> Tensor:
        """int32: the first NaN, else the first of the smallest."""

    @abstractmethod
    def cumsum(self, x: Tensor, axis: int) -> Tensor: ...

    @abstractmethod
    def cumprod(self, x: Tensor, axis: int) -> Tensor: ...

    @abstractmethod
    def sort(self, x: Tensor, axis: int) -> Tensor:
        """Ascending, NaN last."""

    @abstractmethod
    def argsort(self, x: Tensor, axis: int) -> Tensor:
        """int32, ascending and stable, NaN last."""

    @abstractmethod
    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        """As NumPy's; leading axes broadcast. It may refuse a vector, and never misread one."""

    # Shape and indexing.

    @abstractmethod
    def reshape(self, x: Tensor, shape: Shape) -> Tensor: ...

    @abstractmethod
    def transpose(self, x: Tensor, axes: Axes) -> Tensor: ...

    @abstractmethod
    def broadcast_to(self, x: Tensor, shape: Shape) -> Tensor: ...

    @abstractmethod
    def concatenate(self, xs: Sequence[Tensor], axis: int) -> Tensor: ...

    @abstractmethod
    def getitem(self, x: Tensor, index: tuple[int | slice, ...]) -> Tensor:
        """One int or slice per axis; ints in range, slices with 0 <= start <= stop, step > 0."""

    @abstractmethod
    def pad(self, x: Tensor, pads: tuple[tuple[int, int], ...], value: float = 0) -> Tensor: ...

    @abstractmethod
    def flip(self, x: Tensor, axis: Axes) -> Tensor: ...

    @abstractmethod
    def take(self, x: Tensor, indices: Tensor, axis: int) -> Tensor:
        """int32 indices of any shape. Negative ones count from the end; out of range raises
        where indices are known, and is NaN (0 for ints) under compile."""

    @abstractmethod
    def scatter_add(self, x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
        """A copy of `x` with ``updates[i]`` added at ``x[indices[i]]``: `indices` has shape
        ``(n, k)`` and counts from the front of the first `k` axes; repeated places add up."""

    @abstractmethod
    def scatter_update(self, x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
        """As `scatter_add`, but the last update of a place replaces its value."""
