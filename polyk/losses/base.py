"""What a loss object adds to a function: reduction, sample weights, and a check of the targets."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Self

from polyk import dtypes, ops
from polyk.configured import Configured
from polyk.errors import ShapeError
from polyk.losses.targets import align, misfit, same_shape
from polyk.masks import mask_of
from polyk.ops.dispatch import Tensor, cast, one
from polyk.registry import Registry, registered_name, snake_case

REGISTRY = Registry("loss")

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none")


class Loss(Configured):
    """Base class: override `call`, which returns one value a sample.

    `reduction` makes a scalar of them: "sum_over_batch_size" (or "mean") the sum divided by their
    number, "sum", "mean_with_sample_weight" the sum divided by that of the weights; "none" keeps
    them. `dtype` is that of the computation: by default the predictions', at least floatx.
    """

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        if reduction not in (*REDUCTIONS, None):
            raise ValueError(
                f"reduction must be one of {', '.join(REDUCTIONS)}; got {reduction!r}."
            )
        self.name = name or snake_case(type(self).__name__)
        self.reduction = reduction
        self.dtype = None if dtype is None else dtypes.standardize(dtype)

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> Tensor:
        """A scalar, or (N, ...) with reduction "none"; where `mask` is False nothing is counted."""
        b, y_pred = one(y_pred)
        dtype = self.dtype or dtypes.promote(b.dtype(y_pred), dtypes.floatx())
        mask = mask_of(y_pred) if mask is None else mask
        values = self.call(self.convert(y_true, dtype), cast(b, y_pred, dtype))
        counted = self.counted(values)
        if counted is not None:
            mask = counted if mask is None else ops.logical_and(spread(mask, values), counted)
        return reduce_values(values, self.reduction, sample_weight, mask)

    def convert(self, y_true: Any, dtype: str) -> Tensor:
        """The targets as `call` takes them."""
        return ops.cast(y_true, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """(N, ...) from targets and predictions."""
        raise NotImplementedError(f"{type(self).__name__} does not define call.")

    def counted(self, values: Tensor) -> Any:
        """Which of the values count in a mean; None for all."""
        return None

    def check(self, y_true: Any, output_shape: Any) -> None:
        """Raise unless the NumPy array `y_true` fits predictions of `output_shape`.

        The batch size in it may be None. Of a loss that polyk does not know, only the number of
        samples is asked.
        """
        if not same_shape(y_true.shape[:1], output_shape[:1]):
            raise ShapeError(
                f"targets of shape {y_true.shape} do not fit predictions of shape "
                f"{tuple(output_shape)}: the number of samples differs."
            )


@REGISTRY.add
class LossFunctionWrapper(Loss):
    """``fn(y_true, y_pred, **kwargs)`` as a loss."""

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn, self.kwargs = fn, kwargs

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        y_true, y_pred = align(y_true, y_pred)
        return self.fn(y_true, y_pred, **self.kwargs)

    def get_config(self) -> dict[str, Any]:
        own = {"name": self.name, "reduction": self.reduction, "dtype": self.dtype}
        return {**own, "fn": registered_name(self.fn), **self.kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        fn = config["fn"]
        return cls(**{**config, "fn": REGISTRY.find(fn) if isinstance(fn, str) else fn})


class FunctionLoss(Loss):
    """A loss by the class's own function, which is told the attributes named as its arguments."""

    function: Callable[..., Any]
    keywords: tuple[str, ...]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "function" in vars(cls):
            cls.keywords = tuple(inspect.signature(cls.function).parameters)[2:]

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        options = {name: getattr(self, name) for name in self.keywords if hasattr(self, name)}
        return type(self).function(*align(y_true, y_pred), **options)


class ElementwiseLoss(FunctionLoss):
    """One whose targets have the shape of the predictions."""

    def check(self, y_true: Any, output_shape: Any) -> None:
        given, wanted = tuple(y_true.shape), tuple(output_shape)
        short, long = sorted((given, wanted), key=len)
        if not same_shape(given, wanted) and not same_shape((*short, 1), long):
            raise misfit(given, wanted)


def spread(weights: Any, values: Tensor) -> Tensor:
    """(N,) or (N, T) `weights` in the shape of (N, T, ...) `values`."""
    shape = ops.shape(values)
    weights = ops.cast(weights, ops.dtype(values))
    given = ops.shape(weights)
    if len(given) > len(shape) and given[-1] == 1:
        weights = ops.squeeze(weights, -1)
    rank = ops.ndim(weights)
    if rank < len(shape):
        weights = ops.expand_dims(weights, tuple(range(rank, len(shape))))
    if rank > len(shape) or not all(
        w == 1 or w == n or None in (w, n) for w, n in zip(ops.shape(weights), shape, strict=True)
    ):
        if not shape:
            raise ShapeError(
                "sample weights do not apply: this loss is one number for the whole batch. Losses "
                "over the last axis need predictions with two axes, as (N, 1)."
            )
        raise ShapeError(f"sample weights of shape {given} do not fit losses of shape {shape}.")
    return ops.broadcast_to(weights, shape)


def reduce_values(
    values: Any, reduction: str | None, sample_weight: Any = None, mask: Any = None
) -> Tensor:
    """(N, ...) losses, weighted and reduced; `sample_weight` and `mask` are (N,) or (N, ...)."""
    count: Any = None
    if sample_weight is not None:
        sample_weight = spread(sample_weight, values)
        values = ops.multiply(values, sample_weight)
    if mask is not None:
        mask = spread(mask, values)
        values = ops.where(mask, values, 0.0)
        sample_weight = mask if sample_weight is None else ops.multiply(sample_weight, mask)
        count = ops.sum(mask)
    if reduction in ("none", None):
        return values
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        count = ops.sum(sample_weight)
    if reduction == "sum" or 0 in ops.shape(values):
        return ops.sum(values)
    return ops.mean(values) if count is None else ops.divide_no_nan(ops.sum(values), count)
