"""The one train step, for every backend: loss, gradients, update, metrics.

A step takes and returns tensors, and all that it changes are weights, so `polyk.compile` can make
of it what each engine likes best. It never waits for the device.
"""

from __future__ import annotations

from typing import Any

from polyk import losses, metrics, ops, trees
from polyk.weights import Weight, value_and_grad


class Objective:
    """What `compile` was told: losses with weights, and metrics, one per output."""

    def __init__(self, loss: Any, loss_weights: Any, metric_list: Any, weighted: Any) -> None:
        self.given_loss, self.loss_weights = loss, loss_weights
        self.given_metrics, self.given_weighted = metric_list, weighted
        self.tracker = metrics.Mean(name="loss")
        self.losses: list[Any] | None = None
        self.metrics: list[list[tuple[Any, bool]]] = []

    def resolve(self, y: Any, outputs: Any, names: list[str]) -> None:
        """Settle losses and metrics once the outputs (Specs) and the targets' shapes are known."""
        if self.losses is not None:
            return
        leaves, targets = trees.flatten(outputs), trees.flatten(y)
        self.names, self.several = names, len(leaves) > 1
        found = [losses.get(item) for item in _per_output(self.given_loss, names, "loss")]
        weights = _per_output(self.loss_weights, names, "loss_weights")
        self.weights = [1.0 if w is None else float(w) for w in weights]
        plain, weighted = (
            _per_output(m, names, "metrics", lists=True)
            for m in (self.given_metrics, self.given_weighted)
        )
        for i, out in enumerate(leaves):
            shape = tuple(targets[i].shape) if i < len(targets) else None
            pairs = [(m, False) for m in plain[i]] + [(m, True) for m in weighted[i]]
            self.metrics.append(
                [(metrics.resolve(m, found[i], out.shape, shape), w) for m, w in pairs]
            )
        self.losses = found

    def check(self, y: Any, outputs: Any) -> None:
        """Refuse targets that do not fit the outputs, before anything is computed."""
        targets, leaves = trees.flatten(y), trees.flatten(outputs)
        if len(targets) != len(leaves):
            raise ValueError(f"the model has {len(leaves)} outputs; y has {len(targets)} arrays.")
        for loss, target, out in zip(self.losses or [], targets, leaves, strict=True):
            if loss is not None:
                loss.check(target, out.shape)

    def loss(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        """The weighted sum of the outputs' losses, a scalar."""
        total = None
        rows = zip(self.losses or [], self.weights, trees.flatten(y), trees.flatten(y_pred),
                   self._sample_weights(sample_weight), strict=True)  # fmt: skip
        for loss, weight, target, output, sample in rows:
            if loss is None:
                continue
            value = loss(target, output, sample_weight=sample)
            value = value if weight == 1.0 else ops.multiply(value, weight)
            total = value if total is None else ops.add(total, value)
        if total is None:
            raise ValueError("the model has no loss: compile(loss=...) names one.")
        return total

    def _sample_weights(self, sample_weight: Any) -> list[Any]:
        flat = trees.flatten(sample_weight)
        count = len(self.losses or [])
        return flat if len(flat) == count else (flat or [None]) * count

    def update(self, loss: Any, y: Any, y_pred: Any, sample_weight: Any) -> None:
        """Let every metric see the batch."""
        outputs = trees.flatten(y_pred)
        batch = tuple(outputs[0].shape)[0]
        self.tracker.accumulate(self.tracker.total, ops.multiply(loss, float(batch)))
        self.tracker.accumulate(self.tracker.count, float(batch))
        rows = zip(self.metrics, trees.flatten(y), outputs, self._sample_weights(sample_weight),
                   strict=True)  # fmt: skip
        for found, target, output, sample in rows:
            for metric, weighted in found:
                metric.update_state(target, output, sample_weight=sample if weighted else None)

    def all_metrics(self) -> list[Any]:
        return [self.tracker, *(m for row in self.metrics for m, _ in row)]

    def results(self) -> dict[str, float]:
        """The metrics by name, as Python floats; waits for the device."""
        logs = {"loss": _number(self.tracker)}
        for name, row in zip(getattr(self, "names", []), self.metrics, strict=False):
            for metric, _ in row:
                label = f"{name}_{metric.name}" if self.several else metric.name
                logs[label] = _number(metric)
        return logs

    def reset(self) -> None:
        for metric in self.all_metrics():
            metric.reset_state()

    @property
    def state(self) -> list[Weight]:
        return [w for m in self.all_metrics() for w in m.state]


def _number(metric: Any) -> float:
    return float(ops.convert_to_numpy(metric.result()))


def _per_output(given: Any, names: list[str], what: str, lists: bool = False) -> list[Any]:
    """`given` (one thing, a list, or a dict by output name) as one entry for each output."""
    n = len(names)
    empty: Any = [] if lists else None
    if given is None:
        return [empty] * n
    if isinstance(given, dict) and "class_name" not in given:
        unknown = set(given) - set(names)
        if unknown:
            raise ValueError(f"{what} names outputs {sorted(unknown)}; there are {names}.")
        return [_listed(given.get(name, empty), lists) for name in names]
    if lists and (n == 1 or not any(isinstance(g, (list, tuple)) for g in _listed(given, True))):
        return [_listed(given, True)] * n if n == 1 else [[m] for m in _matched(given, n, what)]
    if isinstance(given, (list, tuple)):
        return [_listed(g, lists) for g in _matched(given, n, what)]
    return [given] * n


def _matched(given: Any, n: int, what: str) -> Any:
    if len(given) != n:
        raise ValueError(f"{what} has {len(given)} entries for {n} outputs.")
    return given


def _listed(given: Any, lists: bool) -> Any:
    if not lists or isinstance(given, list):
        return given
    return list(given) if isinstance(given, tuple) else [given]


def penalty(weights: list[Weight]) -> Any:
    """The sum of what the regularizers of `weights` charge."""
    total = weights[0].regularizer(weights[0].value)  # type: ignore[misc]
    for w in weights[1:]:
        total = ops.add(total, w.regularizer(w.value))  # type: ignore[misc]
    return total


def train_step(model: Any, weights: list[Weight], x: Any, y: Any, sample_weight: Any) -> Any:
    """One step of gradient descent; gives the loss."""

    def forward() -> Any:
        y_pred = model(x, training=True)
        loss = model.compute_loss(x, y, y_pred, sample_weight)
        return loss, y_pred

    (loss, y_pred), grads = value_and_grad(forward, weights, has_aux=True)()
    model.optimizer.apply(grads, weights)
    model.objective.update(loss, y, y_pred, sample_weight)
    return loss


def test_step(model: Any, x: Any, y: Any, sample_weight: Any) -> Any:
    """The loss and the metrics of one batch, without training."""
    y_pred = model(x, training=False)
    loss = model.compute_loss(x, y, y_pred, sample_weight)
    model.objective.update(loss, y, y_pred, sample_weight)
    return loss
