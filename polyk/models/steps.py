"""What a model does with one batch: steps that a user may override, written once for all backends.

A step takes tensors and returns a dict of tensors, and all that it changes are weights, optimizers
and metrics; so `polyk.compile` can make of it what each engine likes best. It never waits for the
device.
"""

from __future__ import annotations

import inspect
from typing import Any

from polyk import ops
from polyk.metrics import Metric
from polyk.models import training as objectives
from polyk.models.network import Network
from polyk.optimizers import Optimizer
from polyk.utils import unpack_x_y_sample_weight
from polyk.weights import Weight, value_and_grad


class Steps(Network):
    """Override `train_step`, `test_step`, `predict_step`, `compute_loss` or `compute_metrics`.

    >>> class Net(polyk.Model):
    ...     def train_step(self, data):
    ...         x, y = data
    ...         weights = self.trainable_weights
    ...         loss, grads = polyk.value_and_grad(
    ...             lambda: self.compute_loss(x, y, self(x, training=True)), weights=weights
    ...         )()
    ...         self.optimizer.apply(grads, weights)
    ...         return {"loss": loss}
    """

    optimizer: Any
    objective: Any
    _trained: list[Weight]  # what the train step now compiled changes
    _penalized: list[Weight]
    _loss_wants_training = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._loss_wants_training = "training" in inspect.signature(cls.compute_loss).parameters

    def train_step(self, data: Any) -> dict[str, Any]:
        """Learn from one batch, ``x``, ``(x, y)`` or ``(x, y, sample_weight)``; gives the logs."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        _, y_pred = learn(self, data)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """The logs for one batch, without learning."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        _, y_pred = judge(self, data)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for one batch."""
        return self(unpack_x_y_sample_weight(data)[0], training=False)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
        training: bool = True,
    ) -> Any:  # fmt: skip
        """The scalar that training makes small: the losses of `compile` and the penalties."""
        loss = self.objective.loss(y, y_pred, sample_weight)
        penalty = objectives.penalty(self._penalized) if self._penalized else None
        for extra in (penalty, self._charges()):
            if extra is not None:
                loss = extra if loss is None else ops.add(loss, extra)
        if loss is None:
            raise ValueError(
                f"{self.where()} has no loss: compile(loss=...) names one, or a layer adds one."
            )
        return loss

    def _loss(self, *given: Any, training: bool) -> Any:
        kwargs = {"training": training} if self._loss_wants_training else {}
        return self.compute_loss(*given, **kwargs)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Let the metrics of `compile` see a batch; the values so far, as tensors."""
        self.objective.update(y, y_pred, sample_weight)
        return self.get_metrics_result()

    @property
    def metrics(self) -> list[Metric]:
        """All metrics: those of `compile`, those kept as attributes, those of the layers."""
        own = [] if self.objective is None else self.objective.all_metrics()
        held = [m for x in self._flatten_layers() for m in x._parts(Metric)
                if x is self or not isinstance(x, Steps)]  # fmt: skip
        return [*own, *held]

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [m.name for m in self.metrics]

    def get_metrics_result(self) -> dict[str, Any]:
        """The value of every metric by name, as tensors."""
        logs: dict[str, Any] = {}
        labels = {} if self.objective is None else self.objective.labels
        for metric in self.metrics:
            value = metric.result()
            logs.update(
                value if isinstance(value, dict) else {labels.get(id(metric), metric.name): value}
            )
        return logs

    def reset_metrics(self) -> None:
        """Let every metric start over."""
        for metric in self.metrics:
            metric.reset_state()

    def _overrides(self, *names: str) -> bool:
        return any(getattr(type(self), name) is not getattr(Steps, name) for name in names)

    def _holders(self) -> list[Any]:
        """All that a step may change: the model, its optimizers, its metrics."""
        own = [p for p in (self.optimizer, self.objective) if p is not None]
        return list(dict.fromkeys([self, *own, *self._parts(Optimizer), *self.metrics]))

    def _all_state(self) -> list[Any]:
        return list(dict.fromkeys(w for part in self._holders() for w in part.state))


def learn(model: Any, data: Any) -> tuple[Any, Any]:
    """One step of gradient descent as `compile` said; the loss and the outputs."""
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    weights = model._trained

    def forward() -> Any:
        y_pred = model(x, training=True)
        loss = model._loss(x, y, y_pred, sample_weight, training=True)
        return model.optimizer.scale_loss(loss), (loss, y_pred)

    (_, (loss, y_pred)), grads = value_and_grad(forward, weights, has_aux=True)()
    model.optimizer.apply(grads, weights)
    model.objective.track(loss, y_pred)
    return loss, y_pred


def judge(model: Any, data: Any) -> tuple[Any, Any]:
    """The loss and the outputs of one batch, without learning."""
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    y_pred = model(x, training=False)
    loss = model._loss(x, y, y_pred, sample_weight, training=False)
    model.objective.track(loss, y_pred)
    return loss, y_pred


def quiet(work: Any) -> Any:
    """The step of `work` that updates the metrics and leaves their values for later."""

    def step(model: Any, data: Any) -> dict[str, Any]:
        _, y, sample_weight = unpack_x_y_sample_weight(data)
        loss, y_pred = work(model, data)
        model.objective.update(y, y_pred, sample_weight)
        return {"loss": loss}

    return step
