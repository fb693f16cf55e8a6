"""What layers on images share: floats, one layout, one image or many, a draw for each image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from polyk import dtypes, ops, random
from polyk.errors import ShapeError
from polyk.layers.arguments import known_format
from polyk.layers.base import Layer


class ImageLayer(Layer):
    """A layer on images (N, H, W, C) or (H, W, C), or with channels first.

    A subclass writes `transform`, which has images (N, H, W, C) of floats whatever came in. A dict
    may come in place of images: its "images" are transformed, its "labels" go with them.
    """

    keeps_ints = False  # whether images of ints stay such

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = known_format(data_format)

    def transform(self, images: Any) -> Any:
        """New images from images (N, H, W, C) of floats."""
        raise NotImplementedError

    def transform_labels(self, labels: Any) -> Any:
        """New labels, where images are mixed."""
        return labels

    def call(self, inputs: Any) -> Any:
        if not isinstance(inputs, dict):
            return self._on(self.transform, inputs)
        unknown = set(inputs) - {"images", "labels"}
        if unknown or "images" not in inputs:
            raise ValueError(f"{self.where()}: a dict must hold 'images', and may hold 'labels'; "
                             f"got {sorted(inputs)}.")  # fmt: skip
        outputs = {**inputs, "images": self._on(self.transform, inputs["images"])}
        if "labels" in inputs:
            outputs["labels"] = self.transform_labels(inputs["labels"])
        return outputs

    def _on(self, change: Callable[[Any], Any], images: Any) -> Any:
        """`change` of images in the one layout, brought back to theirs."""
        whole = self.keeps_ints and ops.dtype(images) not in dtypes.FLOATS
        x = images if whole else ops.cast(images, self.compute_dtype)
        rank, first = ops.ndim(x), self.data_format == "channels_first"
        if rank not in (3, 4):
            raise ShapeError(f"{self.where()}: images have three axes, a batch of them four; got "
                             f"{ops.shape(x)}.")  # fmt: skip
        x = ops.expand_dims(x, 0) if rank == 3 else x
        y = change(ops.transpose(x, (0, 2, 3, 1)) if first else x)
        y = ops.transpose(y, (0, 3, 1, 2)) if first else y
        y = ops.squeeze(y, 0) if rank == 3 else y
        return y if whole else ops.cast(y, self.compute_dtype)


class RandomImageLayer(ImageLayer):
    """An `ImageLayer` that does something in training only, something else to each image.

    Called by itself it is in training, as in Keras. Draws come from `seed` alone: the same numbers
    on every backend.
    """

    def __init__(
        self, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = True) -> Any:
        if training:
            return super().call(inputs)
        if isinstance(inputs, dict):
            return {**inputs, "images": self._on(self.rest, inputs["images"])}
        return self._on(self.rest, inputs)

    def rest(self, images: Any) -> Any:
        """What comes of images outside of training."""
        return images

    def draw(
        self, images: Any, bounds: tuple[float, float] = (0.0, 1.0), *more: int, scale: float = 1.0
    ) -> Any:
        """Uniform numbers within `bounds`, times `scale`: (N, 1, 1, 1), or (N, *more)."""
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        shape = (ops.shape(images)[0], *(more or (1, 1, 1)))
        low, high = (float(b * scale) for b in bounds)
        x = random.uniform(shape, low, high, dtype, seed=self.seed_generator)
        return ops.cast(x, self.compute_dtype)

    def chance(self, images: Any, factor: tuple[float, float]) -> Any:
        """Whether to act on each image, (N, 1, 1, 1), with a probability drawn from `factor`."""
        probability = self.draw(images, factor)
        return ops.less(self.draw(images), probability)

    def sign(self, images: Any) -> Any:
        """-1 or 1 for each image."""
        return ops.where(ops.greater(self.draw(images), 0.5), -1.0, 1.0)


def factor_range(
    value: Any, name: str, low: float = -1.0, high: float = 1.0
) -> tuple[float, float]:
    """(lower, upper) within `low` and `high`, from such a pair or from one number f, which stands
    for (-f, f) as far as `low` allows."""
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    numbers = list(value) if pair else [value]
    fits = all(isinstance(v, (int, float)) and low <= v <= high for v in numbers)
    if not fits:
        raise ValueError(
            f"{name} must be a number, or two, within {low} and {high}; got {value!r}."
        )
    if pair:
        return min(numbers), max(numbers)
    size = abs(value)
    return max(-size, low), size


def value_range_of(value: Any) -> tuple[Any, Any]:
    """(lowest, highest) of pixels."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"value_range must be two numbers, as (0, 255); got {value!r}.")
    return min(value), max(value)


def rescaled(images: Any, source: Sequence[float], target: Sequence[float]) -> Any:
    """Images of the range `source` in the range `target`."""
    if tuple(source) == tuple(target):
        return images
    share = ops.divide(ops.subtract(images, float(source[0])), float(source[1] - source[0]))
    return ops.add(ops.multiply(share, float(target[1] - target[0])), float(target[0]))


def blend(first: Any, second: Any, share: Any) -> Any:
    """``first + share * (second - first)``."""
    return ops.add(first, ops.multiply(share, ops.subtract(second, first)))
