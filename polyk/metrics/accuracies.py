"""How often predictions are right."""

from __future__ import annotations

from typing import Any

from polyk import dtypes, ops
from polyk.losses.targets import fit, labels, prepare
from polyk.metrics.base import REGISTRY, FunctionMetric
from polyk.ops.dispatch import Tensor

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "accuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]


def _ones(matches: Tensor) -> Tensor:
    return ops.cast(matches, dtypes.floatx())


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where both are equal, else 0."""
    return _ones(ops.equal(*fit(y_true, y_pred)))


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """1 where a target of 0 or 1 is that of ``y_pred > threshold``, else 0."""
    y_true, y_pred = prepare(y_true, y_pred)
    above = ops.cast(ops.greater(y_pred, threshold), ops.dtype(y_pred))
    return _ones(ops.equal(y_true, above))


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """(...) from (..., classes): 1 where target and prediction are largest in one place."""
    y_true, y_pred = prepare(y_true, y_pred)
    return _ones(ops.equal(ops.argmax(y_true, -1), ops.argmax(y_pred, -1)))


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """(...) from labels (...) or (..., 1) and predictions (..., classes), largest at the label."""
    return _ones(ops.equal(*fit(labels(y_true, y_pred), ops.argmax(y_pred, -1))))


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """1 where the class of a one-hot target is among the `k` highest predictions, else 0."""
    y_true, y_pred = prepare(y_true, y_pred)
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, -1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """1 where a label is among the `k` highest predictions, ties included, else 0.

    With `from_sorted_ids` the predictions are class numbers themselves, best first.
    """
    classes = labels(y_true, y_pred)
    if from_sorted_ids:
        best = ops.cast(ops.get_item(y_pred, (..., slice(0, k))), "int32")
        return _ones(ops.any(ops.equal(ops.expand_dims(classes, -1), best), -1))
    rows = ops.reshape(y_pred, (-1, ops.shape(y_pred)[-1]))
    return ops.reshape(_ones(ops.in_top_k(ops.ravel(classes), rows, k)), ops.shape(classes))


@REGISTRY.add
class Accuracy(FunctionMetric):
    """How often predictions equal targets."""

    function = accuracy


@REGISTRY.add
class BinaryAccuracy(FunctionMetric):
    """How often a target of 0 or 1 is that of ``y_pred > threshold``."""

    function = binary_accuracy

    def __init__(
        self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5
    ) -> None:
        super().__init__(name, dtype)
        self.threshold = threshold


@REGISTRY.add
class CategoricalAccuracy(FunctionMetric):
    """How often the highest prediction is at the class of a one-hot target."""

    function = categorical_accuracy


@REGISTRY.add
class SparseCategoricalAccuracy(FunctionMetric):
    """How often the highest prediction is at the integer label."""

    function = sparse_categorical_accuracy


@REGISTRY.add
class TopKCategoricalAccuracy(FunctionMetric):
    """How often the class of a one-hot target is among the `k` highest predictions."""

    function = top_k_categorical_accuracy

    def __init__(
        self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(name, dtype)
        self.k = k


@REGISTRY.add
class SparseTopKCategoricalAccuracy(FunctionMetric):
    """How often the integer label is among the `k` highest predictions."""

    function = sparse_top_k_categorical_accuracy

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(name, dtype)
        self.k, self.from_sorted_ids = k, from_sorted_ids
