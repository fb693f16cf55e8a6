"""From a model to a graph: its call on the ONNX backend, twice, with other numbers for open sizes.

What differs between the two graphs depends on a size in a way that the file could not follow.
"""

from __future__ import annotations

from typing import Any

from polyk import trees
from polyk.errors import ShapeError, UnsupportedOp
from polyk.export.onnx.finish import finish
from polyk.export.onnx.graph import Graph, Node, Tensor, local
from polyk.export.onnx.loops import BACKEND, leave
from polyk.export.onnx.sizes import axis
from polyk.layers.base import Layer
from polyk.masks import keep_masks
from polyk.random import SeedGenerator
from polyk.select import scope
from polyk.weights import Weight, frame

# For the open axes of the first input, the second, ...: no other size in a model is likely to be
# one of these, and the two rows differ in what they leave when divided by 2, 3, 4, 5 and 7.
PRIMES = (1009, 1049, 1097, 1153, 1201, 1249, 1301, 1361, 1427, 1481)


def trace(model: Any, inputs: Any, names: list[str], output_names: Any) -> Graph:
    """The graph of `model` for Specs with None where any size will do."""
    try:
        return _traced(model, inputs, names, output_names, shared=False)
    except ShapeError:  # axes of two inputs are to be equal
        return _traced(model, inputs, names, output_names, shared=True)


def _traced(model: Any, inputs: Any, names: list[str], outputs: Any, shared: bool) -> Graph:
    found = []
    for step in (0, 1):
        graph = local.graph = Graph()
        try:
            result = _call(model, _entries(graph, inputs, names, step, shared))
            with scope(BACKEND, None):
                leave(trees.flatten(result))
            found.append(finish(graph, outputs(result)))
        finally:
            local.graph = None
    _compare(*found)
    return found[0]


def _entries(graph: Graph, inputs: Any, names: list[str], step: int, shared: bool) -> Any:
    """The inputs as values of the graph; the batch is one size, other open axes each their own."""
    sizes: dict[Any, Any] = {}
    leaves = []
    for name, spec in zip(names, trees.flatten(inputs), strict=True):
        shape = []
        for i, d in enumerate(spec.shape):
            key = i if shared or i == 0 else (name, i)
            if d is None and key not in sizes:
                sizes[key] = axis(PRIMES[len(sizes) % len(PRIMES)] + 29 * step, name, i)
            shape.append(sizes[key] if d is None else d)
        graph.names[name] = 0
        graph.inputs.append(Tensor(name, shape, spec.dtype))
        leaves.append(graph.inputs[-1])
    return trees.unflatten(inputs, leaves)


def _call(model: Any, inputs: Any) -> Any:
    weights = _Weights()
    with scope(BACKEND, None), frame(weights), keep_masks():
        result = Layer.__call__(model, inputs, training=False)
    counters = {g.counter for layer in model._flatten_layers() for g in layer._parts(SeedGenerator)}
    written = [w for w in weights.written if w not in counters]
    if written:
        raise UnsupportedOp(
            f"{model.where()}: calling it changes the weight {written[0].path!r} (a stateful "
            "layer?), and an ONNX file keeps nothing between two runs."
        )
    return result


class _Weights(dict[Weight, Any]):
    """A frame in which each weight is an initializer, named by its path, from when it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[Weight] = []

    def get(self, weight: Weight, default: Any = None) -> Any:
        if weight not in self:
            top = local.graph.top  # type: ignore[union-attr]
            name = top.name(weight.path)
            top.weights[name] = weight
            super().__setitem__(weight, Tensor(name, weight.shape, weight.dtype))
        return self[weight]

    def __setitem__(self, weight: Weight, value: Any) -> None:
        self.written.append(weight)
        super().__setitem__(weight, value)


def _compare(a: Graph, b: Graph) -> None:
    """Raise at the first node that is not the same in two traces."""
    for x, y in zip(a.nodes, b.nodes, strict=False):
        if _differ(x, y, a, b):
            _refuse(x)
        for p, q in zip(x.bodies(), y.bodies(), strict=True):
            _compare(p, q)
    if len(a.nodes) != len(b.nodes):
        _refuse(max(a.nodes, b.nodes, key=len)[-1])


def _differ(x: Node, y: Node, a: Graph, b: Graph) -> bool:
    plain = [{k: v for k, v in n.attrs.items() if not isinstance(v, Graph)} for n in (x, y)]
    if (x.op, len(x.inputs), plain[0]) != (y.op, len(y.inputs), plain[1]):
        return True
    pairs = zip(x.inputs, y.inputs, strict=True)
    return not all(_equal(a.top.values.get(n), b.top.values.get(m)) for n, m in pairs)


def _equal(v: Any, w: Any) -> bool:
    """Whether two constants are the same bits; None stands for no constant."""
    if v is None or w is None:
        return v is w
    return bool(v.dtype == w.dtype and v.shape == w.shape and v.tobytes() == w.tobytes())


def _refuse(node: Node) -> None:
    raise UnsupportedOp(
        f"{node.place or 'the model'}: {node.op} depends on the number of cells along an open axis "
        "in a way that cannot be exported to ONNX. Fix the sizes: "
        "model.export(..., input_signature=[(1, ...)])."
    )
