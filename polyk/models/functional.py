"""Functional models: a graph of layer and op calls between inputs and outputs."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping
from typing import Any

from polyk import ops, trees
from polyk.errors import ShapeError
from polyk.graph import Graph, GraphTensor
from polyk.layers.base import Layer
from polyk.layers.base import get as get_layer
from polyk.layers.configs import revive
from polyk.layers.inputs import InputLayer
from polyk.layers.spec import InputSpec
from polyk.masks import mask_of, set_mask, set_masks
from polyk.models import wiring
from polyk.models.model import Model


class Functional(Model):
    """What ``polyk.Model(inputs, outputs)`` makes; inputs and outputs may be nested.

    Data may be given in the structure of the inputs, as a list in their order, or as a dict by the
    names of the Inputs.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        for what, tree in (("inputs", inputs), ("outputs", outputs)):
            if not all(isinstance(t, GraphTensor) for t in trees.flatten(tree)):
                raise TypeError(f"the {what} of a Model come from layers.Input and calls on it.")
        self.graph = Graph(inputs, outputs)
        entries = [t.source or _entry(t) for t in trees.flatten(inputs)]
        self._members = [*entries, *self.graph.layers]
        theirs = {w for layer in self._members for w in layer.weights}
        self._loose_weights.extend(w for w in self.graph.weights if w not in theirs)
        self._check_names()
        self.built = True
        with self._scope():
            self._claim(())

    def _check_names(self) -> None:
        twice = [name for name, n in Counter(x.name for x in self._members).items() if n > 1]
        if twice:
            raise ValueError(
                f"{self.where()}: two layers are called {twice[0]!r}. Names in a model differ."
            )

    @property
    def layers(self) -> list[Layer]:
        """The layers of the graph, in the order in which they run, after the Inputs.

        Last come those that a subclass holds besides.
        """
        return list(dict.fromkeys([*self._members, *super().layers]))

    @property
    def input(self) -> Any:
        """The inputs as they were given."""
        return self.graph.inputs

    @property
    def output(self) -> Any:
        """The outputs as they were given."""
        return self.graph.outputs

    @property
    def inputs(self) -> list[GraphTensor]:
        """The inputs as a list."""
        return trees.flatten(self.graph.inputs)

    @property
    def outputs(self) -> list[GraphTensor]:
        """The outputs as a list."""
        return trees.flatten(self.graph.outputs)

    @property
    def input_names(self) -> list[str]:
        """The names of the Inputs."""
        return [layer.name for layer in self._members[: len(self.inputs)]]

    @property
    def output_names(self) -> list[str]:
        """What the outputs are called in logs, losses and targets: keys, else names of layers."""
        if isinstance(self.output, dict):
            return sorted(self.output)
        names, seen = [], Counter[str]()
        for t in self.outputs:
            n, seen[t.name] = seen[t.name], seen[t.name] + 1
            names.append(f"{t.name}_{n}" if n else t.name)
        return names

    def _output_names(self, n: int) -> list[str]:
        return self.output_names

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            set_masks(inputs, mask)
        values = self._in_order(inputs)
        if len(values) != len(self.inputs):
            raise ValueError(f"{self.where()} takes {len(self.inputs)} inputs; got {len(values)}.")
        return self.graph.run([self._fit(v, t) for v, t in zip(values, self.inputs, strict=True)])

    def _in_order(self, inputs: Any) -> list[Any]:
        if not isinstance(inputs, dict):
            return trees.flatten(inputs)
        names = sorted(self.input) if isinstance(self.input, dict) else self.input_names
        if set(self.input_names) <= set(inputs):
            names = self.input_names
        missing = set(names) - set(inputs)
        if missing:
            raise ValueError(f"{self.where()} needs the inputs {sorted(missing)}.")
        return [inputs[name] for name in names]

    def _fit(self, value: Any, place: GraphTensor) -> Any:
        """`value` in the dtype of its Input, with or without a last axis of size 1 as it says."""
        wanted, mask = place.shape, mask_of(value)
        if ops.dtype(value) != place.dtype:
            value = ops.cast(value, place.dtype)
        rank = len(value.shape)
        if rank == len(wanted) - 1 and wanted[-1] == 1:
            value = ops.expand_dims(value, -1)
        elif rank == len(wanted) + 1 and tuple(value.shape)[-1] == 1:
            value = ops.squeeze(value, -1)
        self._check_input(tuple(value.shape), place)
        set_mask(value, mask)
        return value

    def _check_input(self, shape: Any, place: GraphTensor) -> None:
        spec = InputSpec(
            ndim=len(place.shape),
            axes={i: d for i, d in enumerate(place.shape) if d is not None and i},
        )
        try:
            spec.check(self, shape)
        except ShapeError as e:
            raise ShapeError(f"{e} (input {place.name!r} is {place.shape})") from None

    # As data.

    def get_config(self) -> dict[str, Any]:
        """The layers and how they are wired, as data: see `polyk.models.wiring`."""
        config = super().get_config()
        if _takes_graph(type(self)):
            return {**config, **wiring.describe(self.graph, self._members)}
        return {k: v for k, v in config.items() if k not in ("inputs", "outputs")}

    @classmethod
    def from_config(cls, config: dict[str, Any], layers: Mapping[str, Layer] | None = None) -> Any:
        """A model from what `get_config` gave, of new layers or of those in `layers`, by name."""
        if "nodes" not in config:
            return cls(**{name: revive(value) for name, value in config.items()})
        rest = {k: v for k, v in config.items() if k not in wiring.KEYS}
        made = layers or {item["config"]["name"]: get_layer(item) for item in config["layers"]}
        return cls(*wiring.rebuild(config, made), **rest)


def _takes_graph(cls: Any) -> bool:
    """Whether ``cls(inputs, outputs)`` makes a model: a subclass may make the graph itself."""
    parameters = inspect.signature(cls.__init__).parameters
    return {"inputs", "outputs"} <= set(parameters) or any(
        p.kind is p.VAR_POSITIONAL for p in parameters.values()
    )


def functional_class(cls: Any) -> Any:
    """`cls`, whose methods come first, joined with `Functional`; made once."""
    if cls in Functional.__mro__ or issubclass(cls, Functional):
        return Functional if cls in Functional.__mro__ else cls
    if "_functional" not in vars(cls):
        told = {name: getattr(cls, name) for name in ("__module__", "__qualname__", "__doc__")}
        cls._functional = type(cls.__name__, (cls, Functional), {**told, "_written_as": cls})
    return cls._functional


def _entry(t: GraphTensor) -> InputLayer:
    """The InputLayer of a tensor from the middle of another graph."""
    return InputLayer(batch_shape=t.shape, dtype=t.dtype, name=f"{t.name}_input")
