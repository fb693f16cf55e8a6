"""The order in which Keras lists the layers of a model and the weights of a layer.

Its files rely on it.

A functional model's layers go by depth, the longest way to an output; among equals, by the order in
which a walk from the outputs meets them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from polyk.models.functional import Functional
from polyk.models.model import Model
from polyk.weights import Weight


def ordered_layers(model: Any) -> list[Any]:
    """The layers directly in a model, as Keras's ``model.layers`` has them."""
    if not isinstance(model, Functional):
        return list(model.layers)
    operations, finished, parents = _walk(model.graph)
    depths: dict[int, int] = {}
    of_owner: dict[int, int] = {}
    for key, owner in reversed(finished):
        depth = max(depths.get(key, 0), of_owner.get(id(owner), 0))
        of_owner[id(owner)] = depths[key] = depth
        for parent in parents[key]:
            depths[parent] = max(depth + 1, depths.get(parent, 0))
    met = [owner for owner in operations if not isinstance(owner, (str, tuple))]
    return sorted(met, key=lambda layer: -of_owner[id(layer)])


def _walk(graph: Any) -> tuple[list[Any], list[tuple[int, Any]], dict[int, list[int]]]:
    """Owners of nodes as first met from the outputs; nodes as they are finished; their parents.

    The place of an input counts as a node, and a node of an op as its own owner.
    """
    from polyk import trees

    begins = {id(t) for t in trees.flatten(graph.inputs)}
    operations: dict[int, Any] = {}
    finished: list[tuple[int, Any]] = []
    parents: dict[int, list[int]] = {}
    todo = [(t, False) for t in reversed(trees.flatten(graph.outputs))]
    while todo:
        tensor, done = todo.pop()
        is_input = id(tensor) in begins
        key = id(tensor) if is_input else id(tensor.node)
        owner = tensor.source if is_input else tensor.node.owner
        owner = (tensor,) if owner is None or isinstance(owner, str) else owner
        if done:
            finished.append((key, operations[_id(owner, key)]))
        elif key not in parents:
            inputs = [] if is_input else tensor.node.inputs
            parents[key] = [id(t) if id(t) in begins else id(t.node) for t in inputs]
            operations.setdefault(_id(owner, key), owner)
            todo.append((tensor, True))
            todo += [(t, False) for t in reversed(inputs)]
    return list(operations.values()), finished, parents


def _id(owner: Any, key: int) -> int:
    return key if isinstance(owner, tuple) else id(owner)


def weights_of(layer: Any) -> list[Weight]:
    """All weights of a layer or model, trainable ones first, as in legacy files."""
    found = list(dict.fromkeys(_in_order(layer)))
    trainable = set(layer.trainable_weights)
    return sorted(found, key=lambda w: w not in trainable)


def _in_order(layer: Any) -> Iterator[Weight]:
    if not isinstance(layer, Model):
        yield from layer.weights
        return
    for inner in ordered_layers(layer):
        yield from _in_order(inner)
    yield from layer.weights


def own_weights(layer: Any) -> list[Weight]:
    """The weights that a layer itself made, trainable ones first."""
    own = dict.fromkeys((*layer._own_weights.values(), *layer._loose_weights))
    return sorted(own, key=lambda w: not w.trainable)
