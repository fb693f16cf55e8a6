"""A graph of ONNX nodes while it is built: named values, constants, weights."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from polyk.layers.context import context
from polyk.ops.operators import Operators


class Tensor(Operators):
    """A value of the graph: its name, its shape (with `Size`s) and dtype.

    `source` is ``(x, axes)`` where it is ``transpose(x, axes)``, so that transpositions can be
    moved down the graph until two of them meet and vanish.
    """

    __hash__ = object.__hash__
    __slots__ = ("dtype", "name", "shape", "source")

    def __init__(self, name: str, shape: Sequence[int], dtype: str) -> None:
        self.name, self.shape, self.dtype = name, tuple(shape), dtype
        self.source: tuple[Tensor, tuple[int, ...]] | None = None

    def __repr__(self) -> str:
        return f"<value {self.name!r} {tuple(map(int, self.shape))} {self.dtype}>"

    def __bool__(self) -> bool:
        raise TypeError("the values of a tensor are not known while a model is exported.")

    __float__ = __int__ = __bool__


@dataclass
class Node:
    """One ONNX operator; `attrs` may hold a `Graph`."""

    op: str
    inputs: list[str]
    outputs: list[str]
    attrs: dict[str, Any]
    place: str  # the layers inside of which it was called

    def bodies(self) -> Iterator[Graph]:
        return (a for a in self.attrs.values() if isinstance(a, Graph))


@dataclass
class Graph:
    """Nodes in the order in which they run; the body of a loop has a `parent`.

    Constants and weights are kept by the outermost graph.
    """

    parent: Graph | None = None
    nodes: list[Node] = field(default_factory=list)
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)  # name -> array
    weights: dict[str, Any] = field(default_factory=dict)  # name -> Weight
    names: dict[str, int] = field(default_factory=dict)
    known: dict[Any, list[str]] = field(default_factory=dict)  # what was computed before

    @property
    def top(self) -> Graph:
        return self if self.parent is None else self.parent.top

    def name(self, base: str) -> str:
        """`base`, then ``base_1``, ... : unique in the whole file."""
        names = self.top.names
        n = names[base] = names.get(base, -1) + 1
        return self.name(f"{base}_{n}") if n else base

    def add(self, op: str, inputs: list[str], attrs: dict[str, Any], count: int = 1) -> list[str]:
        """The names of the outputs of a node: of one that is there, or of a new one."""
        key = (op, tuple(inputs), repr(sorted(attrs.items())), count)
        plain = not any(isinstance(a, Graph) for a in attrs.values())
        found = self._find(key) if plain else None
        if found is None:
            place = "/".join(layer.name for layer in context.stack[1:])
            outputs = [self.name(f"{place}/{op}" if place else op) for _ in range(count)]
            self.nodes.append(Node(op, inputs, outputs, attrs, place))
            found = self.known[key] = outputs
        return found

    def _find(self, key: Any) -> list[str] | None:
        found = self.known.get(key)
        return found if found or self.parent is None else self.parent._find(key)

    def constant(self, array: Any) -> str:
        """The name of a constant; equal ones have the same."""
        top, array = self.top, np.asarray(array)
        key = ("constant", array.dtype.str, array.shape, array.tobytes())
        if key not in top.known:
            name = self.name("constant")
            top.known[key], top.values[name] = [name], array
        return top.known[key][0]

    def producer(self, name: str) -> Node | None:
        """The node that computes a value in this graph."""
        return next((n for n in reversed(self.nodes) if name in n.outputs), None)


class _Local(threading.local):
    graph: Graph | None = None


local = _Local()


def current() -> Graph:
    """The graph that this thread is building."""
    assert local.graph is not None, "no model is being exported"
    return local.graph


def place() -> str:
    """Where in the model the trace is, for messages."""
    return "/".join(layer.name for layer in context.stack) or "the model"
