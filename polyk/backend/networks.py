"""Activations, losses, normalization, dropout and CTC as Keras 1 spelled them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import config, ops, random
from polyk.ops.dispatch import Tensor

__all__ = [
    "batch_normalization",
    "bias_add",
    "binary_crossentropy",
    "categorical_crossentropy",
    "ctc_batch_cost",
    "ctc_decode",
    "ctc_label_dense_to_sparse",
    "dropout",
    "elu",
    "hard_sigmoid",
    "in_test_phase",
    "in_top_k",
    "in_train_phase",
    "normalize_batch_in_training",
    "random_binomial",
    "random_normal",
    "random_uniform",
    "relu",
    "softmax",
    "sparse_categorical_crossentropy",
    "truncated_normal",
]


def relu(
    x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Tensor:
    """``max(x, 0)``; slope `alpha` below `threshold`, and nothing above `max_value`."""
    if not alpha and max_value is None and not threshold:
        return ops.relu(x)
    above = ops.greater_equal(x, threshold) if threshold else ops.greater(x, 0)
    y = ops.where(above, x, ops.multiply(ops.subtract(x, threshold), alpha))
    return y if max_value is None else ops.minimum(y, max_value)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """`x` above 0, ``alpha * (exp(x) - 1)`` below."""
    return ops.elu(x, alpha)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """``exp(x)``, scaled to sum to 1 along `axis`."""
    return ops.softmax(x, axis)


def hard_sigmoid(x: Any) -> Tensor:
    """``clip(0.2 x + 0.5, 0, 1)``: Keras 3 has a slope of 1/6 instead."""
    return ops.clip(ops.add(ops.multiply(x, 0.2), 0.5), 0.0, 1.0)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """A share `level` of the elements set to 0, the rest scaled up."""
    return ops.dropout(x, level, noise_shape, random.next_key() if seed is None else seed)


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """Cross-entropy of distributions along `axis`."""
    return ops.categorical_crossentropy(target, output, from_logits, axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """Cross-entropy of class numbers (...) and distributions (..., classes)."""
    return ops.sparse_categorical_crossentropy(target, output, from_logits, axis)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """Cross-entropy of each element as a probability of its own."""
    return ops.binary_crossentropy(target, output, from_logits)


def in_top_k(predictions: Any, targets: Any, k: int) -> Tensor:
    """Whether each target (N,) is among the `k` largest of its row (N, classes)."""
    return ops.in_top_k(targets, predictions, k)


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Tensor:
    """``gamma * (x - mean) / sqrt(var + epsilon) + beta``."""
    flat = [v if v is None else ops.ravel(v) for v in (mean, var, beta, gamma)]
    return ops.batch_normalization(x, flat[0], flat[1], axis, flat[2], flat[3], epsilon)


def normalize_batch_in_training(
    x: Any, gamma: Any, beta: Any, reduction_axes: Sequence[int], epsilon: float = 1e-3
) -> tuple[Tensor, Tensor, Tensor]:
    """`x` normalized by its own mean and variance over `reduction_axes`; and the two."""
    mean, var = ops.moments(x, tuple(reduction_axes), keepdims=True)
    y = ops.multiply(ops.subtract(x, mean), ops.rsqrt(ops.add(var, epsilon)))
    wide = ops.shape(mean)
    y = y if gamma is None else ops.multiply(y, ops.reshape(gamma, wide))
    y = y if beta is None else ops.add(y, ops.reshape(beta, wide))
    return y, ops.squeeze(mean, tuple(reduction_axes)), ops.squeeze(var, tuple(reduction_axes))


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Tensor:
    """`x` plus a bias for each channel (C,), or one of the shape of a sample."""
    rank, first = ops.ndim(x), (data_format or config.image_data_format()) == "channels_first"
    sizes = ops.shape(bias)
    if len(sizes) not in (1, rank - 1):
        raise ValueError(f"bias_add: bias has {len(sizes)} axes; expected 1 or {rank - 1}.")
    if first and rank > 2:
        sizes = (*sizes, *[1] * (rank - 2)) if len(sizes) == 1 else (sizes[-1], *sizes[:-1])
        bias = ops.reshape(bias, sizes) if ops.ndim(bias) == 1 else ops.moveaxis(bias, -1, 0)
    return ops.add(x, bias)


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` if `training`, else `alt`; either may be a function without arguments."""
    if training is None:
        raise RuntimeError(
            "K.in_train_phase needs to be told: there is no global learning phase. Let `call` take "
            "training=False, and pass training=training."
        )
    chosen = x if training else alt
    return chosen() if callable(chosen) else chosen


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`alt` if `training`, else `x`."""
    return in_train_phase(alt, x, training)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normal numbers."""
    return random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers in [minval, maxval), all as likely."""
    return random.uniform(shape, minval, maxval, dtype, seed)


def random_binomial(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Ones with probability `p`, else zeros."""
    return random.bernoulli(shape, p, dtype or config.floatx(), seed)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normal numbers within two standard deviations."""
    return random.truncated_normal(shape, mean, stddev, dtype, seed)


def ctc_label_dense_to_sparse(labels: Any, label_lengths: Any) -> Tensor:
    """The labels (N, L) that count, one after the other: those before each row's length."""
    labels, lengths = ops.convert_to_numpy(labels), ops.convert_to_numpy(label_lengths)
    rows = [row[:n] for row, n in zip(labels, lengths.ravel(), strict=True)]
    return ops.concatenate(rows, 0)


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Tensor:
    """CTC loss (N, 1) of labels (N, L) and probabilities (N, T, classes), the last class blank."""
    logits = ops.log(ops.add(y_pred, config.epsilon()))
    labels, steps = (ops.ravel(ops.cast(v, "int32")) for v in (label_length, input_length))
    blank = ops.shape(y_pred)[-1] - 1
    return ops.expand_dims(ops.ctc_loss(y_true, logits, labels, steps, blank), 1)


def ctc_decode(
    y_pred: Any,
    input_length: Any,
    greedy: bool = True,
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = False,
) -> tuple[list[Tensor], Tensor]:
    """The likeliest labels, a list of (N, L) padded with -1, and their log-probabilities."""
    blank = ops.shape(y_pred)[-1] - 1
    decoded, scores = ops.ctc_decode(
        ops.log(ops.add(y_pred, config.epsilon())),
        ops.ravel(ops.cast(input_length, "int32")),
        strategy="greedy" if greedy else "beam_search",
        beam_width=beam_width,
        top_paths=top_paths,
        merge_repeated=True if greedy else merge_repeated,
        mask_index=blank,
    )
    return list(ops.unstack(decoded, axis=0)), scores
