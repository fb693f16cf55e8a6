"""Random changes of light and color."""

from __future__ import annotations

from typing import Any

from polyk import config as settings
from polyk import ops, random
from polyk.layers.preprocessing.images import (
    RandomImageLayer,
    blend,
    factor_range,
    rescaled,
    value_range_of,
)

__all__ = [
    "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast",
    "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPosterization", "RandomSaturation",
    "Solarization",
]  # fmt: skip

_STEPS = [2.0 ** (8 - bits) for bits in range(9)]  # between the values that so many bits tell apart


class _Recolored(RandomImageLayer):
    """A random layer on pixels within `value_range`."""

    def __init__(
        self,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.value_range = value_range_of(value_range)

    def held(self, images: Any) -> Any:
        """`images` held within the range."""
        return ops.clip(images, *map(float, self.value_range))


class RandomContrast(_Recolored):
    """``(x - mean) * c + mean`` for each image and channel, with c from ``1 - lower`` to ``1 +
    upper``; `factor` is (lower, upper), or one number for both."""

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(value_range, seed, **kwargs)
        pair = factor if isinstance(factor, (tuple, list)) else (factor, factor)
        factor_range(pair, "factor", 0.0)
        self.factor = tuple(pair)

    def transform(self, images: Any) -> Any:
        share = self.draw(images, (1 - self.factor[0], 1 + self.factor[1]))
        return self.held(blend(ops.mean(images, (1, 2), keepdims=True), images, share))


class RandomBrightness(_Recolored):
    """Add `factor` of the whole range to every pixel."""

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(value_range, seed, **kwargs)
        self.factor = factor_range(factor, "factor")

    def transform(self, images: Any) -> Any:
        low, high = self.value_range
        change = ops.multiply(self.draw(images, self.factor), float(high - low))
        return self.held(ops.add(images, change))


class RandomHue(_Recolored):
    """Turn the hue, either way, by half of `factor` of the color circle."""

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = factor_range(factor, "factor", 0.0)

    def transform(self, images: Any) -> Any:
        sign = self.sign(images)[..., 0]
        turn = ops.multiply(ops.multiply(sign, self.draw(images, self.factor)[..., 0]), 0.5)
        hsv = ops.image.rgb_to_hsv(rescaled(images, self.value_range, (0, 1)), "channels_last")
        hue, saturation, value = ops.unstack(hsv, axis=3)
        hue = ops.add(hue, turn)
        hue = ops.where(ops.greater(hue, 1.0), ops.subtract(hue, 1.0), hue)
        hue = ops.where(ops.less(hue, 0.0), ops.add(hue, 1.0), hue)
        rgb = ops.image.hsv_to_rgb(ops.stack([hue, saturation, value], 3), "channels_last")
        return rescaled(ops.clip(rgb, 0.0, 1.0), (0, 1), self.value_range)


class RandomSaturation(_Recolored):
    """Multiply the saturation by ``f / (1 - f)``, f from `factor`: 0 makes gray, 0.5 leaves it, 1
    saturates fully."""

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = factor_range(factor, "factor", 0.0)

    def transform(self, images: Any) -> Any:
        f = self.draw(images, self.factor)[..., 0]
        factor = ops.divide(f, ops.add(ops.subtract(1.0, f), settings.epsilon()))
        hsv = ops.image.rgb_to_hsv(rescaled(images, self.value_range, (0, 1)), "channels_last")
        hue, saturation, value = ops.unstack(hsv, axis=3)
        saturation = ops.clip(ops.multiply(saturation, factor), 0.0, 1.0)
        rgb = ops.image.hsv_to_rgb(ops.stack([hue, saturation, value], 3), "channels_last")
        return rescaled(rgb, (0, 1), self.value_range)


class RandomColorDegeneration(_Recolored):
    """Go `factor` of the way from each image to its gray."""

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = factor_range(factor, "factor")

    def transform(self, images: Any) -> Any:
        gray = ops.image.rgb_to_grayscale(images, "channels_last")
        return self.held(blend(images, gray, self.draw(images, self.factor)))


class RandomGrayscale(RandomImageLayer):
    """Make images gray, of three equal channels, with the probability `factor`."""

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        if not 0 <= factor <= 1:
            raise ValueError(f"RandomGrayscale: factor must be within 0 and 1; got {factor}.")
        self.factor = factor

    def transform(self, images: Any) -> Any:
        chosen = ops.less(self.draw(images), self.factor)
        return ops.where(chosen, ops.image.rgb_to_grayscale(images, "channels_last"), images)


class RandomInvert(_Recolored):
    """Make negatives of images, ``high - x``, with a probability from `factor`."""

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = factor_range(factor, "factor", 0.0)

    def transform(self, images: Any) -> Any:
        negative = ops.subtract(float(self.value_range[1]), images)
        return ops.where(self.chance(images, self.factor), negative, images)


class RandomPosterization(_Recolored):
    """Keep the first few of the eight bits of each pixel: `factor` of them, or from the lower to
    below the upper of two."""

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = factor_range(factor, "factor", 1, 8)

    def transform(self, images: Any) -> Any:
        low, high = (int(f) for f in self.factor)
        shape = (ops.shape(images)[0], 1, 1, 1)
        kept = random.randint(shape, low, max(high, low + 1), seed=self.seed_generator)
        step = ops.take(ops.convert_to_tensor(_STEPS, self.compute_dtype), kept)
        pixels = ops.floor(rescaled(images, self.value_range, (0, 255)))
        pixels = ops.multiply(ops.floor(ops.divide(pixels, step)), step)
        return rescaled(pixels, (0, 255), self.value_range)


class Solarization(_Recolored):
    """Add up to `addition_factor` of the range, then make a negative of what is above up to
    `threshold_factor` of it."""

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, **kwargs)
        self.addition_factor = factor_range(addition_factor, "addition_factor", 0.0)
        self.threshold_factor = factor_range(threshold_factor, "threshold_factor", 0.0)

    def transform(self, images: Any) -> Any:
        added, limit = (
            self.draw(images, factor, scale=255)
            for factor in (self.addition_factor, self.threshold_factor)
        )
        pixels = ops.add(rescaled(images, self.value_range, (0, 255)), added)
        pixels = ops.clip(pixels, 0.0, 255.0)
        pixels = ops.where(ops.less(pixels, limit), pixels, ops.subtract(255.0, pixels))
        return rescaled(pixels, (0, 255), self.value_range)


class RandomColorJitter(_Recolored):
    """Random brightness, contrast, saturation and hue, one after another, of those given."""

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor
        given = (
            (RandomBrightness, brightness_factor), (RandomContrast, contrast_factor),
            (RandomSaturation, saturation_factor), (RandomHue, hue_factor),
        )  # fmt: skip
        options: dict[str, Any] = {"data_format": "channels_last", "dtype": self.dtype_policy}
        self._steps = [
            cls(factor, self.value_range, seed=None if seed is None else seed + i, **options)
            for i, (cls, factor) in enumerate(given)
            if factor is not None
        ]

    def transform(self, images: Any) -> Any:
        for step in self._steps:
            images = step.transform(images)
        return images
