"""Convolution layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import activations, constraints, initializers, ops, regularizers
from polyk.errors import ShapeError
from polyk.layers.base import Layer
from polyk.layers.core import positive
from polyk.layers.spec import InputSpec
from polyk.shapes import spread

Sizes = int | Sequence[int]


class _Conv(Layer):
    """Cross-correlation with `filters` kernels, plus bias, through `activation`."""

    rank = 0

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = positive(filters, "filters", self)
        self.kernel_size = spread(kernel_size, self.rank, "kernel_size")
        self.strides = spread(strides, self.rank, "strides")
        self.padding = padding.lower()
        if self.padding not in ("valid", "same"):
            raise ValueError(f"padding must be 'valid' or 'same'; got {padding!r}.")
        self.data_format = data_format or "channels_last"
        self.dilation_rate = spread(dilation_rate, self.rank, "dilation_rate")
        self.groups = positive(groups, "groups", self)
        if self.filters % self.groups:
            raise ValueError(f"filters ({filters}) must be a multiple of groups ({groups}).")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Any) -> None:
        axis = 1 if self.data_format == "channels_first" else -1
        InputSpec(ndim=self.rank + 2).check(self, input_shape)
        channels = input_shape[axis]
        if channels is None or channels % self.groups:
            raise ShapeError(
                f"{self.where()}: the input needs a number of channels that is known and a "
                f"multiple of groups ({self.groups}); got {input_shape}."
            )
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.add_weight("kernel", shape)
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight("bias", (self.filters,))
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})

    def call(self, inputs: Any) -> Any:
        y = ops.conv(
            inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate
        )
        if self.use_bias:
            shape: tuple[int, ...] = (self.filters,)
            if self.data_format == "channels_first":
                shape += (1,) * self.rank
            y = ops.add(y, self.bias if len(shape) == 1 else ops.reshape(self.bias, shape))
        return self.activation(y)


class Conv1D(_Conv):
    """Convolution over time: (N, steps, C) to (N, new steps, filters)."""

    rank = 1


class Conv2D(_Conv):
    """Convolution over images: (N, H, W, C) to (N, new H, new W, filters)."""

    rank = 2


class Conv3D(_Conv):
    """Convolution over volumes: (N, D, H, W, C) to (N, new D, new H, new W, filters)."""

    rank = 3


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
