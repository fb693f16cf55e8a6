"""What `compile` was told: losses with weights, and metrics, for each output of a model."""

from __future__ import annotations

from typing import Any

from polyk import dtypes, losses, metrics, ops, trees
from polyk.masks import mask_of
from polyk.weights import Weight


class Objective:
    """The losses and metrics of a model, settled when its outputs and targets are first seen.

    With several losses each has a running mean of its own, ``<output>_loss``; metrics of several
    outputs are called ``<output>_<metric>``.
    """

    def __init__(self, loss: Any, loss_weights: Any, metric_list: Any, weighted: Any) -> None:
        self.given_loss, self.loss_weights = loss, loss_weights
        self.given_metrics, self.given_weighted = metric_list, weighted
        self.tracker = metrics.Mean(name="loss")
        self.names: list[str] = []
        self.losses: list[Any] | None = None
        self.lone: Any = None  # the loss of a single output
        self.parts: list[Any] = []  # a running mean for each loss, if there are several
        self.metrics: list[list[tuple[Any, bool]]] = []
        self.labels: dict[int, str] = {}

    def resolve(self, y: Any, outputs: Any, names: list[str]) -> None:
        """Settle losses and metrics once the outputs and the targets' shapes are known."""
        if self.losses is not None:
            return
        found = [losses.get(item) for item in _per_output(self.given_loss, names, "loss")]
        weights = _per_output(self.loss_weights, names, "loss_weights")
        self.weights = [1.0 if w is None else float(w) for w in weights]
        targets = arrange(y, names, found)
        plain, weighted = (
            _per_output(m, names, what, lists=True)
            for what, m in (("metrics", self.given_metrics),
                            ("weighted_metrics", self.given_weighted))
        )  # fmt: skip
        rows = []
        for i, out in enumerate(trees.flatten(outputs)):
            shape = None if targets[i] is None else tuple(targets[i].shape)
            pairs = [(m, False) for m in plain[i]] + [(m, True) for m in weighted[i]]
            rows.append([(metrics.resolve(m, found[i], out.shape, shape), w) for m, w in pairs])
        self.names, self.losses, self.metrics = names, found, rows
        self.lone = found[0] if self.weights == [1.0] else None
        self._label()

    def _label(self) -> None:
        """Give each metric its name in the logs, and each of several losses a running mean."""
        assert self.losses is not None
        several, taken = len(self.names) > 1, {"loss"}
        if sum(loss is not None for loss in self.losses) > 1:
            self.parts = [None if loss is None else metrics.Mean(name=f"{name}_loss")
                          for name, loss in zip(self.names, self.losses, strict=True)]  # fmt: skip
            taken |= {m.name for m in self.parts if m is not None}
        for weighted in (False, True):
            for name, row in zip(self.names, self.metrics, strict=True):
                for metric in (m for m, w in row if w is weighted):
                    self.labels[id(metric)] = _label(metric.name, name, several, weighted, taken)

    def check(self, y: Any, outputs: Any) -> None:
        """Refuse targets that do not fit the outputs, before anything is computed."""
        assert self.losses is not None
        rows = zip(self.losses, arrange(y, self.names, self.losses), trees.flatten(outputs),
                   strict=True)  # fmt: skip
        for loss, target, out in rows:
            if loss is not None and target is not None:
                loss.check(target, out.shape)

    def loss(self, y: Any, y_pred: Any, sample_weight: Any) -> Any:
        """The weighted sum of the outputs' losses, a scalar; None if there is no loss."""
        self._settle(y, y_pred)
        assert self.losses is not None
        if self.lone is not None and _is_leaf(y) and _is_leaf(sample_weight):  # by far the usual
            output = leaves(y_pred)[0]
            return self.lone(y, output, sample_weight=sample_weight, mask=mask_of(output))
        total = None
        targets = arrange(y, self.names, self.losses)
        rows = zip(self.losses, self.weights, targets, leaves(y_pred),
                   self._sample_weights(sample_weight), strict=True)  # fmt: skip
        for i, (loss, weight, target, output, sample) in enumerate(rows):
            if loss is None:
                continue
            value = loss(target, output, sample_weight=sample, mask=mask_of(output))
            if self.parts:
                _count(self.parts[i], value, output)
            value = value if weight == 1.0 else ops.multiply(value, weight)
            total = value if total is None else ops.add(total, value)
        return total

    def _settle(self, y: Any, y_pred: Any) -> None:
        if self.losses is None:
            n = len(trees.flatten(y_pred))
            keys = sorted(y_pred) if isinstance(y_pred, dict) else []
            self.resolve(y, y_pred, keys or default_names(n))

    def _sample_weights(self, sample_weight: Any) -> list[Any]:
        if sample_weight is None:
            return [None] * len(self.names)
        if isinstance(sample_weight, dict):
            _known(sample_weight, self.names, "sample_weight")
            return [sample_weight.get(name) for name in self.names]
        if isinstance(sample_weight, (list, tuple)):
            return list(_matched(sample_weight, len(self.names), "sample_weight"))
        return [sample_weight] * len(self.names)

    def track(self, loss: Any, y_pred: Any) -> None:
        """Count the loss of a batch, by the number of its samples."""
        _count(self.tracker, loss, leaves(y_pred)[0])

    def update(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        """Let every metric see the batch."""
        self._settle(y, y_pred)
        assert self.losses is not None
        if not any(self.metrics):
            return
        rows = zip(self.metrics, arrange(y, self.names, self.losses), trees.flatten(y_pred),
                   self._sample_weights(sample_weight), strict=True)  # fmt: skip
        for found, target, output, sample in rows:
            for metric, weighted in found:
                weight = _masked(sample if weighted else None, mask_of(output))
                metric.update_state(target, output, sample_weight=weight)

    def all_metrics(self) -> list[Any]:
        """The mean loss, those of the outputs, then the metrics of each output."""
        parts = [m for m in self.parts if m is not None]
        rows = [[m for row in self.metrics for m, w in row if w is weighted]
                for weighted in (False, True)]  # fmt: skip
        return [self.tracker, *parts, *rows[0], *rows[1]]

    @property
    def state(self) -> list[Weight]:
        return [w for m in self.all_metrics() for w in m.state]


def _count(mean: Any, value: Any, output: Any) -> None:
    batch = float(tuple(output.shape)[0])
    mean.accumulate(mean.total, ops.multiply(value, batch))
    mean.accumulate(mean.count, batch)


def _masked(sample_weight: Any, mask: Any) -> Any:
    """(N,) or (N, T) weights, zero where the (N, T) mask is False; either may be None."""
    if mask is None:
        return sample_weight
    mask = ops.cast(mask, dtypes.floatx())
    if sample_weight is None:
        return mask
    missing = range(ops.ndim(sample_weight), ops.ndim(mask))
    return ops.multiply(ops.expand_dims(sample_weight, tuple(missing)), mask)


def _label(metric: str, output: str, several: bool, weighted: bool, taken: set[str]) -> str:
    """A name in the logs that nothing else has."""

    def full(name: str) -> str:
        return f"{output}_{name}" if several else name

    label = full(metric)
    if label in taken and weighted:
        label = full(f"weighted_{metric}")
    first, n = label, 0
    while label in taken:
        n += 1
        label = f"{first}_{n}"
    taken.add(label)
    return label


def _is_leaf(tree: Any) -> bool:
    return not isinstance(tree, (dict, list, tuple))


def leaves(tree: Any) -> list[Any]:
    """As `trees.flatten`, soon done where there is one leaf."""
    return [tree] if hasattr(tree, "shape") else trees.flatten(tree)


def default_names(n: int) -> list[str]:
    """What outputs are called that have no names."""
    return [f"output_{i}" for i in range(n)] if n > 1 else ["output"]


def arrange(y: Any, names: list[str], found: list[Any]) -> list[Any]:
    """One target for each output, None where there is none.

    `y` is one array, a list in the order of the outputs (of those that have a loss, if shorter), or
    a dict by their names.
    """
    if isinstance(y, dict) and set(y) & set(names):
        _known(y, names, "y")
        return [y.get(name) for name in names]
    flat, n = leaves(y), len(names)
    if len(flat) == n:
        return flat
    if not flat:
        return [None] * n
    places = [i for i, loss in enumerate(found) if loss is not None]
    if len(flat) != len(places):
        raise ValueError(f"the model has {n} outputs; y has {len(flat)} arrays.")
    at = dict(zip(places, flat, strict=True))
    return [at.get(i) for i in range(n)]


def _per_output(given: Any, names: list[str], what: str, lists: bool = False) -> list[Any]:
    """`given` (one thing, a list, or a dict by output name) as one entry for each output."""
    n = len(names)
    empty: Any = [] if lists else None
    if given is None:
        return [empty] * n
    if isinstance(given, dict) and "class_name" not in given:
        _known(given, names, what)
        return [_listed(given.get(name, empty), lists) for name in names]
    if lists and n == 1:
        return [_unnested(given)]
    if isinstance(given, (list, tuple)):
        return [_listed(g, lists) for g in _matched(given, n, what)]
    return [_listed(given, lists)] * n


def _unnested(given: Any) -> list[Any]:
    """The metrics of one output, which may be given as a list in a list."""
    items = given if isinstance(given, (list, tuple)) else [given]
    return [m for item in items for m in (item if isinstance(item, (list, tuple)) else [item])]


def _known(given: dict[str, Any], names: list[str], what: str) -> None:
    unknown = set(given) - set(names)
    if unknown:
        raise ValueError(f"{what} names outputs {sorted(unknown)}; there are {names}.")


def _matched(given: Any, n: int, what: str) -> Any:
    if len(given) != n:
        raise ValueError(f"{what} has {len(given)} entries for {n} outputs.")
    return given


def _listed(given: Any, lists: bool) -> Any:
    if not lists or isinstance(given, list):
        return given
    return [] if given is None else list(given) if isinstance(given, tuple) else [given]


def penalty(weights: list[Weight]) -> Any:
    """The sum of what the regularizers of `weights` charge."""
    total = weights[0].regularizer(weights[0].value)  # type: ignore[misc]
    for w in weights[1:]:
        total = ops.add(total, w.regularizer(w.value))  # type: ignore[misc]
    return total
