"""Random movements of images: flipped, turned, enlarged, shifted, skewed, cut, distorted."""

from __future__ import annotations

import math
from typing import Any

from polyk import ops, random
from polyk.layers.arguments import one_of
from polyk.layers.core import positive
from polyk.layers.preprocessing.images import RandomImageLayer, factor_range
from polyk.layers.preprocessing.sizes import fitted, known_size
from polyk.ops.dispatch import one
from polyk.ops.warping import sampled

__all__ = [
    "RandomCrop", "RandomElasticTransform", "RandomFlip", "RandomPerspective", "RandomRotation",
    "RandomShear", "RandomTranslation", "RandomZoom",
]  # fmt: skip

_FILLS = ("reflect", "wrap", "constant", "nearest")
_SAMPLINGS = ("nearest", "bilinear")


class RandomFlip(RandomImageLayer):
    """Mirror half of the images: "horizontal" (left to right), "vertical", or both at once with
    "horizontal_and_vertical"."""

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        known = ("horizontal", "vertical", "horizontal_and_vertical")
        self.mode = one_of(mode, "mode", known)

    def transform(self, images: Any) -> Any:
        axes = [a for a, name in ((2, "horizontal"), (1, "vertical")) if name in self.mode]
        flipped = ops.flip(images, axes)
        return ops.where(ops.less_equal(self.draw(images), 0.5), flipped, images)


class _Moved(RandomImageLayer):
    """Images seen through an affine map of their own.

    What comes from outside is as `fill_mode` says: "reflect", "wrap", "nearest", or "constant"
    with `fill_value`.
    """

    def __init__(
        self,
        fill_mode: str,
        interpolation: str,
        seed: int | None,
        fill_value: float,
        data_format: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.fill_mode = one_of(fill_mode, "fill_mode", _FILLS)
        self.interpolation = one_of(interpolation, "interpolation", _SAMPLINGS)
        self.fill_value = fill_value

    def matrix(self, images: Any) -> list[Any]:
        """[a0 a1 a2 b0 b1 b2], each a number or (N, 1): output cell (x, y) shows the input at
        ``(a0 x + a1 y + a2, b0 x + b1 y + b2)``."""
        raise NotImplementedError

    def transform(self, images: Any) -> Any:
        n = ops.shape(images)[0]
        columns = [
            ops.full((n, 1), v, dtype=self.compute_dtype) if isinstance(v, float) else v
            for v in (*self.matrix(images), 0.0, 0.0)
        ]
        return ops.image.affine_transform(
            images, ops.concatenate(columns, 1), self.interpolation, self.fill_mode,
            self.fill_value, "channels_last",
        )  # fmt: skip


class RandomRotation(_Moved):
    """Turn images about their middle by `factor` of a full turn: 0.1, or (-0.1, 0.1), is up to 36
    degrees either way."""

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = factor_range(factor, "factor")

    def matrix(self, images: Any) -> list[Any]:
        height, width = known_size(self, images)
        cx, cy = (width - 1) / 2, (height - 1) / 2
        angle = self.draw(images, self.factor, 1, scale=2 * math.pi)
        cos, sin = ops.cos(angle), ops.sin(angle)
        right = ops.subtract(cx, ops.subtract(ops.multiply(cos, cx), ops.multiply(sin, cy)))
        down = ops.subtract(cy, ops.add(ops.multiply(sin, cx), ops.multiply(cos, cy)))
        return [cos, ops.negative(sin), right, sin, cos, down]


class RandomZoom(_Moved):
    """Show images from `height_factor` nearer (below 0) or farther: -0.2 enlarges by a fifth.

    Without `width_factor` the proportions are kept.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = factor_range(height_factor, "height_factor")
        self._width = None if width_factor is None else factor_range(width_factor, "width_factor")

    def matrix(self, images: Any) -> list[Any]:
        height, width = known_size(self, images)
        rows = columns = ops.add(1.0, self.draw(images, self._height, 1))
        if self._width is not None:
            columns = ops.add(1.0, self.draw(images, self._width, 1))
        right = ops.multiply(ops.subtract(1.0, columns), (width - 1) / 2)
        down = ops.multiply(ops.subtract(1.0, rows), (height - 1) / 2)
        return [columns, 0.0, right, 0.0, rows, down]


class RandomTranslation(_Moved):
    """Shift images by `height_factor` of their height (down) and `width_factor` of their width (to
    the right)."""

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = factor_range(height_factor, "height_factor")
        self._width = factor_range(width_factor, "width_factor")

    def matrix(self, images: Any) -> list[Any]:
        height, width = known_size(self, images)
        down = ops.multiply(self.draw(images, self._height, 1), -float(height))
        right = ops.multiply(self.draw(images, self._width, 1), -float(width))
        return [1.0, 0.0, right, 0.0, 1.0, down]


class RandomShear(_Moved):
    """Skew images, to either side: ``x + sx y`` with sx from `x_factor`, ``y + sy x`` with sy from
    `y_factor`, both of one sign."""

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor = factor_range(x_factor, "x_factor", 0.0)
        self.y_factor = factor_range(y_factor, "y_factor", 0.0)

    def matrix(self, images: Any) -> list[Any]:
        sign = ops.reshape(self.sign(images), (-1, 1))
        down = ops.multiply(sign, self.draw(images, self.y_factor, 1))
        right = ops.multiply(sign, self.draw(images, self.x_factor, 1))
        return [1.0, right, 0.0, down, 1.0, 0.0]


class RandomCrop(RandomImageLayer):
    """A part of `height` by `width` from each image, from anywhere.

    Outside of training, and of images that are not larger, it is the middle part of these
    proportions, resized.
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.height = positive(height, "height", self)
        self.width = positive(width, "width", self)

    def rest(self, images: Any) -> Any:
        return fitted(images, self.height, self.width)

    def transform(self, images: Any) -> Any:
        have = known_size(self, images)
        if have[0] < self.height or have[1] < self.width:
            return self.rest(images)
        x = images
        for axis, size, total in ((1, self.height, have[0]), (2, self.width, have[1])):
            start = ops.floor(self.draw(images, (0, total - size + 1)))
            shape = [1, 1, 1, 1]
            shape[axis] = size
            places = ops.add(ops.cast(start, "int32"), ops.reshape(ops.arange(size), shape))
            wanted = list(ops.shape(x))
            wanted[axis] = size
            x = ops.take_along_axis(x, ops.broadcast_to(places, wanted), axis)
        return x


class RandomPerspective(RandomImageLayer):
    """See images from aside: the corners move by up to half of `scale` of their distance from the
    first one, with a probability from `factor`."""

    def __init__(
        self,
        factor: Any = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.factor = factor_range(factor, "factor", 0.0)
        self.scale = factor_range(scale, "scale", 0.0)[1]
        self.interpolation = one_of(interpolation, "interpolation", _SAMPLINGS)
        self.fill_value = fill_value

    def transform(self, images: Any) -> Any:
        height, width = known_size(self, images)
        chosen = self.chance(images, self.factor)
        shift = self.draw(images, (-0.5, 0.5), 4, 2, scale=self.scale)
        corners = [[x, y] for y in (0.0, height - 1.0) for x in (0.0, width - 1.0)]
        start = ops.broadcast_to(
            ops.convert_to_tensor([corners], self.compute_dtype), ops.shape(shift)
        )
        end = ops.add(start, ops.multiply(start, shift))
        seen = ops.image.perspective_transform(
            images, start, end, self.interpolation, self.fill_value, "channels_last"
        )
        return ops.where(chosen, seen, images)


class RandomElasticTransform(RandomImageLayer):
    """Distort images smoothly, with a probability from `factor`, as strongly as `scale` says.

    Displacements are up to about a tenth of the image, smooth on a twentieth of it. Source:
    P. Simard et al., 2003.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.factor = factor_range(factor, "factor", 0.0)
        self.scale = factor_range(scale, "scale", 0.0)
        self.interpolation = one_of(interpolation, "interpolation", _SAMPLINGS)
        self.fill_mode = one_of(fill_mode, "fill_mode", (*_FILLS, "mirror"))
        self.fill_value, self.value_range = fill_value, value_range

    def transform(self, images: Any) -> Any:
        if not self.scale[1] or not self.factor[1]:
            return images
        height, width = known_size(self, images)
        chosen, strength = self.chance(images, self.factor), self.draw(images, self.scale)
        sigma = ops.maximum(ops.multiply(strength, 0.05 * min(height, width)), 1e-3)
        shape = (*ops.shape(images)[:3], 2)
        field = random.normal(shape, dtype=self._wide(), seed=self.seed_generator)
        field = ops.multiply(ops.cast(field, self.compute_dtype), sigma)
        largest = int(6 * self.scale[1] * 0.05 * min(height, width)) | 1
        field = ops.multiply(
            _smooth(field, sigma, largest), ops.multiply(strength, 0.1 * max(height, width))
        )
        b, x = one(images)
        places = [
            ops.add(ops.reshape(ops.arange(n, dtype=self.compute_dtype), form), field[..., i])
            for i, (n, form) in enumerate(((height, (1, -1, 1)), (width, (1, 1, -1))))
        ]
        moved = sampled(b, x, places, self.interpolation, self.fill_mode, self.fill_value)
        return ops.clip(ops.where(chosen, moved, images), *map(float, self.value_range))

    def _wide(self) -> str:
        return "float64" if self.compute_dtype == "float64" else "float32"


def _smooth(field: Any, sigma: Any, size: int) -> Any:
    """(N, H, W, C) averaged along rows and columns by a bell of `sigma` (N, 1, 1, 1)."""
    places = [i - size // 2 for i in range(size)]
    bells = [ops.exp(ops.multiply(ops.square(ops.divide(float(p), sigma)), -0.5)) for p in places]
    total = sum(bells[1:], bells[0])
    for axis in (1, 2):
        pads = [(size // 2,) * 2 if a == axis else (0, 0) for a in range(4)]
        padded, n = ops.pad(field, pads), ops.shape(field)[axis]
        parts = [
            ops.multiply(padded[:, i : i + n] if axis == 1 else padded[:, :, i : i + n], bell)
            for i, bell in enumerate(bells)
        ]
        field = ops.divide(sum(parts[1:], parts[0]), total)
    return field
