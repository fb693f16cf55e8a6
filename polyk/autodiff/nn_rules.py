"""Rules for the fused ops: activations, losses, convolution and pooling."""

from __future__ import annotations

from typing import Any

from polyk.autodiff.rules import JOINT, rule

rule("relu", lambda b, g, y, x: b.relu_grad(g, y))
rule("relu_grad", lambda b, gg, z, g, y: b.relu_grad(gg, y), None)
rule("sigmoid", lambda b, g, y, x: b.multiply(g, b.multiply(y, b.subtract(1.0, y))))
rule("softplus", lambda b, g, y, x: b.multiply(g, b.sigmoid(x)))


def _softmax(b: Any, g: Any, y: Any, x: Any, axis: Any) -> Any:
    return b.multiply(y, b.subtract(g, b.sum(b.multiply(g, y), axis, True)))


def _log_softmax(b: Any, g: Any, y: Any, x: Any, axis: Any) -> Any:
    return b.subtract(g, b.multiply(b.exp(y), b.sum(g, axis, True)))


rule("softmax", _softmax)
rule("log_softmax", _log_softmax)


def _sparse_crossentropy(b: Any, g: Any, y: Any, target: Any, x: Any) -> Any:
    axis = len(b.shape(target))
    hot = b.one_hot(target, b.shape(x)[axis], axis, b.dtype(x))
    return b.multiply(b.subtract(b.softmax(x, (axis,)), hot), b.expand_dims(g, axis))


rule("sparse_categorical_crossentropy", None, _sparse_crossentropy)

# Convolution: the three maps are each other's transposes. `c` = strides, pads, dilation, groups.

rule(
    "conv",
    lambda b, g, y, x, k, *c: b.conv_input_grad(g, k, b.shape(x), *c),
    lambda b, g, y, x, k, *c: b.conv_kernel_grad(x, g, b.shape(k), *c),
)
rule(
    "conv_input_grad",
    lambda b, v, y, g, k, shape, *c: b.conv(v, k, *c),
    lambda b, v, y, g, k, shape, *c: b.conv_kernel_grad(v, g, b.shape(k), *c),
)
rule(
    "conv_kernel_grad",
    lambda b, v, y, x, g, shape, *c: b.conv_input_grad(g, v, b.shape(x), *c),
    lambda b, v, y, x, g, shape, *c: b.conv(x, v, *c),
)
rule("max_pool", lambda b, g, y, x, *w: b.max_pool_grad(g, x, y, *w))
rule("max_pool_grad", lambda b, v, z, g, x, y, *w: b.max_pool_pick(v, x, y, *w), None, None)
rule("max_pool_pick", lambda b, g, z, v, x, y, *w: b.max_pool_grad(g, x, y, *w), None, None)
rule("average_pool", lambda b, g, y, x, *w: b.average_pool_grad(g, x, *w))
rule("average_pool_grad", lambda b, v, z, g, x, *w: b.average_pool(v, *w), None)


def _normalize_batch(
    b: Any, g: Any, y: Any, x: Any, gamma: Any, beta: Any, axes: Any, epsilon: float
) -> Any:
    return b.normalize_batch_grad(g, x, gamma, *y[1:], axes, epsilon)


JOINT["normalize_batch"] = _normalize_batch
