"""The losses as classes, each a function of `polyk.losses.functions` with its arguments."""

from __future__ import annotations

from typing import Any

from polyk import ops
from polyk.losses import functions
from polyk.losses.base import REGISTRY, ElementwiseLoss
from polyk.losses.targets import check_labels
from polyk.ops.dispatch import Tensor

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]

Reduction = str | None
_MEAN = "sum_over_batch_size"


@REGISTRY.alias("mse", "MSE")
class MeanSquaredError(ElementwiseLoss):
    """``mean((y_true - y_pred) ** 2)``."""

    function = functions.mean_squared_error


@REGISTRY.alias("mae", "MAE")
class MeanAbsoluteError(ElementwiseLoss):
    """``mean(|y_true - y_pred|)``."""

    function = functions.mean_absolute_error


@REGISTRY.alias("mape", "MAPE")
class MeanAbsolutePercentageError(ElementwiseLoss):
    """``100 * mean(|y_true - y_pred| / |y_true|)``."""

    function = functions.mean_absolute_percentage_error


@REGISTRY.alias("msle", "MSLE")
class MeanSquaredLogarithmicError(ElementwiseLoss):
    """``mean((log(1 + y_true) - log(1 + y_pred)) ** 2)``, for targets from 0 up."""

    function = functions.mean_squared_logarithmic_error


@REGISTRY.add
class LogCosh(ElementwiseLoss):
    """``mean(log(cosh(y_pred - y_true)))``: squared error when small, absolute when large."""

    function = functions.log_cosh


@REGISTRY.add
class Hinge(ElementwiseLoss):
    """``mean(max(1 - y_true * y_pred, 0))`` for targets -1 and 1 (or 0 and 1)."""

    function = functions.hinge


@REGISTRY.add
class SquaredHinge(ElementwiseLoss):
    """``mean(max(1 - y_true * y_pred, 0) ** 2)`` for targets -1 and 1 (or 0 and 1)."""

    function = functions.squared_hinge


@REGISTRY.add
class CategoricalHinge(ElementwiseLoss):
    """``max(neg - pos + 1, 0)``: the best wrong score against that of the one-hot target."""

    function = functions.categorical_hinge


@REGISTRY.alias("kl_divergence", "kld", "KLD")
class KLDivergence(ElementwiseLoss):
    """``sum(y_true * log(y_true / y_pred))`` of distributions over the last axis."""

    function = functions.kl_divergence

    def __init__(
        self, reduction: Reduction = _MEAN, name: str = "kl_divergence", dtype: Any = None
    ) -> None:
        super().__init__(reduction, name, dtype)


@REGISTRY.add
class Poisson(ElementwiseLoss):
    """``mean(y_pred - y_true * log(y_pred))``: counts and their predicted rates."""

    function = functions.poisson


@REGISTRY.add
class CosineSimilarity(ElementwiseLoss):
    """Minus the cosine of the angle between targets and predictions along `axis`."""

    function = functions.cosine_similarity

    def __init__(
        self,
        axis: int = -1,
        reduction: Reduction = _MEAN,
        name: str = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype, axis=axis)


@REGISTRY.add
class Huber(ElementwiseLoss):
    """``e ** 2 / 2`` for errors up to `delta`, then linear: P. Huber, 1964."""

    function = functions.huber

    def __init__(
        self,
        delta: float = 1.0,
        reduction: Reduction = _MEAN,
        name: str = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype, delta=delta)


@REGISTRY.alias("bce", "BCE")
class BinaryCrossentropy(ElementwiseLoss):
    """``-mean(t log(p) + (1 - t) log(1 - p))``: two classes, or several labels at once.

    With `from_logits` the predictions are numbers before their sigmoid.
    """

    function = functions.binary_crossentropy

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = _MEAN,
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            reduction, name, dtype,
            from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


@REGISTRY.add
class BinaryFocalCrossentropy(ElementwiseLoss):
    """`BinaryCrossentropy` with sure predictions counting less: T. Lin et al., 2018."""

    function = functions.binary_focal_crossentropy

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = _MEAN,
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            reduction, name, dtype, apply_class_balancing=apply_class_balancing, alpha=alpha,
            gamma=gamma, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


@REGISTRY.add
class CategoricalCrossentropy(ElementwiseLoss):
    """``-sum(t log(p))`` over the classes along `axis`, the targets one-hot or soft.

    With `from_logits` the predictions are numbers before their softmax.
    """

    function = functions.categorical_crossentropy

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = _MEAN,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            reduction, name, dtype,
            from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


@REGISTRY.add
class CategoricalFocalCrossentropy(ElementwiseLoss):
    """`CategoricalCrossentropy` with sure predictions counting less: T. Lin et al., 2018."""

    function = functions.categorical_focal_crossentropy

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction = _MEAN,
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            reduction, name, dtype, alpha=alpha, gamma=gamma,
            from_logits=from_logits, label_smoothing=label_smoothing, axis=axis,
        )  # fmt: skip


@REGISTRY.add
class SparseCategoricalCrossentropy(ElementwiseLoss):
    """``-log(p[label])`` for integer labels (...) or (..., 1) and predictions (..., classes).

    Samples labeled `ignore_class` are left out, of the mean too. With `from_logits` the
    predictions are numbers before their softmax.
    """

    function = functions.sparse_categorical_crossentropy

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: Reduction = _MEAN,
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            reduction, name, dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis
        )

    def convert(self, y_true: Any, dtype: str) -> Tensor:
        return ops.cast(y_true, "int32")

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        return self.fn(y_true, y_pred, **self.kwargs)

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> Tensor:
        if self.kwargs["ignore_class"] is not None:
            labels = ops.cast(y_true, "int32")
            if ops.ndim(labels) == ops.ndim(y_pred):
                labels = ops.squeeze(labels, self.kwargs["axis"])
            counted = ops.not_equal(labels, self.kwargs["ignore_class"])
            mask = counted if mask is None else ops.logical_and(counted, mask)
        return super().__call__(y_true, y_pred, sample_weight, mask)

    def check(self, y_true: Any, output_shape: Any) -> None:
        check_labels(y_true, output_shape, self.kwargs["axis"], self.kwargs["ignore_class"])


@REGISTRY.add
class Dice(ElementwiseLoss):
    """``1 - 2 sum(t p) / (sum(t) + sum(p))`` over `axis`, or all axes: overlap of regions."""

    function = functions.dice

    def __init__(
        self,
        reduction: Reduction = _MEAN,
        name: str = "dice",
        axis: int | tuple[int, ...] | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype, axis=axis)
