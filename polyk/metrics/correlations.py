"""How well predictions follow targets along an axis, whatever their scale or not."""

from __future__ import annotations

from typing import Any

from polyk import ops
from polyk.losses.targets import prepare
from polyk.metrics.base import REGISTRY, FunctionMetric
from polyk.ops.dispatch import Tensor

__all__ = [
    "ConcordanceCorrelation",
    "PearsonCorrelation",
    "concordance_correlation",
    "pearson_correlation",
]


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The covariance of both over the product of their standard deviations, along `axis`."""
    centered = [ops.subtract(y, ops.mean(y, axis, keepdims=True)) for y in prepare(y_true, y_pred)]
    normal = [ops.divide(y, ops.std(y, axis, keepdims=True)) for y in centered]
    return ops.mean(ops.multiply(*normal), axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """``2 covariance / (variances + (difference of means) ** 2)`` along `axis`: L. Lin, 1989."""
    y_true, y_pred = prepare(y_true, y_pred)
    (m1, m2), (v1, v2) = (
        [f(y, axis, keepdims=True) for y in (y_true, y_pred)] for f in (ops.mean, ops.var)
    )
    both = ops.multiply(ops.subtract(y_true, m1), ops.subtract(y_pred, m2))
    spread = ops.add(ops.add(v1, v2), ops.square(ops.subtract(m1, m2)))
    return ops.mean(ops.divide(ops.multiply(both, 2.0), ops.add(spread, 1e-7)), axis)


@REGISTRY.add
class PearsonCorrelation(FunctionMetric):
    """Mean of `pearson_correlation` along `axis`."""

    function = pearson_correlation

    def __init__(
        self, name: str = "pearson_correlation", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(name, dtype)
        self.axis = axis


@REGISTRY.add
class ConcordanceCorrelation(FunctionMetric):
    """Mean of `concordance_correlation` along `axis`."""

    function = concordance_correlation

    def __init__(
        self, name: str = "concordance_correlation", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(name, dtype)
        self.axis = axis
