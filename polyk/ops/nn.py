"""Activations, normalization, losses, dropout."""

import math
from collections.abc import Sequence
from typing import Any

from polyk import config, dtypes
from polyk.errors import ShapeError
from polyk.ops.conv import *
from polyk.ops.creation import normalize as normalize
from polyk.ops.ctc import *
from polyk.ops.dispatch import Tensor, alike, cast, floating, floating_pair, indices, tensors
from polyk.ops.folding import *
from polyk.ops.indexing import multi_hot as multi_hot
from polyk.ops.indexing import one_hot as one_hot
from polyk.ops.layout import depth_to_space as depth_to_space
from polyk.ops.layout import space_to_depth as space_to_depth
from polyk.ops.pooling import *
from polyk.ops.reductions import moments as moments
from polyk.ops.sequence import dot_product_attention as dot_product_attention
from polyk.ops.sparse import *
from polyk.ops.statistics import psnr as psnr
from polyk.shapes import axis_index, axis_tuple

__all__ = [
    "batch_normalization",
    "binary_crossentropy",
    "categorical_crossentropy",
    "celu",
    "dropout",
    "elu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "layer_normalization",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "normalize_batch",
    "relu",
    "relu6",
    "rms_normalization",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_categorical_crossentropy",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
]

Axis = int | Sequence[int] | None


def relu(x: Any) -> Tensor:
    """``max(x, 0)``; the derivative at 0 is 0."""
    b, x = floating(x)
    return b.relu(x)


def relu6(x: Any) -> Tensor:
    """`relu` cut off at 6."""
    b, x = floating(x)
    return b.relu6(x)


def selu(x: Any) -> Tensor:
    """`elu` scaled to keep mean 0 and variance 1: G. Klambauer et al., 2017."""
    b, x = floating(x)
    return b.selu(x)


def sigmoid(x: Any) -> Tensor:
    """``1 / (1 + exp(-x))``."""
    b, x = floating(x)
    return b.sigmoid(x)


def log_sigmoid(x: Any) -> Tensor:
    """``log(sigmoid(x))`` without underflow."""
    b, x = floating(x)
    return b.log_sigmoid(x)


def softplus(x: Any) -> Tensor:
    """``log(1 + exp(x))`` without overflow."""
    b, x = floating(x)
    return b.softplus(x)


def softsign(x: Any) -> Tensor:
    """``x / (1 + |x|)``."""
    b, x = floating(x)
    return b.softsign(x)


def silu(x: Any) -> Tensor:
    """``x * sigmoid(x)``: S. Elfwing et al., 2017."""
    b, x = floating(x)
    return b.silu(x)


def mish(x: Any) -> Tensor:
    """``x * tanh(softplus(x))``: D. Misra, 2019."""
    b, x = floating(x)
    return b.mish(x)


def hard_sigmoid(x: Any) -> Tensor:
    """``relu6(x + 3) / 6``."""
    b, x = floating(x)
    return b.hard_sigmoid(x)


def hard_silu(x: Any) -> Tensor:
    """``x * hard_sigmoid(x)``."""
    b, x = floating(x)
    return b.hard_silu(x)


def hard_tanh(x: Any) -> Tensor:
    """`x` held between -1 and 1."""
    b, x = floating(x)
    return b.hard_tanh(x)


def tanh_shrink(x: Any) -> Tensor:
    """``x - tanh(x)``."""
    b, x = floating(x)
    return b.tanh_shrink(x)


swish, hard_swish = silu, hard_silu


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """`x` where it is positive, else ``negative_slope * x``."""
    b, x = floating(x)
    return b.leaky_relu(x, negative_slope)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """`x` where it is positive, else ``alpha * (exp(x) - 1)``: D. Clevert et al., 2015."""
    b, x = floating(x)
    return b.elu(x, alpha)


def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """`x` where it is positive, else ``alpha * (exp(x / alpha) - 1)``: J. T. Barron, 2017."""
    b, x = floating(x)
    return b.celu(x, alpha)


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """`x` times the normal distribution at `x`, or its tanh approximation.

    Source: D. Hendrycks and K. Gimpel, 2016.
    """
    b, x = floating(x)
    return b.gelu(x, approximate)


def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """`x`, and 0 where ``|x| <= threshold``."""
    b, x = floating(x)
    return b.hard_shrink(x, threshold)


def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """`x` moved toward 0 by `threshold`, not past it."""
    b, x = floating(x)
    return b.soft_shrink(x, threshold)


def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """`x` where it exceeds `threshold`, else `default_value`."""
    b, x = floating(x)
    return b.threshold(x, threshold, default_value)


def squareplus(x: Any, b: float = 4) -> Tensor:
    """``(x + sqrt(x ** 2 + b)) / 2``: J. T. Barron, 2021."""
    backend, x = floating(x)
    return backend.squareplus(x, b)


def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half of `axis` times the sigmoid of the second: Y. Dauphin et al., 2016."""
    b, x = floating(x)
    a = axis_index(axis, len(x.shape))
    if b.shape(x)[a] % 2:
        raise ShapeError(f"glu: axis {axis} of {b.shape(x)} has no two halves.")
    return b.glu(x, a)


def softmax(x: Any, axis: Axis = -1) -> Tensor:
    """``exp(x) / sum(exp(x))`` over `axis` without overflow; NaN where all are -inf."""
    b, x = floating(x)
    return b.softmax(x, axis_tuple(axis, len(x.shape)))


def log_softmax(x: Any, axis: Axis = -1) -> Tensor:
    """``log(softmax(x))`` without underflow."""
    b, x = floating(x)
    return b.log_softmax(x, axis_tuple(axis, len(x.shape)))


def _same_shape(b: Any, target: Tensor, output: Tensor, op: str) -> None:
    if b.shape(target) != b.shape(output):
        raise ShapeError(
            f"{op}: target {b.shape(target)} and output {b.shape(output)} must have one shape."
        )


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """``-sum(target * log(output))`` over `axis`; probabilities are normalized and clipped."""
    b, (target, output) = tensors(target, output)
    b, target, output = floating_pair(target, output)
    _same_shape(b, target, output, "categorical_crossentropy")
    a = axis_index(axis, len(b.shape(output)))
    if from_logits:
        return b.categorical_crossentropy(target, output, a)
    log_p = _log_probabilities(b, output, a)
    return b.negative(b.sum(b.multiply(target, log_p), (a,)))


def _log_probabilities(b: Any, p: Tensor, axis: int) -> Tensor:
    p = b.divide(p, b.sum(p, (axis,), True))
    return b.log(b.clip(p, config.epsilon(), 1.0 - config.epsilon()))


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """``-log(output[target])`` for int labels: (...) and (..., classes).

    A label outside the classes costs NaN; `fit` refuses such labels before training.
    """
    b, (target, output) = tensors(target, output)
    output = output if b.dtype(output) in dtypes.FLOATS else b.cast(output, dtypes.floatx())
    shape = b.shape(output)
    a = axis_index(axis, len(shape))
    if a != len(shape) - 1:
        output = b.transpose(output, (*range(a), *range(a + 1, len(shape)), a))
    given = b.shape(target)
    if len(given) == len(shape) and given[-1] == 1:
        target = b.squeeze(target, (len(given) - 1,))
    if b.shape(target) != b.shape(output)[:-1]:
        raise ShapeError(
            f"sparse_categorical_crossentropy: labels {given} do not fit output {shape}."
        )
    target = cast(b, target, "int32") if b.dtype(target) in dtypes.FLOATS else target
    target = indices(b, target, "labels")
    if not from_logits and shape[a]:
        return _picked_crossentropy(b, target, output, shape[a])
    return b.sparse_categorical_crossentropy(target, output)


def _picked_crossentropy(b: Any, target: Tensor, p: Tensor, classes: int) -> Tensor:
    """From probabilities (..., classes): only those of the labels need a logarithm."""
    axis = len(b.shape(target))
    label = b.clip(target, 0, classes - 1)
    picked = b.squeeze(b.take_along_axis(p, b.expand_dims(label, axis), axis), (axis,))
    share = b.divide(picked, b.sum(p, (axis,), False))
    loss = b.negative(b.log(b.clip(share, config.epsilon(), 1.0 - config.epsilon())))
    return b.where(b.equal(label, target), loss, math.nan)


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """``-(t log(p) + (1 - t) log(1 - p))``, element-wise; probabilities are clipped."""
    b, (target, output) = tensors(target, output)
    b, target, output = floating_pair(target, output)
    _same_shape(b, target, output, "binary_crossentropy")
    if from_logits:
        return b.binary_crossentropy(target, output)
    p = b.clip(output, config.epsilon(), 1.0 - config.epsilon())
    yes = b.multiply(target, b.log(p))
    no = b.multiply(b.subtract(1.0, target), b.log(b.subtract(1.0, p)))
    return b.negative(b.add(yes, no))


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """``(x - mean) / sqrt(variance + epsilon) * scale + offset``, the vectors along `axis`."""
    b, (x, *vectors) = tensors(x, mean, variance, offset, scale)
    a = axis_index(axis, len(b.shape(x)))
    place = tuple(d if i == a else 1 for i, d in enumerate(b.shape(x)))
    mean, variance, offset, scale = (
        None if v is None else b.reshape(cast(b, v, b.dtype(x)), place) for v in vectors
    )
    return b.batch_normalization(x, mean, variance, offset, scale, epsilon)


def normalize_batch(
    x: Any, gamma: Any = None, beta: Any = None, axis: int = -1, epsilon: float = 1e-3
) -> tuple[Tensor, Tensor, Tensor]:
    """`batch_normalization` by the statistics of `x` itself, as in training; also returns them.

    The vectors `gamma` and `beta` scale and shift along `axis`. The mean and the variance, that of
    the population, are vectors that pass no gradient on.
    """
    b, (x, gamma, beta) = tensors(x, gamma, beta)
    shape = b.shape(x)
    a = axis_index(axis, len(shape))
    place = tuple(d if i == a else 1 for i, d in enumerate(shape))
    gamma, beta = (
        None if v is None else b.reshape(cast(b, v, b.dtype(x)), place) for v in (gamma, beta)
    )
    axes = tuple(i for i in range(len(shape)) if i != a)
    y, mean, variance = b.normalize_batch(x, gamma, beta, axes, epsilon)
    return y, b.reshape(mean, (shape[a],)), b.reshape(variance, (shape[a],))


def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: Axis = -1,
    epsilon: float | None = None,
) -> Tensor:
    """Mean 0 and variance 1 over `axis`, then ``* gamma + beta``: J. L. Ba et al., 2016.

    `gamma` and `beta` have the sizes of the axes normalized; `epsilon` is polyk.config's if None.
    """
    b, (x, gamma, beta) = tensors(x, gamma, beta)
    axes = axis_tuple(axis, len(b.shape(x)))
    place = tuple(d if i in axes else 1 for i, d in enumerate(b.shape(x)))
    gamma, beta = (
        None if v is None else b.reshape(cast(b, v, b.dtype(x)), place) for v in (gamma, beta)
    )
    epsilon = config.epsilon() if epsilon is None else epsilon
    return b.layer_normalization(x, gamma, beta, axes, epsilon)


def rms_normalization(
    x: Any, scale: Any = None, axis: Axis = -1, epsilon: float | None = None
) -> Tensor:
    """``x / sqrt(mean(x ** 2) + epsilon) * scale``: B. Zhang and R. Sennrich, 2019."""
    b, x = floating(x)
    epsilon = config.epsilon() if epsilon is None else epsilon
    axes = axis_tuple(axis, len(b.shape(x)))
    y = b.multiply(x, b.rsqrt(b.add(b.mean(b.square(x), axes, True), epsilon)))
    if scale is None:
        return y
    b, (y, scale) = tensors(y, scale)
    place = tuple(d if i in axes else 1 for i, d in enumerate(b.shape(x)))
    return b.multiply(y, b.reshape(cast(b, scale, b.dtype(y)), place))


def linear(x: Any, kernel: Any, bias: Any = None) -> Tensor:
    """``x @ kernel + bias``: (..., N), (N, M), (M,) to (..., M)."""
    b = None if bias is None else alike(x, kernel, bias)
    if b is not None and len(x.shape) == 2 and x.shape[1] == kernel.shape[0]:
        return b.linear(x, kernel, bias)
    b, (x, kernel, bias) = tensors(x, kernel, bias)
    if b.shape(x)[-1:] != b.shape(kernel)[:1]:
        raise ShapeError(f"linear: x {b.shape(x)} does not fit a kernel {b.shape(kernel)}.")
    dtype = dtypes.promote(b.dtype(x), b.dtype(kernel))
    x, kernel = cast(b, x, dtype), cast(b, kernel, dtype)
    bias = None if bias is None else cast(b, bias, dtype)
    if len(b.shape(x)) == 1:
        return b.squeeze(b.linear(b.expand_dims(x, 0), kernel, bias), (0,))
    return b.linear(x, kernel, bias)


def dropout(x: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """Zero a fraction `rate` of the elements at random and scale the rest by ``1 / (1 - rate)``."""
    from polyk.random import draw

    b, x = floating(x)
    if not 0 <= rate < 1:
        raise ValueError(f"dropout: rate must be in [0, 1); got {rate}.")
    if not rate:
        return x
    shape = b.shape(x)
    if noise_shape is not None:
        shape = tuple(d if n is None else n for n, d in zip(noise_shape, shape, strict=True))
    return b.dropout(x, rate, draw(math.prod(shape), seed), shape)
