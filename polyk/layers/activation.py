"""Activations that are layers, because they have arguments or weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import activations, ops
from polyk.errors import ShapeError
from polyk.layers.arguments import keep_options
from polyk.layers.base import Layer
from polyk.layers.spec import InputSpec

__all__ = ["ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax"]


def _not_negative(value: Any, name: str, layer: Layer) -> float:
    if value is None or value < 0:
        raise ValueError(f"{type(layer).__name__}: {name} must not be negative; got {value!r}.")
    return value  # type: ignore[no-any-return]


def _list(value: int | Sequence[int]) -> list[int]:
    return [value] if isinstance(value, int) else list(value)


class ReLU(Layer):
    """`x` above `threshold`, else ``negative_slope * (x - threshold)``; at most `max_value`."""

    supports_masking = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = max_value
        if max_value is not None:
            _not_negative(max_value, "max_value", self)
        self.negative_slope = _not_negative(negative_slope, "negative_slope", self)
        self.threshold = _not_negative(threshold, "threshold", self)

    def call(self, inputs: Any) -> Any:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """`x` where it is positive, else ``negative_slope * x``."""

    supports_masking = True

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        negative_slope = kwargs.pop("alpha", negative_slope)  # its name in Keras 1 and 2
        super().__init__(**kwargs)
        self.negative_slope = _not_negative(negative_slope, "negative_slope", self)

    def call(self, inputs: Any) -> Any:
        return ops.leaky_relu(inputs, self.negative_slope)


class PReLU(Layer):
    """`LeakyReLU` with a slope learned for each place, but for the axes in `shared_axes`.

    Source: K. He et al., "Delving deep into rectifiers", 2015.
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        keep_options(self, "alpha", alpha_initializer, alpha_regularizer, alpha_constraint)
        self.shared_axes = None if shared_axes is None else _list(shared_axes)

    def build(self, input_shape: Any) -> None:
        shared = {a % len(input_shape) for a in self.shared_axes or ()}
        own = {i: d for i, d in enumerate(input_shape) if i and i not in shared}
        if None in own.values():
            raise ShapeError(
                f"{self.where()}: axes not known must be among shared_axes; got {input_shape}."
            )
        self.alpha = self.add_weight("alpha", [own.get(i, 1) for i in range(1, len(input_shape))])
        self.input_spec = InputSpec(ndim=len(input_shape), axes=own)

    def call(self, inputs: Any) -> Any:
        below = ops.multiply(self.alpha, ops.relu(ops.negative(inputs)))
        return ops.subtract(ops.relu(inputs), below)


class ELU(Layer):
    """`x` where it is positive, else ``alpha * (exp(x) - 1)``: D. Clevert et al., 2015."""

    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        return ops.elu(inputs, self.alpha)


class Softmax(Layer):
    """A distribution over `axis`; what a `mask`, broadcast with the inputs, leaves out gets 0."""

    supports_masking = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return ops.softmax(inputs, self.axis)
        kept = ops.cast(mask, "bool")
        low = -3e4 if ops.dtype(inputs) == "float16" else -1e9
        return ops.where(kept, ops.softmax(ops.where(kept, inputs, low), self.axis), 0.0)
