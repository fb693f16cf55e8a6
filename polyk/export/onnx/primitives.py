"""The primitives of the contract as ONNX operators (opset 18)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from polyk import dtypes
from polyk.export.onnx import emit as e
from polyk.export.onnx.emit import Emitter, emit, ints, moved, shape_like, size, unsupported
from polyk.export.onnx.graph import Tensor
from polyk.export.onnx.sizes import Size, same
from polyk.shapes import broadcast, reduced

END = 2**63 - 1  # of an axis, however long

# op -> operator, on floats; what the runtimes have in float32 only is left out for float64.
UNARY = {
    "negative": "Neg", "abs": "Abs", "sign": "Sign", "exp": "Exp", "log": "Log", "sqrt": "Sqrt",
    "sin": "Sin", "cos": "Cos", "tan": "Tan", "arcsin": "Asin", "arccos": "Acos",
    "arctan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "tanh": "Tanh", "arcsinh": "Asinh",
    "arccosh": "Acosh", "arctanh": "Atanh", "floor": "Floor", "ceil": "Ceil", "round": "Round",
    "logical_not": "Not", "stop_gradient": "Identity", "erf": "Erf", "sigmoid": "Sigmoid",
    "relu": "Relu",
}  # fmt: skip
BINARY = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow",
    "maximum": "Max", "minimum": "Min", "bitwise_and": "BitwiseAnd", "bitwise_or": "BitwiseOr",
    "bitwise_xor": "BitwiseXor",
}  # fmt: skip
ON_BOOLS = {"Add": "Or", "Mul": "And", "Max": "Or", "Min": "And", "BitwiseAnd": "And",
            "BitwiseOr": "Or", "BitwiseXor": "Xor"}  # fmt: skip
COMPARING = {"equal": "Equal", "less": "Less", "less_equal": "LessOrEqual", "greater": "Greater",
             "greater_equal": "GreaterOrEqual"}  # fmt: skip
LOGICAL = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}
REDUCING = {"sum": "ReduceSum", "prod": "ReduceProd", "max": "ReduceMax", "min": "ReduceMin",
            "mean": "ReduceMean"}  # fmt: skip


def _unary(op: str, onnx: str) -> Callable[..., Any]:
    def method(self: Emitter, x: Any) -> Any:
        return moved(lambda x: emit(onnx, [x], x.shape, x.dtype), x)

    return _named(op, method)


def _binary(op: str, onnx: str) -> Callable[..., Any]:
    def method(self: Emitter, x: Any, y: Any) -> Any:
        def plain(x: Any, y: Any) -> Tensor:
            spec = shape_like("add", x, y)
            name = ON_BOOLS.get(onnx, onnx) if spec.dtype == "bool" else onnx
            return emit(name, [x, y], spec.shape, spec.dtype)

        return moved(plain, x, y)

    return _named(op, method)


def _comparing(op: str, onnx: str) -> Callable[..., Any]:
    def method(self: Emitter, x: Any, y: Any) -> Any:
        return moved(lambda x, y: emit(onnx, [x, y], shape_like("equal", x, y).shape, "bool"), x, y)

    return _named(op, method)


def _reducing(op: str, onnx: str) -> Callable[..., Any]:
    def method(self: Emitter, x: Any, axis: Any, keepdims: bool = False) -> Any:
        return reduce(onnx, x, axis, keepdims)

    return _named(op, method)


def _named(op: str, method: Callable[..., Any]) -> Callable[..., Any]:
    method.__name__ = op
    return method


def reduce(onnx: str, x: Any, axis: Any, keepdims: bool) -> Tensor:
    """A reduction; where `x` is a transposition whose other axes keep their order, before it."""
    if not axis:
        return x  # type: ignore[no-any-return]
    source, axes = x.source or (x, tuple(range(len(x.shape))))
    rest = [a for i, a in enumerate(axes) if i not in axis]
    if x.source and (keepdims or rest == sorted(rest)):
        inner = tuple(sorted(axes[a] for a in axis))
        y = reduce(onnx, source, inner, keepdims)
        return e.transposed(y, axes) if keepdims else y
    shape = reduced(x.shape, axis, keepdims)
    return emit(onnx, [x, ints(axis)], shape, x.dtype, keepdims=int(keepdims))


class Primitives(Emitter):
    """What is not in the tables."""

    def full(self, shape: Any, value: Any, dtype: str) -> Any:
        shape = tuple(map(e.remembered, shape))
        if not any(map(e.is_open, (value, *shape))):
            return np.full(shape, value, dtype)
        value = value if e.is_open(value) else np.full((), value, dtype)
        return emit("Expand", [self.asarray(value, dtype), ints(shape)], shape, dtype)

    def arange(self, start: Any, stop: Any, step: Any, dtype: str) -> Any:
        bounds = [e.scalar_size(v) for v in (start, stop, step)]
        count = -(-(stop - start) // step)
        return self.cast(emit("Range", bounds, (count,), "int64"), dtype)

    def cast(self, x: Any, dtype: str) -> Any:
        if x.dtype == dtype:
            return x
        return moved(lambda x: emit("Cast", [x], x.shape, dtype, to=dtype), x)

    def expm1(self, x: Any) -> Any:
        """tanh(x / 2) (exp(x) + 1), which has all its digits near 0."""
        return self.multiply(self.tanh(self.multiply(x, 0.5)), self.add(self.exp(x), 1.0))

    def log1p(self, x: Any) -> Any:
        """With the error of 1 + x put right: W. Kahan."""
        u = self.add(x, 1.0)
        near = self.equal(u, 1.0)
        rest = self.where(near, 1.0, self.subtract(u, 1.0))
        log = self.log(u)
        exact = self.divide(self.multiply(log, x), rest)
        return self.where(near, x, self.where(self.less(u, math.inf), exact, log))

    def floor_divide(self, x: Any, y: Any) -> Any:
        if e.dtype_of(x, y) in dtypes.FLOATS:
            return self.floor(self.divide(x, y))
        return self.divide(self.subtract(x, self.mod(x, y)), y)

    def mod(self, x: Any, y: Any) -> Any:
        if e.dtype_of(x, y) in dtypes.FLOATS:
            return self.subtract(x, self.multiply(y, self.floor_divide(x, y)))
        return moved(lambda x, y: emit("Mod", [x, y], *_like(x, y)), x, y)

    def arctan2(self, x: Any, y: Any) -> Any:
        """From arctan, quadrant by quadrant."""
        x, y = (v if hasattr(v, "dtype") else np.full((), v, e.dtype_of(x, y)) for v in (x, y))
        quotient = self.arctan(self.divide(x, self.where(self.equal(y, 0), 1.0, y)))
        side = self.where(self.less(x, 0), -math.pi, math.pi)
        left = self.where(self.less(y, 0), self.add(quotient, side), quotient)
        upright = self.multiply(self.sign(x), math.pi / 2)
        return self.where(self.equal(y, 0), upright, left)

    def left_shift(self, x: Any, y: Any) -> Any:
        if not isinstance(y, int):
            raise unsupported("left_shift", "the shift is not a number known beforehand.")
        return self.multiply(x, 1 << y)

    def right_shift(self, x: Any, y: Any) -> Any:
        if not isinstance(y, int):
            raise unsupported("right_shift", "the shift is not a number known beforehand.")
        return self.floor_divide(x, 1 << y)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        dtype = next((e.dtype_of(v) for v in (x, y) if hasattr(v, "dtype")), None)
        dtype = dtype or dtypes.standardize(type(x) if type(x) is float else type(y))
        if dtype == "bool":  # for which runtimes have no kernel
            both = self.logical_and(condition, x), self.logical_and(self.logical_not(condition), y)
            return self.cast(self.maximum(*(self.cast(v, "int32") for v in both)), "bool")

        def plain(c: Any, x: Any, y: Any) -> Tensor:
            shape = broadcast(*(v.shape for v in (c, x, y) if hasattr(v, "shape")))
            names = [e.operand(c, "bool"), e.operand(x, dtype), e.operand(y, dtype)]
            return emit("Where", names, shape, dtype)

        return moved(plain, condition, x, y)

    # Reductions.

    def any(self, x: Any, axis: Any, keepdims: bool = False) -> Any:
        return self.cast(self.max(self.cast(x, "int32"), axis, keepdims), "bool")

    def all(self, x: Any, axis: Any, keepdims: bool = False) -> Any:
        return self.cast(self.min(self.cast(x, "int32"), axis, keepdims), "bool")

    def argmax(self, x: Any, axis: int) -> Any:
        return self._arg("ArgMax", x, axis)

    def argmin(self, x: Any, axis: int) -> Any:
        return self._arg("ArgMin", x, axis)

    def _arg(self, onnx: str, x: Any, axis: int) -> Any:
        y = emit(onnx, [x], reduced(x.shape, (axis,), False), "int64", axis=axis, keepdims=0)
        return self.cast(y, "int32")

    def cumsum(self, x: Any, axis: int) -> Any:
        return emit("CumSum", [x, e.scalar_size(axis)], x.shape, x.dtype)

    def cumprod(self, x: Any, axis: int) -> Any:
        first = self.swapaxes(x, 0, axis)
        one = self.full(first.shape[1:], 1, x.dtype)

        def step(carry: Any, xs: Any) -> Any:
            y = self.multiply(carry[0], xs[0])
            return [y], [y]

        _, (ys,) = self.scan(step, [one], [first], first.shape[0], False)
        return self.swapaxes(ys, 0, axis)

    def sort(self, x: Any, axis: int) -> Any:
        return self._top(x, x.shape[axis], axis, largest=0)[0]

    def argsort(self, x: Any, axis: int) -> Any:
        return self._top(x, x.shape[axis], axis, largest=0)[1]

    def _top(self, x: Any, k: int, axis: int, largest: int) -> tuple[Any, Any]:
        shape = tuple(k if i == axis else d for i, d in enumerate(x.shape))
        values, places = e.emit_many(
            "TopK", [x, size(k)], [(shape, x.dtype), (shape, "int64")], axis=axis, largest=largest
        )
        return values, self.cast(places, "int32")

    def matmul(self, x: Any, y: Any) -> Any:
        return emit("MatMul", [x, y], *_like(x, y, op="matmul"))

    # Shape and indexing.

    def reshape(self, x: Any, shape: Any) -> Any:
        return e.reshaped(_tensor(x), shape_like("reshape", x, tuple(shape)).shape)

    def transpose(self, x: Any, axes: Any) -> Any:
        return e.transposed(_tensor(x), tuple(axes))

    def broadcast_to(self, x: Any, shape: Any) -> Any:
        shape = [e.remembered(d, x.shape) for d in shape]
        lead = len(shape) - len(x.shape)
        if not lead and all(map(same, x.shape, shape)):
            return x
        grow = [1 if i >= lead and same(x.shape[i - lead], d) else d for i, d in enumerate(shape)]
        return emit("Expand", [x, ints(grow)], shape, e.dtype_of(x))

    def concatenate(self, xs: Sequence[Any], axis: int) -> Any:
        found = [x for x in xs if not same(x.shape[axis], 0)] or list(xs)
        if len(found) == 1:
            return found[0]
        sources = [x.source if isinstance(x, Tensor) else None for x in found]
        if all(s and s[1] == sources[0][1] for s in sources):  # type: ignore[index]
            axes = sources[0][1]  # type: ignore[index]
            return e.transposed(self.concatenate([s[0] for s in sources], axes[axis]), axes)  # type: ignore[index]
        spec = shape_like("concatenate", found, axis)
        return emit("Concat", found, spec.shape, spec.dtype, axis=axis)

    def getitem(self, x: Any, index: Any) -> Any:
        gone = [i for i, k in enumerate(index) if not isinstance(k, slice)]
        spans = [k if isinstance(k, slice) else slice(k, k + 1, 1) for k in index]
        y = self._sliced(_tensor(x), spans)
        shape = [d for i, d in enumerate(y.shape) if i not in gone]
        return emit("Squeeze", [y, ints(gone)], shape, y.dtype) if gone else y

    def _sliced(self, x: Tensor, spans: Sequence[slice]) -> Tensor:
        cuts = {
            i: _ends(s, d)
            for i, (s, d) in enumerate(zip(spans, x.shape, strict=True))
            if not (same(s.start, 0) and s.step == 1 and int(s.stop) == int(d))
        }
        if not cuts:
            return x
        shape = [cuts[i][3] if i in cuts else d for i, d in enumerate(x.shape)]
        starts, stops, steps, _ = zip(*cuts.values(), strict=True)
        args = [x, ints(starts), ints(stops), ints(list(cuts)), ints(steps)]
        return emit("Slice", args, shape, x.dtype)

    def pad(self, x: Any, pads: Any, value: float = 0) -> Any:
        if isinstance(x, Tensor) and x.source:
            source, axes = x.source
            inner = tuple(pads[a] for a in e.inverse(axes))
            return e.transposed(self.pad(source, inner, value), axes)
        flat = [lo for lo, _ in pads] + [hi for _, hi in pads]
        dtype = e.dtype_of(x)
        fill = np.full((), value, dtype)
        return emit("Pad", [x, ints(flat), fill], shape_like("pad", x, pads).shape, dtype)

    def flip(self, x: Any, axis: Any) -> Any:
        n = len(axis)
        args = [x, ints([-1] * n), ints([-END] * n), ints(axis), ints([-1] * n)]
        return emit("Slice", args, x.shape, x.dtype)

    def take(self, x: Any, indices: Any, axis: int) -> Any:
        return emit("Gather", [x, indices], *_like(x, indices, axis, op="take"), axis=axis)

    def scatter_add(self, x: Any, indices: Any, updates: Any) -> Any:
        return self._scatter(x, indices, updates, "add")

    def scatter_update(self, x: Any, indices: Any, updates: Any) -> Any:
        return self._scatter(x, indices, updates, "none")

    def _scatter(self, x: Any, indices: Any, updates: Any, how: str) -> Any:
        places = self.cast(indices, "int64")
        return emit("ScatterND", [x, places, updates], x.shape, e.dtype_of(x), reduction=how)


def _like(*args: Any, op: str = "add") -> tuple[Any, str]:
    spec = shape_like(op, *args)
    return spec.shape, spec.dtype


def _tensor(x: Any) -> Tensor:
    """`x` as a value of the graph."""
    dtype = e.dtype_of(x)
    return x if isinstance(x, Tensor) else Tensor(e.operand(x, dtype), x.shape, dtype)


def _ends(span: slice, n: int) -> tuple[int, int, int, int]:
    """Start, stop, step and count of a slice of an axis of `n`, an open one seen from its ends."""
    start, stop = (_open(v, n) for v in (span.start, span.stop))
    count = -(-(stop - start) // span.step)
    if span.step > 1 and start + int(count) * span.step >= n:
        stop = n  # which takes nothing more, and needs no arithmetic
        count = -(-(stop - start) // span.step)
    return _from_end(start, n), END if same(stop, n) else _from_end(stop, n), span.step, count


def _open(v: int, n: int) -> int:
    """A place in an open axis, near the end of the number that stands for `n`, as one of `n`."""
    near = isinstance(n, Size) and not isinstance(v, Size) and 2 * v > n
    return n - (int(n) - v) if near else v


def _from_end(v: int, n: int) -> int:
    return v - n if isinstance(v, Size) and not isinstance(v - n, Size) else v


_TABLES: tuple[tuple[Callable[..., Any], dict[str, str]], ...] = (
    (_unary, UNARY), (_binary, BINARY), (_comparing, COMPARING), (_comparing, LOGICAL),
    (_reducing, REDUCING),
)  # fmt: skip
for _form, _table in _TABLES:
    for _op, _onnx in _table.items():
        setattr(Primitives, _op, _form(_op, _onnx))
