"""Pooling in one to three spatial dimensions, in both data formats and with every kind of padding.

As in `polyk.ops.conv`. What ONNX has and Keras has not is given by keyword: `dilation_rate`,
`ceil_mode` (a last window that only partly fits counts too) and `count_include_pad`.
"""

from collections.abc import Sequence
from typing import Any

from polyk import dtypes
from polyk.errors import ShapeError
from polyk.ops.conv import Sizes, _channels_first, _to_first, _to_last
from polyk.ops.dispatch import Tensor, one
from polyk.shapes import Pads, padding_pairs, spread, window_output

__all__ = [
    "adaptive_average_pool",
    "adaptive_max_pool",
    "average_pool",
    "max_pool",
    "max_pool_with_argmax",
]


def _geometry(
    sizes: Any, pool_size: Sizes, strides: Sizes | None, padding: Any, dilation_rate: Sizes,
    ceil_mode: bool, op: str,
) -> Any:  # fmt: skip
    """Window, strides, pads, dilation, and what `ceil_mode` adds at the far ends."""
    n = len(sizes)
    window = spread(pool_size, n, "pool_size")
    s = window if strides is None else spread(strides, n, "strides")
    d = spread(dilation_rate, n, "dilation_rate")
    pads = padding_pairs(padding, sizes, window, s, d)
    wide = [(k - 1) * step + 1 for k, step in zip(window, d, strict=True)]
    if any(max(p) >= k for p, k in zip(pads, wide, strict=True)):
        raise ShapeError(f"{op}: padding {pads} must be smaller than the window {window}.")
    extra = [0] * n
    if ceil_mode:
        rows = zip(sizes, wide, s, pads, strict=True)
        extra = [_beyond(*row) for row in rows]
    return window, s, pads, d, extra


def _beyond(size: int, window: int, stride: int, pads: tuple[int, int]) -> int:
    """The cells missing from the last window, which must start before the far padding."""
    whole = size + sum(pads)
    count = -(-(whole - window) // stride) + 1
    if count > 0 and (count - 1) * stride >= size + pads[0]:
        count -= 1
    return max((count - 1) * stride + window - whole, 0)


def _grown(pads: Pads, extra: Sequence[int]) -> Pads:
    return tuple((lo, hi + more) for (lo, hi), more in zip(pads, extra, strict=True))


def _images(op: str, inputs: Any, data_format: str | None) -> tuple[Any, Tensor, bool]:
    first = _channels_first(data_format)
    b, x = one(inputs)
    if len(b.shape(x)) < 3:
        raise ShapeError(f"{op} needs batch, spatial and channel axes; got {b.shape(x)}.")
    return b, _to_last(b, x, first), first


def max_pool(
    inputs: Any, pool_size: Sizes, strides: Sizes | None = None,
    padding: str | Sequence[Any] = "valid", data_format: str | None = None, *,
    dilation_rate: Sizes = 1, ceil_mode: bool = False,
) -> Tensor:  # fmt: skip
    """The largest of each window; NaN wins, padding never does. `strides` default to the window.

    Of several maxima the first takes the gradient.
    """
    b, x, first = _images("max_pool", inputs, data_format)
    window, s, pads, d, extra = _geometry(
        b.shape(x)[1:-1], pool_size, strides, padding, dilation_rate, ceil_mode, "max_pool"
    )
    pads = _grown(pads, extra)
    out = window_output(b.shape(x)[1:-1], window, s, pads, d)
    if 0 in (*b.shape(x), *out):
        y = b.full((b.shape(x)[0], *out, b.shape(x)[-1]), 0, b.dtype(x))
    elif max(d) > 1:
        y = b.max_pool_with_argmax(x, window, s, pads, d)[0]
    else:
        y = b.max_pool(x, window, s, pads)
    return _to_first(b, y, first)


def max_pool_with_argmax(
    inputs: Any, pool_size: Sizes, strides: Sizes | None = None,
    padding: str | Sequence[Any] = "valid", data_format: str | None = None, *,
    dilation_rate: Sizes = 1, ceil_mode: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`max_pool` and where each maximum was found: int32 places among the flat spatial cells.

    In an image (N, H, W, C), cell (h, w) has the place ``h * W + w``.
    """
    b, x, first = _images("max_pool_with_argmax", inputs, data_format)
    window, s, pads, d, extra = _geometry(
        b.shape(x)[1:-1], pool_size, strides, padding, dilation_rate, ceil_mode,
        "max_pool_with_argmax",
    )  # fmt: skip
    y, where = b.max_pool_with_argmax(x, window, s, _grown(pads, extra), d)
    return _to_first(b, y, first), _to_first(b, where, first)


def average_pool(
    inputs: Any, pool_size: Sizes, strides: Sizes | None = None,
    padding: str | Sequence[Any] = "valid", data_format: str | None = None, *,
    dilation_rate: Sizes = 1, ceil_mode: bool = False, count_include_pad: bool = False,
) -> Tensor:  # fmt: skip
    """The mean of each window's cells inside the input; padding does not count.

    With `count_include_pad` it counts as zeros (what `ceil_mode` adds never does).
    """
    b, x, first = _images("average_pool", inputs, data_format)
    x = x if b.dtype(x) in dtypes.FLOATS else b.cast(x, dtypes.floatx())
    window, s, pads, d, extra = _geometry(
        b.shape(x)[1:-1], pool_size, strides, padding, dilation_rate, ceil_mode, "average_pool"
    )
    if count_include_pad:
        x, pads = b.pad(x, ((0, 0), *pads, (0, 0))), ((0, 0),) * len(pads)
    pads = _grown(pads, extra)
    out = window_output(b.shape(x)[1:-1], window, s, pads, d)
    if 0 in (*b.shape(x), *out):
        y = b.full((b.shape(x)[0], *out, b.shape(x)[-1]), 0, b.dtype(x))
    elif max(d) > 1:
        y = b.dilated_average_pool(x, window, s, pads, d)
    else:
        y = b.average_pool(x, window, s, pads)
    return _to_first(b, y, first)


def adaptive_max_pool(inputs: Any, output_size: Sizes, data_format: str | None = None) -> Tensor:
    """The largest of each of `output_size` windows, which overlap where they must.

    Along an axis of n cells, place i of m sees those from ``i n // m`` up to
    ``ceil((i + 1) n / m)``. Of several maxima the first takes the gradient.
    """
    return _adaptive("adaptive_max_pool", inputs, output_size, data_format)


def adaptive_average_pool(
    inputs: Any, output_size: Sizes, data_format: str | None = None
) -> Tensor:
    """The mean of each of `output_size` windows, as `adaptive_max_pool` places them."""
    return _adaptive("adaptive_average_pool", inputs, output_size, data_format)


def _adaptive(op: str, inputs: Any, output_size: Sizes, data_format: str | None) -> Tensor:
    first = _channels_first(data_format)
    b, x = one(inputs)
    x = _to_last(b, x, first)
    sizes = spread(output_size, len(b.shape(x)) - 2, "output_size")
    if 0 in b.shape(x)[1:-1]:
        raise ShapeError(f"{op}: an input {b.shape(x)} has no cells to pool.")
    if op == "adaptive_average_pool" and b.dtype(x) not in dtypes.FLOATS:
        x = b.cast(x, dtypes.floatx())
    if 0 in b.shape(x):
        y = b.full((b.shape(x)[0], *sizes, b.shape(x)[-1]), 0, b.dtype(x))
    else:
        y = getattr(b, op)(x, sizes)
    return _to_first(b, y, first)
