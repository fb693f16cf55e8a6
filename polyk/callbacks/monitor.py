"""Which of two values of a metric is better."""

from __future__ import annotations

import warnings
from typing import Any

from polyk.callbacks.base import Callback

_UP = {  # metrics of which more is better; of the others that compare predictions, less
    "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy", "TopKCategoricalAccuracy", "AUC", "Precision", "Recall",
    "ConcordanceCorrelation", "PearsonCorrelation", "F1Score", "FBetaScore", "BinaryIoU",
    "CosineSimilarity", "R2Score",
}  # fmt: skip
_DOWN = {
    "CategoricalHinge", "Hinge", "SquaredHinge", "BinaryCrossentropy", "CategoricalCrossentropy",
    "KLDivergence", "Poisson", "SparseCategoricalCrossentropy", "MeanMetricWrapper",
    "LogCoshError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "RootMeanSquaredError",
}  # fmt: skip


class MonitorCallback(Callback):
    """Watches the metric `monitor`; `mode` "min" or "max" says what is better, "auto" finds out.

    An improvement is by more than `min_delta`. A metric of a user's own may have the attribute
    ``direction``, "up" or "down".
    """

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:  # fmt: skip
        if mode not in ("auto", "min", "max"):
            raise ValueError(
                f"{type(self).__name__}: mode must be 'auto', 'min' or 'max'; got {mode!r}."
            )
        self.monitor, self.mode = monitor, mode
        self.best, self.min_delta = baseline, abs(min_delta)

    def value(self, logs: Any) -> Any:
        """The value of `monitor`; None, with a warning, if there is none."""
        found = (logs or {}).get(self.monitor)
        if found is None:
            warnings.warn(
                f"{type(self).__name__} watches {self.monitor!r}, which is not in the logs. There "
                f"are: {', '.join(logs or {})}.",
                UserWarning,
                stacklevel=3,
            )
        return found

    def improves(self, value: float, reference: float | None) -> bool:
        """Whether `value` is better than `reference`, or there is none."""
        if reference is None:
            return True
        if self._upward():
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def _upward(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        direction = _direction(self.model, self.monitor.removeprefix("val_"))
        if direction is None:
            raise ValueError(
                f"{type(self).__name__} cannot tell whether more or less of {self.monitor!r} is "
                "better. Say mode='max' or mode='min'."
            )
        return direction == "up"


def _direction(model: Any, name: str) -> str | None:
    """ "up" or "down" for a metric by its name in the logs, None if nobody knows."""
    labels = getattr(getattr(model, "objective", None), "labels", {})
    for metric in getattr(model, "metrics", ()):
        if name in (metric.name, labels.get(id(metric))):
            kinds = {cls.__name__ for cls in type(metric).__mro__[:2]}
            found = "up" if kinds & _UP else "down" if kinds & _DOWN else None
            found = getattr(metric, "direction", found)
            if found is not None:
                return str(found)
    return "down" if name == "loss" or name.endswith("_loss") else None
