"""Images: resizing, warping, colors, patches, filters; each reference is a loop over places."""

import itertools
import math

import numpy as np

from polyk_conformance import oracle
from polyk_conformance.bounded import Bounded
from polyk_conformance.cases.case import array, first, floated, floats, ints, table

IMAGES = floats(2, 5, 4, 3, seed=1, lo=0.0, hi=1.0)
PLANE = floats(4, 5, seed=2)


def near(value, x, terms=64):
    """Sums of some `terms` products of shares and cells."""
    return Bounded(value, terms * abs(x).max() + 0 * value)


def kernel(method, x):
    x = abs(x)
    if method == "bilinear":
        return max(0.0, 1 - x)
    if method == "bicubic":
        near_part, far_part = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
        return near_part if x < 1 else far_part if x < 2 else 0.0
    radius = int(method[-1])
    return float(np.sinc(x) * np.sinc(x / radius)) if x < radius else 0.0


def line(x, out, method, antialias):
    """A vector of cells resized: each new cell a normalized sum of those its kernel reaches."""
    n = len(x)
    y = []
    for i in range(out):
        place = (i + 0.5) * n / out - 0.5
        if method == "nearest":
            y.append(x[min(math.floor((i + 0.5) * n / out), n - 1)])
            continue
        width = max(n / out, 1.0) if antialias else 1.0
        shares = np.array([kernel(method, (place - j) / width) for j in range(n)])
        y.append((shares / shares.sum()) @ x)
    return np.array(y)


@oracle.either_format
def resize(x, size, interpolation="bilinear", antialias=False):
    y = x.astype(float)
    for axis, out in zip((1, 2), size, strict=True):
        y = np.apply_along_axis(line, axis, y, out, interpolation, antialias)
    return y if interpolation == "nearest" else near(y, x)


def _resizes():
    rows = [
        (f"{m}-{how}", IMAGES, size, {"interpolation": m})
        for m in ("nearest", "bilinear", "bicubic", "lanczos3")
        for how, size in (("up", (7, 6)), ("down", (3, 2)))
    ]  # fmt: skip
    anti = ("antialias", IMAGES, (2, 3), {"antialias": True})
    forward = ("channels-first", np.moveaxis(IMAGES, -1, 1), (3, 6),
               {"data_format": "channels_first"})  # fmt: skip

    def whole(x, size):
        return np.rint(resize(x, size).v)

    def moved(x, shape, scale, translation, dims, method, antialias=True):
        places = (np.arange(shape[1]) + 0.5 - translation[0]) / scale[0] - 0.5
        y = np.zeros((x.shape[0], shape[1]))
        for i, p in enumerate(places):
            shares = np.array([kernel("bilinear", p - j) for j in range(x.shape[1])])
            if -0.5 <= p <= x.shape[1] - 0.5:
                y[:, i] = x @ (shares / shares.sum())
        return near(y, x)

    return [
        *table("image.resize", resize, first, *rows, anti, forward),
        *table("image.resize", whole, first, ("ints", ints(1, 4, 4, 1, lo=0, hi=255), (3, 5))),
        *table("image.resize", resize, first, ("smooth", *rows[4][1:]), smooth=(0,)),
        *table(
            "image.scale_and_translate", moved, floated,
            ("columns", PLANE, (4, 7), array([1.3]), array([-0.5]), (1,), "linear",
             {"antialias": False}), static=True,
        ),
    ]  # fmt: skip


def reflected(i, n, mode):
    """The cell that stands for cell i."""
    if mode == "wrap":
        return i % n
    if mode == "reflect":
        i %= 2 * n
        return min(i, 2 * n - 1 - i)
    if mode == "mirror":
        i %= 2 * n - 2
        return min(i, 2 * n - 2 - i)
    return min(max(i, 0), n - 1)


def map_coordinates(x, coordinates, order, fill_mode="constant", fill_value=0):
    y = np.zeros(coordinates.shape[1:])
    for place in np.ndindex(y.shape):
        at = coordinates[(slice(None), *place)]
        low = np.floor(at + 0.5 if order == 0 else at).astype(int)
        for corner in itertools.product((0, 1), repeat=x.ndim if order else 0):
            step = np.array(corner) if order else 0
            share = np.prod(np.where(step == 1, at - low, 1 - (at - low))) if order else 1.0
            cell = low + step
            held = tuple(
                reflected(int(c), n, fill_mode) for c, n in zip(cell, x.shape, strict=True)
            )
            outside = fill_mode == "constant" and held != tuple(cell)
            y[place] += share * (fill_value if outside else x[held])
    return Bounded(y, 64 * abs(x).max() * (1 + abs(coordinates).max()) + 0 * y)


def warped(x, transforms, order):
    """Each image through a map of the plane (eight numbers)."""
    y = np.zeros(x.shape)
    n, h, w, c = x.shape
    for image in range(n):
        a = transforms[image % len(transforms)]
        column, row = np.meshgrid(np.arange(w), np.arange(h))
        k = a[6] * column + a[7] * row + 1
        at = [(a[i] * column + a[i + 1] * row + a[i + 2]) / k for i in (3, 0)]
        for channel in range(c):
            y[image, ..., channel] = map_coordinates(x[image, ..., channel], np.stack(at), order).v
    return near(y, x, 4096)


def _warps():
    at = floats(2, 6, seed=3, lo=-5.0, hi=9.0)
    modes = ("constant", "nearest", "wrap", "mirror", "reflect")
    turn = array([[0.9, 0.2, 0.3, -0.1, 1.1, -0.4, 0, 0], [1, 0, 1, 0, 1, 1, 0, 0]])
    corners = array([[0, 0], [0, 4], [3, 0], [3, 4]])
    moved = array([[0.3, 0], [0, 3.6], [3, 0.5], [2.7, 4]])

    def affine(x, transform, interpolation="bilinear"):
        return warped(x, transform, int(interpolation == "bilinear"))

    def perspective(x, start, end):
        rows = []
        for (sx, sy), (ex, ey) in zip(start, end, strict=True):
            rows.append(([ex, ey, 1, 0, 0, 0, -sx * ex, -sx * ey], sx))
            rows.append(([0, 0, 0, ex, ey, 1, -sy * ex, -sy * ey], sy))
        return warped(x, [np.linalg.solve(*map(np.array, zip(*rows, strict=True)))], 1)

    return [
        *table(
            "image.map_coordinates", map_coordinates, first,
            *((m, PLANE, at, 1, {"fill_mode": m, "fill_value": 0.3}) for m in modes),
            ("nearest-cell", PLANE, at, 0, {"fill_mode": "nearest"}),
        ),
        *table("image.map_coordinates", map_coordinates, first, ("smooth", PLANE, at, 1),
               smooth=(0, 1)),
        *table("image.affine_transform", affine, first, ("two", IMAGES, turn),
               ("cells", IMAGES, turn[1:], {"interpolation": "nearest"})),
        *table("image.affine_transform", affine, first, ("smooth", IMAGES, turn[:1]), smooth=(0,)),
        *table("image.perspective_transform", perspective, first, ("corners", IMAGES, corners,
                                                                   moved)),
        *table("image.elastic_transform", lambda x, **_: x, first,
               ("still", IMAGES, {"alpha": 0.0, "seed": 1})),
    ]  # fmt: skip


def _colors():
    import colorsys

    def each(f):
        return lambda x: near(np.apply_along_axis(lambda c: np.array(f(*c)), -1, x), x)

    def gray(x):
        return near((x * [0.2989, 0.5870, 0.1140]).sum(-1, keepdims=True), x)

    primaries = np.array(list(itertools.product((0, 0.5, 1), repeat=3)), "f4").reshape(1, 3, 9, 3)
    return [
        *table("image.rgb_to_grayscale", gray, first, ("floats", IMAGES)),
        *table("image.rgb_to_grayscale", lambda x: np.rint(gray(x).v), first,
               ("ints", ints(2, 2, 3, lo=0, hi=255, dtype="uint8"))),
        *table("image.rgb_to_hsv", each(colorsys.rgb_to_hsv), first, ("floats", IMAGES),
               ("primaries", primaries)),
        *table("image.hsv_to_rgb", each(colorsys.hsv_to_rgb), first, ("floats", IMAGES)),
        *table("image.rgb_to_grayscale", gray, first, ("smooth", IMAGES), smooth=(0,)),
        *table("image.rgb_to_hsv", each(colorsys.rgb_to_hsv), first, ("smooth", IMAGES[:1]),
               smooth=(0,)),
    ]  # fmt: skip


def patches(x, size, strides=None, dilation_rate=1, padding="valid"):
    n = x.ndim - 2
    window = [size] * n if isinstance(size, int) else size
    where = oracle.geometry(x, window, window if strides is None else strides, padding,
                            dilation_rate)  # fmt: skip
    y = np.zeros((x.shape[0], *where[-1], math.prod(window) * x.shape[-1]), x.dtype)
    for place, patch in oracle.patches(x, window, where, 0):
        y[(slice(None), *place)] = patch.reshape(len(x), -1)
    return y


def blurred(x, kernel_size=(3, 3), sigma=(1.0, 1.0)):
    column, row = (
        np.exp(-0.5 * ((np.arange(k) - (k - 1) / 2) / s) ** 2)
        for k, s in zip(kernel_size, sigma, strict=True)
    )
    kernel = np.outer(column / column.sum(), row / row.sum())
    channels = x.shape[-1]
    kernel = np.broadcast_to(kernel[..., None, None], (*kernel_size, 1, channels))
    pads = [((k - 1) // 2, k // 2) for k in kernel_size]
    return near(oracle.conv(x, kernel, padding=pads).v, x)


def _filters():
    volume = floats(1, 4, 3, 4, 2, seed=5)
    big = floats(1, 12, 11, 1, seed=6, lo=0.1, hi=1.0)

    def cut(x, top_cropping, left_cropping, target_height, target_width):
        return x[:, top_cropping:, left_cropping:][:, :target_height, :target_width]

    def grown(x, top_padding, right_padding, target_height, target_width):
        wide = ((0, 0), (top_padding, target_height - x.shape[1] - top_padding),
                (target_width - x.shape[2] - right_padding, right_padding), (0, 0))  # fmt: skip
        return np.pad(x, wide)

    def sobel(x):
        wide = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect")
        smooth, slope = np.array([1.0, 2, 1]), np.array([-1.0, 0, 1])
        kernels = np.outer(slope, smooth), np.outer(smooth, slope)
        edges = [
            oracle.conv(wide, np.broadcast_to(k[..., None, None], (3, 3, 1, x.shape[-1]))).v
            for k in kernels
        ]  # fmt: skip
        return near(np.stack(edges, -1), x)

    return [
        *table("image.extract_patches", patches, first, ("tiles", IMAGES, (2, 2)),
               ("same", IMAGES, 3, {"strides": 2, "padding": "same"}),
               ("dilated", IMAGES, 2, {"strides": 1, "dilation_rate": 2})),
        *table("image.extract_patches", patches, first, ("smooth", IMAGES, 2), smooth=(0,)),
        *table("image.extract_patches_3d", patches, first, ("blocks", volume, (2, 1, 2))),
        *table("image.crop_images", cut, first, ("corner", IMAGES, {
            "top_cropping": 1, "left_cropping": 2, "target_height": 3, "target_width": 2})),
        *table("image.pad_images", grown, first, ("around", IMAGES, {
            "top_padding": 1, "right_padding": 2, "target_height": 8, "target_width": 7})),
        *table("image.gaussian_blur", blurred, first, ("plain", IMAGES),
               ("oblong", IMAGES, {"kernel_size": (3, 5), "sigma": (0.5, 2.0)})),
        *table("image.gaussian_blur", blurred, first, ("smooth", IMAGES), smooth=(0,)),
        *table("image.sobel_edges", sobel, first, ("plain", IMAGES)),
        *table("image.ssim", lambda x, y: Bounded(np.ones(1), 4096.0), first,
               ("equal", big, big)),
    ]  # fmt: skip


CASES = [c for f in (_resizes, _warps, _colors, _filters) for c in f()]
