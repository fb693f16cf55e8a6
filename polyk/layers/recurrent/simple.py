"""SimpleRNN: one layer fed back to itself."""

from __future__ import annotations

from typing import Any

from polyk import activations, ops
from polyk.layers.core import positive
from polyk.layers.recurrent.cells import UnitsCell
from polyk.layers.recurrent.layer import CellRNN


class SimpleRNNCell(UnitsCell):
    """``activation(x @ kernel + h @ recurrent_kernel + bias)``."""

    def __init__(
        self, units: int, activation: Any = "tanh", use_bias: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(use_bias=use_bias, **kwargs)
        self.units = positive(units, "units", self)
        self.activation = activations.get(activation)

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        h = states[0] if (several := isinstance(states, (list, tuple))) else states
        x = self.drop(inputs, "inputs", self.dropout, training)
        h = self.drop(h, "state", self.recurrent_dropout, training)
        h = ops.add(ops.linear(x, self.kernel, self.bias), ops.matmul(h, self.recurrent_kernel))
        h = self.activation(h)
        return h, [h] if several else h


class SimpleRNN(CellRNN):
    """A fully connected recurrent layer: (N, steps, C) to (N, units).

    It takes the arguments of `SimpleRNNCell` and of `RNN`.
    """

    cell_class = SimpleRNNCell
