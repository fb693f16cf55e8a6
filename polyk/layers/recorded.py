"""``layer.input`` and ``layer.output``: what a graph remembers of a layer's first call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from polyk import trees


class OfFirstCall:
    """What went into, or came out of, the first call of a layer in a graph.

    An attribute of the same name, such as a layer that a user calls ``output``, comes before it.
    """

    def __init__(self, find: Callable[[Any], Any]) -> None:
        self.find = find
        self.__doc__ = find.__doc__

    def __get__(self, layer: Any, cls: type | None = None) -> Any:
        if layer is None:
            return self
        nodes = layer.__dict__.get("_nodes")
        if not nodes:
            raise AttributeError(
                f"{layer.where()} was not called on an Input: it has no {self.find.__name__[1:]}."
            )
        return self.find(nodes[0])


def _input(node: Any) -> Any:
    """The tensors of a graph on which the layer was called first."""
    return node.args[0] if len(node.inputs) == len(trees.flatten(node.args[:1])) else node.inputs


def _output(node: Any) -> Any:
    """What the layer gave when it was first called in a graph."""
    return node.outputs


FIRST_INPUT, FIRST_OUTPUT = OfFirstCall(_input), OfFirstCall(_output)
