"""Input: where a model begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk.graph import GraphTensor
from polyk.layers.base import Layer

__all__ = ["Input", "InputLayer"]


class InputLayer(Layer):
    """The place where data enters a model: a shape without the batch, and a dtype."""

    def __init__(
        self,
        shape: Sequence[int | None] | int | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        name: str | None = None,
        batch_shape: Sequence[int | None] | None = None,
    ) -> None:
        super().__init__(name=name or None, dtype=dtype)
        if batch_shape is not None:
            if shape is not None:
                raise ValueError("InputLayer: give either shape or batch_shape.")
            batch_size, *shape = batch_shape
        if shape is None:
            raise ValueError("Input needs a shape, such as Input((28, 28, 1)).")
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        self.batch_size = batch_size
        self.input = self.output = self._tensor_of_graph()
        self.built = True

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """The shape with the batch size in front, None if any will do."""
        return (self.batch_size, *self.shape)

    def tensor(self) -> GraphTensor:
        """The tensor of a graph in this place."""
        tensor: GraphTensor = self.output
        return tensor

    def _tensor_of_graph(self) -> GraphTensor:
        tensor = GraphTensor(self.batch_shape, self.dtype, self.name)
        tensor.source = self
        return tensor

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {"batch_shape": list(self.batch_shape), "dtype": self.dtype, "name": self.name}


def Input(
    shape: Sequence[int | None] | int | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    name: str | None = None,
    batch_shape: Sequence[int | None] | None = None,
    tensor: GraphTensor | None = None,
) -> GraphTensor:
    """Where a functional model, or a Sequential, begins; `shape` leaves the batch out.

    >>> x = layers.Input((28, 28, 1))
    >>> model = polyk.Model(x, layers.Dense(10)(layers.Flatten()(x)))

    With `tensor`, a tensor of another graph, the model begins there.
    """
    if tensor is None:
        entry = InputLayer(shape, batch_size, dtype, name, batch_shape)
        return entry.tensor()
    if not isinstance(tensor, GraphTensor):
        raise TypeError(f"tensor must come from layers.Input or a call on it; got {tensor!r}.")
    return tensor
