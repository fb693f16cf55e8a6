"""Layers that move, repeat, crop, pad and enlarge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from polyk import ops
from polyk.errors import ShapeError
from polyk.layers.arguments import OneLayout, Sizes, known_format, one_of, pairs
from polyk.layers.base import Layer
from polyk.layers.core import positive
from polyk.layers.spec import InputSpec
from polyk.shapes import spread

__all__ = [
    "Cropping1D", "Cropping2D", "Cropping3D", "Flatten", "Permute", "RepeatVector", "Reshape",
    "UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D", "ZeroPadding2D",
    "ZeroPadding3D",
]  # fmt: skip

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class Flatten(Layer):
    """All axes but the batch in one: (N, ...) to (N, product); (N,) to (N, 1)."""

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = known_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        if self.data_format == "channels_first" and len(inputs.shape) > 2:
            inputs = ops.moveaxis(inputs, 1, -1)
        batch, *rest = inputs.shape
        return ops.reshape(inputs, (batch, math.prod(rest)))


class Reshape(Layer):
    """The axes after the batch in another shape; one size may be -1."""

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        if self.target_shape.count(-1) > 1 or any(d < -1 for d in self.target_shape):
            raise ValueError(
                "Reshape: target_shape may have one -1 and no other negative size; "
                f"got {self.target_shape}."
            )

    def call(self, inputs: Any) -> Any:
        batch, *rest = inputs.shape
        size, known = math.prod(rest), math.prod(d for d in self.target_shape if d != -1)
        if size != known and (-1 not in self.target_shape or not known or size % known):
            raise ShapeError(
                f"{self.where()}: cannot reshape {tuple(rest)} (size {size}) to "
                f"{self.target_shape}."
            )
        target = (size // known if d == -1 else d for d in self.target_shape)
        return ops.reshape(inputs, (batch, *target))


class Permute(Layer):
    """The axes after the batch, which count from 1, in another order.

    >>> layers.Permute((2, 1))  # (N, a, b) to (N, b, a)
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"Permute: dims must be 1, 2, ... in some order; got {self.dims}.")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return ops.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """Each vector `n` times: (N, C) to (N, n, C)."""

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = positive(n, "n", self)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)


class _Spatial(Layer):
    """A layer that works on the spatial axes alone."""

    rank = 0

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = known_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _first(self) -> int:
        """The first of the spatial axes."""
        return 2 if self.data_format == "channels_first" else 1

    def _pairs(self, amounts: Any) -> list[tuple[int, int]]:
        """`amounts`, before and after, for all axes: none for batch and channels."""
        spatial = [amounts] if self.rank == 1 else amounts
        return [*((0, 0),) * self._first, *spatial, *((0, 0),) * (2 - self._first)]


class _ZeroPadding(_Spatial):
    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = pairs(padding, self.rank, "padding")

    def call(self, inputs: Any) -> Any:
        return ops.pad(inputs, self._pairs(self.padding))


class ZeroPadding1D(_ZeroPadding):
    """Zeros around the steps of (N, steps, C): an int, or (before, after)."""

    rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images (N, H, W, C): an int, two ints or ((top, bottom), (left, right))."""

    rank = 2


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes (N, D, H, W, C): an int, three ints or three pairs (before, after)."""

    rank = 3


class _Cropping(_Spatial):
    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.cropping = pairs(cropping, self.rank, "cropping")

    def call(self, inputs: Any) -> Any:
        spans = []
        for size, (before, after) in zip(inputs.shape, self._pairs(self.cropping), strict=True):
            if before + after >= size > 0:
                raise ShapeError(
                    f"{self.where()}: cropping {self.cropping} leaves nothing of an input "
                    f"{tuple(inputs.shape)}."
                )
            spans.append(slice(before, size - after))
        return ops.get_item(inputs, tuple(spans))


class Cropping1D(OneLayout, _Cropping):
    """Steps cut off (N, steps, C): an int, or (at the beginning, at the end)."""

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping, **kwargs)


class Cropping2D(_Cropping):
    """Rows and columns cut off images (N, H, W, C): an int, two ints or two pairs."""

    rank = 2

    def __init__(self, cropping: Any = 0, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Cells cut off volumes (N, D, H, W, C): an int, three ints or three pairs."""

    rank = 3


def _repeated(x: Any, factors: Sequence[int], first: int) -> Any:
    """Each cell as often as `factors` say along the axes from `first` on, by one broadcast."""
    before, sizes = x.shape[:first], x.shape[first : first + len(factors)]
    after = x.shape[first + len(factors) :]
    narrow = [d for size in sizes for d in (size, 1)]
    wide = [d for pair in zip(sizes, factors, strict=True) for d in pair]
    large = [size * factor for size, factor in zip(sizes, factors, strict=True)]
    x = ops.broadcast_to(ops.reshape(x, (*before, *narrow, *after)), (*before, *wide, *after))
    return ops.reshape(x, (*before, *large, *after))


class UpSampling1D(OneLayout, _Spatial):
    """Each step `size` times: (N, steps, C) to (N, steps * size, C)."""

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = positive(size, "size", self)

    def call(self, inputs: Any) -> Any:
        return _repeated(inputs, (self.size,), 1)


class UpSampling2D(_Spatial):
    """Images enlarged `size` times: (N, H, W, C) to (N, H * size[0], W * size[1], C)."""

    rank = 2

    def __init__(
        self,
        size: Sizes = 2,
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.size = spread(size, 2, "size")
        self.interpolation = one_of(interpolation, "interpolation", INTERPOLATIONS)

    def call(self, inputs: Any) -> Any:
        if self.interpolation == "nearest":
            return _repeated(inputs, self.size, self._first)
        sizes = inputs.shape[self._first : self._first + 2]
        new = tuple(n * factor for n, factor in zip(sizes, self.size, strict=True))
        return ops.image.resize(inputs, new, self.interpolation, data_format=self.data_format)


class UpSampling3D(_Spatial):
    """Each cell of volumes `size` times along each axis: (N, D, H, W, C)."""

    rank = 3

    def __init__(self, size: Sizes = 2, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.size = spread(size, 3, "size")

    def call(self, inputs: Any) -> Any:
        return _repeated(inputs, self.size, self._first)
