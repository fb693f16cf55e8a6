"""StackedRNNCells: several cells as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import ops, trees
from polyk.layers.base import Layer, get


def first_states(cell: Any, batch_size: int) -> Any:
    """What the cell begins with: zeros, unless it says otherwise."""
    if hasattr(cell, "get_initial_state"):
        return cell.get_initial_state(batch_size=batch_size)
    return trees.map(lambda size: ops.zeros((batch_size, size)), cell.state_size)


class StackedRNNCells(Layer):
    """A cell whose output feeds the next one; its state is the list of theirs."""

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cells: list[Any] = [get(c) if isinstance(c, dict) else c for c in cells]
        for cell in self.cells:
            if not (hasattr(cell, "call") and hasattr(cell, "state_size")):
                raise ValueError(f"a cell has `call` and `state_size`; got {cell!r}.")

    @property
    def state_size(self) -> list[Any]:
        return [c.state_size for c in self.cells]

    @property
    def output_size(self) -> int:
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int) -> list[Any]:
        return [first_states(c, batch_size) for c in self.cells]

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], output_size(cell))

    def call(self, inputs: Any, states: Any) -> Any:
        new = []
        for cell, state in zip(self.cells, states, strict=True):
            inputs, after = (cell if callable(cell) else cell.call)(inputs, state)
            new.append(after)
        return inputs, new


def output_size(cell: Any) -> int:
    """The last size of the cell's output: its `output_size`, or else that of its first state."""
    size = getattr(cell, "output_size", None) or trees.flatten(cell.state_size)[0]
    return size  # type: ignore[no-any-return]
