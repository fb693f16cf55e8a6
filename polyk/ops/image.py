"""Images: resizing and warping, colors, patches, filters. ``ops.image.resize(...)``.

Images are (H, W, C) or (N, H, W, C); (C, H, W) or (N, C, H, W) with `data_format`
"channels_first".
"""

import math
from collections.abc import Sequence
from typing import Any

from polyk import dtypes
from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor, floating_pair, one, tensors
from polyk.ops.resizing import as_given, images_of, resize, scale_and_translate
from polyk.ops.warping import affine_transform, map_coordinates, perspective_transform, sampled
from polyk.shapes import padding_pairs, spread

__all__ = [
    "affine_transform",
    "crop_images",
    "elastic_transform",
    "extract_patches",
    "extract_patches_3d",
    "gaussian_blur",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "perspective_transform",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
    "scale_and_translate",
    "sobel_edges",
    "ssim",
]


def _floats(b: Any, x: Tensor) -> Tensor:
    return x if b.dtype(x) in dtypes.FLOATS else b.cast(x, dtypes.floatx())


# Colors.


def _colors(images: Any, data_format: str | None, op: str) -> tuple[Any, Any, list[Tensor]]:
    """The backend, the way back, and the three channels."""
    b, x, back = images_of(images, data_format, op)
    if b.shape(x)[3] != 3:
        raise ShapeError(f"{op} needs images of 3 channels; got {b.shape(one(images)[1])}.")
    return b, back, b.unstack(x, 3)


def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Tensor:
    """The luma ``0.2989 R + 0.5870 G + 0.1140 B`` (Rec. 601), of one channel; ints are rounded."""
    b, back, channels = _colors(images, data_format, "rgb_to_grayscale")
    dtype = b.dtype(channels[0])
    parts = [
        b.multiply(_floats(b, c), share)
        for c, share in zip(channels, (0.2989, 0.5870, 0.1140), strict=True)
    ]
    gray = b.add(b.add(parts[0], parts[1]), parts[2])
    return back(b.expand_dims(as_given(b, gray, dtype), 3))


def rgb_to_hsv(images: Any, data_format: str | None = None) -> Tensor:
    """Hue, saturation and value, each within 0 and 1, of floats within 0 and 1."""
    b, back, (red, green, blue) = _colors(images, data_format, "rgb_to_hsv")
    red, green, blue = (_floats(b, c) for c in (red, green, blue))
    value = b.maximum(b.maximum(red, green), blue)
    span = b.subtract(value, b.minimum(b.minimum(red, green), blue))
    gray = b.equal(span, 0)
    safe = b.where(gray, 1.0, span)

    def sector(x: Tensor, y: Tensor, start: float) -> Tensor:
        return b.add(b.divide(b.subtract(x, y), safe), start)

    hue = b.where(b.equal(value, green), sector(blue, red, 2.0), sector(red, green, 4.0))
    hue = b.where(b.equal(value, red), sector(green, blue, 0.0), hue)
    hue = b.where(gray, 0.0, b.divide(hue, 6.0))
    hue = b.where(b.less(hue, 0), b.add(hue, 1.0), hue)
    black = b.equal(value, 0)
    saturation = b.where(black, 0.0, b.divide(span, b.where(black, 1.0, value)))
    return back(b.stack([hue, saturation, value], 3))


def hsv_to_rgb(images: Any, data_format: str | None = None) -> Tensor:
    """Red, green and blue within 0 and 1, the inverse of `rgb_to_hsv`."""
    b, back, (hue, saturation, value) = _colors(images, data_format, "hsv_to_rgb")
    hue, saturation, value = (_floats(b, c) for c in (hue, saturation, value))
    parts = []
    for start in (5.0, 3.0, 1.0):
        k = b.mod(b.add(b.multiply(hue, 6.0), start), 6.0)
        slope = b.clip(b.minimum(k, b.subtract(4.0, k)), 0.0, 1.0)
        parts.append(b.subtract(value, b.multiply(b.multiply(value, saturation), slope)))
    return back(b.stack(parts, 3))


# Cutting and padding.


def _margins(n: int, low: Any, high: Any, target: Any, sign: int, op: str) -> tuple[int, int]:
    """What comes off (`sign` -1) or on (1) before and after an axis of size `n`: two are given."""
    given = sum(v is not None for v in (low, high, target))
    if given != 2:
        raise ValueError(
            f"{op}: give two of an axis's two margins and its target size; got {given} of them."
        )
    if target is None:
        return int(low), int(high)
    rest = sign * (target - n)
    low = rest - high if low is None else low
    if min(low, rest - low) < 0:
        raise ShapeError(f"{op}: an axis of {n} does not become {target} with margins of "
                         f"{low} and {rest - low}.")  # fmt: skip
    return int(low), int(rest - low)


def crop_images(
    images: Any, top_cropping: int | None = None, left_cropping: int | None = None,
    bottom_cropping: int | None = None, right_cropping: int | None = None,
    target_height: int | None = None, target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:  # fmt: skip
    """Images without their margins; of top, bottom and target height exactly two are given, and of
    left, right and target width."""
    b, x, back = images_of(images, data_format, "crop_images")
    _, h, w, _ = b.shape(x)
    top, bottom = _margins(h, top_cropping, bottom_cropping, target_height, -1, "crop_images")
    left, right = _margins(w, left_cropping, right_cropping, target_width, -1, "crop_images")
    if top + bottom >= h or left + right >= w:
        raise ShapeError(f"crop_images: nothing is left of images of {h} by {w}.")
    x = b.getitem(x, b._span(x, 1, top, h - bottom))
    return back(b.getitem(x, b._span(x, 2, left, w - right)))


def pad_images(
    images: Any, top_padding: int | None = None, left_padding: int | None = None,
    bottom_padding: int | None = None, right_padding: int | None = None,
    target_height: int | None = None, target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:  # fmt: skip
    """Images with zeros around; what is given as in `crop_images`."""
    b, x, back = images_of(images, data_format, "pad_images")
    _, h, w, _ = b.shape(x)
    rows = _margins(h, top_padding, bottom_padding, target_height, 1, "pad_images")
    columns = _margins(w, left_padding, right_padding, target_width, 1, "pad_images")
    return back(b.pad(x, ((0, 0), rows, columns, (0, 0))))


# Patches.


def _patches(
    x: Tensor, b: Any, size: Any, strides: Any, dilation: Any, padding: str, n: int
) -> Tensor:
    window = spread(size, n, "size")
    steps = window if strides is None else spread(strides, n, "strides")
    apart = spread(dilation, n, "dilation_rate")
    pads = padding_pairs(padding, b.shape(x)[1:-1], window, steps, apart)
    cells = b._windows(x, window, steps, pads, apart)
    return b.concatenate(cells, n + 1)


def extract_patches(
    images: Any, size: int | Sequence[int], strides: Any = None, dilation_rate: Any = 1,
    padding: str = "valid", data_format: str | None = None,
) -> Tensor:  # fmt: skip
    """Windows of `size` laid out in channels: (N, H, W, C) to (N, rows, columns, h * w * C).

    `strides` default to the size, so that windows do not overlap.
    """
    b, x, back = images_of(images, data_format, "extract_patches")
    return back(_patches(x, b, size, strides, dilation_rate, padding, 2))


def extract_patches_3d(
    volumes: Any, size: int | Sequence[int], strides: Any = None, dilation_rate: Any = 1,
    padding: str = "valid", data_format: str | None = None,
) -> Tensor:  # fmt: skip
    """As `extract_patches`, of volumes (N, D, H, W, C) or (D, H, W, C)."""
    from polyk.ops.conv import _channels_first, _to_first, _to_last

    b, x = one(volumes)
    first, rank = _channels_first(data_format), len(b.shape(x))
    if rank not in (4, 5):
        raise ShapeError(f"extract_patches_3d needs volumes (N, D, H, W, C); got {b.shape(x)}.")
    x = _to_last(b, b.expand_dims(x, 0) if rank == 4 else x, first)
    y = _to_first(b, _patches(x, b, size, strides, dilation_rate, padding, 3), first)
    return b.squeeze(y, (0,)) if rank == 4 else y


# Filters.


def _bell(size: int, sigma: float) -> list[float]:
    """A normalized Gaussian at `size` places about 0."""
    places = [i - (size - 1) / 2 for i in range(size)]
    values = [math.exp(-0.5 * (p / sigma) ** 2) for p in places]
    return [v / sum(values) for v in values]


def _filtered(b: Any, x: Tensor, kernels: Sequence[list[float]], pads: Any) -> Tensor:
    """Each channel convolved with a column, then with a row."""
    channels = b.shape(x)[3]
    for axis, values in enumerate(kernels):
        window = (len(values), 1) if axis == 0 else (1, len(values))
        kernel = b.cast(b.constant(_array(values)), b.dtype(x))
        kernel = b.broadcast_to(b.reshape(kernel, (*window, 1, 1)), (*window, 1, channels))
        side = tuple(p if i == axis else (0, 0) for i, p in enumerate(pads))
        x = b.conv(x, kernel, (1, 1), side, (1, 1), channels)
    return x


def _array(values: list[float]) -> Any:
    import numpy as np

    return np.array(values, np.float64)


def gaussian_blur(
    images: Any, kernel_size: Sequence[int] = (3, 3), sigma: Sequence[float] = (1.0, 1.0),
    data_format: str | None = None,
) -> Tensor:  # fmt: skip
    """Images convolved with a Gaussian of (height, width) `kernel_size`, zeros around them."""
    b, x, back = images_of(images, data_format, "gaussian_blur")
    dtype = b.dtype(x)
    kernels = [_bell(k, float(s)) for k, s in zip(kernel_size, sigma, strict=True)]
    pads = [((k - 1) // 2, k // 2) for k in kernel_size]
    return back(as_given(b, _filtered(b, _floats(b, x), kernels, pads), dtype))


def elastic_transform(
    images: Any, alpha: float = 20.0, sigma: float = 5.0, interpolation: str = "bilinear",
    fill_mode: str = "reflect", fill_value: float = 0.0, seed: Any = None,
    data_format: str | None = None,
) -> Tensor:  # fmt: skip
    """Images displaced by `alpha` times a random field, smooth on the scale of `sigma`.

    Source: P. Simard et al., Best practices for convolutional neural networks, 2003.
    """
    from polyk import random

    b, x, back = images_of(images, data_format, "elastic_transform")
    n, h, w, _ = b.shape(x)
    field = one(random.normal((n, h, w, 2), 0.0, sigma, seed=seed))[1]
    size = int(6 * sigma) | 1
    field = _filtered(b, field, [_bell(size, sigma)] * 2, [((size - 1) // 2, size // 2)] * 2)
    rows, columns = b.unstack(b.multiply(field, float(alpha)), 3)
    kind = b.dtype(rows)
    places = [
        b.add(b.reshape(b.arange(0, h, 1, kind), (1, h, 1)), rows),
        b.add(b.reshape(b.arange(0, w, 1, kind), (1, 1, w)), columns),
    ]
    return back(sampled(b, x, places, interpolation, fill_mode, fill_value))


def sobel_edges(images: Any, data_format: str | None = None) -> Tensor:
    """The vertical and horizontal gradients [dy, dx] along a new last axis, edges mirrored."""
    from polyk.ops.shaping import pad

    b, x, back = images_of(images, data_format, "sobel_edges")
    x = pad(_floats(b, x), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    slope, smooth = [-1.0, 0.0, 1.0], [1.0, 2.0, 1.0]
    none = [(0, 0), (0, 0)]
    edges = [back(_filtered(b, x, k, none)) for k in ((slope, smooth), (smooth, slope))]
    return b.stack(edges, len(b.shape(edges[0])))


def ssim(
    image1: Any, image2: Any, max_val: float = 1.0, filter_size: int = 11,
    filter_sigma: float = 1.5, k1: float = 0.01, k2: float = 0.03, data_format: str | None = None,
) -> Tensor:  # fmt: skip
    """The structural similarity of each pair of images: 1 for equal ones.

    Source: Z. Wang et al., Image quality assessment, 2004.
    """
    _, x, y = floating_pair(*tensors(image1, image2)[1])
    b, x, _ = images_of(x, data_format, "ssim")
    _, y, _ = images_of(y, data_format, "ssim")
    if b.shape(x) != b.shape(y) or min(b.shape(x)[1:3]) < filter_size:
        raise ShapeError(f"ssim needs images of one shape, {filter_size} by {filter_size} or more; "
                         f"got {b.shape(x)} and {b.shape(y)}.")  # fmt: skip
    bell, none = [_bell(filter_size, filter_sigma)] * 2, [(0, 0), (0, 0)]
    means = [_filtered(b, v, bell, none) for v in (x, y)]
    squares = [_filtered(b, b.multiply(v, w), bell, none) for v, w in ((x, x), (y, y), (x, y))]
    own = [b.subtract(s, b.square(m)) for s, m in zip(squares[:2], means, strict=True)]
    both = b.multiply(*means)
    shared = b.subtract(squares[2], both)
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    above = b.multiply(b.add(b.multiply(both, 2.0), c1), b.add(b.multiply(shared, 2.0), c2))
    sizes = b.add(b.add(b.square(means[0]), b.square(means[1])), c1)
    score = b.mean(b.divide(above, b.multiply(sizes, b.add(b.add(*own), c2))), (1, 2, 3))
    return b.squeeze(score, (0,)) if len(b.shape(one(image1)[1])) == 3 else score
