"""The losses as classes, each a function of `polyk.losses.functions` with its arguments."""

from __future__ import annotations

from typing import Any

from polyk import ops
from polyk.losses import functions
from polyk.losses.base import REGISTRY, ElementwiseLoss, FunctionLoss
from polyk.losses.targets import check_labels, labels
from polyk.masks import mask_of
from polyk.ops.dispatch import Tensor

__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
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
    "Tversky",
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
        super().__init__(reduction, name, dtype)
        self.axis = axis


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
        super().__init__(reduction, name, dtype)
        self.delta = delta


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
        super().__init__(reduction, name, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


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
        super().__init__(reduction, name, dtype)
        self.apply_class_balancing, self.alpha, self.gamma = apply_class_balancing, alpha, gamma
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


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
        super().__init__(reduction, name, dtype)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


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
        super().__init__(reduction, name, dtype)
        self.alpha, self.gamma, self.from_logits = alpha, gamma, from_logits
        self.label_smoothing, self.axis = label_smoothing, axis


@REGISTRY.add
class SparseCategoricalCrossentropy(FunctionLoss):
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
        super().__init__(reduction, name, dtype)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def convert(self, y_true: Any, dtype: str) -> Tensor:
        return ops.cast(y_true, "int32")

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> Tensor:
        if self.ignore_class is not None:
            classes = labels(y_true, y_pred, self.axis)
            counted = ops.not_equal(classes, self.ignore_class)
            mask = mask_of(y_pred) if mask is None else mask
            mask = counted if mask is None else ops.logical_and(counted, mask)
        return super().__call__(y_true, y_pred, sample_weight, mask)

    def check(self, y_true: Any, output_shape: Any) -> None:
        check_labels(y_true, output_shape, self.axis, self.ignore_class)


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
        super().__init__(reduction, name, dtype)
        self.axis = axis


@REGISTRY.add
class Tversky(ElementwiseLoss):
    """`Dice` that weighs what is missed by `alpha` and what is added by `beta`."""

    function = functions.tversky

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: Reduction = _MEAN,
        name: str = "tversky",
        axis: int | tuple[int, ...] | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.alpha, self.beta, self.axis = alpha, beta, axis


@REGISTRY.add
class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    """``(1 - p[label] ** q) / q`` for integer labels: robust to wrong ones."""

    function = functions.categorical_generalized_cross_entropy

    def __init__(
        self,
        q: float = 0.5,
        reduction: Reduction = _MEAN,
        name: str = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        if not 0 < q < 1:
            raise ValueError(f"{type(self).__name__}: q must be between 0 and 1; got {q}.")
        self.q = q

    def check(self, y_true: Any, output_shape: Any) -> None:
        check_labels(y_true, output_shape, -1, None)


@REGISTRY.add
class CTC(FunctionLoss):
    """What it costs to read labels (N, L) from logits (N, T, classes): A. Graves et al., 2006."""

    function = functions.ctc

    def __init__(self, reduction: Reduction = _MEAN, name: str = "ctc", dtype: Any = None) -> None:
        super().__init__(reduction, name, dtype)


@REGISTRY.add
class Circle(FunctionLoss):
    """Draws embeddings (N, features) of one label together and others apart: Y. Sun et al., 2020.

    The mean is over the samples that cost something.
    """

    function = functions.circle

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: Reduction = _MEAN,
        name: str = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.gamma, self.margin, self.remove_diagonal = gamma, margin, remove_diagonal

    def counted(self, values: Tensor) -> Tensor:
        return ops.greater(values, 0)
