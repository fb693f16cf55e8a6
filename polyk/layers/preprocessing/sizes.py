"""Images of one size: resized, or cut from the middle."""

from __future__ import annotations

from typing import Any

from polyk import ops
from polyk.errors import ShapeError
from polyk.layers.arguments import one_of
from polyk.layers.core import positive
from polyk.layers.preprocessing.images import ImageLayer

__all__ = ["CenterCrop", "Resizing"]

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area")


def fitted(images: Any, height: int, width: int) -> Any:
    """The largest part about the middle of images (N, H, W, C) that has the proportions of `height`
    and `width`, resized to them."""
    return ops.image.resize(
        images, (height, width), crop_to_aspect_ratio=True, data_format="channels_last"
    )


class Resizing(ImageLayer):
    """Images of another size, by `polyk.ops.image.resize`; ints stay ints.

    The aspect ratio can be kept by cutting the image first, or by padding it with `fill_value`.
    """

    keeps_ints = True

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.height = positive(height, "height", self)
        self.width = positive(width, "width", self)
        self.interpolation = one_of(interpolation, "interpolation", INTERPOLATIONS)
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode, self.fill_value, self.antialias = fill_mode, fill_value, antialias

    def transform(self, images: Any) -> Any:
        return ops.image.resize(
            images, (self.height, self.width), self.interpolation, self.antialias,
            self.crop_to_aspect_ratio, self.pad_to_aspect_ratio, self.fill_mode, self.fill_value,
            data_format="channels_last",
        )  # fmt: skip


class CenterCrop(ImageLayer):
    """The middle `height` by `width` of images; smaller images are resized, their proportions kept
    by cutting them first."""

    def __init__(
        self, height: int, width: int, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.height = positive(height, "height", self)
        self.width = positive(width, "width", self)

    def transform(self, images: Any) -> Any:
        top, left = (
            (have - want) // 2
            for have, want in zip(known_size(self, images), (self.height, self.width), strict=True)
        )
        if top < 0 or left < 0:
            return fitted(images, self.height, self.width)
        return images[:, top : top + self.height, left : left + self.width, :]


def known_size(layer: Any, images: Any) -> tuple[int, int]:
    """Height and width of images (N, H, W, C)."""
    height, width = ops.shape(images)[1:3]
    if height is None or width is None:
        raise ShapeError(f"{layer.where()}: height and width must be known.")
    return height, width
