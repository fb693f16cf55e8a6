"""Penalties on weights, added to the loss."""

from __future__ import annotations

import math
from typing import Any

from polyk import ops
from polyk.configured import Configured
from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor
from polyk.registry import Registry

REGISTRY = Registry("regularizer")


class Regularizer(Configured):
    """Base class: override `__call__`, which maps a weight to a scalar."""

    def __call__(self, x: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} does not define __call__.")


def _factor(value: float | None, name: str, default: float) -> float:
    if value is None:
        return default
    if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a finite number, 0 or more; got {value!r}.")
    return float(value)


@REGISTRY.alias("l1_l2")
class L1L2(Regularizer):
    """``l1 * sum(|x|) + l2 * sum(x ** 2)``."""

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1, self.l2 = _factor(l1, "l1", 0.0), _factor(l2, "l2", 0.0)

    def __call__(self, x: Any) -> Tensor:
        total = ops.multiply(ops.sum(ops.square(x)), self.l2) if self.l2 else None
        if not self.l1 and total is not None:
            return total
        first = ops.multiply(ops.sum(ops.abs(x)), self.l1)
        return first if total is None else ops.add(first, total)


@REGISTRY.add
class L1(L1L2):
    """``l1 * sum(|x|)``; the derivative at 0 is 0."""

    def __init__(self, l1: float | None = 0.01) -> None:
        super().__init__(_factor(l1, "l1", 0.01))


@REGISTRY.add
class L2(L1L2):
    """``l2 * sum(x ** 2)``."""

    def __init__(self, l2: float | None = 0.01) -> None:
        super().__init__(0.0, _factor(l2, "l2", 0.01))


@REGISTRY.add
class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean of |cos| between the rows (or "columns") of a matrix, by pairs."""

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        if mode not in ("rows", "columns"):
            raise ValueError(f"mode must be 'rows' or 'columns'; got {mode!r}.")
        self.factor, self.mode = _factor(factor, "factor", 0.01), mode

    def __call__(self, x: Any) -> Tensor:
        shape = ops.shape(x)
        if len(shape) != 2:
            raise ShapeError(f"OrthogonalRegularizer needs a matrix; got shape {shape}.")
        x = ops.normalize(x if self.mode == "rows" else ops.transpose(x), axis=1)
        n = ops.shape(x)[0]
        cosines = ops.abs(ops.matmul(x, ops.transpose(x)))
        apart = ops.subtract(1.0, ops.eye(n, dtype=ops.dtype(x)))
        pairs = max(n * (n - 1), 1)
        return ops.multiply(ops.sum(ops.multiply(cosines, apart)), self.factor / pairs)


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer


def get(identifier: Any) -> Any:
    """A regularizer from its name, config, class, or itself; None for None."""
    return REGISTRY.get(identifier)


def serialize(regularizer: Any) -> Any:
    """A config from which `get` makes an equal regularizer."""
    return REGISTRY.serialize(regularizer)


deserialize = get
