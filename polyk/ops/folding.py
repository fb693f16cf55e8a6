"""unfold and fold: the patches of images as columns, and back; in torch's layout."""

from collections.abc import Sequence
from typing import Any

from polyk import dtypes
from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor, one
from polyk.shapes import spread, window_output

__all__ = ["fold", "unfold"]

Pair = int | Sequence[int]


def _geometry(kernel_size: Pair, dilation: Pair, padding: Pair, stride: Pair) -> Any:
    """Window, strides, pads and dilation of two spatial axes."""
    border = (padding,) * 2 if isinstance(padding, int) else tuple(padding)
    pads = tuple((int(p), int(p)) for p in border)
    window, apart = spread(kernel_size, 2, "kernel_size"), spread(dilation, 2, "dilation")
    return window, spread(stride, 2, "stride"), pads, apart


def _picker(b: Any, window: tuple[int, ...], channels: int, dtype: str) -> Tensor:
    """The kernel that sends each cell of each channel's window to an output of its own."""
    h, w = window
    single = b.reshape(b.eye(h * w, h * w, 0, dtype), (h, w, 1, h * w))
    return b.tile(single, (1, 1, 1, channels))


def unfold(
    x: Any, kernel_size: Pair, dilation: Pair = 1, padding: Pair = 0, stride: Pair = 1
) -> Tensor:
    """(N, C, H, W) to (N, C * h * w, places): a column for each place of the window."""
    b, x = one(x)
    if len(b.shape(x)) != 4:
        raise ShapeError(f"unfold needs images (N, C, H, W); got shape {b.shape(x)}.")
    x = x if b.dtype(x) in dtypes.FLOATS else b.cast(x, dtypes.floatx())
    n, c, *_ = b.shape(x)
    window, strides, pads, apart = _geometry(kernel_size, dilation, padding, stride)
    picker = _picker(b, window, c, b.dtype(x))
    y = b.conv(b.transpose(x, (0, 2, 3, 1)), picker, strides, pads, apart, c)
    _, rows, columns, depth = b.shape(y)
    return b.transpose(b.reshape(y, (n, rows * columns, depth)), (0, 2, 1))


def fold(
    x: Any, output_size: Pair, kernel_size: Pair, dilation: Pair = 1, padding: Pair = 0,
    stride: Pair = 1,
) -> Tensor:  # fmt: skip
    """The transpose of `unfold`: columns added up where their windows lie, (N, C, H, W)."""
    b, x = one(x)
    size = spread(output_size, 2, "output_size")
    window, strides, pads, apart = _geometry(kernel_size, dilation, padding, stride)
    rows, columns = window_output(size, window, strides, pads, apart)
    n, depth, places = b.shape(x) if len(b.shape(x)) == 3 else (0, 0, 0)
    channels, rest = divmod(depth, window[0] * window[1])
    if not channels or rest or places != rows * columns:
        raise ShapeError(
            f"fold: columns (N, C * {window[0] * window[1]}, {rows * columns}) make images of "
            f"{size}; got {b.shape(x)}."
        )
    x = x if b.dtype(x) in dtypes.FLOATS else b.cast(x, dtypes.floatx())
    g = b.reshape(b.transpose(x, (0, 2, 1)), (n, rows, columns, depth))
    kernel = _picker(b, window, channels, b.dtype(x))
    y = b.conv_input_grad(g, kernel, (n, *size, channels), strides, pads, apart, channels)
    return b.transpose(y, (0, 3, 1, 2))
