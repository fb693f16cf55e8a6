"""Images of another size: a product with one matrix an axis, built on the host from shapes alone.

The center of cell i lies at ``i + 0.5`` (half-pixel centers).
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from polyk import dtypes
from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor, cast, floating, one
from polyk.shapes import axis_tuple

__all__ = ["resize", "scale_and_translate"]

Array = Any


def images_of(images: Any, data_format: str | None, op: str) -> tuple[Any, Tensor, Any]:
    """The backend, images as (N, H, W, C), and how to bring a result back to the form given."""
    from polyk.ops.conv import _channels_first, _to_first, _to_last

    b, x = one(images)
    first, rank = _channels_first(data_format), len(b.shape(x))
    if rank not in (3, 4):
        raise ShapeError(f"{op} needs images (H, W, C) or (N, H, W, C); got shape {b.shape(x)}.")
    x = _to_last(b, b.expand_dims(x, 0) if rank == 3 else x, first)

    def back(y: Tensor) -> Tensor:
        y = _to_first(b, y, first)
        return b.squeeze(y, (0,)) if rank == 3 else y

    return b, x, back


def as_given(b: Any, y: Tensor, dtype: str) -> Tensor:
    """The float `y` in `dtype`: ints are rounded and held within range."""
    if dtype in dtypes.FLOATS:
        return cast(b, y, dtype)
    from polyk.ops.special import saturate_cast

    return saturate_cast(b.round(y), dtype)


# Kernels of a distance in cells, on NumPy arrays.


def _lanczos(radius: int) -> Callable[[Array], Array]:
    import numpy as np

    return lambda x: np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0.0)


def _cubic(a: float) -> Callable[[Array], Array]:
    """R. G. Keys, 1981; `a` is -0.5 there, -0.75 in some libraries."""
    import numpy as np

    def kernel(x: Array) -> Array:
        near = ((a + 2) * x - (a + 3)) * x * x + 1
        far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
        return np.where(x < 1, near, np.where(x < 2, far, 0.0))

    return kernel


def _kernel(method: str, coefficient: float) -> tuple[Callable[[Array], Array], int]:
    """The kernel and how many cells it reaches."""
    import numpy as np

    if method in ("bilinear", "linear", "trilinear", "triangle"):
        return lambda x: np.maximum(0.0, 1.0 - x), 1
    if method in ("bicubic", "cubic", "tricubic"):
        return _cubic(coefficient), 2
    if method in ("lanczos3", "lanczos5"):
        return _lanczos(int(method[-1])), int(method[-1])
    raise ValueError(
        "interpolation must be nearest, bilinear, bicubic, lanczos3, lanczos5 or area; "
        f"got {method!r}."
    )


def _places(n: int, out: int, coordinates: str) -> Array:
    """Where each cell of the result lies among those of the input (ONNX's Resize names these)."""
    import numpy as np

    i = np.arange(out, dtype=np.float64)
    if coordinates == "half_pixel":
        return (i + 0.5) * (n / out) - 0.5
    if coordinates == "pytorch_half_pixel":
        return (i + 0.5) * (n / out) - 0.5 if out > 1 else i * 0.0
    if coordinates == "align_corners":
        return i * ((n - 1) / (out - 1)) if out > 1 else i * 0.0
    if coordinates == "asymmetric":
        return i * (n / out)
    raise ValueError(
        "coordinates must be half_pixel, pytorch_half_pixel, align_corners or asymmetric; "
        f"got {coordinates!r}."
    )


def _weights(places: Array, n: int, kernel: Any, width: float, clamp: bool) -> Array:
    """(out, n): the share of each cell. At the edges what lies outside is left out, or with `clamp`
    the edge cell stands for it."""
    import numpy as np

    function, reach = kernel
    far = math.ceil(reach * width) + 1 if clamp else 0
    cells = np.arange(-far, n + far)
    shares = function(abs(places[:, None] - cells) / width)
    total = shares.sum(1, keepdims=True)
    shares = np.where(abs(total) > 1e-12, shares / np.where(total == 0, 1, total), 0.0)
    if far:
        folded = np.zeros((len(places), n))
        np.add.at(folded.T, np.clip(cells, 0, n - 1), shares.T)
        return folded
    inside = (places >= -0.5) & (places <= n - 0.5)
    return np.where(inside[:, None], shares, 0.0)


def _area(n: int, out: int) -> Array:
    """(out, n): how much of each cell an even share of the axis covers."""
    import numpy as np

    edges = np.arange(out + 1) * (n / out)
    low, high = edges[:-1, None], edges[1:, None]
    cells = np.arange(n)
    covered = np.clip(np.minimum(high, cells + 1) - np.maximum(low, cells), 0, None)
    return covered / (n / out)


@lru_cache(64)
def _matrix(
    n: int, out: int, method: str, antialias: bool, coordinates: str, coefficient: float,
    clamp: bool,
) -> Array:  # fmt: skip
    if method == "area":
        return _area(n, out)
    width = max(n / out, 1.0) if antialias else 1.0
    kernel = _kernel(method, coefficient)
    return _weights(_places(n, out, coordinates), n, kernel, width, clamp)


def _along(b: Any, x: Tensor, axis: int, matrix: Array) -> Tensor:
    """`x` with its `axis` multiplied by `matrix` (out, n)."""
    shape = b.shape(x)
    lead, rest = shape[:axis], shape[axis + 1 :]
    rows = b.reshape(x, (math.prod(lead), shape[axis], math.prod(rest)))
    y = b.matmul(b.cast(b.constant(matrix), b.dtype(x)), rows)
    return b.reshape(y, (*lead, len(matrix), *rest))


_ROUND = {
    "floor": lambda p: math.floor(p),
    "ceil": lambda p: math.ceil(p),
    "round_prefer_floor": lambda p: math.ceil(p - 0.5),
    "round_prefer_ceil": lambda p: math.floor(p + 0.5),
}


def _nearest(b: Any, x: Tensor, axis: int, out: int, coordinates: str, rounding: str) -> Tensor:
    import numpy as np

    n = b.shape(x)[axis]
    places = _places(n, out, coordinates)
    source = np.clip([_ROUND[rounding](p) for p in places.tolist()], 0, n - 1).astype(np.int32)
    return b.take(x, b.constant(source), axis)


def resize(
    images: Any, size: Sequence[int], interpolation: str = "bilinear", antialias: bool = False,
    crop_to_aspect_ratio: bool = False, pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant", fill_value: float = 0.0, data_format: str | None = None, *,
    coordinates: str = "half_pixel", rounding: str = "round_prefer_ceil",
    cubic_coefficient: float = -0.5, clamp_edges: bool = False,
) -> Tensor:  # fmt: skip
    """Images of another `size` (height, width), in their own dtype; ints are rounded.

    `interpolation` is "nearest", "bilinear", "bicubic", "lanczos3", "lanczos5" or "area".
    `antialias` widens the kernel where an image shrinks. The aspect ratio can be kept by cutting
    the image first, or by padding it with `fill_value`.

    ONNX's variants: `coordinates` "half_pixel", "pytorch_half_pixel", "align_corners" or
    "asymmetric"; `rounding` of "nearest" to "floor", "ceil", "round_prefer_floor" or
    "round_prefer_ceil"; the `cubic_coefficient`; `clamp_edges` repeats the edge cells, which are
    else left out.
    """
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("resize: choose one of crop_to_aspect_ratio and pad_to_aspect_ratio.")
    if fill_mode != "constant":
        raise ValueError(f"resize: fill_mode must be 'constant'; got {fill_mode!r}.")
    b, x, back = images_of(images, data_format, "resize")
    height, width = (int(d) for d in size)
    if crop_to_aspect_ratio or pad_to_aspect_ratio:
        x = _fitted(b, x, height, width, pad_to_aspect_ratio, fill_value)
    if interpolation == "nearest":
        for axis, out in ((1, height), (2, width)):
            x = _nearest(b, x, axis, out, coordinates, rounding)
        return back(x)
    dtype = b.dtype(x)
    y = x if dtype in dtypes.FLOATS else b.cast(x, dtypes.floatx())
    for axis, out in ((1, height), (2, width)):
        n = b.shape(x)[axis]
        if n != out or coordinates != "half_pixel":
            options = (antialias, coordinates, float(cubic_coefficient), clamp_edges)
            y = _along(b, y, axis, _matrix(n, out, interpolation, *options))
    return back(as_given(b, y, dtype))


def _fitted(b: Any, x: Tensor, height: int, width: int, grow: bool, value: float) -> Tensor:
    """`x` cut (or padded, to `grow`) about its middle to the proportions of the size asked for."""
    _, h, w, _ = b.shape(x)
    pick = max if grow else min
    sizes = pick(h, int(w * height / width)), pick(w, int(h * width / height))
    if not grow:
        (top, left) = ((n - max(s, 1)) // 2 for n, s in zip((h, w), sizes, strict=True))
        x = b.getitem(x, b._span(x, 1, top, top + max(sizes[0], 1)))
        return b.getitem(x, b._span(x, 2, left, left + max(sizes[1], 1)))
    pads = [((s - n) // 2,) * 2 for n, s in zip((h, w), sizes, strict=True)]
    return b.pad(x, ((0, 0), *pads, (0, 0)), dtypes.PYTHON[b.dtype(x)](value))


def scale_and_translate(
    images: Any, output_shape: Sequence[int], scale: Any, translation: Any,
    spatial_dims: Sequence[int], method: str, antialias: bool = True,
) -> Tensor:  # fmt: skip
    """Each of `spatial_dims` scaled and moved: cell x of the input is at ``x * scale +
    translation`` of the output, whose other cells are 0. `method` as in `resize`.

    `scale` and `translation`, one number for each axis, must be known, for they make matrices.
    """
    import numpy as np

    from polyk.select import to_numpy

    b, x = floating(images)
    for axis, s, t in zip(
        axis_tuple(spatial_dims, len(b.shape(x))), to_numpy(scale), to_numpy(translation),
        strict=True,
    ):  # fmt: skip
        n, out = b.shape(x)[axis], output_shape[axis]
        places = (np.arange(out) + 0.5 - float(t)) / float(s) - 0.5
        width = max(1 / abs(float(s)), 1.0) if antialias else 1.0
        x = _along(b, x, axis, _weights(places, n, _kernel(method, -0.5), width, clamp=False))
    return x
