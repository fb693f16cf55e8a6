"""From what a user passed to a backend and clean arguments.

Each function returns the backend first. The common case, tensors of one engine and one dtype,
takes a dict lookup; everything else (host data, scalars, weights, tapes, mixed dtypes) takes the
slow path, which also explains what is wrong.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from polyk import dtypes, select
from polyk.contract import Backend
from polyk.dtypes import SCALARS
from polyk.errors import DTypeError
from polyk.select import ENGINES, HANDLES, backend_of

Tensor = Any
_local = select._local
_FLOATS = frozenset(dtypes.FLOATS)


def one(x: Any) -> tuple[Backend, Tensor]:
    """`x` as a tensor."""
    t = type(x)
    b = ENGINES.get(t)
    if b is None:
        b = _local.backend or select._default
        if b is None or t not in b.tensor_types:
            return _one(x)
    return b, x


def _one(x: Any) -> tuple[Backend, Tensor]:
    x = _plain(x)
    b = backend_of(x)
    return b, x if isinstance(x, b.tensor_types) else b.asarray(x)


def _plain(x: Any, beside: Sequence[Any] = ()) -> Any:
    """The value of a weight, the stack of a list that holds tensors; anything else as it is.

    A weight `beside` a tensor of a graph stays one: the graph reads it whenever it runs.
    """
    if type(x) in HANDLES:
        return x if any(_records(ENGINES.get(type(y))) for y in beside) else HANDLES[type(x)](x)
    if isinstance(x, (list, tuple)) and _holds_tensors(x):
        b, tensors = many(x)
        return b.stack(tensors, 0)
    return x


def _records(b: Backend | None) -> bool:
    """Whether `b` is the graph, which no other rank outranks."""
    return b is not None and b.rank == 3


def _holds_tensors(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(_holds_tensors(e) for e in x if type(e) not in SCALARS)
    return select.is_tensor(x) or type(x) in HANDLES


def floating(x: Any) -> tuple[Backend, Tensor]:
    """`x` as a float tensor: ints and bools become floatx."""
    t = type(x)
    b = ENGINES.get(t)
    if b is None:
        b = _local.backend or select._default
        if b is None or t not in b.tensor_types:
            b, x = _one(x)
    if x.dtype in b.floats or b.names[x.dtype] in _FLOATS:
        return b, x
    return b, b.cast(x, dtypes.floatx())


def unary(op: Callable[[Any], Tensor]) -> Callable[[Any], Tensor]:
    """An op of floats, all that is to say of which is the docstring of `op`.

    A tensor of an engine goes straight to the method of that name.
    """
    name = op.__name__
    known: dict[type, Any] = {}  # tensor type -> the engine's method, the engine

    @functools.wraps(op)
    def call(x: Any) -> Tensor:
        t = type(x)
        found = known[t] if t in known else _find(t, name, known)
        if found and x.dtype in found[1].floats:
            return found[0](x)
        b, x = floating(x)
        return getattr(b, name)(x)

    return call


def binary(op: Callable[[Any, Any], Tensor]) -> Callable[[Any, Any], Tensor]:
    """An op on two tensors: those of one engine and dtype go to its method directly.

    What the method refuses goes to `op`, which says why, or knows another way.
    """
    name = op.__name__
    known: dict[type, Any] = {}

    @functools.wraps(op)
    def call(x1: Any, x2: Any) -> Tensor:
        t = type(x1)
        if t is type(x2):
            found = known[t] if t in known else _find(t, name, known)
            if found and x1.dtype is x2.dtype:
                try:
                    return found[0](x1, x2)
                except Exception:
                    pass
        return op(x1, x2)

    return call


def _find(t: type, name: str, known: dict[type, Any]) -> Any:
    """The method `name` for tensors of type `t`; remembered, unless `t` is host data."""
    b = ENGINES.get(t)
    if b is not None:  # not for tapes and shapes: they rely on what `op` makes sure of
        known[t] = None if b.rank else (getattr(b, name), b)
        return known[t]
    b = _local.backend or select._default
    return (getattr(b, name), b) if b is not None and t in b.tensor_types else None


def pair(x: Any, y: Any) -> tuple[Backend, Any, Any]:
    """Two operands of one dtype; one of them may stay a Python scalar."""
    t, u = type(x), type(y)
    b = ENGINES.get(t)
    if b is None:
        b = _local.backend or select._default
        if b is None or t not in b.tensor_types:
            return _pair(x, y)
    if t is u:
        if x.dtype is y.dtype:
            return b, x, y
    elif (u is float or u is int) and x.dtype in b.floats:
        return b, x, float(y)
    return _pair(x, y)


def _pair(x: Any, y: Any) -> tuple[Backend, Any, Any]:
    b, x, y = _operands(x, y)
    if type(x) in SCALARS:
        dtype = dtypes.join_scalar(b.dtype(y), x)
        return b, scalar(x, dtype), cast(b, y, dtype)
    if type(y) in SCALARS:
        dtype = dtypes.join_scalar(b.dtype(x), y)
        return b, cast(b, x, dtype), scalar(y, dtype)
    dtype = dtypes.promote(b.dtype(x), b.dtype(y))
    return b, cast(b, x, dtype), cast(b, y, dtype)


def _operands(x: Any, y: Any) -> tuple[Backend, Any, Any]:
    """Both as tensors, but for at most one Python scalar."""
    x, y = _plain(x, (y,)), _plain(y, (x,))
    b = backend_of(x, y)
    if type(x) not in SCALARS or type(y) in SCALARS:
        x = x if isinstance(x, b.tensor_types) else b.asarray(x)
    if type(y) not in SCALARS:
        y = y if isinstance(y, b.tensor_types) else b.asarray(y)
    return b, x, y


def floating_pair(x: Any, y: Any) -> tuple[Backend, Any, Any]:
    """As `pair`, in a float dtype."""
    b, x, y = pair(x, y)
    dtype = dtypes.to_float(b.dtype(y if type(x) in SCALARS else x))
    x = float(x) if type(x) in SCALARS else cast(b, x, dtype)
    return b, x, float(y) if type(y) in SCALARS else cast(b, y, dtype)


def floating_tensors(x: Any, y: Any) -> tuple[Backend, Tensor, Tensor]:
    """As `floating_pair`, for a method that takes tensors only; a scalar is weak all the same."""
    b, x, y = floating_pair(x, y)
    if type(x) in SCALARS:
        return b, b.full((), x, b.dtype(y)), y
    return b, x, b.full((), y, b.dtype(x)) if type(y) in SCALARS else y


def alike(*xs: Any) -> Backend | None:
    """The engine of `xs` if they are tensors of one type and one dtype."""
    t, dtype = type(xs[0]), getattr(xs[0], "dtype", None)
    for x in xs[1:]:
        if type(x) is not t or x.dtype is not dtype:
            return None
    return _engine(t)


def _engine(t: type) -> Backend | None:
    """The engine whose own tensor type `t` is, the one in use where that is host data to others."""
    b = ENGINES.get(t)
    if b is None:
        b = _local.backend or select._default
        return b if b is not None and t in b.tensor_types else None
    return b


def many(xs: Sequence[Any]) -> tuple[Backend, list[Tensor]]:
    """A sequence of tensors in the dtype where they all meet."""
    values = [_plain(x, xs) for x in xs]
    b = backend_of(*values)
    tensors = [v if isinstance(v, b.tensor_types) else b.asarray(v) for v in values]
    dtype = dtypes.promote_all(b.dtype(t) for t in tensors)
    return b, [cast(b, t, dtype) for t in tensors]


def tensors(*xs: Any) -> tuple[Backend, list[Any]]:
    """Tensors of one backend, each in its own dtype; None stays None."""
    types = {type(x) for x in xs if x is not None}
    b = _engine(types.pop()) if len(types) == 1 else None
    if b is not None:
        return b, list(xs)
    values = [_plain(x, xs) for x in xs]
    b = backend_of(*values)
    return b, [v if v is None or isinstance(v, b.tensor_types) else b.asarray(v) for v in values]


def cast(b: Backend, x: Tensor, dtype: str) -> Tensor:
    """`x` in `dtype`; itself where it has it already."""
    return x if b.dtype(x) == dtype else b.cast(x, dtype)


def scalar(x: bool | float, dtype: str) -> bool | int | float:
    """A Python scalar of the kind of `dtype`."""
    return float(x) if dtype in dtypes.FLOATS else bool(x) if dtype == "bool" else int(x)


def indices(b: Backend, x: Any, what: str = "indices") -> Tensor:
    """An int32 tensor of indices; floats are refused."""
    x = x if _records(b) and type(x) in HANDLES else _plain(x)
    x = x if isinstance(x, b.tensor_types) else b.asarray(x)
    if b.dtype(x) in dtypes.FLOATS:
        if 0 in b.shape(x):  # an empty list has no dtype of its own
            return b.cast(x, "int32")
        raise DTypeError(f"{what} must be integers; got {b.dtype(x)}.")
    return cast(b, x, "int32")
