"""Scores with a count for each column of the predictions: R2 and F."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import ops
from polyk.errors import ShapeError
from polyk.losses import spread
from polyk.losses.targets import fit
from polyk.metrics.base import REGISTRY, Metric
from polyk.ops.dispatch import Tensor
from polyk.weights import Weight

__all__ = ["F1Score", "FBetaScore", "R2Score"]


class _Columns(Metric):
    """Keeps the sums named in `sums`, (columns,) each; made when the columns are known."""

    sums: tuple[str, ...]

    def __init__(self, dtype: Any, name: str | None) -> None:
        super().__init__(dtype, name)
        self.kept: dict[str, Weight] = {}

    def build(self, output_shape: Any) -> None:
        if len(output_shape) != 2:
            raise ShapeError(f"{self.name}: needs predictions (N, columns); got {output_shape}.")
        if not self.kept:
            size = (output_shape[1],)
            self.kept = {n: self.add_variable(size, name=n) for n in self.sums}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = fit(ops.cast(y_true, self.dtype), ops.cast(y_pred, self.dtype))
        self.build(ops.shape(y_pred))
        rows = self.rows(y_true, y_pred)
        if sample_weight is not None:
            weights = spread(sample_weight, y_pred)
            rows = [ops.multiply(row, weights) for row in rows]
        for weight, row in zip(self.kept.values(), rows, strict=True):
            self.accumulate(weight, ops.sum(row, 0))

    def rows(self, y_true: Tensor, y_pred: Tensor) -> list[Tensor]:
        """What is summed up over the samples: (N, columns) for each of `sums`."""
        raise NotImplementedError


@REGISTRY.add
class R2Score(_Columns):
    """``1 - sum((t - p) ** 2) / sum((t - mean(t)) ** 2)``; 1 is best, 0 a constant's score.

    `class_aggregation` joins the columns: "uniform_average", "variance_weighted_average" or None.
    `num_regressors` above 0 gives the adjusted score, where there are samples enough.
    """

    sums = ("sum", "squared_sum", "residual", "count")

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                "class_aggregation must be None, 'uniform_average' or "
                f"'variance_weighted_average'; got {class_aggregation!r}."
            )
        if num_regressors < 0:
            raise ValueError(f"num_regressors must be 0 or more; got {num_regressors}.")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        if num_regressors:
            self.num_samples = self.add_variable(name="num_samples")

    def rows(self, y_true: Tensor, y_pred: Tensor) -> list[Tensor]:
        error = ops.square(ops.subtract(y_true, y_pred))
        return [y_true, ops.square(y_true), error, ops.ones_like(y_true)]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        super().update_state(y_true, y_pred, sample_weight)
        if self.num_regressors:
            one = ops.ones_like(ops.cast(y_pred, self.dtype))
            self.accumulate(self.num_samples, ops.sum(ops.mean(one, -1)))

    def result(self) -> Tensor:
        total, squares, residual, count = (weight.value for weight in self.kept.values())
        variance = ops.subtract(squares, ops.divide(ops.square(total), count))
        score = ops.subtract(1.0, ops.divide(residual, variance))
        score = ops.where(ops.isinf(score), 0.0, score)
        if self.class_aggregation == "uniform_average":
            score = ops.mean(score)
        elif self.class_aggregation == "variance_weighted_average":
            score = ops.divide(ops.sum(ops.multiply(variance, score)), ops.sum(variance))
        if not self.num_regressors:
            return score
        n = self.num_samples.value
        spare = ops.subtract(n, self.num_regressors + 1.0)
        factor = ops.divide_no_nan(ops.subtract(n, 1.0), spare)
        adjusted = ops.subtract(1.0, ops.multiply(ops.subtract(1.0, score), factor))
        return ops.where(ops.greater(spare, 0), adjusted, score)


@REGISTRY.add
class FBetaScore(_Columns):
    """``(1 + beta ** 2) * P * R / (beta ** 2 * P + R)`` of precision P and recall R.

    For targets and predictions (N, classes). Positive is the highest prediction, or all above
    `threshold`. `average` joins the classes: None, "micro" (by counts), "macro" or "weighted".
    """

    sums = ("true_positives", "predicted", "actual")

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(f"average: None, 'micro', 'macro' or 'weighted'; got {average!r}.")
        if beta <= 0:
            raise ValueError(f"beta must be positive; got {beta}.")
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(f"threshold must be in (0, 1]; got {threshold}.")
        self.average, self.beta, self.threshold = average, beta, threshold

    def rows(self, y_true: Tensor, y_pred: Tensor) -> list[Tensor]:
        if self.threshold is None:
            best = ops.greater_equal(y_pred, ops.max(y_pred, -1, keepdims=True))
            chosen = ops.logical_and(best, ops.greater(ops.abs(y_pred), 1e-9))
        else:
            chosen = ops.greater(y_pred, self.threshold)
        chosen = ops.cast(chosen, self.dtype)
        return [ops.multiply(y_true, chosen), chosen, y_true]

    def result(self) -> Tensor:
        sums: Sequence[Tensor] = [weight.value for weight in self.kept.values()]
        if self.average == "micro":
            sums = [ops.sum(x) for x in sums]
        both, predicted, actual = sums
        square = self.beta**2
        total = ops.add(ops.multiply(actual, square), predicted)
        score = ops.divide_no_nan(ops.multiply(both, 1 + square), total)
        if self.average == "macro":
            return ops.mean(score)
        if self.average == "weighted":
            return ops.divide_no_nan(ops.sum(ops.multiply(score, actual)), ops.sum(actual))
        return score


@REGISTRY.alias("f1_score")
class F1Score(FBetaScore):
    """`FBetaScore` with beta 1: the harmonic mean of precision and recall."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)
