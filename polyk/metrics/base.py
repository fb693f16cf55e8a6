"""Running totals: what a metric keeps between batches, and the means that most metrics are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Self

from polyk import dtypes, initializers, ops
from polyk.configured import Configured
from polyk.losses.base import spread
from polyk.ops.dispatch import Tensor
from polyk.registry import Registry, registered_name, snake_case
from polyk.select import backend_of
from polyk.weights import Weight

REGISTRY = Registry("metric")


class Metric(Configured):
    """Base class: override `update_state` and `result`; keep the state in `add_variable`s.

    State is written with ``variable.assign(...)``, and by ops only, so that an update compiles.
    """

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or snake_case(type(self).__name__)
        self.dtype = dtypes.standardize(dtype or dtypes.floatx())
        self._variables: list[Weight] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def add_variable(
        self,
        shape: Sequence[int] = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        name: str = "variable",
    ) -> Weight:
        """A new piece of state."""
        first = initializers.get(initializer)
        weight = Weight(name, shape, dtype or self.dtype, first, trainable=False)
        weight.path = f"{self.name}/{name}"
        self._variables.append(weight)
        return weight

    add_weight = add_variable

    @property
    def state(self) -> list[Weight]:
        """Every weight of the metric, and of metrics that it holds."""
        inner = [item for item in vars(self).values() if isinstance(item, Metric)]
        return [*self._variables, *(weight for metric in inner for weight in metric.state)]

    variables = state

    def build(self, output_shape: Any) -> None:
        """Make the state whose shape depends on the predictions; the batch size may be None."""

    def accumulate(self, weight: Weight, amount: Any) -> None:
        """``weight += amount``, a tensor or a number; new state goes where the tensor is."""
        if weight.backend is None:
            b = backend_of(amount)
            for new in self._variables if b.rank == 0 else ():
                if new.backend is None:
                    new.initialize(b)
        weight.assign(ops.add(weight.value, amount))

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Count another batch: ``update_state(y_true, y_pred, sample_weight=None)``."""
        raise NotImplementedError(f"{type(self).__name__} does not define update_state.")

    def result(self) -> Tensor:
        """The value over everything counted since the last `reset_state`."""
        raise NotImplementedError(f"{type(self).__name__} does not define result.")

    def reset_state(self) -> None:
        """Start over from zeros."""
        import numpy as np

        for weight in self.state:
            if weight.backend is not None:
                weight.assign(np.zeros(weight.shape, "float32"))

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """Count another batch; the value so far."""
        self.update_state(*args, **kwargs)
        return self.result()


def _samplewise(
    values: Any, weights: Any, reduce: Callable[..., Tensor], dtype: str
) -> tuple[Tensor, Any]:
    """(N,) from (N, ...) values, times the weights (N,) or (N, ...), and the weights as (N,)."""
    values = ops.cast(values, dtype)
    if weights is not None:
        weights = spread(weights, values)
        values = ops.multiply(values, weights)
    rest = tuple(range(1, ops.ndim(values)))
    if rest:
        values = reduce(values, rest)
        weights = None if weights is None else reduce(weights, rest)
    return values, weights


@REGISTRY.add
class Sum(Metric):
    """The weighted sum of all values."""

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, _ = _samplewise(values, sample_weight, ops.sum, self.dtype)
        self.accumulate(self.total, ops.sum(values))

    def result(self) -> Tensor:
        return self.total.value


@REGISTRY.add
class Mean(Metric):
    """The weighted mean of all values; each sample (N, ...) counts by its own mean. 0 of none."""

    def __init__(self, name: str = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")
        self.count = self.add_variable(name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, weights = _samplewise(values, sample_weight, ops.mean, self.dtype)
        self.accumulate(self.total, ops.sum(values))
        self.accumulate(self.count, _length(values) if weights is None else ops.sum(weights))

    def result(self) -> Tensor:
        return ops.divide_no_nan(self.total.value, self.count.value)


def _length(values: Tensor) -> Any:
    """How many samples (N, ...) there are; 1 for a scalar."""
    shape = ops.shape(values)
    return ops.sum(ops.ones_like(values)) if None in shape else float(shape[0] if shape else 1)


@REGISTRY.add
class MeanMetricWrapper(Mean):
    """The mean of ``fn(y_true, y_pred, **kwargs)``, which returns a value a sample."""

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(name or getattr(fn, "__name__", None) or "mean_metric_wrapper", dtype)
        self.fn, self.kwargs = fn, kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        super().update_state(self.fn(y_true, y_pred, **self.kwargs), sample_weight)

    def get_config(self) -> dict[str, Any]:
        own = {"name": self.name, "dtype": self.dtype, "fn": registered_name(self.fn)}
        return {**own, **self.kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        fn = config["fn"]
        return cls(**{**config, "fn": REGISTRY.find(fn) if isinstance(fn, str) else fn})


class FunctionMetric(Mean):
    """The mean of the class's own function, told the attributes named as its arguments."""

    function: Callable[..., Any]
    keywords: tuple[str, ...]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "function" in vars(cls):
            cls.keywords = tuple(inspect.signature(cls.function).parameters)[2:]

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name or snake_case(type(self).__name__), dtype)

    def values(self, y_true: Any, y_pred: Any) -> Tensor:
        """What the mean is taken of."""
        options = {name: getattr(self, name) for name in self.keywords if hasattr(self, name)}
        found: Tensor = type(self).function(y_true, y_pred, **options)
        return found

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        super().update_state(self.values(y_true, y_pred), sample_weight)
