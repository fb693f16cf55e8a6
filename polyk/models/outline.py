"""What a table or a drawing shows of a model: its layers and ops, and what feeds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from polyk import trees


@dataclass
class Row:
    """One layer, or one op of a graph (`layer` is None)."""

    name: str
    kind: str
    layer: Any = None
    outputs: Any = None  # nested tensors of a graph; None where they are not known
    inputs: list[str] = field(default_factory=list)  # the names of the rows that feed this one
    depth: int = 0
    inside: list[Row] = field(default_factory=list)  # of a model in the model

    @property
    def shape(self) -> Any:
        """The shape of the output, or a list of several, or None."""
        shapes = [t.shape for t in trees.flatten(self.outputs)]
        return shapes[0] if len(shapes) == 1 else shapes or None

    @property
    def dtype(self) -> str:
        """The dtypes of the outputs."""
        return ", ".join(t.dtype for t in trees.flatten(self.outputs)) or "?"


def rows(model: Any, expand_nested: bool = False, depth: int = 0) -> list[Row]:
    """The rows of a model in the order in which they run."""
    found = list(_graph(model) if hasattr(model, "graph") else _stack(model))
    for row in found:
        row.depth = depth
        if expand_nested and hasattr(row.layer, "summary"):
            row.inside = rows(row.layer, True, depth + 1)
    return found


def flat(found: list[Row]) -> Iterator[Row]:
    """The rows, each followed by those inside it."""
    for row in found:
        yield row
        yield from flat(row.inside)


def _stack(model: Any) -> Iterator[Row]:
    """Of a Sequential, whose layers feed one another, or of a model that only its code knows."""
    tensors = getattr(model, "_tensors", None)
    before: list[str] = []
    for i, layer in enumerate(model.layers):
        nodes = layer.__dict__.get("_nodes")
        outputs = tensors[i + 1] if tensors else nodes[0].outputs if nodes else None
        yield Row(layer.name, type(layer).__name__, layer, outputs, before)
        before = [layer.name] if tensors is not None else []


def _graph(model: Any) -> Iterator[Row]:
    found: dict[int, Row] = {}
    names: dict[int, str] = {}
    counts: Counter[str] = Counter()
    for t, layer in zip(model.inputs, model.layers, strict=False):
        found[id(layer)] = Row(layer.name, type(layer).__name__, layer, t)
        names[id(t)] = layer.name
    for node in model.graph.nodes:
        sources = [names[id(t)] for t in node.inputs]
        if isinstance(node.owner, str):
            n, counts[node.owner] = counts[node.owner], counts[node.owner] + 1
            name = f"{node.owner}_{n}" if n else node.owner
            row = found[id(node)] = Row(name, "op", None, node.outputs)
        else:
            row = Row(node.owner.name, type(node.owner).__name__, node.owner, node.outputs)
            row = found.setdefault(id(node.owner), row)
        row.inputs += sources
        names.update((id(t), row.name) for t in trees.flatten(node.outputs))
    return iter(found.values())
