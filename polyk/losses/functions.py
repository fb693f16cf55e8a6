"""Losses as functions: one value a sample, usually over the last axis of the predictions.

Targets are cast to the dtype of the predictions and must have their shape, but for a last axis of
size 1 that one of them may lack. Probabilities are kept 1e-7 away from 0 and 1.
"""

from __future__ import annotations

import math
from typing import Any

from polyk import ops
from polyk.config import epsilon
from polyk.errors import ShapeError
from polyk.losses.targets import labels, prepare
from polyk.ops.dispatch import Tensor, floating

__all__ = [
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "ctc",
    "cosine_similarity",
    "dice",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """``mean((y_true - y_pred) ** 2)``."""
    y_true, y_pred = prepare(y_true, y_pred)
    return ops.mean(ops.square(ops.subtract(y_true, y_pred)), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """``mean(|y_true - y_pred|)``."""
    y_true, y_pred = prepare(y_true, y_pred)
    return ops.mean(ops.abs(ops.subtract(y_true, y_pred)), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """``100 * mean(|y_true - y_pred| / max(|y_true|, 1e-7))``."""
    y_true, y_pred = prepare(y_true, y_pred)
    scale = ops.maximum(ops.abs(y_true), epsilon())
    ratio = ops.abs(ops.divide(ops.subtract(y_true, y_pred), scale))
    return ops.multiply(ops.mean(ratio, axis=-1), 100.0)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """``mean((log(1 + y_true) - log(1 + y_pred)) ** 2)``; what is below 1e-7 counts as 1e-7."""
    logs = (ops.log1p(ops.maximum(y, epsilon())) for y in prepare(y_true, y_pred))
    return ops.mean(ops.square(ops.subtract(*logs)), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """Mean of ``e ** 2 / 2`` where ``|e| <= delta``, else ``delta * |e| - delta ** 2 / 2``."""
    y_true, y_pred = prepare(y_true, y_pred)
    error = ops.subtract(y_pred, y_true)
    size = ops.abs(error)
    far = ops.subtract(ops.multiply(size, delta), 0.5 * delta**2)
    near = ops.multiply(ops.square(error), 0.5)
    return ops.mean(ops.where(ops.less_equal(size, delta), near, far), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """``mean(log(cosh(y_pred - y_true)))`` without overflow."""
    y_true, y_pred = prepare(y_true, y_pred)
    error = ops.subtract(y_pred, y_true)
    tail = ops.subtract(ops.softplus(ops.multiply(error, -2.0)), math.log(2))
    return ops.mean(ops.add(error, tail), axis=-1)


def _margin(y_true: Any, y_pred: Any) -> Tensor:
    """``max(1 - y_true * y_pred, 0)``; targets that are all 0 or 1 become -1 or 1."""
    y_true, y_pred = prepare(y_true, y_pred)
    binary = ops.all(ops.equal(ops.square(y_true), y_true))
    signs = ops.where(binary, ops.subtract(ops.multiply(y_true, 2.0), 1.0), y_true)
    return ops.relu(ops.subtract(1.0, ops.multiply(signs, y_pred)))


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """``mean(max(1 - y_true * y_pred, 0))`` for targets -1 and 1 (or 0 and 1)."""
    return ops.mean(_margin(y_true, y_pred), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """``mean(max(1 - y_true * y_pred, 0) ** 2)`` for targets -1 and 1 (or 0 and 1)."""
    return ops.mean(ops.square(_margin(y_true, y_pred)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """``max(neg - pos + 1, 0)``: the best wrong score against that of the one-hot target."""
    y_true, y_pred = prepare(y_true, y_pred)
    right = ops.sum(ops.multiply(y_true, y_pred), axis=-1)
    wrong = ops.max(ops.multiply(ops.subtract(1.0, y_true), y_pred), axis=-1)
    return ops.relu(ops.add(ops.subtract(wrong, right), 1.0))


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """``sum(y_true * log(y_true / y_pred))`` of distributions over the last axis."""
    y_true, y_pred = (ops.clip(y, epsilon(), 1.0) for y in prepare(y_true, y_pred))
    return ops.sum(ops.multiply(y_true, ops.log(ops.divide(y_true, y_pred))), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """``mean(y_pred - y_true * log(y_pred))``: counts and their predicted rates."""
    y_true, y_pred = prepare(y_true, y_pred)
    logs = ops.multiply(y_true, ops.log(ops.add(y_pred, epsilon())))
    return ops.mean(ops.subtract(y_pred, logs), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Minus the cosine of the angle between targets and predictions along `axis`."""
    y_true, y_pred = (ops.normalize(y, axis=axis) for y in prepare(y_true, y_pred))
    return ops.negative(ops.sum(ops.multiply(y_true, y_pred), axis=axis))


def _smooth(y_true: Tensor, amount: float, classes: int) -> Tensor:
    """Targets with `amount` of their weight spread evenly over the classes."""
    if not amount:
        return y_true
    return ops.add(ops.multiply(y_true, 1.0 - amount), amount / classes)


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """``-mean(t log(p) + (1 - t) log(1 - p))`` of targets from 0 to 1 and probabilities.

    With `from_logits` the predictions are numbers before their sigmoid.
    """
    y_true, y_pred = prepare(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, 2)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits), axis=axis)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Binary cross-entropy times ``(1 - p_t) ** gamma``, p_t the probability of the right side.

    `apply_class_balancing` weighs positives by `alpha`, negatives by ``1 - alpha``. Source: T. Lin
    et al., 2018.
    """
    y_true, y_pred = prepare(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, 2)
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    other = ops.subtract(1.0, y_true)
    right = ops.add(ops.multiply(y_true, p), ops.multiply(other, ops.subtract(1.0, p)))
    factor = ops.power(ops.subtract(1.0, right), gamma)
    loss = ops.multiply(factor, ops.binary_crossentropy(y_true, p))
    if apply_class_balancing:
        balance = ops.add(ops.multiply(y_true, alpha), ops.multiply(other, 1 - alpha))
        loss = ops.multiply(balance, loss)
    return ops.mean(loss, axis=axis)


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """``-sum(t log(p))`` over the classes along `axis`; p are scaled to sum to 1.

    With `from_logits` the predictions are numbers before their softmax.
    """
    y_true, y_pred = prepare(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, ops.shape(y_pred)[axis])
    return ops.categorical_crossentropy(y_true, y_pred, from_logits, axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """``-sum(alpha * (1 - p) ** gamma * t log(p))`` along `axis`: T. Lin et al., 2018."""
    y_true, y_pred = prepare(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, ops.shape(y_pred)[axis])
    p = ops.softmax(y_pred, axis) if from_logits else y_pred
    p = ops.divide(p, ops.sum(p, axis, keepdims=True))
    p = ops.clip(p, epsilon(), 1.0 - epsilon())
    factor = ops.multiply(ops.power(ops.subtract(1.0, p), gamma), -alpha)
    return ops.sum(ops.multiply(factor, ops.multiply(y_true, ops.log(p))), axis)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """``-log(p[label])`` for integer labels (...) or (..., 1) and predictions (..., classes).

    Labels equal to `ignore_class` cost 0; other labels outside the classes cost NaN.
    """
    y_true = labels(y_true, y_pred, axis)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis)
    ignored = ops.equal(y_true, ignore_class)
    y_true = ops.where(ignored, 0, y_true)
    # Where the label is ignored the predictions may be anything, NaN too.
    y_pred = ops.where(ops.expand_dims(ignored, axis), 1.0, y_pred)
    loss = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis)
    return ops.where(ignored, 0.0, loss)


def dice(y_true: Any, y_pred: Any, axis: int | tuple[int, ...] | None = None) -> Tensor:
    """``1 - 2 sum(t p) / (sum(t) + sum(p))`` over `axis`, or all axes."""
    y_true, y_pred = prepare(y_true, y_pred)
    both = ops.multiply(ops.sum(ops.multiply(y_true, y_pred), axis), 2.0)
    total = ops.add(ops.sum(y_true, axis), ops.sum(y_pred, axis))
    return ops.subtract(1.0, ops.divide(both, ops.add(total, epsilon())))


def tversky(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.5,
    beta: float = 0.5,
    axis: int | tuple[int, ...] | None = None,
) -> Tensor:
    """``1 - both / (both + alpha * missed + beta * added)`` over `axis`, or all axes.

    With both weights 0.5 this is `dice`. Source: S. Salehi et al., 2017.
    """
    y_true, y_pred = prepare(y_true, y_pred)
    both = ops.sum(ops.multiply(y_true, y_pred), axis)
    missed = ops.sum(ops.multiply(ops.subtract(1.0, y_pred), y_true), axis)
    added = ops.sum(ops.multiply(ops.subtract(1.0, y_true), y_pred), axis)
    total = ops.add(both, ops.add(ops.multiply(missed, alpha), ops.multiply(added, beta)))
    return ops.subtract(1.0, ops.divide(both, ops.add(total, epsilon())))


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Tensor:
    """``(1 - p[label] ** q) / q`` for integer labels (...) and probabilities (..., classes).

    Between mean absolute error (q = 1) and cross-entropy (q near 0): Z. Zhang, M. Sabuncu, 2018.
    """
    _, y_pred = floating(y_pred)
    hot = ops.one_hot(labels(y_true, y_pred), ops.shape(y_pred)[-1], dtype=ops.dtype(y_pred))
    p = ops.sum(ops.multiply(hot, y_pred), axis=-1)
    return ops.divide(ops.subtract(1.0, ops.power(p, q)), q)


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """(N,) from labels (N,) and embeddings (N, features) of norm 1: Y. Sun et al., 2020.

    Each is compared with the references (by default the others of the batch): those of its label
    should be near, the others far. 0 where there is none of one kind.
    """
    _, y_pred = floating(y_pred)
    near = y_pred if ref_embeddings is None else ops.cast(ref_embeddings, ops.dtype(y_pred))
    query = ops.reshape(ops.cast(y_true, "int32"), (-1, 1))
    keys = query if ref_labels is None else ops.cast(ref_labels, "int32")
    same = ops.equal(query, ops.reshape(keys, (1, -1)))
    other = ops.logical_not(same)
    if remove_diagonal:
        rows, columns = ops.shape(same)
        same = ops.logical_and(same, ops.logical_not(ops.eye(rows, columns, dtype="bool")))
    distance = ops.relu(ops.subtract(1.0, ops.matmul(y_pred, ops.transpose(near))))
    pull = ops.multiply(ops.add(distance, margin), ops.subtract(distance, margin))
    push = ops.multiply(ops.relu(ops.subtract(1 + margin, distance)),
                        ops.subtract(1 - margin, distance))  # fmt: skip
    parts = [
        _logsumexp_of(ops.multiply(x, gamma), some) for x, some in ((pull, same), (push, other))
    ]
    return ops.softplus(ops.add(*parts))


def ctc(y_true: Any, y_pred: Any) -> Tensor:
    """(N,) costs of labels (N, L), 0 where there is none, as paths through logits (N, T, classes).

    Class 0 stands for no label. See `ops.ctc_loss`.
    """
    if ops.ndim(y_true) != 2 or ops.ndim(y_pred) != 3:
        raise ShapeError(
            "ctc takes targets (N, labels) and predictions (N, steps, classes); got shapes "
            f"{ops.shape(y_true)} and {ops.shape(y_pred)}."
        )
    y_true = ops.cast(y_true, "int32")
    labels = ops.sum(ops.not_equal(y_true, 0), axis=1)
    steps = ops.add(ops.zeros_like(labels), ops.shape(y_pred)[1])
    return ops.ctc_loss(y_true, y_pred, labels, steps, 0)


def _logsumexp_of(x: Tensor, some: Tensor) -> Tensor:
    """(N,) logs of the sums of exp over those of the columns that count; -inf of none."""
    any_ = ops.any(some, axis=1)
    safe = ops.where(ops.logical_or(some, ops.logical_not(ops.expand_dims(any_, 1))), x, -math.inf)
    return ops.where(any_, ops.logsumexp(safe, axis=1), -math.inf)
