"""Several layers as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk.layers.base import Layer, get

__all__ = ["Pipeline"]


class Pipeline(Layer):
    """`layers`, one after another: a way to treat a chain of preprocessing layers as one."""

    def __init__(self, layers: Sequence[Any], name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self._steps = [get(layer) for layer in layers]

    def get_config(self) -> dict[str, Any]:
        from polyk.layers.configs import to_config

        return {**super().get_config(), "layers": to_config(self._steps)}

    def call(self, inputs: Any, training: bool = True) -> Any:
        for layer in self._steps:
            inputs = layer(inputs, training=training) if layer._takes.training else layer(inputs)
        return inputs
