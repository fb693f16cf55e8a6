"""Sequential: layers one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk.graph import GraphTensor
from polyk.layers.base import Layer
from polyk.layers.base import get as get_layer
from polyk.layers.core import InputLayer
from polyk.masks import set_masks
from polyk.models.model import Model
from polyk.registry import registered_name
from polyk.symbolic import Spec
from polyk.weights import shapes_only


class Sequential(Model):
    """A stack of layers, each fed by the one before; built at once if it begins with an Input.

    >>> model = polyk.Sequential([layers.Input((784,)), layers.Dense(10)])
    """

    def __init__(self, layers: Sequence[Any] = (), name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self._stack: list[Layer] = []
        self._input: Spec | None = None
        for layer in layers or ():
            self._append(layer)
        self._try_build()

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the Input."""
        return list(self._stack)

    def add(self, layer: Any) -> None:
        """Put a layer (or an Input) at the end."""
        self._append(layer)
        self.built = False
        self.__dict__["_claimed"] = False
        self._functions.clear()
        self._try_build()

    def pop(self) -> Layer:
        """Take the last layer off."""
        if not self._stack:
            raise ValueError(f"{self.where()} has no layers to take off.")
        self._functions.clear()
        return self._stack.pop()

    def _append(self, layer: Any) -> None:
        if isinstance(layer, InputLayer):
            layer = layer.tensor()
        if isinstance(layer, GraphTensor):
            if self._stack or self._input:
                raise ValueError(f"{self.where()}: an Input must come first, and once.")
            self._input = Spec(layer.shape, layer.dtype)
            return
        if not isinstance(layer, Layer):
            raise TypeError(
                f"{self.where()} takes layers; got {layer!r}. For a plain function use "
                "layers.Activation(function)."
            )
        first = layer._batch_input_shape
        if first is not None and not self._stack and self._input is None:
            self._input = Spec(first, layer.dtype)
        self._stack.append(layer)

    def _try_build(self) -> None:
        if self._input is not None and self._stack:
            with self._scope():
                self._claim((self._input,))

    def call(self, inputs: Any, mask: Any = None) -> Any:
        set_masks(inputs, mask)
        for layer in self._stack:
            inputs = layer(inputs)
        return inputs

    def _rows(self) -> list[tuple[Layer, Any]]:
        rows, spec = [], self._input
        for layer in self._stack:
            if spec is not None:
                with shapes_only():
                    spec = layer.compute_output_spec(spec)
            rows.append((layer, None if spec is None else spec.shape))
        return rows

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["layers"] = [
            {"class_name": registered_name(type(x)), "config": x.get_config()} for x in self._stack
        ]
        if self._input is not None:
            config["build_input_shape"] = list(self._input.shape)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        shape = config.pop("build_input_shape", None)
        stack = [get_layer(item) for item in config.pop("layers")]
        first = [InputLayer(batch_shape=shape)] if shape is not None else []
        return cls([*first, *stack], **config)
