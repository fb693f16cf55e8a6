"""Means of losses, and of what is close to one."""

from __future__ import annotations

from typing import Any

from polyk import losses, ops
from polyk.losses.targets import fit, labels
from polyk.metrics.base import REGISTRY, FunctionMetric, Mean
from polyk.ops.dispatch import Tensor

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "RootMeanSquaredError",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]


@REGISTRY.alias("mse", "MSE")
class MeanSquaredError(FunctionMetric):
    """Mean of ``(y_true - y_pred) ** 2``."""

    function = losses.mean_squared_error


@REGISTRY.alias("mae", "MAE")
class MeanAbsoluteError(FunctionMetric):
    """Mean of ``|y_true - y_pred|``."""

    function = losses.mean_absolute_error


@REGISTRY.alias("mape", "MAPE")
class MeanAbsolutePercentageError(FunctionMetric):
    """Mean of ``100 * |y_true - y_pred| / |y_true|``."""

    function = losses.mean_absolute_percentage_error


@REGISTRY.alias("msle", "MSLE")
class MeanSquaredLogarithmicError(FunctionMetric):
    """Mean of ``(log(1 + y_true) - log(1 + y_pred)) ** 2``."""

    function = losses.mean_squared_logarithmic_error


@REGISTRY.add
class RootMeanSquaredError(Mean):
    """Square root of the mean of ``(y_true - y_pred) ** 2`` over all batches."""

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        y_true, y_pred = fit(ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype))
        super().update_state(ops.square(ops.subtract(y_true, y_pred)), sample_weight)

    def result(self) -> Tensor:
        return ops.sqrt(super().result())


@REGISTRY.add
class LogCoshError(FunctionMetric):
    """Mean of ``log(cosh(y_pred - y_true))``."""

    function = losses.log_cosh

    def __init__(self, name: str = "logcosh", dtype: Any = None) -> None:
        super().__init__(name, dtype)


@REGISTRY.add
class Hinge(FunctionMetric):
    """Mean of ``max(1 - y_true * y_pred, 0)`` for targets -1 and 1 (or 0 and 1)."""

    function = losses.hinge


@REGISTRY.add
class SquaredHinge(FunctionMetric):
    """Mean of ``max(1 - y_true * y_pred, 0) ** 2`` for targets -1 and 1 (or 0 and 1)."""

    function = losses.squared_hinge


@REGISTRY.add
class CategoricalHinge(FunctionMetric):
    """Mean of ``max(neg - pos + 1, 0)``: the best wrong score against that of the target."""

    function = losses.categorical_hinge


@REGISTRY.alias("kl_divergence")
class KLDivergence(FunctionMetric):
    """Mean of ``sum(y_true * log(y_true / y_pred))``."""

    function = losses.kl_divergence

    def __init__(self, name: str = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(name, dtype)


@REGISTRY.add
class Poisson(FunctionMetric):
    """Mean of ``y_pred - y_true * log(y_pred)``."""

    function = losses.poisson


def _cosine(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    return ops.negative(losses.cosine_similarity(y_true, y_pred, axis))


@REGISTRY.add
class CosineSimilarity(FunctionMetric):
    """Mean cosine of the angle between targets and predictions along `axis`; 1 is best."""

    function = _cosine

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(name, dtype)
        self.axis = axis


@REGISTRY.alias("bce", "BCE")
class BinaryCrossentropy(FunctionMetric):
    """Mean of ``-(t log(p) + (1 - t) log(1 - p))``; see the loss of this name."""

    function = losses.binary_crossentropy

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing


@REGISTRY.add
class CategoricalCrossentropy(FunctionMetric):
    """Mean of ``-sum(t log(p))`` for one-hot targets; see the loss of this name."""

    function = losses.categorical_crossentropy

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


@REGISTRY.add
class SparseCategoricalCrossentropy(FunctionMetric):
    """Mean of ``-log(p[label])`` for integer labels that are not `ignore_class`."""

    function = losses.sparse_categorical_crossentropy

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        if self.ignore_class is not None:
            classes = labels(y_true, y_pred, self.axis)
            weights = ops.cast(ops.not_equal(classes, self.ignore_class), self.dtype)
            if sample_weight is not None:
                weights = ops.multiply(losses.spread(sample_weight, weights), weights)
            sample_weight = weights
        super().update_state(y_true, y_pred, sample_weight)
