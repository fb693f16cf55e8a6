"""Flatten and Reshape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from polyk import ops
from polyk.layers.base import Layer


class Flatten(Layer):
    """All axes but the batch in one: (N, ...) to (N, product)."""

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format or "channels_last"

    def call(self, inputs: Any) -> Any:
        if self.data_format == "channels_first" and len(inputs.shape) > 2:
            inputs = ops.moveaxis(inputs, 1, -1)
        shape = tuple(inputs.shape)
        return ops.reshape(inputs, (shape[0], math.prod(shape[1:])))


class Reshape(Layer):
    """The axes after the batch in another shape; one size may be -1."""

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Any) -> Any:
        return ops.reshape(inputs, (inputs.shape[0], *self.target_shape))
