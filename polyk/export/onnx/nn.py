"""Derived ops that ONNX has as one operator, so that the graph reads as the model does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from polyk.export.onnx import emit as e
from polyk.export.onnx.emit import emit, moved, shape_like
from polyk.export.onnx.graph import Tensor, current
from polyk.export.onnx.primitives import Primitives, _tensor
from polyk.export.onnx.sizes import Size, same
from polyk.shapes import window_output

# op -> operator and, for the further arguments of the op, its attributes. Runtimes have no kernel
# of these for float64, which takes the derivation.
ACTIVATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "softplus": ("Softplus", ()), "softsign": ("Softsign", ()), "selu": ("Selu", ()),
    "elu": ("Elu", ("alpha",)), "celu": ("Celu", ("alpha",)),
    "leaky_relu": ("LeakyRelu", ("alpha",)), "hard_silu": ("HardSwish", ()), "mish": ("Mish", ()),
}  # fmt: skip


def _activation(op: str, onnx: str, names: tuple[str, ...]) -> Callable[..., Any]:
    def method(self: Any, x: Any, *args: float) -> Any:
        if x.dtype == "float64":
            return getattr(super(NN, self), op)(x, *args)
        attrs = dict(zip(names, map(float, args), strict=True))
        return moved(lambda x: emit(onnx, [x], x.shape, x.dtype, **attrs), x)

    method.__name__ = op
    return method


class NN(Primitives):
    """Activations, normalization, products; convolution and pooling, channels first inside."""

    def erf(self, x: Any) -> Any:
        return super(Primitives, self).erf(x) if x.dtype == "float64" else super().erf(x)

    def hard_sigmoid(self, x: Any) -> Any:
        if x.dtype == "float64":
            return super().hard_sigmoid(x)
        return moved(lambda x: emit("HardSigmoid", [x], x.shape, x.dtype, alpha=1 / 6), x)

    def gelu(self, x: Any, approximate: bool) -> Any:
        if approximate or x.dtype == "float64":
            return super().gelu(x, approximate)
        inner = self.add(self.erf(self.multiply(x, math.sqrt(0.5))), 1.0)
        return self.multiply(self.multiply(x, 0.5), inner)  # the form that runtimes fuse

    def softmax(self, x: Any, axis: Any) -> Any:
        return super().softmax(x, axis) if axis[1:] else self._along("Softmax", x, axis)

    def log_softmax(self, x: Any, axis: Any) -> Any:
        return super().log_softmax(x, axis) if axis[1:] else self._along("LogSoftmax", x, axis)

    def _along(self, onnx: str, x: Any, axis: Any) -> Any:
        return emit(onnx, [x], x.shape, x.dtype, axis=axis[0])

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        if any(hasattr(v, "shape") and len(v.shape) for v in (low, high)):
            return super().clip(x, low, high)
        return moved(lambda x: emit("Clip", [x, low, high], x.shape, x.dtype), x)

    def isnan(self, x: Any) -> Any:
        return moved(lambda x: emit("IsNaN", [x], x.shape, "bool"), x)

    def logical_or(self, x: Any, y: Any) -> Any:
        return moved(lambda x, y: emit("Or", [x, y], shape_like("equal", x, y).shape, "bool"), x, y)

    def linear(self, x: Any, kernel: Any, bias: Any) -> Any:
        if bias is None or len(x.shape) != 2 or len(kernel.shape) != 2:
            return super().linear(x, kernel, bias)
        return emit("Gemm", [x, kernel, bias], (x.shape[0], kernel.shape[1]), e.dtype_of(x))

    def add(self, x: Any, y: Any) -> Any:
        joined = self._with_bias(x, y)
        return _plain_add(self, x, y) if joined is None else joined

    def _with_bias(self, x: Any, bias: Any) -> Any:
        """A convolution and the bias added to its channels, as one node."""
        if not (isinstance(x, Tensor) and x.source and getattr(bias, "shape", ()) == x.shape[-1:]):
            return None
        first, axes = x.source
        made = current().producer(first.name)
        if not made or not made.op.startswith("Conv") or len(made.inputs) > 2:
            return None
        inputs = [*made.inputs, e.operand(bias, x.dtype)]
        return e.transposed(emit(made.op, inputs, first.shape, x.dtype, **made.attrs), axes)

    def top_k(self, x: Any, k: int) -> Any:
        return self._top(x, k, len(x.shape) - 1, largest=1)

    # Normalization.

    def batch_normalization(
        self, x: Any, mean: Any, variance: Any, offset: Any, scale: Any, epsilon: float
    ) -> Any:
        shape = (1,) * (len(x.shape) - len(mean.shape)) + tuple(mean.shape)
        wide = [i for i, d in enumerate(shape) if not same(d, 1)]
        if (
            x.dtype == "float64"
            or len(wide) != 1
            or wide == [0]
            or isinstance(mean.shape[wide[0] - len(shape)], Size)
        ):
            return super().batch_normalization(x, mean, variance, offset, scale, epsilon)
        channel = wide[0]
        size = x.shape[channel]
        dtype = e.dtype_of(x)
        offset = np.zeros(size, dtype) if offset is None else offset
        scale = np.ones(size, dtype) if scale is None else scale
        vectors = [self.reshape(v, (size,)) for v in (scale, offset, mean, variance)]
        rest = [i for i in range(1, len(shape)) if i != channel]
        axes = (0, channel, *rest)
        first = e.transposed(_tensor(x), axes)
        y = emit("BatchNormalization", [first, *vectors], first.shape, dtype, epsilon=epsilon)
        return e.transposed(y, e.inverse(axes))

    def layer_normalization(self, x: Any, gamma: Any, beta: Any, axis: Any, epsilon: float) -> Any:
        rank, dtype = len(x.shape), e.dtype_of(x)
        inner = tuple(x.shape[a] for a in axis)
        last = tuple(axis) == tuple(range(rank - len(axis), rank))
        if dtype == "float64" or not last or any(isinstance(d, Size) for d in inner):
            return super().layer_normalization(x, gamma, beta, axis, epsilon)
        gamma = np.ones(inner, dtype) if gamma is None else self.reshape(gamma, inner)
        inputs = [x, gamma] if beta is None else [x, gamma, self.reshape(beta, inner)]
        attrs = {"axis": axis[0] - rank, "epsilon": epsilon}
        return emit("LayerNormalization", inputs, x.shape, dtype, **attrs)

    # Convolution and pooling.

    def conv(self, x: Any, kernel: Any, strides: Any, pads: Any, dilation: Any, groups: int) -> Any:
        *window, _, filters = kernel.shape
        shape = (*window_output(x.shape[1:-1], window, strides, pads, dilation), filters)
        n = len(window)
        x, pads = self._padded(x, pads)
        k = e.transposed(_tensor(kernel), (n + 1, n, *range(n)))
        attrs = {"strides": strides, "dilations": dilation, "group": groups,
                 "pads": _flat(pads), "kernel_shape": window}  # fmt: skip
        return self._channels_first("Conv", x, [k], shape, attrs)

    def conv_input_grad(
        self, g: Any, kernel: Any, x_shape: Any, strides: Any, pads: Any, dilation: Any,
        groups: int,
    ) -> Any:  # fmt: skip
        """The transposed convolution."""
        *window, _, _ = kernel.shape
        n = len(window)
        ends, more = [], []
        for i in range(n):
            reach = (window[i] - 1) * dilation[i] + 1
            spare = strides[i] * (g.shape[i + 1] - 1) + reach - pads[i][0] - x_shape[i + 1]
            ends.append((pads[i][0], max(spare, 0)))
            more.append(max(-spare, 0))
        k = e.transposed(_tensor(kernel), (n + 1, n, *range(n)))
        attrs = {"strides": strides, "dilations": dilation, "group": groups,
                 "pads": _flat(ends), "kernel_shape": window}  # fmt: skip
        shape = tuple(d - m for d, m in zip(x_shape[1:-1], more, strict=True))
        y = self._channels_first("ConvTranspose", g, [k], (*shape, x_shape[-1]), attrs)
        return self.pad(y, ((0, 0), *((0, m) for m in more), (0, 0))) if any(more) else y

    def max_pool(self, x: Any, window: Any, strides: Any, pads: Any) -> Any:
        return self._pool("MaxPool", x, window, strides, pads)

    def average_pool(self, x: Any, window: Any, strides: Any, pads: Any) -> Any:
        return self._pool("AveragePool", x, window, strides, pads)

    def _pool(self, onnx: str, x: Any, window: Any, strides: Any, pads: Any) -> Any:
        if any(isinstance(p, Size) for pair in pads for p in pair):
            raise e.unsupported(onnx, 'padding="same" needs spatial sizes that are known.')
        sizes = window_output(x.shape[1:-1], window, strides, pads, (1,) * len(window))
        attrs = {"kernel_shape": window, "strides": strides, "pads": _flat(pads)}
        return self._channels_first(onnx, x, [], (*sizes, x.shape[-1]), attrs)

    def _padded(self, x: Any, pads: Any) -> tuple[Any, Any]:
        """`x` with the pads that depend on an open size, and those that are left."""
        if not any(isinstance(p, Size) for pair in pads for p in pair):
            return x, pads
        return self.pad(x, ((0, 0), *pads, (0, 0))), ((0, 0),) * len(pads)

    def _channels_first(
        self, onnx: str, x: Any, others: list[Any], shape: Any, attrs: dict[str, Any]
    ) -> Any:
        """An operator on (N, C, ...); `shape` is that of the result, channels last, without N."""
        n = len(x.shape)
        first = e.transposed(_tensor(x), (0, n - 1, *range(1, n - 1)))
        out = (x.shape[0], shape[-1], *shape[:-1])
        attrs = {k: tuple(v) if isinstance(v, (list, tuple)) else v for k, v in attrs.items()}
        y = emit(onnx, [first, *others], out, e.dtype_of(x), **attrs)
        return e.transposed(y, (0, *range(2, n), 1))


def _flat(pads: Any) -> tuple[int, ...]:
    return tuple(lo for lo, _ in pads) + tuple(hi for _, hi in pads)


_plain_add: Callable[..., Any] = Primitives.__dict__["add"]
for _op, (_onnx, _names) in ACTIVATIONS.items():
    setattr(NN, _op, _activation(_op, _onnx, _names))
