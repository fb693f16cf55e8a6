"""A backend for any namespace of the array API standard; gradients come from core's tape.

Subclass it, name the namespace, and override what the library does better:

    class MyBackend(polyk.ArrayAPIBackend):
        xp = mylib
        tensor_types = (mylib.Array,)

Where the standard is silent, this fills in with its own means: indices are checked, NaN is where
`docs/semantics.md` wants it, and gathering and scattering go by whole slices. Source:
https://data-apis.org/array-api, version 2023.12.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from polyk import dtypes
from polyk.contract import Backend
from polyk.dtypes import SCALARS
from polyk.errors import DTypeError
from polyk.select import current_device

Tensor = Any
Axes = tuple[int, ...]
Shape = tuple[int, ...]

UNARY = {
    "negative": "negative", "abs": "abs", "sign": "sign", "exp": "exp", "expm1": "expm1",
    "log": "log", "log1p": "log1p", "sqrt": "sqrt", "sin": "sin", "cos": "cos", "tan": "tan",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh",
    "tanh": "tanh", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "floor": "floor",
    "ceil": "ceil", "round": "round", "logical_not": "logical_not",
}  # fmt: skip
BINARY = {
    "add": "add", "subtract": "subtract", "multiply": "multiply", "divide": "divide",
    "power": "pow", "maximum": "maximum", "minimum": "minimum", "arctan2": "atan2",
    "equal": "equal", "logical_and": "logical_and",
    "bitwise_and": "bitwise_and", "bitwise_or": "bitwise_or", "bitwise_xor": "bitwise_xor",
    "left_shift": "bitwise_left_shift", "right_shift": "bitwise_right_shift",
}  # fmt: skip
ON_BOOL = {
    "add": "logical_or",
    "multiply": "logical_and",
    "maximum": "logical_or",
    "minimum": "logical_and",
}  # the standard has no arithmetic of bools


def _unary(name: str) -> Callable[..., Any]:
    return lambda self, x: getattr(self.xp, name)(x)


def _binary(name: str) -> Callable[..., Any]:
    on_bool = ON_BOOL.get(name)

    def method(self: "ArrayAPIBackend", x: Tensor, y: Tensor) -> Tensor:
        x, y = self._both(x, y)
        found = on_bool if on_bool and x.dtype == self.xp.bool else name
        return getattr(self.xp, found)(x, y)

    return method


def _reduction(name: str) -> Callable[..., Any]:
    def method(self: Any, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor:
        if not axis:  # the standard does not say what an empty tuple means
            return self.cast(x, "bool") if name in ("any", "all") else x
        return getattr(self.xp, name)(x, axis=axis, keepdims=keepdims)

    return method


class _Primitives(Backend):
    """The methods that are one function of the standard each."""

    xp: ClassVar[Any] = None  # the namespace


for _ops, _make in ((UNARY, _unary), (BINARY, _binary)):
    for _op, _name in _ops.items():
        setattr(_Primitives, _op, _make(_name))
for _op in ("max", "min", "any", "all"):
    setattr(_Primitives, _op, _reduction(_op))


class ArrayAPIBackend(_Primitives):
    """polyk on an array-API namespace `xp`; `tensor_types` are its arrays."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.xp is not None and "dtypes" not in cls.__dict__:
            cls.dtypes = tuple(d for d in dtypes.ALL if hasattr(cls.xp, d))

    def _type(self, dtype: str) -> Any:
        if dtype not in self.dtypes:
            raise DTypeError(f"backend {self.name!r} has no dtype {dtype}.")
        return getattr(self.xp, dtype)

    def _both(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """A scalar as a tensor of the other's dtype."""
        if type(x) in SCALARS:
            return self.xp.asarray(x, dtype=y.dtype, device=y.device), y
        if type(y) in SCALARS:
            return x, self.xp.asarray(y, dtype=x.dtype, device=x.device)
        return x, y

    # Creation and conversion.

    def devices(self) -> list[str]:
        info = self.xp.__array_namespace_info__()
        found = [str(d) for d in info.devices()]
        first = str(info.default_device())
        return [first, *(d for d in found if d != first)] if first in found else found

    def device(self, x: Tensor) -> str:
        return str(x.device)

    def _place(self) -> Any:
        """The library's own name of the device in use."""
        name = current_device()
        found = self.xp.__array_namespace_info__().devices()
        return next((d for d in found if str(d) == name), None)

    def asarray(self, x: Any, dtype: str | None = None) -> Tensor:
        import numpy as np

        if isinstance(x, self.tensor_types):
            return x if dtype is None else self.cast(x, dtype)
        host = np.asarray(x)
        if dtype is None:
            dtype = dtypes.standardize(host.dtype)
            if not isinstance(x, (np.ndarray, np.generic)):  # Python's numbers are weak
                small = host.dtype == np.int64 and host.size and abs(host).max() < 2**31
                dtype = dtypes.floatx() if host.dtype == np.float64 else "int32" if small else dtype
        flat = host.astype(dtype).reshape(-1).tolist()
        made = self.xp.asarray(flat, dtype=self._type(dtype), device=self._place())
        return self.xp.reshape(made, host.shape)

    def to_numpy(self, x: Tensor) -> Any:
        import numpy as np

        return np.array(np.from_dlpack(x))

    def copy(self, x: Tensor) -> Tensor:
        return self.xp.asarray(x, copy=True)

    def full(self, shape: Shape, value: Any, dtype: str) -> Tensor:
        if isinstance(value, self.tensor_types):
            return self.broadcast_to(self.cast(value, dtype), shape)
        return self.xp.full(shape, dtypes.PYTHON[dtype](value), dtype=self._type(dtype),
                            device=self._place())  # fmt: skip

    def arange(self, start: float, stop: float, step: float, dtype: str) -> Tensor:
        count = max(math.ceil((stop - start) / step), 0)
        values = [start + i * step for i in range(count)]
        return self.asarray(values, dtype)

    def cast(self, x: Tensor, dtype: str) -> Tensor:
        if dtype == "bool" and self.dtype(x) != "bool":
            return x != self.xp.zeros((), dtype=x.dtype, device=x.device)
        return self.xp.astype(x, self._type(dtype))

    # Element-wise.

    def isnan(self, x: Tensor) -> Tensor:
        return x != x

    def less(self, x: Tensor, y: Tensor) -> Tensor:
        x, y = self._both(x, y)
        return ~x & y if x.dtype == self.xp.bool else self.xp.less(x, y)

    def less_equal(self, x: Tensor, y: Tensor) -> Tensor:
        x, y = self._both(x, y)
        return ~x | y if x.dtype == self.xp.bool else self.xp.less_equal(x, y)

    def _check_divisor(self, y: Tensor) -> None:
        if not dtypes.is_float(self.dtype(y)) and not bool(self.xp.all(self.cast(y, "bool"))):
            raise ZeroDivisionError("integer division or modulo by zero")

    def floor_divide(self, x: Tensor, y: Tensor) -> Tensor:
        x, y = self._both(x, y)
        self._check_divisor(y)
        return self.xp.floor_divide(x, y)

    def mod(self, x: Tensor, y: Tensor) -> Tensor:
        x, y = self._both(x, y)
        self._check_divisor(y)
        return self.xp.remainder(x, y)

    def where(self, condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return self.xp.where(condition, *self._both(x, y))

    # Reductions. A sum has the dtype of its terms.

    def sum(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor:
        return self.xp.sum(x, axis=axis, dtype=x.dtype, keepdims=keepdims) if axis else x

    def prod(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor:
        return self.xp.prod(x, axis=axis, dtype=x.dtype, keepdims=keepdims) if axis else x

    def argmax(self, x: Tensor, axis: int) -> Tensor:
        return self._first(x, self.max(x, (axis,), True), axis)

    def argmin(self, x: Tensor, axis: int) -> Tensor:
        return self._first(x, self.min(x, (axis,), True), axis)

    def _first(self, x: Tensor, best: Tensor, axis: int) -> Tensor:
        """Where `x` first is `best`, or NaN: the standard leaves NaN and ties open."""
        hit = self.logical_or(x == best, x != x)
        return self.cast(self.xp.argmax(self.cast(hit, "int32"), axis=axis), "int32")

    def cumsum(self, x: Tensor, axis: int) -> Tensor:
        return self.xp.cumulative_sum(x, axis=axis, dtype=x.dtype)

    def cumprod(self, x: Tensor, axis: int) -> Tensor:
        return self.xp.cumulative_prod(x, axis=axis, dtype=x.dtype)

    def sort(self, x: Tensor, axis: int) -> Tensor:
        return self.xp.sort(x, axis=axis, stable=True)

    def argsort(self, x: Tensor, axis: int) -> Tensor:
        return self.cast(self.xp.argsort(x, axis=axis, stable=True), "int32")

    def matmul(self, x: Tensor, y: Tensor) -> Tensor:
        return self.xp.matmul(x, y)

    # Matrices, where the namespace has the extension `linalg`.

    def cholesky(self, x: Tensor) -> Tensor:
        return self._linalg("cholesky").cholesky(x)

    def qr(self, x: Tensor, full: bool) -> tuple[Tensor, Tensor]:
        return tuple(self._linalg("qr").qr(x, mode="complete" if full else "reduced"))

    def eigh(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return tuple(self._linalg("eigh").eigh(x))

    def svd(self, x: Tensor, full: bool) -> tuple[Tensor, Tensor, Tensor]:
        return tuple(self._linalg("svd").svd(x, full_matrices=full))

    def solve(self, a: Tensor, b: Tensor) -> Tensor:
        return self._linalg("solve").solve(a, b)

    def _linalg(self, op: str) -> Any:
        found = getattr(self.xp, "linalg", None)
        if found is None:
            raise self._absent(op)
        return found

    # Shape and indexing.

    def reshape(self, x: Tensor, shape: Shape) -> Tensor:
        return self.xp.reshape(x, shape)

    def transpose(self, x: Tensor, axes: Axes) -> Tensor:
        return self.xp.permute_dims(x, axes)

    def broadcast_to(self, x: Tensor, shape: Shape) -> Tensor:
        return self.xp.broadcast_to(x, shape)

    def concatenate(self, xs: Sequence[Tensor], axis: int) -> Tensor:
        return self.xp.concat(list(xs), axis=axis)

    def getitem(self, x: Tensor, index: tuple[int | slice, ...]) -> Tensor:
        return x[index]

    def pad(self, x: Tensor, pads: tuple[tuple[int, int], ...], value: float = 0) -> Tensor:
        for axis, sides in enumerate(pads):
            shape = self.shape(x)
            low, high = (self.full((*shape[:axis], n, *shape[axis + 1 :]), value, self.dtype(x))
                         for n in sides)  # fmt: skip
            x = self.xp.concat([low, x, high], axis=axis) if any(sides) else x
        return x

    def flip(self, x: Tensor, axis: Axes) -> Tensor:
        return self.xp.flip(x, axis=axis)

    def take(self, x: Tensor, indices: Tensor, axis: int) -> Tensor:
        n, shape = x.shape[axis], tuple(indices.shape)
        flat = self.xp.reshape(indices, (math.prod(shape),))
        if flat.shape[0] and (int(self.xp.min(flat)) < -n or int(self.xp.max(flat)) >= n):
            raise IndexError(f"index out of range for axis {axis} of size {n}")
        flat = self.where(flat < 0, self.add(flat, n), flat)
        rows = self.xp.take(x, flat, axis=axis)
        return self.xp.reshape(rows, (*x.shape[:axis], *shape, *x.shape[axis + 1 :]))

    def scatter_add(self, x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
        return self._scattered(x, indices, updates, lambda old, new: old + new)

    def scatter_update(self, x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
        return self._scattered(x, indices, updates, lambda old, new: new)

    def _scattered(self, x: Tensor, indices: Tensor, updates: Tensor, put: Any) -> Tensor:
        """One update after the other, in place in a copy: the standard knows no scatter."""
        result, (count, depth) = self.copy(x), self.shape(indices)
        places = [int(indices[i, j]) for i, j in itertools.product(range(count), range(depth))]
        for i in range(count):
            place = (*places[i * depth : (i + 1) * depth], ...)
            result[place] = put(result[place], updates[i, ...])
        return result
