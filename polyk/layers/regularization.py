"""Dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import ops, random
from polyk.layers.base import Layer


class Dropout(Layer):
    """In training, zero a random fraction `rate` of the inputs and scale up the rest.

    Source: N. Srivastava et al., 2014. The masks follow from the seed alone: they are the same on
    every backend.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"Dropout: rate must be in [0, 1); got {rate}.")
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed
        self.seed_generator = random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return inputs
        return ops.dropout(inputs, self.rate, self.noise_shape, self.seed_generator)
