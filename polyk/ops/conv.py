"""Convolution in one to three spatial dimensions, in both data formats.

`data_format` "channels_last" is ``(N, *sizes, C)``, "channels_first" ``(N, C, *sizes)``; None is
what `polyk.config.image_data_format` says. Padding is "valid", "same" (TensorFlow's: the odd cell
goes at the end) or explicit pairs (before, after).
"""

from collections.abc import Sequence
from typing import Any

from polyk import config, dtypes
from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor, cast, one, tensors
from polyk.shapes import padding_pairs, spread, transpose_output, window_output

__all__ = [
    "conv",
    "conv_transpose",
    "depthwise_conv",
    "separable_conv",
]

Sizes = int | Sequence[int]


def _channels_first(data_format: str | None) -> bool:
    """Whether channels come first: as `polyk.config.image_data_format` says if it is None."""
    data_format = data_format or config.image_data_format()
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f"data_format must be 'channels_last' or 'channels_first'; got {data_format!r}."
        )
    return data_format == "channels_first"


def _to_last(b: Any, x: Tensor, first: bool) -> Tensor:
    rank = len(b.shape(x))
    return b.transpose(x, (0, *range(2, rank), 1)) if first else x


def _to_first(b: Any, x: Tensor, first: bool) -> Tensor:
    rank = len(b.shape(x))
    return b.transpose(x, (0, rank - 1, *range(1, rank - 1))) if first else x


def _operands(
    x: Any, kernel: Any, data_format: str | None, op: str
) -> tuple[Any, Tensor, Tensor, bool]:
    """Channels-last float tensors of one dtype, and whether the result goes back."""
    first = _channels_first(data_format)
    b, (x, kernel) = tensors(x, kernel)
    if len(b.shape(x)) != len(b.shape(kernel)) or len(b.shape(x)) < 3:
        raise ShapeError(
            f"{op}: an input {b.shape(x)} and a kernel {b.shape(kernel)} must both have one axis "
            "for each of 1 to 3 spatial dimensions and two more."
        )
    dtype = dtypes.to_float(dtypes.promote(b.dtype(x), b.dtype(kernel)))
    return b, _to_last(b, cast(b, x, dtype), first), cast(b, kernel, dtype), first


def conv(
    inputs: Any,
    kernel: Any,
    strides: Sizes = 1,
    padding: str | Sequence[Any] = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """Cross-correlation of ``(N, *sizes, in)`` with a kernel ``(*window, in / groups, out)``.

    The number of groups is the input's channels over the kernel's.
    """
    b, x, kernel, first = _operands(inputs, kernel, data_format, "conv")
    *window, depth, filters = b.shape(kernel)
    channels = b.shape(x)[-1]
    if not depth or channels % depth or filters % (channels // depth or 1):
        raise ShapeError(
            f"conv: an input of {channels} channels does not fit a kernel {b.shape(kernel)}: its "
            "second last size must divide them, and the groups must divide its last."
        )
    n = len(window)
    s, d = spread(strides, n, "strides"), spread(dilation_rate, n, "dilation_rate")
    pads = padding_pairs(padding, b.shape(x)[1:-1], window, s, d)
    groups = channels // depth
    if 0 in (*b.shape(x), filters, *window_output(b.shape(x)[1:-1], window, s, pads, d)):
        sizes = window_output(b.shape(x)[1:-1], window, s, pads, d)
        y = b.full((b.shape(x)[0], *sizes, filters), 0, b.dtype(x))
    else:
        y = b.conv(x, kernel, s, pads, d, groups)
    return _to_first(b, y, first)


def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Sizes = 1,
    padding: str | Sequence[Any] = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """Each channel with its own filters: kernel ``(*window, in, multiplier)``."""
    b, kernel = one(kernel)
    *window, channels, multiplier = b.shape(kernel)
    kernel = b.reshape(kernel, (*window, 1, channels * multiplier))
    return conv(inputs, kernel, strides, padding, data_format, dilation_rate)


def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Sizes = 1,
    padding: str | Sequence[Any] = "valid",
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
) -> Tensor:
    """`depthwise_conv`, then a ``1 x 1`` convolution."""
    x = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(x, pointwise_kernel, 1, "valid", data_format)


def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Sizes = 1,
    padding: str = "valid",
    output_padding: Sizes | None = None,
    data_format: str | None = None,
    dilation_rate: Sizes = 1,
    *,
    groups: int = 1,
    output_shape: Sequence[int] | None = None,
) -> Tensor:
    """The gradient of `conv` as a map of its own: kernel ``(*window, out / groups, in)``.

    "same" gives ``size * stride`` cells, "valid" ``size * stride + max(window - stride, 0)``;
    `output_shape` gives other spatial sizes, where a convolution takes them to those of the input.
    """
    b, x, kernel, first = _operands(inputs, kernel, data_format, "conv_transpose")
    *window, filters, depth = b.shape(kernel)
    n = len(window)
    if depth != b.shape(x)[-1] or depth % groups:
        raise ShapeError(
            f"conv_transpose: an input of {b.shape(x)[-1]} channels needs a kernel whose last size "
            f"is that and divides into {groups} groups; got {b.shape(kernel)}."
        )
    s, d = spread(strides, n, "strides"), spread(dilation_rate, n, "dilation_rate")
    extra = None
    if output_padding is not None:
        extra = (output_padding,) * n if isinstance(output_padding, int) else tuple(output_padding)
    padding = padding.lower()
    sizes = transpose_output(b.shape(x)[1:-1], window, s, padding, d, extra)
    sizes = sizes if output_shape is None else tuple(int(size) for size in output_shape)
    pads = _cut(padding, b.shape(x)[1:-1], sizes, window, s, d)
    if output_shape and window_output(sizes, window, s, pads, d) != b.shape(x)[1:-1]:
        raise ShapeError(f"conv_transpose: no convolution takes {sizes} to {b.shape(x)[1:-1]}.")
    shape = (b.shape(x)[0], *sizes, filters * groups)
    y = b.conv_input_grad(x, kernel, shape, s, pads, d, groups)
    return _to_first(b, y, first)


def _cut(padding: str, places: Any, sizes: Any, window: Any, strides: Any, dilation: Any) -> Any:
    """What to cut off at both ends of what `places` windows cover, to leave `sizes`."""
    result = []
    for n, size, k, s, d in zip(places, sizes, window, strides, dilation, strict=True):
        spare = max((n - 1) * s + (k - 1) * d + 1 - size, 0)
        before = spare // 2 if padding == "same" else 0
        result.append((before, spare - before))
    return tuple(result)
