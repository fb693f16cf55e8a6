"""LSTM."""

from __future__ import annotations

from typing import Any

from polyk import activations, ops
from polyk.layers.core import positive
from polyk.layers.recurrent.cells import UnitsCell, forget_gate_open
from polyk.layers.recurrent.layer import CellRNN


class LSTMCell(UnitsCell):
    """One step of long short-term memory; gates in the order input, forget, cell, output.

    Source: S. Hochreiter and J. Schmidhuber, 1997.
    """

    gates = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *,
        unit_forget_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(use_bias=use_bias, **kwargs)
        self.units = positive(units, "units", self)
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    @property
    def state_size(self) -> list[int]:
        return [self.units, self.units]

    def make_bias(self, wide: int) -> Any:
        open_gate = forget_gate_open(self.bias_initializer) if self.unit_forget_bias else None
        return self.add_weight("bias", (wide,), open_gate)

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        h, c = states
        x = self.drop(inputs, "inputs", self.dropout, training)
        h = self.drop(h, "state", self.recurrent_dropout, training)
        z = ops.add(ops.linear(x, self.kernel, self.bias), ops.matmul(h, self.recurrent_kernel))
        h, c = lstm_step(self, ops.split(z, 4, axis=1), c)
        return h, [h, c]


def lstm_step(cell: Any, gates: Any, c: Any) -> tuple[Any, Any]:
    """h and c from the sums that go into the gates."""
    i, f, g, o = gates
    gate = cell.recurrent_activation
    c = ops.add(ops.multiply(gate(f), c), ops.multiply(gate(i), cell.activation(g)))
    return ops.multiply(gate(o), cell.activation(c)), c


class LSTM(CellRNN):
    """Long short-term memory: (N, steps, C) to (N, units), or (N, steps, units) for all steps.

    It takes the arguments of `LSTMCell` and of `RNN`. With tanh and sigmoid, without a mask and
    without recurrent dropout it is one op, which an engine may have as one kernel.
    """

    cell_class = LSTMCell

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool) -> Any:
        if mask is not None or not self.is_standard(training):
            return super().inner_loop(sequences, initial_state, mask, training)
        cell, x = self.cell, self.whole_input(sequences, training)
        h, c = initial_state
        ys, h, c = ops.lstm(x, h, c, cell.kernel, cell.recurrent_kernel, cell.bias)
        return h, ys, [h, c]
