"""Functional models: a graph of layer and op calls between inputs and outputs."""

from __future__ import annotations

from typing import Any

from polyk import trees
from polyk.errors import ShapeError
from polyk.graph import Graph, GraphTensor
from polyk.layers.base import Layer
from polyk.layers.spec import InputSpec
from polyk.masks import set_masks
from polyk.models.model import Model


class Functional(Model):
    """What ``polyk.Model(inputs, outputs)`` makes; inputs and outputs may be nested."""

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        for what, tree in (("inputs", inputs), ("outputs", outputs)):
            if not all(isinstance(t, GraphTensor) for t in trees.flatten(tree)):
                raise TypeError(f"the {what} of a Model come from layers.Input and calls on it.")
        self.inputs, self.outputs = inputs, outputs
        self.graph = Graph(inputs, outputs)
        self.built = True
        with self._scope():
            self._claim(())

    @property
    def layers(self) -> list[Layer]:
        """The layers of the graph, in the order in which they run."""
        return self.graph.layers

    def call(self, inputs: Any, mask: Any = None) -> Any:
        set_masks(inputs, mask)
        if isinstance(self.inputs, dict) and isinstance(inputs, dict):
            missing = set(self.inputs) - set(inputs)
            if missing:
                raise ValueError(f"{self.where()} needs the inputs {sorted(missing)}.")
            inputs = {k: inputs[k] for k in self.inputs}
        values, places = trees.flatten(inputs), trees.flatten(self.inputs)
        if len(values) != len(places):
            raise ValueError(f"{self.where()} takes {len(places)} inputs; got {len(values)}.")
        for value, place in zip(values, places, strict=True):
            self._check_input(tuple(value.shape), place)
        return self.graph.run(values)

    def _check_input(self, shape: Any, place: GraphTensor) -> None:
        spec = InputSpec(
            ndim=len(place.shape),
            axes={i: d for i, d in enumerate(place.shape) if d is not None and i},
        )
        try:
            spec.check(self, shape)
        except ShapeError as e:
            raise ShapeError(f"{e} (input {place.name!r} is {place.shape})") from None

    def _output_names(self, n: int) -> list[str]:
        if isinstance(self.outputs, dict):
            return sorted(self.outputs)
        return [t.name or f"output_{i}" for i, t in enumerate(trees.flatten(self.outputs))]

    def _rows(self) -> list[tuple[Layer, Any]]:
        shapes: dict[int, Any] = {}
        for node in self.graph.nodes:
            found = [t.shape for t in trees.flatten(node.outputs)]
            shapes.setdefault(id(node.owner), found[0] if len(found) == 1 else found)
        return [(layer, shapes[id(layer)]) for layer in self.layers]
