"""What a weight is put through after each update, to keep it within bounds.

`axis` are the axes over which a norm is taken: 0 for a Dense kernel (inputs, outputs), (0, 1, 2)
for a Conv2D kernel (H, W, inputs, outputs).
"""

from __future__ import annotations

from typing import Any

from polyk import ops
from polyk.config import epsilon
from polyk.configured import Configured
from polyk.ops.dispatch import Tensor
from polyk.registry import Registry

REGISTRY = Registry("constraint")

Axis = int | tuple[int, ...] | list[int]


class Constraint(Configured):
    """Base class: override `__call__`, which maps a weight to its new value."""

    def __call__(self, w: Any) -> Tensor:
        return w


@REGISTRY.add
class NonNeg(Constraint):
    """Negative elements become 0."""

    def __call__(self, w: Any) -> Tensor:
        return ops.maximum(w, 0)


@REGISTRY.add
class UnitNorm(Constraint):
    """Norms along `axis` become 1."""

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        return ops.divide(w, ops.add(ops.norm(w, axis=self.axis, keepdims=True), epsilon()))


@REGISTRY.add
class MinMaxNorm(Constraint):
    """Norms along `axis` move toward [`min_value`, `max_value`] by the fraction `rate`."""

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0
    ) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Tensor:
        norms = ops.norm(w, axis=self.axis, keepdims=True)
        wanted = ops.multiply(ops.clip(norms, self.min_value, self.max_value), self.rate)
        wanted = ops.add(wanted, ops.multiply(norms, 1 - self.rate))
        return ops.multiply(w, ops.divide(wanted, ops.add(norms, epsilon())))


@REGISTRY.add
class MaxNorm(MinMaxNorm):
    """Norms along `axis` above `max_value` become `max_value`: N. Srivastava et al., 2014."""

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        super().__init__(0.0, max_value, 1.0, axis)


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm


def get(identifier: Any) -> Any:
    """A constraint from its name, config, class, or itself; None for None."""
    return REGISTRY.get(identifier)


def serialize(constraint: Any) -> Any:
    """A config from which `get` makes an equal constraint."""
    return REGISTRY.serialize(constraint)


deserialize = get
