"""Layers around something else: another layer, or a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from polyk.layers.base import Layer

__all__ = ["Lambda", "Wrapper"]


class Wrapper(Layer):
    """Base class of layers that do something more with `layer`; override `call`."""

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise TypeError(f"{type(self).__name__} takes a layer; got {layer!r}.")
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True


class Lambda(Layer):
    """A function as a layer, called as ``function(inputs, **arguments)``.

    `mask` is the mask of the outputs, or a function of the inputs and their mask. A function that
    takes ``mask`` or ``training`` is given them. `output_shape` is taken and not needed.

    No file can hold a function: for a model that is to be saved, write a layer class instead.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(
                f"Lambda takes a function; got {function!r}. A Lambda cannot be made from data: "
                "write a layer class instead."
            )
        self.function, self.mask = function, mask
        self.arguments = dict(arguments or {})
        self.supports_masking = mask is not None
        self._wanted = set(inspect.signature(function).parameters) & {"mask", "training"}

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        given = {"mask": mask, "training": training}
        return self.function(inputs, **self.arguments, **{k: given[k] for k in self._wanted})

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask
