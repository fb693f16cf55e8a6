"""Convolutions, pooling, padding and resizing with Keras 1's names and argument order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from polyk import ops
from polyk.backend.variables import normalize_data_format
from polyk.ops.dispatch import Tensor

__all__ = [
    "conv1d",
    "conv2d",
    "conv2d_transpose",
    "conv3d",
    "conv3d_transpose",
    "depthwise_conv2d",
    "local_conv1d",
    "local_conv2d",
    "pool2d",
    "pool3d",
    "resize_images",
    "resize_volumes",
    "separable_conv1d",
    "separable_conv2d",
    "spatial_2d_padding",
    "spatial_3d_padding",
    "temporal_padding",
]

Sizes = int | Sequence[int]
Pads = Sequence[Sequence[int]]


def _axes(x: Any, data_format: str | None) -> tuple[range, int]:
    """The spatial axes of `x`, and that of its channels."""
    rank = ops.ndim(x)
    if normalize_data_format(data_format) == "channels_first":
        return range(2, rank), 1
    return range(1, rank - 1), rank - 1


def _causal(x: Any, kernel: Any, dilation: int, data_format: str | None) -> Tensor:
    """`x` padded in front so that no output sees what comes after it."""
    widths = [(0, 0)] * 3
    widths[_axes(x, data_format)[0][0]] = (dilation * (ops.shape(kernel)[0] - 1), 0)
    return ops.pad(x, widths)


def conv1d(
    x: Any,
    kernel: Any,
    strides: int = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int = 1,
) -> Tensor:
    """Convolution of (N, T, C) with a kernel (window, C, filters); padding "causal" as well."""
    if padding == "causal":
        x, padding = _causal(x, kernel, dilation_rate, data_format), "valid"
    return conv2d(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(
    x: Any,
    kernel: Any,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """Convolution of (N, H, W, C) with a kernel (h, w, C, filters)."""
    return ops.conv(x, kernel, strides, padding, normalize_data_format(data_format), dilation_rate)


conv3d = conv2d


def depthwise_conv2d(
    x: Any,
    depthwise_kernel: Any,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """Each channel of (N, H, W, C) with filters of its own (h, w, C, multiplier)."""
    layout = normalize_data_format(data_format)
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, layout, dilation_rate)


def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """A depthwise convolution, then one with a window of 1."""
    return ops.separable_conv(x, depthwise_kernel, pointwise_kernel, strides, padding,
                              normalize_data_format(data_format), dilation_rate)  # fmt: skip


separable_conv1d = separable_conv2d


def conv2d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Sequence[Any],
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """The convolution that undoes the sizes of another: a kernel (h, w, filters, C).

    `output_shape` is that of the whole output, with its batch (which may be None).
    """
    sizes = tuple(output_shape[a] for a in _axes(x, data_format)[0])
    return ops.conv_transpose(x, kernel, strides, padding, None, normalize_data_format(data_format),
                              dilation_rate, output_shape=sizes)  # fmt: skip


conv3d_transpose = conv2d_transpose


def pool2d(
    x: Any,
    pool_size: Sizes,
    strides: Sizes = 1,
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Tensor:
    """The largest, or with `pool_mode` "avg" the mean, of each window."""
    modes: dict[str, Callable[..., Tensor]] = {"max": ops.max_pool, "avg": ops.average_pool}
    if pool_mode not in modes:
        raise ValueError(f"pool_mode must be max or avg; got {pool_mode!r}.")
    layout = normalize_data_format(data_format)
    return modes[pool_mode](x, pool_size, strides, padding, layout)


pool3d = pool2d


def temporal_padding(x: Any, padding: Sequence[int] = (1, 1)) -> Tensor:
    """Zeros before and after the time axis of (N, T, C)."""
    return ops.pad(x, [(0, 0), tuple(padding), (0, 0)])


def spatial_2d_padding(
    x: Any, padding: Pads = ((1, 1), (1, 1)), data_format: str | None = None
) -> Tensor:
    """Zeros around the spatial axes."""
    widths = [(0, 0)] * ops.ndim(x)
    for axis, pair in zip(_axes(x, data_format)[0], padding, strict=True):
        widths[axis] = (pair[0], pair[1])
    return ops.pad(x, widths)


def spatial_3d_padding(
    x: Any, padding: Pads = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None
) -> Tensor:
    """Zeros around the spatial axes."""
    return spatial_2d_padding(x, padding, data_format)


def resize_images(
    x: Any,
    height_factor: int,
    width_factor: int,
    data_format: str,
    interpolation: str = "nearest",
) -> Tensor:
    """Images larger by whole factors."""
    if interpolation == "nearest":
        return _enlarged(x, (height_factor, width_factor), data_format)
    sizes = [ops.shape(x)[a] for a in _axes(x, data_format)[0]]
    target = (sizes[0] * height_factor, sizes[1] * width_factor)
    return ops.image.resize(x, target, interpolation=interpolation, data_format=data_format)


def resize_volumes(
    x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: str
) -> Tensor:
    """Volumes larger by whole factors."""
    return _enlarged(x, (depth_factor, height_factor, width_factor), data_format)


def _enlarged(x: Any, factors: Sequence[int], data_format: str) -> Tensor:
    for axis, factor in zip(_axes(x, data_format)[0], factors, strict=True):
        x = ops.repeat(x, factor, axis)
    return x


def local_conv1d(
    inputs: Any, kernel: Any, kernel_size: Sizes, strides: Sizes, data_format: str | None = None
) -> Tensor:
    """A convolution with a kernel of its own at each place (T', window * C, filters)."""
    return _local(inputs, kernel, kernel_size, strides, None, data_format)


def local_conv2d(
    inputs: Any,
    kernel: Any,
    kernel_size: Sizes,
    strides: Sizes,
    output_shape: Sequence[int],
    data_format: str | None = None,
) -> Tensor:
    """A convolution with a kernel of its own at each place (H' * W', h * w * C, filters)."""
    return _local(inputs, kernel, kernel_size, strides, output_shape, data_format)


def _local(
    inputs: Any, kernel: Any, kernel_size: Any, strides: Any, output_shape: Any, data_format: Any
) -> Tensor:
    spatial, channels = _axes(inputs, data_format)
    first = channels == 1
    x = ops.moveaxis(inputs, 1, -1) if first else inputs
    n = len(spatial)
    sizes = ops.shape(x)[1:-1]
    window, step = ((v,) * n if isinstance(v, int) else v for v in (kernel_size, strides))
    out = tuple(
        output_shape or [(d - k) // s + 1 for d, k, s in zip(sizes, window, step, strict=True)]
    )
    parts = []
    for place in itertools.product(*map(range, window)):
        cut = tuple(
            slice(p, p + (o - 1) * s + 1, s) for p, o, s in zip(place, out, step, strict=True)
        )
        parts.append(x[(slice(None), *cut)])
    patches = ops.stack(parts, -1) if first else ops.stack(parts, -2)  # Keras's order of a patch
    rows = ops.reshape(patches, (ops.shape(x)[0], -1, ops.shape(kernel)[1]))
    y = ops.reshape(ops.einsum("npf,pfo->npo", rows, kernel), (-1, *out, ops.shape(kernel)[-1]))
    return ops.moveaxis(y, -1, 1) if first else y
