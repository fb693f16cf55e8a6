"""The best of one rate at the thresholds where another is high enough."""

from __future__ import annotations

from typing import Any

from polyk import ops
from polyk.losses.targets import fit
from polyk.metrics.base import REGISTRY, Metric
from polyk.metrics.confusion import confusion
from polyk.ops.dispatch import Tensor

__all__ = [
    "PrecisionAtRecall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
]

RATES = {  # what is counted right, and what was missed
    "precision": ("true_positives", "false_positives"),
    "recall": ("true_positives", "false_negatives"),
    "sensitivity": ("true_positives", "false_negatives"),
    "specificity": ("true_negatives", "false_positives"),
}
COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


class _Tradeoff(Metric):
    """Counts at thresholds from 0 to 1; `wanted` is maximized where `held` is at least a bound."""

    held: str
    wanted: str

    def __init__(
        self, bound: float, num_thresholds: int, class_id: int | None, name: Any, dtype: Any
    ) -> None:
        super().__init__(dtype, name)
        if not 0 <= bound <= 1:
            raise ValueError(f"{self.name}: {self.held} must be in [0, 1]; got {bound}.")
        if num_thresholds < 1:
            raise ValueError(f"{self.name}: num_thresholds must be positive; got {num_thresholds}.")
        setattr(self, self.held, bound)
        self.num_thresholds, self.class_id = num_thresholds, class_id
        last = num_thresholds - 1
        self.thresholds = [i / last for i in range(num_thresholds)] if last else [0.5]
        self.kept = {n: self.add_variable((num_thresholds,), name=n) for n in COUNTS}
        vars(self).update(self.kept)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = fit(ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype))
        if self.class_id is not None:
            one = (..., slice(self.class_id, self.class_id + 1))
            y_true, y_pred = ops.get_item(y_true, one), ops.get_item(y_pred, one)
        added = confusion(y_true, y_pred, self.thresholds, sample_weight, COUNTS)
        for name, amount in added.items():
            self.accumulate(self.kept[name], amount)

    def rate(self, name: str) -> Tensor:
        """(thresholds,): one of `RATES`."""
        right, missed = (self.kept[count].value for count in RATES[name])
        return ops.divide_no_nan(right, ops.add(right, missed))

    def result(self) -> Tensor:
        enough = ops.greater_equal(self.rate(self.held), getattr(self, self.held))
        return ops.max(ops.where(enough, self.rate(self.wanted), 0.0))


@REGISTRY.add
class PrecisionAtRecall(_Tradeoff):
    """The best precision where the recall is `recall` or more."""

    held, wanted = "recall", "precision"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)


@REGISTRY.add
class RecallAtPrecision(_Tradeoff):
    """The best recall where the precision is `precision` or more."""

    held, wanted = "precision", "recall"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)


@REGISTRY.add
class SensitivityAtSpecificity(_Tradeoff):
    """The best share of positives found where that of negatives is `specificity` or more."""

    held, wanted = "specificity", "sensitivity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


@REGISTRY.add
class SpecificityAtSensitivity(_Tradeoff):
    """The best share of negatives found where that of positives is `sensitivity` or more."""

    held, wanted = "sensitivity", "specificity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
