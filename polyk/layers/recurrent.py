"""LSTM."""

from __future__ import annotations

from typing import Any

from polyk import activations, constraints, initializers, ops, random, regularizers
from polyk.layers.base import Layer
from polyk.layers.core import positive
from polyk.layers.spec import InputSpec


class LSTM(Layer):
    """Long short-term memory: (N, steps, C) to (N, units), or (N, steps, units) for all steps.

    Source: S. Hochreiter, J. Schmidhuber, 1997. Gates in the order input, forget, cell, output.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = positive(units, "units", self)
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.unit_forget_bias = unit_forget_bias
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout, self.recurrent_dropout, self.seed = dropout, recurrent_dropout, seed
        self.seed_generator = random.SeedGenerator(seed)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards = go_backwards

    def build(self, input_shape: Any) -> None:
        InputSpec(ndim=3).check(self, input_shape)
        wide = 4 * self.units
        self.kernel = self.add_weight("kernel", (input_shape[-1], wide))
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel", (self.units, wide), options="recurrent"
        )
        self.bias = None
        if self.use_bias:
            first = self._first_bias if self.unit_forget_bias else None
            self.bias = self.add_weight("bias", (wide,), first)
        self.input_spec = InputSpec(ndim=3, axes={-1: input_shape[-1]})

    def _first_bias(self, shape: Any, dtype: Any = None, seed: Any = None) -> Any:
        """Ones for the forget gate: R. Jozefowicz et al., 2015."""
        rest = self.bias_initializer(shape, dtype=dtype, seed=seed)
        i, _, g, o = ops.split(rest, 4)
        return ops.concatenate([i, ops.ones((self.units,), dtype), g, o])

    def call(self, inputs: Any, initial_state: Any = None, training: bool = False) -> Any:
        batch, _, depth = inputs.shape
        if initial_state is None:
            zeros = ops.zeros_like(ops.sum(inputs, (1, 2)))
            zeros = ops.broadcast_to(ops.expand_dims(zeros, 1), (batch, self.units))
            initial_state = [zeros, zeros]
        rates = ((depth, self.dropout), (self.units, self.recurrent_dropout))
        masks = [self._mask(inputs, (batch, n), rate, training) for n, rate in rates]
        weights = (self.kernel, self.recurrent_kernel, self.bias)

        def step(state: Any, x: Any) -> Any:
            state = self._step(x, *state, *masks, *weights)
            return state, state[0] if self.return_sequences else None

        steps = ops.swapaxes(inputs, 0, 1)
        last, outputs = ops.scan(step, list(initial_state), steps, reverse=self.go_backwards)
        if self.return_sequences:
            outputs = ops.swapaxes(outputs, 0, 1)
            outputs = ops.flip(outputs, 1) if self.go_backwards else outputs
        else:
            outputs = last[0]
        return [outputs, *last] if self.return_state else outputs

    def _mask(self, inputs: Any, shape: Any, rate: float, training: bool) -> Any:
        """One dropout mask for all steps."""
        if not training or not rate:
            return None
        ones = ops.broadcast_to(ops.ones((), ops.dtype(inputs)), shape)
        return ops.dropout(ones, rate, seed=self.seed_generator)

    def _step(self, x: Any, h: Any, c: Any, drop_x: Any, drop_h: Any, *weights: Any) -> list[Any]:
        kernel, recurrent, bias = weights
        x = x if drop_x is None else ops.multiply(x, drop_x)
        h = h if drop_h is None else ops.multiply(h, drop_h)
        z = ops.add(ops.linear(x, kernel, bias), ops.matmul(h, recurrent))
        i, f, g, o = ops.split(z, 4, axis=1)
        gate = self.recurrent_activation
        c = ops.add(ops.multiply(gate(f), c), ops.multiply(gate(i), self.activation(g)))
        return [ops.multiply(gate(o), self.activation(c)), c]
