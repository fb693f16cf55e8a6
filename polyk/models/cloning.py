"""clone_model: the same architecture with new layers and new weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from polyk.layers.base import Layer
from polyk.layers.inputs import InputLayer
from polyk.layers.wrapping import Lambda
from polyk.models.functional import Functional
from polyk.models.model import Model
from polyk.models.sequential import Sequential


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
) -> Any:
    """A model of the same layers, made anew from their configs, with first values for its weights.

    `clone_function` makes each layer but the Inputs, which may so be changed on the way.
    `input_tensors` takes the place of the Input of a Sequential.
    """
    if not isinstance(model, Model):
        raise TypeError(f"clone_model takes a model; got {model!r}.")
    make = clone_function or _clone
    config = model.get_config()
    if isinstance(model, Functional) and "nodes" in config:
        made = {x.name: _clone(x) if isinstance(x, InputLayer) else make(x) for x in model.layers}
        return type(model).from_config(config, made)
    if isinstance(model, Sequential):
        begin = input_tensors if input_tensors is not None else model._entry
        rest = {k: v for k, v in config.items() if k != "layers"}
        first = _clone(begin) if isinstance(begin, InputLayer) else begin
        return Sequential([*([] if first is None else [first]), *map(make, model.layers)], **rest)
    return type(model).from_config(config)


def _clone(layer: Layer) -> Any:
    config = layer.get_config()
    if isinstance(layer, Lambda):  # whose function its config only names
        config |= {"function": layer.function, "mask": layer.mask}
    return clone_model(layer) if isinstance(layer, Model) else type(layer).from_config(config)
