"""Noise and penalties that only training feels.

Random layers draw from the seed alone: the same numbers on every backend.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from polyk import ops, random, regularizers
from polyk.layers.arguments import OneLayout, known_format, rate_of
from polyk.layers.base import Layer
from polyk.layers.spec import InputSpec

__all__ = [
    "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise",
    "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
]  # fmt: skip

# SELU's, so that AlphaDropout keeps its mean and variance.
_ALPHA, _SCALE = 1.6732632423543772, 1.0507009873554805


class _Noise(Layer):
    """A layer that does nothing but in training, and there something random."""

    supports_masking = True

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.disturb(inputs) if training else inputs

    def disturb(self, inputs: Any) -> Any:
        """The inputs as training sees them."""
        raise NotImplementedError


def _noise_shape(shape: Sequence[int | None] | None) -> tuple[int | None, ...] | None:
    if shape is None:
        return None
    if not all(d is None or (isinstance(d, int) and d > 0) for d in shape):
        raise ValueError(f"noise_shape must hold positive ints and None; got {shape!r}.")
    return tuple(shape)


class Dropout(_Noise):
    """In training, zero a random fraction `rate` of the inputs and scale up the rest.

    Axes of size 1 in `noise_shape` share their fate; None stands for the input's size. Source:
    N. Srivastava et al., 2014.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        self.rate, self.noise_shape = rate_of(rate, self), _noise_shape(noise_shape)

    def disturb(self, inputs: Any) -> Any:
        return ops.dropout(inputs, self.rate, self.noise_shape, self.seed_generator)


class _SpatialDropout(_Noise):
    """`Dropout` of whole channels. Source: J. Tompson et al., 2014."""

    rank = 0

    def __init__(
        self, rate: float, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        self.rate, self.data_format = rate_of(rate, self), known_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def disturb(self, inputs: Any) -> Any:
        ones = (1,) * self.rank
        first = self.data_format == "channels_first"
        noise = (None, None, *ones) if first else (None, *ones, None)
        return ops.dropout(inputs, self.rate, noise, self.seed_generator)


class SpatialDropout1D(OneLayout, _SpatialDropout):
    """`Dropout` of whole channels of (N, steps, C)."""

    rank = 1

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed=seed, **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """`Dropout` of whole channels of images (N, H, W, C)."""

    rank = 2


class SpatialDropout3D(_SpatialDropout):
    """`Dropout` of whole channels of volumes (N, D, H, W, C)."""

    rank = 3


class AlphaDropout(_Noise):
    """`Dropout` to the lower limit of SELU, with mean and variance kept.

    Source: G. Klambauer et al., "Self-normalizing neural networks", 2017.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        self.rate, self.noise_shape = rate_of(rate, self), _noise_shape(noise_shape)

    def disturb(self, inputs: Any) -> Any:
        low = -_ALPHA * _SCALE
        a = ((1 - self.rate) * (1 + self.rate * low**2)) ** -0.5
        noise = self.noise_shape or (None,) * len(inputs.shape)
        shape = [d if n is None else n for d, n in zip(inputs.shape, noise, strict=True)]
        kept = ops.greater_equal(random.uniform(shape, seed=self.seed_generator), self.rate)
        x = ops.where(kept, inputs, low)
        return ops.add(ops.multiply(x, a), -a * low * self.rate)


class GaussianDropout(_Noise):
    """In training, multiply by noise of mean 1 and variance ``rate / (1 - rate)``."""

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.rate = rate_of(rate, self)

    def disturb(self, inputs: Any) -> Any:
        spread = math.sqrt(self.rate / (1 - self.rate))
        return ops.multiply(inputs, _normal(self, inputs, 1.0, spread))


class GaussianNoise(_Noise):
    """In training, add noise of mean 0 and standard deviation `stddev`."""

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        if not stddev >= 0:
            raise ValueError(f"GaussianNoise: stddev must not be negative; got {stddev}.")
        self.stddev = stddev

    def disturb(self, inputs: Any) -> Any:
        return ops.add(inputs, _normal(self, inputs, 0.0, self.stddev))


def _normal(layer: _Noise, like: Any, mean: float, stddev: float) -> Any:
    return random.normal(like.shape, mean, stddev, ops.dtype(like), layer.seed_generator)


class ActivityRegularization(Layer):
    """The inputs as they are, and a penalty on their sizes in the loss."""

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.l1, self.l2 = l1, l2
        self.activity_regularizer = regularizers.L1L2(l1, l2)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["activity_regularizer"]  # `l1` and `l2` say it
        return config

    def call(self, inputs: Any) -> Any:
        return inputs
