"""Metrics: running means and counts over the batches of an epoch."""

from __future__ import annotations

from typing import Any

from polyk import losses as _losses
from polyk.losses.functions import *  # noqa: F403
from polyk.losses.targets import kind_of
from polyk.metrics.accuracies import *  # noqa: F403
from polyk.metrics.base import REGISTRY as REGISTRY
from polyk.metrics.base import Mean as Mean
from polyk.metrics.base import MeanMetricWrapper as MeanMetricWrapper
from polyk.metrics.base import Metric as Metric
from polyk.metrics.base import Sum as Sum
from polyk.metrics.confusion import *  # noqa: F403
from polyk.metrics.correlations import *  # noqa: F403
from polyk.metrics.means import *  # noqa: F403
from polyk.metrics.overlap import *  # noqa: F403
from polyk.metrics.scores import *  # noqa: F403
from polyk.metrics.tradeoffs import *  # noqa: F403

_KINDS = {
    "accuracy": {
        "binary": "BinaryAccuracy",
        "sparse": "SparseCategoricalAccuracy",
        "categorical": "CategoricalAccuracy",
    },
    "crossentropy": {
        "binary": "BinaryCrossentropy",
        "sparse": "SparseCategoricalCrossentropy",
        "categorical": "CategoricalCrossentropy",
    },
}
_KINDS |= {"acc": _KINDS["accuracy"], "ce": _KINDS["crossentropy"]}


def get(identifier: Any) -> Any:
    """A metric from its name, config, class, a function or loss, or itself; None for None."""
    if isinstance(identifier, _losses.Loss):
        return MeanMetricWrapper(identifier.call, name=identifier.name)
    found = REGISTRY.get(identifier)
    if found is None or isinstance(found, Metric):
        return found
    return MeanMetricWrapper(found)


def resolve(identifier: Any, loss: Any, output_shape: Any, y_shape: Any) -> Any:
    """As `get`, built for these predictions, and called by the name that the user gave.

    "accuracy" or "acc", and "crossentropy" or "ce", become the one that fits the shapes of
    predictions and targets: binary for one output, sparse for integer labels, else categorical. If
    `loss` takes logits, so do they.
    """
    kinds = _KINDS.get(identifier.lower()) if isinstance(identifier, str) else None
    if kinds is None:
        metric = get(identifier)
    else:
        metric = _fitting(REGISTRY.find(kinds[kind_of(output_shape, y_shape)]), loss)
    if isinstance(identifier, str):
        metric.name = identifier
    metric.build(output_shape)
    return metric


def _fitting(cls: Any, loss: Any) -> Any:
    """A metric of the class `cls` for the same predictions as `loss`."""
    if not getattr(loss, "from_logits", False):
        return cls()
    if cls.__name__.endswith("Crossentropy"):
        return cls(from_logits=True)
    return cls(threshold=0.0) if cls.__name__ == "BinaryAccuracy" else cls()


def serialize(metric: Any) -> Any:
    """A config from which `get` makes an equal metric, without what it has counted."""
    return REGISTRY.serialize(metric)


deserialize = get
