"""Counts of right and wrong decisions, at one or several thresholds, and what follows from them.

A prediction is positive where it exceeds the threshold; a target where it is not 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import ops
from polyk.losses import spread
from polyk.losses.targets import fit
from polyk.metrics.base import REGISTRY, Metric
from polyk.ops.dispatch import Tensor
from polyk.weights import Weight

__all__ = [
    "AUC",
    "FalseNegatives",
    "FalsePositives",
    "Precision",
    "Recall",
    "TrueNegatives",
    "TruePositives",
]

_NEVER = -1e10  # below any prediction


def confusion(
    y_true: Any, y_pred: Any, thresholds: Sequence[float], weights: Any, wanted: Sequence[str]
) -> dict[str, Tensor]:
    """The `wanted` ones of "true_positives", "false_positives", ...: (thresholds,) each.

    Targets and predictions are of one shape and a float dtype.
    """
    import numpy as np

    dtype = ops.dtype(y_pred)
    flat = ops.reshape(y_pred, (1, -1))
    limits = np.array(thresholds, "float64" if dtype == "float64" else "float32")[:, None]
    above = ops.cast(ops.greater(flat, limits), dtype)
    positive = ops.cast(ops.not_equal(y_true, 0), dtype)
    sides = {"positives": positive, "negatives": ops.subtract(1.0, positive)}
    if weights is not None:
        weights = spread(weights, y_pred)
        sides = {name: ops.multiply(side, weights) for name, side in sides.items()}

    def count(name: str) -> Tensor:
        decided = name.removeprefix("true_").removeprefix("false_")
        other = {"positives": "negatives", "negatives": "positives"}[decided]
        side = sides[decided if name.startswith("true") else other]
        chosen = above if decided == "positives" else ops.subtract(1.0, above)
        return ops.matmul(chosen, ops.ravel(side))

    return {name: count(name) for name in wanted}


class _Counts(Metric):
    """Keeps the counts named in `counts`, at each threshold."""

    counts: tuple[str, ...]

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self.given, self.top_k, self.class_id = thresholds, top_k, class_id
        if thresholds is None:
            thresholds = 0.5 if top_k is None else _NEVER
        elif isinstance(thresholds, Sequence):
            thresholds = list(thresholds)
        self.thresholds = thresholds if isinstance(thresholds, list) else [thresholds]
        if self.given is not None and not all(0 <= t <= 1 for t in self.thresholds):
            raise ValueError(f"{self.name}: thresholds must be in [0, 1]; got {self.given}.")
        self.make_counts()

    def make_counts(self) -> None:
        size = (len(self.thresholds),)
        self.kept: dict[str, Weight] = {n: self.add_variable(size, name=n) for n in self.counts}
        vars(self).update(self.kept)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = fit(ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype))
        if self.top_k is not None:
            _, best = ops.top_k(y_pred, self.top_k)
            chosen = ops.any(ops.one_hot(best, ops.shape(y_pred)[-1], dtype="bool"), -2)
            y_pred = ops.where(chosen, y_pred, _NEVER)
        if self.class_id is not None:
            one = (..., slice(self.class_id, self.class_id + 1))
            y_true, y_pred = ops.get_item(y_true, one), ops.get_item(y_pred, one)
        added = confusion(y_true, y_pred, self.thresholds, sample_weight, self.counts)
        for name, amount in added.items():
            self.accumulate(self.kept[name], amount)

    def result(self) -> Tensor:
        x = self.ratio(*(weight.value for weight in self.kept.values()))
        return ops.squeeze(x, 0) if len(self.thresholds) == 1 else x

    def ratio(self, first: Tensor, second: Tensor) -> Tensor:
        return ops.divide_no_nan(first, ops.add(first, second))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.given}


@REGISTRY.add
class Precision(_Counts):
    """``TP / (TP + FP)``: how many of the positive predictions are right.

    `top_k` makes the k highest predictions of a sample the positive ones; `class_id` looks at one
    column only; with several `thresholds` there is a result for each.
    """

    counts = ("true_positives", "false_positives")


@REGISTRY.add
class Recall(_Counts):
    """``TP / (TP + FN)``: how many of the positives are found; arguments as for `Precision`."""

    counts = ("true_positives", "false_negatives")


class _Count(_Counts):
    """One of the counts itself."""

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, name=name, dtype=dtype)

    def ratio(self, first: Tensor, second: Tensor = None) -> Tensor:
        return first


@REGISTRY.add
class TruePositives(_Count):
    """How many positives are predicted positive."""

    counts = ("true_positives",)


@REGISTRY.add
class FalsePositives(_Count):
    """How many negatives are predicted positive."""

    counts = ("false_positives",)


@REGISTRY.add
class TrueNegatives(_Count):
    """How many negatives are predicted negative."""

    counts = ("true_negatives",)


@REGISTRY.add
class FalseNegatives(_Count):
    """How many positives are predicted negative."""

    counts = ("false_negatives",)


@REGISTRY.add
class AUC(Metric):
    """Area under the "ROC" or "PR" (precision over recall) curve, from counts at thresholds.

    `summation_method` "interpolation" takes the trapezoids (for "PR": J. Davis and M. Goadrich,
    2006), "minoring" and "majoring" the rectangles below and above.
    """

    counts = ("true_positives", "false_positives", "true_negatives", "false_negatives")

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(dtype, name)
        if curve.upper() not in ("ROC", "PR"):
            raise ValueError(f"curve must be 'ROC' or 'PR'; got {curve!r}.")
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise ValueError(
                "summation_method must be 'interpolation', 'minoring' or 'majoring'; "
                f"got {summation_method!r}."
            )
        if thresholds is None and num_thresholds < 2:
            raise ValueError(f"num_thresholds must be 2 or more; got {num_thresholds}.")
        self.given, self.from_logits = thresholds, from_logits
        self.curve, self.summation_method = curve.upper(), summation_method
        last = num_thresholds - 1
        inner = sorted(thresholds) if thresholds else [i / last for i in range(1, last)]
        self.thresholds = [-1e-7, *inner, 1 + 1e-7]
        self.num_thresholds = len(self.thresholds)
        size = (self.num_thresholds,)
        self.kept = {n: self.add_variable(size, name=n) for n in self.counts}
        vars(self).update(self.kept)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = fit(ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype))
        y_pred = ops.sigmoid(y_pred) if self.from_logits else y_pred
        added = confusion(y_true, y_pred, self.thresholds, sample_weight, self.counts)
        for name, amount in added.items():
            self.accumulate(self.kept[name], amount)

    def result(self) -> Tensor:
        tp, fp, tn, fn = (weight.value for weight in self.kept.values())
        if (self.curve, self.summation_method) == ("PR", "interpolation"):
            return _interpolated(tp, fp, fn)
        x = y = ops.divide_no_nan(tp, ops.add(tp, fn))
        if self.curve == "ROC":
            x = ops.divide_no_nan(fp, ops.add(fp, tn))
        else:
            y = ops.divide_no_nan(tp, ops.add(tp, fp))
        x0, x1 = _neighbors(x)
        y0, y1 = _neighbors(y)
        height = {
            "interpolation": lambda: ops.multiply(ops.add(y0, y1), 0.5),
            "minoring": lambda: ops.minimum(y0, y1),
            "majoring": lambda: ops.maximum(y0, y1),
        }[self.summation_method]()
        return ops.sum(ops.multiply(ops.subtract(x0, x1), height))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.given}


def _neighbors(x: Tensor) -> tuple[Tensor, Tensor]:
    """All but the last, and all but the first."""
    return ops.get_item(x, slice(None, -1)), ops.get_item(x, slice(1, None))


def _interpolated(tp: Tensor, fp: Tensor, fn: Tensor) -> Tensor:
    """Area under precision over recall, TP and FP taken as linear between thresholds."""
    (tp0, tp1), (p0, p1) = _neighbors(tp), _neighbors(ops.add(tp, fp))
    gained = ops.subtract(tp0, tp1)
    slope = ops.divide_no_nan(gained, ops.maximum(ops.subtract(p0, p1), 0.0))
    intercept = ops.subtract(tp1, ops.multiply(slope, p1))
    both = ops.logical_and(ops.greater(p0, 0), ops.greater(p1, 0))
    ratio = ops.where(both, ops.divide_no_nan(p0, ops.maximum(p1, 0.0)), 1.0)
    area = ops.multiply(slope, ops.add(gained, ops.multiply(intercept, ops.log(ratio))))
    positives = ops.get_item(ops.add(tp, fn), slice(1, None))
    return ops.sum(ops.divide_no_nan(area, ops.maximum(positives, 0.0)))
