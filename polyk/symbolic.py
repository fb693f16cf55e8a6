"""Shape inference: a backend whose tensors are a shape and a dtype.

Every derived op works on it unchanged, so a layer's output shape is found by calling the layer. A
size that is not known yet (a batch) is None to users; inside, the layer is run with two different
numbers in its place, and what differs in the result is what is not known.
"""

from __future__ import annotations

import math
import threading
from abc import update_abstractmethods
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from polyk import dtypes, trees
from polyk.contract import Backend
from polyk.errors import ShapeError
from polyk.ops.operators import Operators
from polyk.select import register
from polyk.shapes import broadcast, dot_general, reduced, window_output


class Spec(Operators):
    """A tensor of which only shape and dtype are known."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: Sequence[int | None], dtype: str) -> None:
        self.shape, self.dtype = tuple(shape), dtype

    def __repr__(self) -> str:
        return f"Spec(shape={self.shape}, dtype={self.dtype!r})"

    def __bool__(self) -> bool:
        raise TypeError("the values of a tensor are not known while shapes are inferred.")

    __float__ = __int__ = __bool__


class SymbolicBackend(Backend):
    """The contract on shapes alone."""

    name = "symbolic"
    rank = 1
    tensor_types = (Spec,)
    dtypes = dtypes.ALL

    def asarray(self, x: Any, dtype: str | None = None) -> Spec:
        if not hasattr(x, "shape"):
            import numpy as np

            x = np.asarray(x)
            wide = x.dtype.kind == "i" and x.size and abs(x).max() >= 2**31
            found = {"f": dtypes.floatx(), "i": "int64" if wide else "int32"}.get(x.dtype.kind)
            return Spec(x.shape, dtype or found or dtypes.standardize(x.dtype))
        return Spec(x.shape, dtype or dtypes.standardize(x.dtype))

    def to_numpy(self, x: Spec) -> Any:
        raise TypeError("the values of a tensor are not known while shapes are inferred.")

    def dtype(self, x: Any) -> str:
        return x.dtype if type(x) is Spec else dtypes.standardize(x.dtype)

    def is_concrete(self, x: Any) -> bool:
        return type(x) is not Spec

    def copy(self, x: Spec) -> Spec:
        return x

    def full(self, shape: Any, value: Any, dtype: str) -> Spec:
        return Spec(shape, dtype)

    def arange(self, start: float, stop: float, step: float, dtype: str) -> Spec:
        return Spec((max(math.ceil((stop - start) / step), 0),), dtype)

    def cast(self, x: Spec, dtype: str) -> Spec:
        return Spec(x.shape, dtype)

    def where(self, condition: Any, x: Any, y: Any) -> Spec:
        return Spec(broadcast(*map(_shape, (condition, x, y))), _dtype(x, y))

    def argmax(self, x: Spec, axis: int) -> Spec:
        return Spec(reduced(x.shape, (axis,), False), "int32")

    argmin = argmax

    def argsort(self, x: Spec, axis: int) -> Spec:
        return Spec(x.shape, "int32")

    def matmul(self, x: Spec, y: Spec) -> Spec:
        return Spec(dot_general(x.shape, y.shape), x.dtype)

    def reshape(self, x: Spec, shape: Any) -> Spec:
        from polyk.shapes import resolve_reshape

        return Spec(resolve_reshape(x.shape, shape), x.dtype)

    def transpose(self, x: Spec, axes: Any) -> Spec:
        return Spec([x.shape[a] for a in axes], x.dtype)

    def broadcast_to(self, x: Spec, shape: Any) -> Spec:
        if broadcast(x.shape, shape) != tuple(shape):
            raise ShapeError(f"{x.shape} does not broadcast to {tuple(shape)}.")
        return Spec(shape, x.dtype)

    def concatenate(self, xs: Any, axis: int) -> Spec:
        shape = list(_shape(xs[0]))
        shape[axis] = sum(_shape(x)[axis] for x in xs)
        return Spec(shape, _dtype(*xs))

    def getitem(self, x: Spec, index: Any) -> Spec:
        spans = zip(index, x.shape, strict=True)
        return Spec([len(range(*i.indices(d))) for i, d in spans if isinstance(i, slice)], x.dtype)

    def pad(self, x: Spec, pads: Any, value: float = 0) -> Spec:
        return Spec([d + lo + hi for d, (lo, hi) in zip(x.shape, pads, strict=True)], x.dtype)

    def take(self, x: Spec, indices: Any, axis: int) -> Spec:
        return Spec((*x.shape[:axis], *_shape(indices), *x.shape[axis + 1 :]), x.dtype)

    def scatter_add(self, x: Spec, indices: Any, updates: Any) -> Spec:
        return Spec(_shape(x), _dtype(x))

    scatter_update = scatter_add

    # The optional ones, all here.

    def lu(self, x: Spec) -> tuple[Spec, Spec]:
        *lead, m, n = x.shape
        return Spec(x.shape, x.dtype), Spec((*lead, min(m, n)), "int32")

    def qr(self, x: Spec, full: bool) -> tuple[Spec, Spec]:
        *lead, m, n = x.shape
        k = m if full else min(m, n)
        return Spec((*lead, m, k), x.dtype), Spec((*lead, k, n), x.dtype)

    def eigh(self, x: Spec) -> tuple[Spec, Spec]:
        return Spec(x.shape[:-1], x.dtype), Spec(x.shape, x.dtype)

    def svd(self, x: Spec, full: bool) -> tuple[Spec, Spec, Spec]:
        *lead, m, n = x.shape
        k = min(m, n)
        u, v = ((m, m), (n, n)) if full else ((m, k), (k, n))
        return Spec((*lead, *u), x.dtype), Spec((*lead, k), x.dtype), Spec((*lead, *v), x.dtype)

    def solve(self, a: Any, b: Any) -> Spec:
        return Spec(_shape(b), _dtype(a, b))

    def solve_triangular(self, a: Any, b: Any, lower: bool) -> Spec:
        return Spec(_shape(b), _dtype(a, b))

    def view(self, x: Spec, dtype: str) -> Spec:
        *lead, last = x.shape or (1,)
        last = last * dtypes.bits(x.dtype) // dtypes.bits(dtype)
        return Spec((*lead, last) if x.shape else (), dtype)

    # Fewer steps than their derivation, and no less true.

    def conv(
        self, x: Any, kernel: Any, strides: Any, pads: Any, dilation: Any, groups: int
    ) -> Spec:
        *window, _, filters = _shape(kernel)
        sizes = window_output(x.shape[1:-1], window, strides, pads, dilation)
        return Spec((x.shape[0], *sizes, filters), x.dtype)

    def conv_input_grad(self, g: Any, kernel: Any, x_shape: Any, *geometry: Any) -> Spec:
        return Spec(x_shape, g.dtype)

    def max_pool(self, x: Any, window: Any, strides: Any, pads: Any) -> Spec:
        sizes = window_output(x.shape[1:-1], window, strides, pads, (1,) * len(window))
        return Spec((x.shape[0], *sizes, x.shape[-1]), x.dtype)

    average_pool = max_pool

    def random_bits(self, key: Any, count: int, draw: Any) -> Spec:
        return Spec((count,), "int32")

    def threefry(self, k0: Any, k1: Any, x0: Any, x1: Any) -> tuple[Spec, Spec]:
        return Spec(_shape(x0), "int32"), Spec(_shape(x1), "int32")

    def cond(self, pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
        return true_fn()

    def while_loop(self, cond: Any, body: Any, state: Any, maximum_iterations: Any) -> Any:
        return list(body(*state))

    def scan(self, f: Any, init: Any, xs: Any, length: int, reverse: bool) -> Any:
        last, ys = f(init, [Spec(_shape(x)[1:], self.dtype(x)) for x in xs])
        return last, [Spec((length, *_shape(y)), self.dtype(y)) for y in ys]


def _shape(x: Any) -> Any:
    return tuple(x.shape) if hasattr(x, "shape") else ()


def _dtype(*xs: Any) -> str:
    """The dtype of the tensors among `xs`, which is one."""
    return next(dtypes.standardize(x.dtype) for x in xs if hasattr(x, "dtype"))


def _same(self: SymbolicBackend, x: Any, *args: Any) -> Spec:
    return Spec(_shape(x), _dtype(x))


def _joined(self: SymbolicBackend, x: Any, y: Any) -> Spec:
    return Spec(broadcast(_shape(x), _shape(y)), _dtype(x, y))


def _compared(self: SymbolicBackend, x: Any, y: Any) -> Spec:
    return Spec(broadcast(_shape(x), _shape(y)), "bool")


def _reduced(self: SymbolicBackend, x: Any, axis: Any, keepdims: bool = False) -> Spec:
    return Spec(reduced(_shape(x), axis, keepdims), _dtype(x))


def _asked(self: SymbolicBackend, x: Any, axis: Any, keepdims: bool = False) -> Spec:
    return Spec(reduced(_shape(x), axis, keepdims), "bool")


_FORMS: dict[Callable[..., Any], str] = {
    _same: "negative abs sign exp expm1 log log1p sqrt sin cos tan arcsin arccos arctan sinh cosh "
    "tanh arcsinh arccosh arctanh floor ceil round logical_not cumsum cumprod sort flip "
    "stop_gradient erf erfc erfinv relu softmax log_softmax cholesky",
    _joined: "add subtract multiply divide floor_divide mod power maximum minimum arctan2 "
    "bitwise_and bitwise_or bitwise_xor left_shift right_shift",
    _compared: "equal less less_equal logical_and",
    _reduced: "sum prod max min",
    _asked: "any all",
}
for _form, _ops in _FORMS.items():
    for _op in _ops.split():
        setattr(SymbolicBackend, _op, _form)
SYMBOLIC = update_abstractmethods(SymbolicBackend)()  # type: ignore[type-abstract]  # filled in above
register(SYMBOLIC)

_PROBES = ((83, 59, 61, 67, 71), (97, 101, 103, 107, 109))  # by axis, the last for all further ones


class _Probe(threading.local):
    def __init__(self) -> None:
        self.depth = 0


_probe = _Probe()


def open_batch(size: int) -> bool:
    """Whether `size` only stands in for a batch size that is not known."""
    return _probe.depth > 0 and any(size == probe[0] for probe in _PROBES)


def infer(fn: Callable[..., Any], *args: Any) -> Any:
    """What ``fn(*args)`` returns, in shapes: nested Specs, with None where a size is not known.

    The Specs in `args` may have None in any axis; the same axis gets the same number everywhere.
    """
    found = [s for s in trees.flatten(args) if isinstance(s, Spec)]
    if not any(None in s.shape for s in found):
        return fn(*args)
    _probe.depth += 1
    try:
        first, second = (fn(*trees.map(partial(_fill, probe=p), args)) for p in _PROBES)
    finally:
        _probe.depth -= 1
    pairs = zip(trees.flatten(first), trees.flatten(second), strict=True)
    return trees.unflatten(first, [_differ(a, b) for a, b in pairs])


def _fill(spec: Any, probe: tuple[int, ...]) -> Any:
    if not isinstance(spec, Spec):
        return spec
    last = len(probe) - 1
    return Spec(
        [probe[min(i, last)] if d is None else d for i, d in enumerate(spec.shape)], spec.dtype
    )


def _differ(a: Any, b: Any) -> Any:
    if not isinstance(a, Spec):
        return a
    return Spec([d if d == e else None for d, e in zip(a.shape, b.shape, strict=True)], a.dtype)
