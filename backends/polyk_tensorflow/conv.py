"""Convolution and pooling by TensorFlow's kernels, in one, two and three spatial dimensions."""

import functools
import math

import tensorflow as tf

from polyk.contract import Backend
from polyk.select import current_device
from polyk.shapes import padding_pairs, window_output


@functools.cache
def _has_gradient(dtype, dilation, groups, device):
    """Whether TensorFlow differentiates such a convolution: on CPUs oneDNN's float32 alone does."""
    g = tf.ones((1, 1, 1, groups), dtype)
    x, kernel = tf.ones((1, 3, 3, groups), dtype), tf.ones((3, 3, 1, groups), dtype)
    if dilation > 1:
        kernel = kernel[:2, :2]
    how = {"strides": [1] * 4, "padding": "VALID", "dilations": [1, dilation, dilation, 1]}
    try:
        tf.raw_ops.Conv2DBackpropInput(input_sizes=x.shape, filter=kernel, out_backprop=g, **how)
        tf.raw_ops.Conv2DBackpropFilter(input=x, filter_sizes=kernel.shape, out_backprop=g, **how)
    except tf.errors.OpError:
        return False
    return True


def _adjoint(fn, at, g):
    """The gradient of the linear `fn`, or of a pooling, at `at`, given `g` at its output."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(at)
        y = fn(at)
    return tape.gradient(y, at, g, unconnected_gradients=tf.UnconnectedGradients.ZERO)


@tf.custom_gradient
def _raised(x):
    """`x` with the lowest finite number for -inf; the gradient passes."""
    return tf.maximum(x, x.dtype.min), lambda g: g


@tf.custom_gradient
def _replaced(y, true):
    """The values of `true` with the gradient of `y`."""
    return tf.identity(true), lambda g: (g, tf.zeros_like(g))


class Conv(Backend):
    def _padded(self, x, window, strides, pads, dilation, fill=0):
        """`x` and a name for its padding: TensorFlow's explicit padding is twice as slow."""
        sizes = x.shape.as_list()[1:-1]
        if all(p == (0, 0) for p in pads):
            return x, "VALID"
        if tuple(pads) == padding_pairs("same", sizes, window, strides, dilation):
            return x, "SAME"
        return self.pad(x, ((0, 0), *pads, (0, 0)), fill), "VALID"

    def conv(self, x, kernel, strides, pads, dilation, groups):
        *window, depth, filters = kernel.shape.as_list()
        batch, *sizes, _ = x.shape.as_list()
        shape = (batch, *window_output(sizes, window, strides, pads, dilation), filters)
        if 0 in (*shape, *window, depth):  # oneDNN gives the shape of the input
            return tf.zeros(shape, x.dtype)
        if len(sizes) == 1:  # the strides twice, because depthwise kernels need them equal
            x, kernel = tf.expand_dims(x, 1), tf.expand_dims(kernel, 0)
            y = self.conv(x, kernel, strides * 2, ((0, 0), *pads), (1, *dilation), groups)
            return tf.squeeze(y, 1)
        if len(sizes) > 3:
            return super().conv(x, kernel, strides, pads, dilation, groups)
        if max(dilation) > 1 and not self._native(x, 2, 1):
            kernel = tf.squeeze(self._dilate(tf.expand_dims(kernel, 0), dilation), 0)
            *window, depth, filters = kernel.shape.as_list()
            dilation = (1,) * len(sizes)
        if groups == 1 or self._native(x, 1, 2):
            x, padding = self._padded(x, window, strides, pads, dilation)
            if len(sizes) == 2:
                return tf.nn.conv2d(x, kernel, strides, padding, dilations=dilation)
            return tf.nn.conv3d(x, kernel, (1, *strides, 1), padding)
        if depth == 1 and len(sizes) == 2 and len({*strides}) == 1 == max(dilation):
            x, padding = self._padded(x, window, strides, pads, dilation)
            kernel = tf.reshape(kernel, (*window, groups, filters // groups))
            return tf.nn.depthwise_conv2d(x, kernel, (1, *strides, 1), padding)
        return self._group_by_group(x, kernel, strides, pads, dilation, groups)

    def _native(self, x, dilation, groups):
        if len(x.shape) != 4:
            return False
        with tf.init_scope():
            return _has_gradient(x.dtype, dilation, groups, current_device())

    def _group_by_group(self, x, kernel, strides, pads, dilation, groups):
        last = len(x.shape) - 1
        pairs = zip(tf.split(x, groups, last), tf.split(kernel, groups, last), strict=True)
        return tf.concat([self.conv(a, k, strides, pads, dilation, 1) for a, k in pairs], last)

    def conv_kernel_grad(self, x, g, kernel_shape, strides, pads, dilation, groups):
        conv = functools.partial(
            self.conv, x, strides=strides, pads=pads, dilation=dilation, groups=groups
        )
        return _adjoint(lambda k: conv(kernel=k), tf.zeros(kernel_shape, x.dtype), g)

    def conv_input_grad(self, g, kernel, x_shape, strides, pads, dilation, groups):
        window = kernel.shape.as_list()[:-2]
        plain = groups == 1 and max(dilation) == 1 and 1 < len(window) < 4
        if not plain or 0 in (*g.shape, *kernel.shape, *x_shape):
            zeros = tf.zeros(x_shape, g.dtype)
            conv = lambda x: self.conv(x, kernel, strides, pads, dilation, groups)  # noqa: E731
            return _adjoint(conv, zeros, g)
        batch, *sizes, depth = x_shape
        padding = "VALID"
        if any(p != (0, 0) for p in pads):
            if tuple(pads) == padding_pairs("same", sizes, window, strides, dilation):
                padding = "SAME"
            else:
                sizes = [lo + d + hi for d, (lo, hi) in zip(sizes, pads, strict=True)]
        x = tf.nn.conv_transpose(g, kernel, (batch, *sizes, depth), strides, padding)
        if padding == "SAME":
            return x
        spans = [slice(lo, d - hi, 1) for d, (lo, hi) in zip(sizes, pads, strict=True)]
        return self.getitem(x, (slice(0, batch, 1), *spans, slice(0, depth, 1)))

    def max_pool(self, x, window, strides, pads):
        return self._pool(self._max_pool2d, x, window, strides, pads)

    def _pool(self, pool2d, x, window, strides, pads):
        """By a pooling of two dimensions: the third apart, because neither the order of the cells
        nor their mean minds, and TensorFlow's own has few dtypes."""
        batch, *sizes, channels = x.shape.as_list()
        out = window_output(sizes, window, strides, pads, (1,) * len(sizes))
        if 0 in (batch, *out, channels):
            return tf.zeros((batch, *out, channels), x.dtype)
        if len(sizes) == 1:
            flat = tf.expand_dims(x, 1)
            return tf.squeeze(pool2d(flat, (1, *window), (1, *strides), ((0, 0), *pads)), 1)
        if len(sizes) == 2:
            return pool2d(x, window, strides, pads)
        inner = tf.reshape(x, (batch * sizes[0], *sizes[1:], channels))
        inner = self._pool(pool2d, inner, window[1:], strides[1:], pads[1:])
        outer = tf.reshape(inner, (batch, sizes[0], math.prod(out[1:]), channels))
        alone = ((window[0], 1), (strides[0], 1), (pads[0], (0, 0)))
        return tf.reshape(pool2d(outer, *alone), (batch, *out, channels))

    def _max_pool2d(self, x, window, strides, pads):
        if x.dtype in (tf.uint32, tf.uint64, tf.bool):  # no kernel
            return self._max_of_cells(x, window, strides, pads, 0)
        if not x.dtype.is_floating:
            wide, padding = self._padded(x, window, strides, pads, (1, 1), x.dtype.min)
            return tf.nn.max_pool2d(wide, window, strides, padding)
        # TensorFlow passes NaN over, and knows nothing below the lowest finite number.
        fixed = tf.stop_gradient(x)
        total = tf.reduce_sum(tf.cast(fixed, tf.float32) if x.dtype == tf.float16 else fixed)
        finite = tf.math.is_finite(total)
        raised = tf.cond(finite, lambda: x, lambda: _raised(x))
        wide, padding = self._padded(raised, window, strides, pads, (1, 1), -math.inf)
        y = tf.nn.max_pool2d(wide, window, strides, padding)

        def mend():
            true = self._max_of_cells(fixed, window, strides, pads, -math.inf)
            return _replaced(y, true)

        return tf.cond(finite, lambda: y, mend)

    def _max_of_cells(self, x, window, strides, pads, fill):
        cells = self._windows(x, window, strides, pads, (1, 1), fill)
        return functools.reduce(self.maximum, cells)

    def max_pool_grad(self, g, x, y, window, strides, pads):
        return _adjoint(lambda x: self.max_pool(x, window, strides, pads), x, g)

    def average_pool(self, x, window, strides, pads):
        return self._pool(self._average_pool2d, x, window, strides, pads)

    def _average_pool2d(self, x, window, strides, pads):
        wide, padding = self._padded(x, window, strides, pads, (1, 1))
        y = tf.nn.avg_pool2d(wide, window, strides, padding)
        if padding == "SAME" or wide is x:
            return y
        counts = self._pool_counts(x, window, strides, pads)
        return y * (math.prod(window) / counts)

    def average_pool_grad(self, g, x, window, strides, pads):
        return _adjoint(lambda x: self.average_pool(x, window, strides, pads), x, g)
