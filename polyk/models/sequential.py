"""Sequential: layers one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import trees
from polyk.graph import GraphTensor
from polyk.layers.base import Layer, context
from polyk.layers.base import get as get_layer
from polyk.layers.configs import to_config
from polyk.layers.inputs import InputLayer
from polyk.masks import set_masks
from polyk.models.model import Model
from polyk.models.network import _spec
from polyk.symbolic import Spec


class Sequential(Model):
    """A stack of layers, each fed by the one before; built at once if it begins with an Input.

    >>> model = polyk.Sequential([layers.Input((784,)), layers.Dense(10)])
    """

    def __init__(self, layers: Sequence[Any] = (), name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self._stack: list[Layer] = []
        self._entry: InputLayer | None = None
        self._tensors: list[GraphTensor] = []  # the input, then what each layer makes of it
        for layer in layers or ():
            self._append(layer)
        self._try_build()

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the Input."""
        return list(self._stack)

    @property
    def input(self) -> Any:
        """The tensor of a graph with which the model begins."""
        return self._known(0)

    @property
    def output(self) -> Any:
        """The tensor of a graph with which the model ends."""
        return self._known(-1)

    @property
    def inputs(self) -> list[Any]:
        """The input in a list."""
        return [self.input]

    @property
    def outputs(self) -> list[Any]:
        """The output in a list."""
        return [self.output]

    def _known(self, i: int) -> GraphTensor:
        if not self._tensors:
            raise AttributeError(
                f"{self.where()} has not seen an input yet: begin with an Input, or build(shape)."
            )
        return self._tensors[i]

    def add(self, layer: Any) -> None:
        """Put a layer (or an Input) at the end."""
        self._append(layer)
        self._changed()
        self._try_build()

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the last layer off, and return it."""
        if not self._stack:
            raise ValueError(f"{self.where()} has no layers to take off.")
        layer = self._stack.pop()
        del self._tensors[len(self._stack) + 1 :]
        self._changed()
        if rebuild:
            self._try_build()
        return layer

    def _changed(self) -> None:
        self.built = False
        self.__dict__["_claimed"] = False
        self._functions.clear()

    def _append(self, layer: Any) -> None:
        if isinstance(layer, GraphTensor):
            layer = layer.source or InputLayer(batch_shape=layer.shape, dtype=layer.dtype)
        if isinstance(layer, InputLayer):
            if self._stack or self._entry:
                raise ValueError(f"{self.where()}: an Input must come first, and once.")
            self._entry = layer
            return
        if not isinstance(layer, Layer):
            raise TypeError(
                f"{self.where()} takes layers; got {layer!r}. For a plain function use "
                "layers.Activation(function)."
            )
        if any(x.name == layer.name for x in self._stack):
            raise ValueError(f"{self.where()}: two layers are called {layer.name!r}.")
        first = layer._batch_input_shape
        if first is not None and not self._stack and self._entry is None:
            self._entry = InputLayer(batch_shape=first, dtype=layer.variable_dtype)
        self._stack.append(layer)

    def _try_build(self) -> None:
        if self._entry is not None and self._stack:
            with self._scope():
                self._claim(())

    def build(self, input_shape: Any = None) -> None:
        """Make all weights for inputs of `input_shape` (batch first)."""
        if self._entry is None and _is_shape(input_shape):
            self._begin(InputLayer(batch_shape=input_shape, dtype=self.compute_dtype))
        if not context.stack and not self._claimed:
            with self._scope():
                self._claim(())

    def _claim(self, args: Any) -> None:
        specs = trees.flatten(trees.map(lambda x: _spec(x, self.dtype), args))
        if self._entry is None and len(specs) == 1 and isinstance(specs[0], Spec):
            self._begin(InputLayer(batch_shape=specs[0].shape, dtype=specs[0].dtype))
        if self._entry is None:
            super()._claim(args)
            return
        self._connect()
        entry = Spec(self._entry.batch_shape, self._entry.dtype)
        self.__dict__["_input_specs"] = (entry,)
        self._claim_weights()

    def _begin(self, entry: InputLayer) -> None:
        """Take `entry` for the Input that was not given, if all layers can follow it."""
        self._entry = entry
        try:
            self._connect()
        except Exception:
            self._entry, self._tensors = None, []
            raise

    def _connect(self) -> None:
        """Call on the tensors of a graph the layers that were not yet; this builds them."""
        context.stack.append(self)
        try:
            self._tensors = self._tensors or [self._entry.output]  # type: ignore[union-attr]
            for layer in self._stack[len(self._tensors) - 1 :]:
                self._tensors.append(layer(self._tensors[-1]))
        finally:
            context.stack.pop()
        self.built = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            set_masks(inputs, mask)
        for layer in self._stack:
            inputs = layer(inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        entry = [self._entry] if self._entry is not None else []
        return {**super().get_config(), "layers": [to_config(x) for x in (*entry, *self._stack)]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        shape = config.pop("build_input_shape", None)
        stack = [get_layer(item) for item in config.pop("layers")]
        if shape is not None and not any(isinstance(x, InputLayer) for x in stack[:1]):
            stack.insert(0, InputLayer(batch_shape=shape))
        return cls(stack, **config)


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, (list, tuple)) and all(d is None or isinstance(d, int) for d in shape)
