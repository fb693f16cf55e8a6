"""What the built-in cells have in common."""

from __future__ import annotations

from typing import Any

from polyk import ops, random
from polyk.contract import Backend
from polyk.layers.arguments import keep_options
from polyk.layers.base import Layer


class DropoutCell(Layer):
    """A cell that drops inputs and states: inside an RNN, the same ones at every step.

    Source: Y. Gal and Z. Ghahramani, 2016.
    """

    masks: dict[str, Any] | None = None
    dropout: float
    recurrent_dropout: float
    seed_generator: random.SeedGenerator

    def mask_shapes(self) -> dict[str, tuple[int, ...]]:
        """What is dropped, "inputs" and "state", and their shapes without the batch."""
        raise NotImplementedError

    def hold_masks(self, batch: int, backend: Backend, dtype: str) -> None:
        """Draw the masks that all steps share."""
        rates = {"inputs": self.dropout, "state": self.recurrent_dropout}
        self.masks = {
            name: self._mask(backend.full((batch, *shape), 1, dtype), rates[name])
            for name, shape in self.mask_shapes().items()
            if rates[name]
        }

    def drop(self, x: Any, name: str, rate: float, training: bool) -> Any:
        """`x`, or what the mask `name` leaves of it."""
        if not (training and rate):
            return x
        mask = self._mask(ops.ones_like(x), rate) if self.masks is None else self.masks[name]
        return ops.multiply(x, mask)

    def _mask(self, ones: Any, rate: float) -> Any:
        return ops.dropout(ones, rate, seed=self.seed_generator)


class Cell(DropoutCell):
    """The options of every cell: how kernels and bias are made, and what is dropped."""

    gates = 1  # kernels side by side
    bias_initializer: Any

    def __init__(
        self,
        *,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("implementation", None)  # Keras's choice between equal computations
        super().__init__(**kwargs)
        self.use_bias = use_bias
        keep_options(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        keep_options(
            self, "recurrent", recurrent_initializer, recurrent_regularizer, recurrent_constraint
        )
        keep_options(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self.dropout, self.recurrent_dropout, self.seed = dropout, recurrent_dropout, seed
        self.seed_generator = random.SeedGenerator(seed)


class UnitsCell(Cell):
    """A cell of `units` numbers: (N, C), and states (N, units), to (N, units)."""

    units: int

    @property
    def state_size(self) -> Any:
        return self.units

    @property
    def output_size(self) -> int:
        return self.units

    def get_initial_state(self, batch_size: int) -> list[Any]:
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        dtype = self.compute_dtype
        return [ops.zeros((batch_size, n), dtype) for n in sizes]

    def build(self, input_shape: Any) -> None:
        self.input_dim, wide = input_shape[-1], self.gates * self.units
        self.kernel = self.add_weight("kernel", (self.input_dim, wide))
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel", (self.units, wide), options="recurrent"
        )
        self.bias = self.make_bias(wide) if self.use_bias else None

    def make_bias(self, wide: int) -> Any:
        return self.add_weight("bias", (wide,))

    def mask_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"inputs": (self.input_dim,), "state": (self.units,)}


def forget_gate_open(initializer: Any) -> Any:
    """An initializer of four biases, that of the second gate ones: R. Jozefowicz et al., 2015."""

    def bias(shape: Any, dtype: Any = None, seed: Any = None) -> Any:
        i, f, g, o = ops.split(initializer(shape, dtype=dtype, seed=seed), 4)
        return ops.concatenate([i, ops.ones_like(f), g, o])

    return bias
