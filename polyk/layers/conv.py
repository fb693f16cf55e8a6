"""Convolution layers: plain, transposed, depthwise and separable, in one to three dimensions.

Kernels are ``(*kernel_size, in / groups, out)`` whatever the data format; of transposed
convolutions ``(*kernel_size, out, in)``, of depthwise ones ``(*kernel_size, in, multiplier)``.
"""

from __future__ import annotations

from typing import Any

from polyk import activations, ops
from polyk.errors import ShapeError
from polyk.layers.arguments import Sizes, channel_axis, keep_options, known_format, one_of
from polyk.layers.base import Layer
from polyk.layers.core import positive
from polyk.layers.spec import InputSpec
from polyk.shapes import spread

__all__ = [
    "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose",
    "Convolution1D", "Convolution1DTranspose", "Convolution2D", "Convolution2DTranspose",
    "Convolution3D", "Convolution3DTranspose", "DepthwiseConv1D", "DepthwiseConv2D",
    "SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D",
]  # fmt: skip


class _Convolution(Layer):
    """A window that moves over the input, then a bias and an activation: all but the kernels."""

    rank = 0
    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes,
        padding: str,
        data_format: str | None,
        dilation_rate: Sizes,
        activation: Any,
        use_bias: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_size = spread(kernel_size, self.rank, "kernel_size")
        self.strides = spread(strides, self.rank, "strides")
        self.padding = one_of(padding, "padding", self.paddings)
        self.data_format = known_format(data_format)
        self.dilation_rate = spread(dilation_rate, self.rank, "dilation_rate")
        self.activation = activations.get(activation)
        self.use_bias = use_bias

    def build(self, input_shape: Any) -> None:
        axis = channel_axis(self)
        InputSpec(ndim=self.rank + 2).check(self, input_shape)
        channels = input_shape[axis]
        if channels is None:
            raise ShapeError(
                f"{self.where()}: the number of channels (axis {axis}) must be known; "
                f"got {input_shape}."
            )
        filters = self._add_kernels(channels)
        self.bias = self.add_weight("bias", (filters,)) if self.use_bias else None
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})

    def _add_kernels(self, channels: int) -> int:
        """Make the kernels and return how many channels come out."""
        raise NotImplementedError

    def _convolve(self, inputs: Any) -> Any:
        raise NotImplementedError

    def call(self, inputs: Any) -> Any:
        y = self._convolve(inputs)
        if self.bias is not None:
            last = self.data_format == "channels_last"
            y = ops.add(y, self.bias if last else ops.reshape(self.bias, (-1, *(1,) * self.rank)))
        return self.activation(y)

    def _geometry(self) -> dict[str, Any]:
        return {
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }


class _Conv(_Convolution):
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
        window = (kernel_size, strides, padding, data_format, dilation_rate)
        super().__init__(*window, activation, use_bias, **kwargs)
        self.filters = positive(filters, "filters", self)
        self.groups = positive(groups, "groups", self)
        if self.filters % self.groups:
            raise ValueError(f"filters ({filters}) must be a multiple of groups ({groups}).")
        keep_options(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        keep_options(self, "bias", bias_initializer, bias_regularizer, bias_constraint)

    def _add_kernels(self, channels: int) -> int:
        if channels % self.groups:
            raise ShapeError(
                f"{self.where()}: an input of {channels} channels cannot be cut into "
                f"{self.groups} groups."
            )
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.add_weight("kernel", shape)
        return self.filters

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """The convolution alone; override it for another one, as with standardized kernels."""
        geometry = self._geometry()
        if self.padding == "causal":
            geometry["padding"] = ((self.dilation_rate[0] * (self.kernel_size[0] - 1), 0),)
        return ops.conv(inputs, kernel, **geometry)

    def _convolve(self, inputs: Any) -> Any:
        return self.convolution_op(inputs, self.kernel)


class Conv1D(_Conv):
    """Convolution over time: (N, steps, C) to (N, new steps, filters).

    With ``padding="causal"`` no output sees a later input.
    """

    rank, paddings = 1, ("valid", "same", "causal")


class Conv2D(_Conv):
    """Convolution over images: (N, H, W, C) to (N, new H, new W, filters)."""

    rank = 2


class Conv3D(_Conv):
    """Convolution over volumes: (N, D, H, W, C) to (N, new D, new H, new W, filters)."""

    rank = 3


class _ConvTranspose(_Convolution):
    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        output_padding: Sizes | None = None,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
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
        window = (kernel_size, strides, padding, data_format, dilation_rate)
        super().__init__(*window, activation, use_bias, **kwargs)
        self.filters = positive(filters, "filters", self)
        self.output_padding = self._checked(output_padding)
        keep_options(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        keep_options(self, "bias", bias_initializer, bias_regularizer, bias_constraint)

    def _checked(self, extra: Sizes | None) -> tuple[int, ...] | None:
        if extra is None:
            return None
        found = (extra,) * self.rank if isinstance(extra, int) else tuple(extra)
        fits = len(found) == self.rank
        if not fits or any(not 0 <= e < s for e, s in zip(found, self.strides, strict=True)):
            raise ValueError(
                f"output_padding must be below the strides {self.strides} and not negative; "
                f"got {extra!r}."
            )
        return found

    def _add_kernels(self, channels: int) -> int:
        self.kernel = self.add_weight("kernel", (*self.kernel_size, self.filters, channels))
        return self.filters

    def _convolve(self, inputs: Any) -> Any:
        extra = self.output_padding
        return ops.conv_transpose(inputs, self.kernel, output_padding=extra, **self._geometry())


class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution over time: (N, steps, C) to (N, new steps, filters)."""

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution over images: (N, H, W, C) to (N, new H, new W, filters).

    "same" gives ``H * stride`` rows, "valid" ``H * stride + max(kernel - stride, 0)``.
    """

    rank = 2


class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution over volumes: (N, D, H, W, C) to (N, new D, new H, new W, filters)."""

    rank = 3


class _DepthwiseConv(_Convolution):
    def __init__(
        self,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        window = (kernel_size, strides, padding, data_format, dilation_rate)
        super().__init__(*window, activation, use_bias, **kwargs)
        self.depth_multiplier = positive(depth_multiplier, "depth_multiplier", self)
        options = (depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        keep_options(self, "depthwise", *options)
        keep_options(self, "bias", bias_initializer, bias_regularizer, bias_constraint)

    def _add_kernels(self, channels: int) -> int:
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel = self.add_weight("kernel", shape, options="depthwise")
        return channels * self.depth_multiplier

    def _convolve(self, inputs: Any) -> Any:
        return ops.depthwise_conv(inputs, self.kernel, **self._geometry())


class DepthwiseConv1D(_DepthwiseConv):
    """Each channel with kernels of its own: (N, steps, C) to (N, new steps, C * multiplier)."""

    rank = 1


class DepthwiseConv2D(_DepthwiseConv):
    """Each channel with kernels of its own: (N, H, W, C) to (N, new H, new W, C * multiplier)."""

    rank = 2


class _SeparableConv(_Convolution):
    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        window = (kernel_size, strides, padding, data_format, dilation_rate)
        super().__init__(*window, activation, use_bias, **kwargs)
        self.filters = positive(filters, "filters", self)
        self.depth_multiplier = positive(depth_multiplier, "depth_multiplier", self)
        options = (depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        keep_options(self, "depthwise", *options)
        options = (pointwise_initializer, pointwise_regularizer, pointwise_constraint)
        keep_options(self, "pointwise", *options)
        keep_options(self, "bias", bias_initializer, bias_regularizer, bias_constraint)

    def _add_kernels(self, channels: int) -> int:
        deep = (*self.kernel_size, channels, self.depth_multiplier)
        flat = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        self.depthwise_kernel = self.add_weight("depthwise_kernel", deep, options="depthwise")
        self.pointwise_kernel = self.add_weight("pointwise_kernel", flat, options="pointwise")
        return self.filters

    def _convolve(self, inputs: Any) -> Any:
        kernels = (self.depthwise_kernel, self.pointwise_kernel)
        return ops.separable_conv(inputs, *kernels, **self._geometry())


class SeparableConv1D(_SeparableConv):
    """A depthwise, then a 1 convolution: (N, steps, C) to (N, new steps, filters)."""

    rank = 1


class SeparableConv2D(_SeparableConv):
    """A depthwise, then a 1 x 1 convolution: (N, H, W, C) to (N, new H, new W, filters).

    Source: F. Chollet, "Xception", 2016.
    """

    rank = 2


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
