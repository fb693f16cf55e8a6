"""Python's operators for tensors that core makes itself (tapes, shapes, graph nodes)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any


def _call(name: str, swap: bool = False) -> Callable[..., Any]:
    def method(self: Any, other: Any) -> Any:
        from polyk import ops

        op = getattr(ops, name)
        return op(other, self) if swap else op(self, other)

    return method


class Operators:
    """Mixin: ``+ - * / // % ** @``, comparisons, ``~ & | ^``, indexing, len, iteration."""

    __slots__ = ()
    __array_priority__ = 1000
    shape: Any
    dtype: Any

    __add__, __radd__ = _call("add"), _call("add", True)
    __sub__, __rsub__ = _call("subtract"), _call("subtract", True)
    __mul__, __rmul__ = _call("multiply"), _call("multiply", True)
    __truediv__, __rtruediv__ = _call("divide"), _call("divide", True)
    __floordiv__, __rfloordiv__ = _call("floor_divide"), _call("floor_divide", True)
    __mod__, __rmod__ = _call("mod"), _call("mod", True)
    __pow__, __rpow__ = _call("power"), _call("power", True)
    __matmul__, __rmatmul__ = _call("matmul"), _call("matmul", True)
    __lt__, __le__ = _call("less"), _call("less_equal")
    __gt__, __ge__ = _call("greater"), _call("greater_equal")
    __and__, __or__ = _call("bitwise_and"), _call("bitwise_or")
    __xor__ = _call("bitwise_xor")
    __eq__ = _call("equal")
    __ne__ = _call("not_equal")
    __hash__ = object.__hash__
    __getitem__ = _call("get_item")

    def __neg__(self) -> Any:
        from polyk import ops

        return ops.negative(self)

    def __abs__(self) -> Any:
        from polyk import ops

        return ops.abs(self)

    def __invert__(self) -> Any:
        from polyk import ops

        return ops.logical_not(self)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def _item(self) -> Any:
        from polyk.select import to_numpy

        return to_numpy(self).item()

    def __bool__(self) -> bool:
        return bool(self._item())

    def __float__(self) -> float:
        return float(self._item())

    def __int__(self) -> int:
        return int(self._item())
