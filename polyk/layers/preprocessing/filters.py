"""Images sharpened, blurred, erased in part, and spread over all values."""

from __future__ import annotations

from typing import Any

from polyk import ops, random
from polyk.layers.preprocessing.colors import _Recolored
from polyk.layers.preprocessing.images import (
    ImageLayer,
    RandomImageLayer,
    blend,
    factor_range,
    rescaled,
    value_range_of,
)
from polyk.layers.preprocessing.sizes import known_size
from polyk.shapes import spread

__all__ = [
    "AutoContrast", "Equalization", "RandomErasing", "RandomGaussianBlur", "RandomSharpness",
]  # fmt: skip


def _filtered(images: Any, kernel: Any) -> Any:
    """Each channel of images (N, H, W, C) convolved with the same (h, w) kernel."""
    height, width = ops.shape(kernel)
    kernel = ops.reshape(kernel, (height, width, 1, 1))
    kernel = ops.broadcast_to(kernel, (height, width, ops.shape(images)[3], 1))
    return ops.depthwise_conv(images, kernel, padding="same", data_format="channels_last")


class RandomSharpness(_Recolored):
    """Go from each image to its smooth version by ``1 - 2 f``, f from `factor`: 0 is smooth, 0.5
    the image, 1 sharper."""

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
        kernel = ops.convert_to_tensor([[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]])
        smooth = _filtered(images, ops.cast(ops.divide(kernel, 13.0), self.compute_dtype))
        share = ops.subtract(1.0, ops.multiply(self.draw(images, self.factor), 2.0))
        return self.held(blend(images, smooth, share))


class RandomGaussianBlur(_Recolored):
    """Blur images, with a probability from `factor`, by a bell of `kernel_size` (height, width).

    Its `sigma`, one for rows and one for columns, is drawn once a batch.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        kernel_size: Any = 3,
        sigma: Any = 1.0,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = factor_range(factor, "factor", 0.0)
        self.kernel_size = spread(kernel_size, 2, "kernel_size")
        if any(k % 2 == 0 for k in self.kernel_size):
            raise ValueError(f"RandomGaussianBlur: kernel_size must be odd; got {kernel_size}.")
        self.sigma = factor_range(sigma, "sigma", 0.0)

    def transform(self, images: Any) -> Any:
        chosen = self.chance(images, self.factor)
        sigmas = random.uniform((2,), *self.sigma, seed=self.seed_generator)
        sigmas = ops.unstack(ops.add(ops.cast(sigmas, self.compute_dtype), 1e-6))
        columns, rows = (_bell(k, s) for k, s in zip(self.kernel_size, sigmas, strict=True))
        blurred = _filtered(images, ops.multiply(ops.expand_dims(columns, 1), rows))
        return self.held(ops.where(chosen, blurred, images))


def _bell(size: int, sigma: Any) -> Any:
    """A Gaussian at `size` places about 0, of sum 1."""
    places = ops.convert_to_tensor([i - (size - 1) / 2 for i in range(size)])
    values = ops.exp(ops.multiply(ops.square(ops.divide(places, sigma)), -0.5))
    return ops.divide(values, ops.sum(values))


def boxes(layer: RandomImageLayer, images: Any, height_share: Any, width_share: Any) -> Any:
    """A box for each image, anywhere within it, as a mask (N, H, W, 1); shares are (N, 1, 1, 1)."""
    inside: Any = True
    for axis, share in ((1, height_share), (2, width_share)):
        total = known_size(layer, images)[axis - 1]
        length = ops.multiply(share, float(total))
        start = ops.multiply(layer.draw(images), ops.subtract(float(total), length))
        shape = [1, 1, 1, 1]
        shape[axis] = total
        at = ops.reshape(ops.arange(total, dtype=layer.compute_dtype), shape)
        within = ops.logical_and(ops.greater_equal(at, start), ops.less(at, ops.add(start, length)))
        inside = ops.logical_and(inside, within)
    return inside


class RandomErasing(_Recolored):
    """Erase a box from images, with a probability from `factor`.

    Its sides are the root of `scale` of the image's. It is filled with `fill_value`, a number or
    one for each channel, or with noise. Source: Z. Zhong et al., 2017.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = factor_range(factor, "factor", 0.0)
        self.scale = factor_range(scale, "scale", 0.0)
        self.fill_value = fill_value

    def transform(self, images: Any) -> Any:
        shares = [ops.sqrt(self.draw(images, self.scale)) for _ in range(2)]
        erased = ops.logical_and(boxes(self, images, *shares), self.chance(images, self.factor))
        return ops.where(erased, self.held(self._filling(images)), images)

    def _filling(self, images: Any) -> Any:
        if self.fill_value is not None:
            return ops.cast(ops.convert_to_tensor(self.fill_value), self.compute_dtype)
        noise = random.normal(ops.shape(images), dtype="float32", seed=self.seed_generator)
        return ops.multiply(ops.cast(noise, self.compute_dtype), float(self.value_range[1]))


class AutoContrast(ImageLayer):
    """Stretch each channel of each image over the whole `value_range`; an even one stays."""

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = value_range_of(value_range)

    def transform(self, images: Any) -> Any:
        low = ops.min(images, (1, 2), keepdims=True)
        high = ops.max(images, (1, 2), keepdims=True)
        even = ops.equal(low, high)
        span = ops.where(even, 1.0, ops.subtract(high, low))
        share = ops.divide(ops.subtract(images, low), span)
        return ops.where(even, images, rescaled(share, (0, 1), self.value_range))


class Equalization(ImageLayer):
    """Make all values equally frequent, in each channel of each image: by its histogram of `bins`.

    Outside of training it does nothing; called by itself it is in training, as in Keras.
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        bins: int = 256,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.value_range, self.bins = value_range_of(value_range), bins

    def call(self, inputs: Any, training: bool = True) -> Any:
        return super().call(inputs) if training else inputs

    def transform(self, images: Any) -> Any:
        pixels = rescaled(images, self.value_range, (0, 255))
        count, height, width, channels = ops.shape(pixels)
        rows = ops.reshape(ops.transpose(pixels, (0, 3, 1, 2)), (-1, height * width))
        scaled = ops.clip(ops.divide(ops.multiply(rows, self.bins - 1.0), 255.0), 0, self.bins - 1)
        places = ops.cast(scaled, "int32")
        first = ops.multiply(ops.reshape(ops.arange(ops.shape(rows)[0]), (-1, 1)), self.bins)
        places = ops.add(places, ops.cast(first, "int32"))
        table = ops.reshape(self._table(places, ops.shape(rows)[0]), (-1,))
        even = ops.equal(ops.max(rows, 1, keepdims=True), ops.min(rows, 1, keepdims=True))
        equal = ops.where(even, rows, ops.take(table, places))
        back = ops.reshape(equal, (count, channels, height, width))
        return rescaled(ops.transpose(back, (0, 2, 3, 1)), (0, 255), self.value_range)

    def _table(self, places: Any, count: int) -> Any:
        """(count, bins): the new value of each bin."""
        flat = ops.reshape(places, (-1,))
        ones = ops.ones_like(flat, dtype=self.compute_dtype)
        sizes = ops.reshape(ops.segment_sum(ones, flat, count * self.bins), (count, self.bins))
        below = ops.cumsum(sizes, 1)
        least = ops.min(ops.where(ops.greater(below, 0), below, below[:, -1:]), 1, keepdims=True)
        rest = ops.subtract(below[:, -1:], least)
        rest = ops.where(ops.equal(rest, 0), 1.0, rest)
        share = ops.divide(ops.multiply(ops.subtract(below, least), 255.0), rest)
        return ops.clip(ops.round(share), 0.0, 255.0)
