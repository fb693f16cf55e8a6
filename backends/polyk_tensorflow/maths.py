"""Derived shaping, maths and products, where TensorFlow has an op of its own."""

import math

import tensorflow as tf

from polyk.contract import Backend
from polyk_tensorflow.primitives import _binary, _bits


class Maths(Backend):
    expand_dims = staticmethod(tf.expand_dims)
    stack = staticmethod(tf.stack)

    def split(self, x, points, axis):
        size = x.shape[axis]
        edges = [min(p, size) for p in (0, *points, size)]
        if edges != sorted(edges):
            return super().split(x, points, axis)
        return tf.split(x, [hi - lo for lo, hi in zip(edges[:-1], edges[1:], strict=True)], axis)

    def unstack(self, x, axis):
        return tf.unstack(x, axis=axis)

    def tile(self, x, repeats):
        return super().tile(x, repeats) if x.dtype == tf.uint16 else tf.tile(x, repeats)

    roll = staticmethod(tf.roll)

    def take_along_axis(self, x, indices, axis):
        last = len(x.shape) - 1
        y = self._gather(self._last(x, axis), self._last(indices, axis), last, last)
        return self._last(y, axis)

    square = staticmethod(tf.square)
    rsqrt = staticmethod(tf.math.rsqrt)

    def erf(self, x):
        # In float64 TensorFlow's erf(inf) is NaN.
        return tf.math.erf(tf.clip_by_value(x, -10.0, 10.0) if x.dtype == tf.float64 else x)

    erfc = staticmethod(tf.math.erfc)

    def clip(self, x, low, high):
        # tf.maximum sends the gradient of a tie to its first argument: 1 at the bounds.
        return tf.minimum(tf.maximum(x, low), high)

    isnan = staticmethod(tf.math.is_nan)
    isinf = staticmethod(tf.math.is_inf)
    isfinite = staticmethod(tf.math.is_finite)
    not_equal = _binary(tf.not_equal)
    greater = _binary(tf.greater, lambda x, y: tf.logical_and(x, tf.logical_not(y)))
    greater_equal = _binary(tf.greater_equal, lambda x, y: tf.logical_or(x, tf.logical_not(y)))
    logical_or = _binary(tf.logical_or)
    logical_xor = _binary(tf.math.logical_xor)
    mean = staticmethod(tf.reduce_mean)

    def var(self, x, axis, keepdims=False):
        mean = tf.reduce_mean(x, axis, True)
        return tf.reduce_mean(tf.math.squared_difference(x, mean), axis, keepdims)

    def top_k(self, x, k):
        indices = tf.math.top_k(_bits(x), k)[1]
        last = len(x.shape) - 1
        return self._gather(x, indices, last, last), indices

    def linear(self, x, kernel, bias):
        *lead, depth = x.shape.as_list()
        flat = x if len(lead) == 1 else tf.reshape(x, (math.prod(lead), depth))
        y = tf.matmul(flat, kernel)
        y = y if bias is None else tf.nn.bias_add(y, bias)
        return y if len(lead) == 1 else tf.reshape(y, (*lead, kernel.shape[1]))

    def einsum(self, inputs, output, *xs):
        plain = xs[0].dtype.is_floating and all(len(set(t)) == len(t) for t in inputs)
        if not plain:
            return super().einsum(inputs, output, *xs)
        return tf.einsum(f"{','.join(inputs)}->{output}", *xs, optimize="greedy")
