"""GRU."""

from __future__ import annotations

from typing import Any

from polyk import activations, ops
from polyk.layers.core import positive
from polyk.layers.recurrent.cells import UnitsCell
from polyk.layers.recurrent.layer import CellRNN


class GRUCell(UnitsCell):
    """One step of a gated recurrent unit; gates in the order update, reset, new.

    `reset_after` applies the reset gate after the product with the recurrent kernel, which then
    has a bias of its own: (2, 3 * units). Source: K. Cho et al., 2014.
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *,
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(use_bias=use_bias, **kwargs)
        self.units = positive(units, "units", self)
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def make_bias(self, wide: int) -> Any:
        return self.add_weight("bias", (2, wide) if self.reset_after else (wide,))

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        before = states[0] if (several := isinstance(states, (list, tuple))) else states
        x = self.drop(inputs, "inputs", self.dropout, training)
        h = self.drop(before, "state", self.recurrent_dropout, training)
        split = (2 * self.units,)
        first, second = self.bias, None
        if self.reset_after and self.use_bias:
            first, second = ops.unstack(self.bias)
        x, x_new = ops.split(ops.linear(x, self.kernel, first), split, 1)
        if self.reset_after:
            h, h_new = ops.split(ops.linear(h, self.recurrent_kernel, second), split, 1)
            z, r = self._gates(x, h)
            h_new = ops.multiply(r, h_new)
        else:
            gates, new = ops.split(self.recurrent_kernel, split, 1)
            z, r = self._gates(x, ops.matmul(h, gates))
            h_new = ops.matmul(ops.multiply(r, h), new)
        new = self.activation(ops.add(x_new, h_new))
        h = ops.add(ops.multiply(z, before), ops.multiply(ops.subtract(1.0, z), new))
        return h, [h] if several else h

    def _gates(self, x: Any, h: Any) -> Any:
        return ops.split(self.recurrent_activation(ops.add(x, h)), 2, 1)


class GRU(CellRNN):
    """Gated recurrent unit: (N, steps, C) to (N, units), or (N, steps, units) for all steps.

    It takes the arguments of `GRUCell` and of `RNN`. With tanh, sigmoid and `reset_after`, without
    a mask and without recurrent dropout it is one op, which an engine may have as one kernel.
    """

    cell_class = GRUCell

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool) -> Any:
        if mask is not None or not (self.is_standard(training) and self.cell.reset_after):
            return super().inner_loop(sequences, initial_state, mask, training)
        cell, x = self.cell, self.whole_input(sequences, training)
        (h,) = initial_state
        ys, h = ops.gru(x, h, cell.kernel, cell.recurrent_kernel, cell.bias)
        return h, ys, [h]
