"""What is done to a graph when it is complete: names, weights computed beforehand, the unused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from polyk import dtypes
from polyk.export.onnx.graph import Graph, Node


def finish(graph: Graph, outputs: Sequence[str]) -> Graph:
    """The graph of what its outputs need."""
    for old, name in zip(graph.outputs, outputs, strict=True):
        _rename(graph, old.name, graph.name(name))
    _prune(graph)
    _fold_weights(graph)
    _prune(graph)
    used = {name for node in _all_nodes(graph) for name in node.inputs}
    used |= {x.name for x in graph.outputs}
    graph.values = {k: v for k, v in graph.values.items() if k in used}
    graph.weights = {k: v for k, v in graph.weights.items() if k in used}
    return graph


def _rename(graph: Graph, old: str, new: str) -> None:
    for node in _all_nodes(graph):
        node.inputs = [new if n == old else n for n in node.inputs]
        node.outputs = [new if n == old else n for n in node.outputs]
    for x in graph.outputs:
        x.name = new if x.name == old else x.name


def _all_nodes(graph: Graph) -> Iterator[Node]:
    for node in graph.nodes:
        yield node
        for inner in node.bodies():
            yield from _all_nodes(inner)
            yield Node("Result", [x.name for x in inner.outputs], [], {}, "")


def _prune(graph: Graph) -> set[str]:
    """Drop the nodes that no output needs; the names that come from outside."""
    needed = {x.name for x in graph.outputs}
    kept = []
    for node in reversed(graph.nodes):
        if needed & set(node.outputs):
            kept.append(node)
            needed |= {n for n in node.inputs if n}
            for inner in node.bodies():
                needed |= _prune(inner)
    graph.nodes = kept[::-1]
    return needed


def _fold_weights(graph: Graph) -> None:
    """Compute what is only a rearrangement of one weight, which keeps its name."""
    uses = Counter(n for node in _all_nodes(graph) for n in node.inputs)
    for node in list(graph.nodes):
        name = node.inputs[0] if node.inputs else ""
        rearranged = _REARRANGE.get(node.op)
        rest = node.inputs[1:]
        if name not in graph.weights or not rearranged or uses[name] > 1:
            continue
        if all(n in graph.values for n in rest):
            array = _array(graph.weights[name])
            graph.weights[name] = rearranged(array, *(graph.values[n] for n in rest), **node.attrs)
            graph.nodes.remove(node)
            _rename(graph, node.outputs[0], name)
            uses[name] = uses[node.outputs[0]]


def _array(weight: Any) -> Any:
    return weight if isinstance(weight, np.ndarray) else weight.numpy()


def _pad(x: Any, pads: Any, value: Any) -> Any:
    return np.pad(x, np.reshape(pads, (2, -1)).T, constant_values=value)


_REARRANGE: dict[str, Any] = {
    "Transpose": lambda x, perm: np.ascontiguousarray(np.transpose(x, perm)),
    "Reshape": lambda x, shape: np.reshape(x, shape),
    "Gather": lambda x, indices, axis: np.take(x, indices, axis),
    "Pad": _pad,
    "Cast": lambda x, to: x.astype(dtypes.standardize(to)),
}
