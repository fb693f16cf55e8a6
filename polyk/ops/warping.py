"""Values between the cells of a tensor, and images seen through a map of the plane."""

import itertools
import math
from typing import Any

from polyk import dtypes
from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor, cast, floating, tensors
from polyk.ops.resizing import as_given, images_of

__all__ = ["affine_transform", "map_coordinates", "perspective_transform"]


def _index(b: Any, i: Tensor, n: int, mode: str) -> Tensor:
    """The cell that stands for cell `i`, which may lie outside of an axis of size `n`."""
    if mode == "wrap":
        return b.mod(i, n)
    if mode == "reflect":  # d c b a | a b c d | d c b a
        i = b.mod(i, 2 * n)
        return b.minimum(i, b.subtract(2 * n - 1, i))
    if mode == "mirror" and n > 1:  # d c b | a b c d | c b a
        i = b.mod(i, 2 * n - 2)
        return b.minimum(i, b.subtract(2 * n - 2, i))
    return b.clip(i, 0, n - 1)


_FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def map_coordinates(
    inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: float = 0
) -> Tensor:
    """The values of `inputs` at fractional places: (rank, ...) coordinates to (...).

    `order` 0 takes the nearest cell, 1 interpolates linearly. Outside, `fill_mode` is "constant"
    (`fill_value`), "nearest", "wrap", "mirror" (about the edge cell) or "reflect" (edge cell
    included).
    """
    b, (x, at) = tensors(inputs, coordinates)
    shape, given = b.shape(x), b.shape(at)
    if order not in (0, 1) or fill_mode not in _FILL_MODES or len(given) < 2:
        raise ValueError(
            f"map_coordinates: order must be 0 or 1, fill_mode one of {', '.join(_FILL_MODES)} and "
            f"coordinates (rank, ...); got {order!r}, {fill_mode!r} and {given}."
        )
    if given[0] != len(shape):
        raise ShapeError(f"map_coordinates: {given[0]} coordinates for a tensor {shape}.")
    dtype = b.dtype(x)
    y = x if dtype in dtypes.FLOATS else b.cast(x, dtypes.floatx())
    at = b.cast(at, b.dtype(y)) if b.dtype(at) not in dtypes.FLOATS else at
    columns = b.unstack(cast(b, at, b.dtype(y)), 0)
    nodes = [_nodes(b, c, order) for c in columns]
    flat = b.reshape(y, (math.prod(shape),))
    total = None
    for corner in itertools.product(*nodes):
        part = _corner(b, flat, shape, corner, fill_mode, float(fill_value))
        total = part if total is None else b.add(total, part)
    return as_given(b, total, dtype)


def _nodes(b: Any, at: Tensor, order: int) -> list[tuple[Tensor, Any]]:
    """The cells about `at` along one axis (int32), and the weight of each."""
    if order == 0:
        return [(b.cast(b.floor(b.add(at, 0.5)), "int32"), None)]
    low = b.floor(at)
    share = b.subtract(at, low)
    cell = b.cast(low, "int32")
    return [(cell, b.subtract(1.0, share)), (b.add(cell, 1), share)]


def _corner(
    b: Any, flat: Tensor, shape: tuple[int, ...], corner: Any, mode: str, value: float
) -> Tensor:
    """The share of one of the cells around."""
    place, inside, weight = None, None, None
    for (cell, share), n in zip(corner, shape, strict=True):
        held = _index(b, cell, n, mode)
        place = held if place is None else b.add(b.multiply(place, n), held)
        fits = b.equal(held, cell)
        inside = fits if inside is None else b.logical_and(inside, fits)
        if share is not None:
            weight = share if weight is None else b.multiply(weight, share)
    y = b.take(flat, place, 0)
    y = b.where(inside, y, value) if mode == "constant" else y
    return y if weight is None else b.multiply(y, weight)


def _warp(
    images: Any, transform: Tensor, interpolation: str, fill_mode: str, fill_value: float,
    data_format: str | None, op: str,
) -> Tensor:  # fmt: skip
    """Output cell (x, y) shows the input at ((a0 x + a1 y + a2) / k, (a3 x + a4 y + a5) / k) with
    k = a6 x + a7 y + 1."""
    if interpolation not in ("nearest", "bilinear"):
        raise ValueError(f"{op}: interpolation is 'nearest' or 'bilinear'; got {interpolation!r}.")
    b, x, back = images_of(images, data_format, op)
    b, (x, transform) = tensors(x, transform)
    n, h, w, c = b.shape(x)
    kind = b.dtype(x) if b.dtype(x) in ("float32", "float64") else "float32"
    rows = cast(b, transform, kind)
    rows = b.reshape(rows, (-1 if 0 not in b.shape(rows) else 0, 8, 1, 1))
    a = b.unstack(b.broadcast_to(rows, (n, 8, 1, 1)), 1)
    column = b.reshape(b.arange(0, w, 1, kind), (1, 1, w))
    row = b.reshape(b.arange(0, h, 1, kind), (1, h, 1))

    def plane(i: int, end: Any) -> Tensor:
        return b.add(b.add(b.multiply(a[i], column), b.multiply(a[i + 1], row)), end)

    scale = plane(6, 1.0)
    places = [b.divide(plane(i, a[i + 2]), scale) for i in (3, 0)]
    return back(sampled(b, x, places, interpolation, fill_mode, fill_value))


def sampled(
    b: Any, x: Tensor, places: list[Tensor], interpolation: str, fill_mode: str, fill_value: float
) -> Tensor:
    """Images (N, H, W, C) at the rows and columns `places`, which broadcast to (N, H, W)."""
    n, h, w, c = b.shape(x)
    kind = b.dtype(places[0])
    image = b.reshape(b.arange(0, n, 1, kind), (n, 1, 1))
    full = [b.broadcast_to(p, (n, h, w)) for p in (image, *places)]
    channels = [
        map_coordinates(
            channel, b.stack(full, 0), int(interpolation == "bilinear"), fill_mode, fill_value
        )
        for channel in b.unstack(x, 3)
    ]
    return b.stack(channels, 3)


def affine_transform(
    images: Any, transform: Any, interpolation: str = "bilinear", fill_mode: str = "constant",
    fill_value: float = 0, data_format: str | None = None,
) -> Tensor:  # fmt: skip
    """Images moved by an affine map, given from output to input places.

    `transform` is (8,) or (N, 8), [a0 a1 a2 a3 a4 a5 0 0]: output cell (x, y) shows the input at
    ``(a0 x + a1 y + a2, a3 x + a4 y + a5)``. Interpolation and fill modes as in `map_coordinates`.
    """
    b, a = floating(transform)
    if b.shape(a)[-1:] != (8,) or len(b.shape(a)) > 2:
        raise ShapeError(f"affine_transform: transform must be (8,) or (N, 8); got {b.shape(a)}.")
    return _warp(
        images, a, interpolation, fill_mode, fill_value, data_format, "affine_transform"
    )  # fmt: skip


def perspective_transform(
    images: Any, start_points: Any, end_points: Any, interpolation: str = "bilinear",
    fill_value: float = 0, data_format: str | None = None,
) -> Tensor:  # fmt: skip
    """Images moved so that the four `start_points` come to lie on the `end_points`.

    Points are (x, y), in (4, 2) or (N, 4, 2). What comes from outside is `fill_value`.
    """
    b, (start, end) = tensors(start_points, end_points)
    if b.shape(start) != b.shape(end) or b.shape(start)[-2:] != (4, 2):
        raise ShapeError(f"perspective_transform: points must be (4, 2) or (N, 4, 2) alike; got "
                         f"{b.shape(start)} and {b.shape(end)}.")  # fmt: skip
    start, end = (v if b.dtype(v) == "float64" else cast(b, v, "float32") for v in (start, end))
    return _warp(
        images, _homography(b, start, end), interpolation, "constant", fill_value, data_format,
        "perspective_transform",
    )  # fmt: skip


def _homography(b: Any, start: Tensor, end: Tensor) -> Tensor:
    """The eight numbers of the projective map from `end` to `start`."""
    axis = len(b.shape(start)) - 1
    (sx, sy), (ex, ey) = (b.unstack(v, axis) for v in (start, end))
    zero, unit = b.multiply(ex, 0.0), b.add(b.multiply(ex, 0.0), 1.0)
    tail = [[b.negative(b.multiply(s, e)) for e in (ex, ey)] for s in (sx, sy)]
    rows = [[ex, ey, unit, zero, zero, zero, *tail[0]], [zero, zero, zero, ex, ey, unit, *tail[1]]]
    system = b.concatenate([b.stack(row, axis) for row in rows], axis - 1)
    right = b.expand_dims(b.concatenate([sx, sy], axis - 1), axis)
    return b.squeeze(b.solve(system, right), (axis,))
