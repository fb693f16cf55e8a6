"""Intersection over union of predicted and true classes, from a matrix of counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import dtypes, ops
from polyk.metrics.base import REGISTRY, Metric
from polyk.ops.dispatch import Tensor

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


@REGISTRY.add
class IoU(Metric):
    """Mean over `target_class_ids` of ``TP / (TP + FP + FN)``.

    Targets and predictions are class numbers of any shape, or one-hot or scores along `axis` where
    `sparse_y_true` or `sparse_y_pred` is False. What is no class, or `ignore_class` as a target,
    does not count; nor does a class that was neither seen nor predicted.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype, name)
        if not all(0 <= i < num_classes for i in target_class_ids):
            raise ValueError(
                f"{self.name}: target_class_ids must be from 0 to {num_classes - 1}; "
                f"got {list(target_class_ids)}."
            )
        self.num_classes, self.target_class_ids = num_classes, list(target_class_ids)
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        shape = (num_classes, num_classes)
        self.total_cm = self.add_variable(shape, name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        n = self.num_classes
        y_true, y_pred = (
            ops.ravel(ops.cast(y if sparse else ops.argmax(y, self.axis), "int32"))
            for y, sparse in ((y_true, self.sparse_y_true), (y_pred, self.sparse_y_pred))
        )
        inside = [ops.logical_and(ops.less_equal(0, y), ops.less(y, n)) for y in (y_true, y_pred)]
        counted = ops.logical_and(*inside)
        if self.ignore_class is not None:
            counted = ops.logical_and(counted, ops.not_equal(y_true, self.ignore_class))
        rows, columns = (
            ops.one_hot(ops.where(counted, y, 0), n, dtype=self.dtype) for y in (y_true, y_pred)
        )
        weights = ops.cast(counted, self.dtype)
        if sample_weight is not None:
            weights = ops.multiply(weights, ops.ravel(ops.cast(sample_weight, self.dtype)))
        rows = ops.multiply(rows, ops.expand_dims(weights, 1))
        self.accumulate(self.total_cm, ops.matmul(ops.transpose(rows), columns))

    def result(self) -> Tensor:
        counts = self.total_cm.value
        ids = ops.convert_to_tensor(self.target_class_ids, "int32")
        both = ops.take(ops.diagonal(counts), ids)
        either = ops.add(ops.take(ops.sum(counts, 0), ids), ops.take(ops.sum(counts, 1), ids))
        either = ops.subtract(either, both)
        seen = ops.cast(ops.greater(either, 0), self.dtype)
        return ops.divide_no_nan(ops.sum(ops.divide_no_nan(both, either)), ops.sum(seen))


@REGISTRY.add
class BinaryIoU(IoU):
    """`IoU` of two classes: predictions up from `threshold` are class 1."""

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred = ops.cast(y_pred, dtypes.promote(self.dtype, "float32"))
        super().update_state(y_true, ops.greater_equal(y_pred, self.threshold), sample_weight)


@REGISTRY.add
class MeanIoU(IoU):
    """`IoU` of all classes."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        ids = range(num_classes)
        super().__init__(
            num_classes, ids, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis
        )


@REGISTRY.add
class OneHotIoU(IoU):
    """`IoU` of one-hot targets, and of scores unless `sparse_y_pred`."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


@REGISTRY.add
class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot targets, and of scores unless `sparse_y_pred`."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
