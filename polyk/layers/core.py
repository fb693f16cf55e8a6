"""Dense, Embedding, Activation, Masking, Identity."""

from __future__ import annotations

from typing import Any

from polyk import activations, constraints, dtypes, initializers, ops, regularizers
from polyk.errors import ShapeError
from polyk.layers.base import Layer
from polyk.layers.spec import InputSpec

__all__ = ["Activation", "Dense", "Embedding", "Identity", "Masking"]


class Dense(Layer):
    """``activation(x @ kernel + bias)``: (..., N) to (..., units)."""

    supports_masking = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = positive(units, "units", self)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Any) -> None:
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ShapeError(
                f"{self.where()}: the last axis of the input must be known; got {input_shape}."
            )
        self.kernel = self.add_weight("kernel", (input_shape[-1], self.units))
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight("bias", (self.units,))
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_shape[-1]})

    def call(self, inputs: Any) -> Any:
        return self.activation(ops.linear(inputs, self.kernel, self.bias))


class Embedding(Layer):
    """Rows of a table: ints (...) in [0, input_dim) to (..., output_dim).

    With `mask_zero` 0 is padding: the output is masked where the input is 0. `input_length` of
    Keras 1 and 2 is taken and not needed.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        input_length: Any = None,
        **kwargs: Any,
    ) -> None:
        if input_length is not None and "batch_input_shape" not in kwargs:
            length = input_length if isinstance(input_length, (list, tuple)) else [input_length]
            kwargs.setdefault("input_shape", tuple(length))
        super().__init__(**kwargs)
        self.mask_zero = self.supports_masking = mask_zero
        self.input_dim = positive(input_dim, "input_dim", self)
        self.output_dim = positive(output_dim, "output_dim", self)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)

    def build(self, input_shape: Any) -> None:
        self.embeddings = self.add_weight("embeddings", (self.input_dim, self.output_dim))

    def call(self, inputs: Any) -> Any:
        if ops.dtype(inputs) in dtypes.FLOATS:  # words that came as floats, as Keras allows
            inputs = ops.cast(inputs, "int32")
        return ops.take(self.embeddings, inputs, axis=0)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None


class Activation(Layer):
    """An element-wise function, by name or as a callable."""

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)


class Masking(Layer):
    """Mask, and make zero, the steps of (N, steps, C) of which every value is `mask_value`."""

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        known = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return ops.where(known, inputs, 0.0)


class Identity(Layer):
    """The inputs as they are."""

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs


def positive(value: int, name: str, layer: Layer) -> int:
    """`value` if it is a positive int."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{type(layer).__name__}: {name} must be a positive int; got {value!r}.")
    return value
