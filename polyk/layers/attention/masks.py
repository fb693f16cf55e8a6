"""Which query may attend to which key."""

from __future__ import annotations

from typing import Any

from polyk import ops
from polyk.ops.dispatch import cast, tensors
from polyk.select import backend_of


def all_of(*masks: Any) -> Any:
    """Where all the masks that there are hold; None without any."""
    result = None
    for mask in masks:
        if mask is not None:
            mask = ops.cast(mask, "bool")
            result = mask if result is None else ops.logical_and(result, mask)
    return result


def distances(like: Any, targets: int, sources: int) -> Any:
    """(targets, sources): how far the source is behind the target."""
    b = backend_of(like)
    rows, columns = (b.arange(0, n, 1, "int32") for n in (targets, sources))
    return ops.subtract(ops.expand_dims(rows, 1), ops.expand_dims(columns, 0))


def causal(like: Any, targets: int, sources: int) -> Any:
    """(targets, sources): no target sees what comes after it."""
    return ops.greater_equal(distances(like, targets, sources), 0)


def masked_softmax(scores: Any, mask: Any) -> Any:
    """The softmax of the last axis over what `mask` allows; 0 elsewhere."""
    b, (scores, mask) = tensors(scores, mask)
    mask = None if mask is None else cast(b, mask, "bool")
    return b.masked_softmax(scores, mask, (len(b.shape(scores)) - 1,))
