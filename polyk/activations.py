"""Activation functions by Keras's names: those of `polyk.ops`, and a few that only layers use."""

from __future__ import annotations

import math
from typing import Any

from polyk import ops
from polyk.ops import celu as celu
from polyk.ops import elu as elu
from polyk.ops import gelu as gelu
from polyk.ops import glu as glu
from polyk.ops import hard_shrink as hard_shrink
from polyk.ops import hard_sigmoid as hard_sigmoid
from polyk.ops import hard_silu as hard_silu
from polyk.ops import hard_tanh as hard_tanh
from polyk.ops import leaky_relu as leaky_relu
from polyk.ops import log_sigmoid as log_sigmoid
from polyk.ops import log_softmax as log_softmax
from polyk.ops import mish as mish
from polyk.ops import relu6 as relu6
from polyk.ops import selu as selu
from polyk.ops import sigmoid as sigmoid
from polyk.ops import silu as silu
from polyk.ops import soft_shrink as soft_shrink
from polyk.ops import softmax as softmax
from polyk.ops import softplus as softplus
from polyk.ops import softsign as softsign
from polyk.ops import squareplus as squareplus
from polyk.ops import tanh as tanh
from polyk.ops import tanh_shrink as tanh_shrink
from polyk.ops import threshold as threshold
from polyk.ops.dispatch import Tensor
from polyk.registry import Registry

REGISTRY = Registry("activation")


def linear(x: Any) -> Any:
    """`x` itself."""
    return x


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Tensor:
    """`x` above `threshold`, else ``negative_slope * (x - threshold)``; at most `max_value`."""
    if not negative_slope and not threshold:
        y = ops.relu(x)
    else:
        below = ops.multiply(ops.subtract(x, threshold), negative_slope) if negative_slope else 0.0
        y = ops.where(ops.less_equal(x, threshold), below, x)
    return y if max_value is None else ops.clip(y, -math.inf, max_value)


def hard_sigmoid_keras2(x: Any) -> Tensor:
    """``0.2 * x + 0.5`` held between 0 and 1: the `hard_sigmoid` of Keras 1 and 2."""
    return ops.clip(ops.add(ops.multiply(x, 0.2), 0.5), 0.0, 1.0)


def exponential(x: Any) -> Tensor:
    """``exp(x)``."""
    return ops.exp(x)


def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, ``(x + 1) ** 2 / 4`` up to 1, then `x`."""
    middle = ops.multiply(ops.square(ops.add(x, 1.0)), 0.25)
    return ops.where(ops.less_equal(x, -1), 0.0, ops.where(ops.less(x, 1), middle, x))


def sparse_sigmoid(x: Any) -> Tensor:
    """``(x + 1) / 2`` held between 0 and 1."""
    return ops.clip(ops.multiply(ops.add(x, 1.0), 0.5), 0.0, 1.0)


def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The nearest distribution along `axis`; small entries become 0.

    Source: A. Martins and R. Astudillo, 2016.
    """
    x = ops.moveaxis(x, axis, -1)
    n = ops.shape(x)[-1]
    ranked = ops.flip(ops.sort(x), -1)
    places = ops.arange(1, n + 1, dtype=ops.dtype(ranked))
    sums = ops.subtract(ops.cumsum(ranked, -1), 1.0)
    inside = ops.greater(ops.multiply(ranked, places), sums)
    count = ops.sum(ops.cast(inside, ops.dtype(ranked)), -1, keepdims=True)
    total = ops.sum(ops.where(inside, ranked, 0.0), -1, keepdims=True)
    bound = ops.divide(ops.subtract(total, 1.0), count)
    return ops.moveaxis(ops.relu(ops.subtract(x, bound)), -1, axis)


swish, hard_swish = silu, hard_silu
REGISTRY.add(silu, "swish")
REGISTRY.add(hard_silu, "hard_swish")
for _function in (
    celu, elu, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_sigmoid_keras2,
    hard_tanh, leaky_relu, linear, log_sigmoid, log_softmax, mish, relu, relu6, selu, sigmoid,
    soft_shrink, softmax, softplus, softsign, sparse_plus, sparse_sigmoid, sparsemax,
    squareplus, tanh, tanh_shrink, threshold,
):  # fmt: skip
    REGISTRY.add(_function)


def get(identifier: Any) -> Any:
    """An activation from its name, config, or itself; `linear` for None."""
    return linear if identifier is None else REGISTRY.get(identifier)


def serialize(activation: Any) -> Any:
    """The name of a function, the config of an object: what `get` takes."""
    return REGISTRY.serialize(activation)


deserialize = get
