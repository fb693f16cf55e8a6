"""The primitives in TensorFlow, and what derives from them where it has an op of its own."""

import functools
import math

import numpy as np
import tensorflow as tf

from polyk.contract import Backend
from polyk_tensorflow.engine import DTYPES, place

raw = tf.raw_ops  # the kernels themselves: half of what an eager tf.add takes is its dispatch
_SCALARS = (bool, int, float)


def _constant(value, dtype):
    return tf.constant(bool(value) if dtype == tf.bool else value, dtype)


def _binary(op, on_bool=None):
    """`op` with a Python scalar on either side; TensorFlow looks at the first argument only."""

    def method(x, y):
        if isinstance(x, _SCALARS):
            x = _constant(x, y.dtype)
        elif on_bool is not None and x.dtype is tf.bool:
            return on_bool(x, y)
        return op(x=x, y=y)

    return staticmethod(method)


@functools.cache
def _eager_axes(axis):
    with tf.init_scope(), tf.device("cpu"):
        return tf.constant(axis, tf.int32, (len(axis),))


def _axes(axis):
    """`axis` in the form that costs least: TensorFlow takes 30 us to convert an eager tuple."""
    return (
        _eager_axes(axis) if tf.executing_eagerly() else tf.constant(axis, tf.int32, (len(axis),))
    )


def _unary(op):
    return staticmethod(lambda x: op(x=x))


def _signed(op, on_unsigned):
    """`op` has no kernel for unsigned ints."""
    return staticmethod(lambda x: (on_unsigned if x.dtype.is_unsigned else op)(x))


def _unbroadcast(g, shape):
    """Sum `g` over the axes along which `shape` was broadcast to it."""
    extra = len(g.shape) - len(shape)
    axes = [i for i, d in enumerate(g.shape) if i < extra or shape[i - extra] != d]
    return tf.reshape(tf.reduce_sum(g, axes), shape) if axes else g


def _extremum(op, wins):
    """TensorFlow sends the whole gradient of a tie to `x`; here each side gets half."""

    @tf.custom_gradient
    def with_ties(x, y):
        def vjp(g):
            tie, won, half = tf.equal(x, y), wins(x, y), g * 0.5
            zero = tf.zeros_like(g)
            gx = tf.where(tie, half, tf.where(won, g, zero))
            gy = tf.where(tie, half, tf.where(won, zero, g))
            return _unbroadcast(gx, x.shape), _unbroadcast(gy, y.shape)

        return op(x, y), vjp

    def method(x, y):
        y = _constant(y, x.dtype) if isinstance(y, _SCALARS) else y
        return (with_ties if x.dtype.is_floating else op)(x, y)

    return method


def _arg(op):
    """TensorFlow passes NaN over; here the first one wins."""

    def method(x, axis):
        if x.dtype == tf.bool:
            x = tf.cast(x, tf.uint8)
        index = op(x, axis, output_type=tf.int32)
        if not x.dtype.is_floating:
            return index
        nan = tf.math.is_nan(x)
        first = tf.argmax(tf.cast(nan, tf.uint8), axis, output_type=tf.int32)
        return tf.where(tf.reduce_any(nan, axis), first, index)

    return staticmethod(method)


def _reduction(op, on_bool):
    """`op` knows no bools."""
    return staticmethod(
        lambda x, axis, keepdims=False: (on_bool if x.dtype == tf.bool else op)(x, axis, keepdims)
    )


def _bits(x):
    """Ints in the order of `x`: both zeros equal, NaN above infinity."""
    if x.dtype == tf.bool:
        return tf.cast(x, tf.uint8)
    if not x.dtype.is_floating:
        return x
    kind = {2: tf.int16, 4: tf.int32, 8: tf.int64}[x.dtype.size]
    bits = tf.bitcast(x, kind)
    bits = tf.where(bits < 0, kind.min - bits, bits)
    return tf.where(tf.math.is_nan(x), tf.constant(kind.max, kind), bits)


class Primitives(Backend):
    def full(self, shape, value, dtype):
        kind = bool if dtype == "bool" else float if DTYPES[dtype].is_floating else int
        with place():
            return tf.fill(shape, tf.constant(kind(value), DTYPES[dtype]))

    def arange(self, start, stop, step, dtype):
        # Not tf.range(start, stop, step), which adds up the rounding errors of its steps.
        count = max(math.ceil((stop - start) / step), 0)
        exact = tf.int64 if all(isinstance(v, int) for v in (start, step)) else tf.float64
        with place():
            if dtype == "int32" and exact == tf.int64:
                return tf.range(start, start + count * step, step, tf.int32)
            steps = tf.cast(tf.range(count), exact)
            return tf.cast(steps * step + tf.constant(start, exact), DTYPES[dtype])

    def cast(self, x, dtype):
        return tf.cast(x, DTYPES[dtype])

    negative = _signed(tf.negative, lambda x: tf.zeros_like(x) - x)
    abs = _signed(tf.abs, tf.identity)
    sign = _signed(tf.sign, lambda x: tf.cast(tf.cast(x, tf.bool), x.dtype))
    exp = _unary(raw.Exp)
    expm1 = _unary(raw.Expm1)
    log = _unary(raw.Log)
    log1p = _unary(raw.Log1p)
    sqrt = _unary(raw.Sqrt)
    sin = _unary(raw.Sin)
    cos = _unary(raw.Cos)
    tan = _unary(raw.Tan)
    arcsin = _unary(raw.Asin)
    arccos = _unary(raw.Acos)
    arctan = _unary(raw.Atan)
    sinh = _unary(raw.Sinh)
    cosh = _unary(raw.Cosh)
    tanh = _unary(raw.Tanh)
    arcsinh = _unary(raw.Asinh)
    arccosh = _unary(raw.Acosh)
    arctanh = _unary(raw.Atanh)
    floor = _unary(raw.Floor)
    ceil = _unary(raw.Ceil)
    round = staticmethod(tf.round)
    add = _binary(raw.AddV2, tf.logical_or)
    subtract = _binary(raw.Sub)
    multiply = _binary(raw.Mul, tf.logical_and)
    divide = _binary(raw.RealDiv)

    def floor_divide(self, x, y):
        x, y = self._pair(x, y)
        if not x.dtype.is_floating:
            return self._by_nonzero(tf.math.floordiv, x, y)
        # tf.math.floordiv is floor(x / y), which makes 1 // 0.1 ten; Python says nine.
        quotient = tf.round((x - tf.math.floormod(x, y)) / y)
        by_inf = tf.floor(tf.sign(x) * tf.sign(y) * 0.5) + (x - x)
        return tf.where(tf.math.is_inf(y), by_inf, tf.where(tf.equal(y, 0), x / y, quotient))

    def mod(self, x, y):
        x, y = self._pair(x, y)
        if x.dtype.is_floating:
            return tf.math.floormod(x, y)
        return self._by_nonzero(tf.math.floormod, x, y)

    def _pair(self, x, y):
        """Both as tensors."""
        if isinstance(x, _SCALARS):
            return _constant(x, y.dtype), y
        return x, _constant(y, x.dtype) if isinstance(y, _SCALARS) else y

    def _by_nonzero(self, op, x, y):
        """`op` of ints, which on the CPU would raise in a graph too, and on others nowhere."""
        if self.is_concrete(y):
            if not np.all(self.to_numpy(y)):
                raise ZeroDivisionError("integer division or modulo by zero")
            return op(x, y)
        zero = tf.equal(y, 0)
        return tf.where(zero, tf.zeros_like(x), op(x, tf.where(zero, tf.ones_like(y), y)))

    def power(self, x, y):
        if isinstance(y, _SCALARS) and y in (0, 1, 2):
            return (tf.ones_like, tf.identity, tf.square)[int(y)](x)
        x, y = self._pair(x, y)
        if x.dtype.is_unsigned:
            return tf.cast(tf.pow(tf.cast(x, tf.int64), tf.cast(y, tf.int64)), x.dtype)
        if x.dtype.is_floating:  # TensorFlow's derivative of x ** 0 is NaN at 0
            x = tf.where(tf.equal(y, 0), tf.stop_gradient(x), x)
        return tf.pow(x, y)

    maximum = _binary(_extremum(tf.maximum, tf.greater), tf.logical_or)
    minimum = _binary(_extremum(tf.minimum, tf.less), tf.logical_and)
    arctan2 = _binary(lambda x, y: raw.Atan2(y=x, x=y))
    equal = _binary(raw.Equal)
    less = _binary(raw.Less, lambda x, y: tf.logical_and(tf.logical_not(x), y))
    less_equal = _binary(raw.LessEqual, lambda x, y: tf.logical_or(tf.logical_not(x), y))
    logical_not = _unary(raw.LogicalNot)
    logical_and = _binary(raw.LogicalAnd)
    bitwise_and = _binary(tf.bitwise.bitwise_and, tf.logical_and)
    bitwise_or = _binary(tf.bitwise.bitwise_or, tf.logical_or)
    bitwise_xor = _binary(tf.bitwise.bitwise_xor, tf.math.logical_xor)

    def left_shift(self, x, y):
        x, y = self._pair(x, y)
        # TensorFlow shifts by at most one less than the width.
        return tf.where(y < 8 * x.dtype.size, tf.bitwise.left_shift(x, y), tf.zeros_like(x))

    def right_shift(self, x, y):
        x, y = self._pair(x, y)
        shifted = tf.bitwise.right_shift(x, y)
        if not x.dtype.is_unsigned:
            return shifted
        return tf.where(y < 8 * x.dtype.size, shifted, tf.zeros_like(x))

    def where(self, condition, x, y):
        return tf.where(condition, *self._pair(x, y))

    def sum(self, x, axis, keepdims=False):
        return raw.Sum(input=x, axis=_axes(axis), keep_dims=keepdims)

    def prod(self, x, axis, keepdims=False):
        if not x.dtype.is_floating:
            return tf.reduce_prod(x, axis, keepdims)

        # TensorFlow's second derivative is wrong where an element is 0.
        @tf.custom_gradient
        def product(x):
            def vjp(g):
                rest = [a for a in range(len(x.shape)) if a not in axis]
                order = (*rest, *axis)
                rows = tf.transpose(x, order)
                flat = tf.reshape(
                    rows, (*(x.shape[a] for a in rest), math.prod(x.shape[a] for a in axis))
                )
                last = len(rest)
                before = self._products_before(flat, last)
                after = tf.reverse(self._products_before(tf.reverse(flat, (last,)), last), (last,))
                others = tf.reshape(before * after, rows.shape)
                kept = [1 if a in axis else d for a, d in enumerate(x.shape)]
                return tf.reshape(g, kept) * tf.transpose(others, np.argsort(order))

            return tf.reduce_prod(x, axis, keepdims), vjp

        return product(x)

    max = _reduction(tf.reduce_max, tf.reduce_any)
    min = _reduction(tf.reduce_min, tf.reduce_all)
    any = staticmethod(tf.reduce_any)
    all = staticmethod(tf.reduce_all)
    argmax = _arg(tf.argmax)
    argmin = _arg(tf.argmin)

    def cumsum(self, x, axis):
        if x.dtype.size == 2 and x.dtype.is_floating:  # or it would stand still at 2048
            return tf.cast(tf.cumsum(tf.cast(x, tf.float32), axis), x.dtype)
        return tf.cumsum(x, axis)

    def cumprod(self, x, axis):
        if not x.dtype.is_floating:
            return tf.math.cumprod(x, axis)

        # TensorFlow divides by the elements to differentiate, and is wrong where one is 0.
        @tf.custom_gradient
        def products(x):
            def vjp(g):
                factors = self._shifted(x, axis, 1)
                step = 1
                while step < x.shape[axis]:  # g[i] + x[i + 1] (g[i + 1] + x[i + 2] (...
                    g = g + factors * self._shifted(g, axis, step)
                    factors = factors * self._shifted(factors, axis, step)
                    step *= 2
                return g * self._products_before(x, axis)

            return tf.math.cumprod(x, axis), vjp

        return products(x)

    def _shifted(self, x, axis, by):
        """``x[i + by]`` at i; zeros at the end."""
        pads = [(0, 0)] * len(x.shape)
        pads[axis] = (0, by)
        return tf.pad(self.getitem(x, self._span(x, axis, by, x.shape[axis])), pads)

    def _products_before(self, x, axis):
        """The product of all elements before i at i."""
        pads = [(0, 0)] * len(x.shape)
        pads[axis] = (1, 0)
        ahead = self.getitem(x, self._span(x, axis, 0, max(x.shape[axis] - 1, 0)))
        if not x.shape[axis]:
            return x
        return tf.pad(self.cumprod(ahead, axis), pads, constant_values=1.0)

    def sort(self, x, axis):
        keys = self._last(_bits(x), axis)
        if x.dtype.is_floating:
            order = self._last(self._order(keys)[1], axis)
            return self.take_along_axis(x, order, axis)
        return tf.cast(self._last(tf.bitwise.invert(self._order(keys)[0]), axis), x.dtype)

    def argsort(self, x, axis):
        return self._last(self._order(self._last(_bits(x), axis))[1], axis)

    def _order(self, keys):
        """The largest complements are the smallest keys, and ties keep their order: NaN would
        confuse tf.argsort."""
        return tf.math.top_k(tf.bitwise.invert(keys), keys.shape[-1])

    def _last(self, x, axis):
        """Swap `axis` with the last."""
        last = len(x.shape) - 1
        return x if axis == last else self.swapaxes(x, axis, last)

    def matmul(self, x, y):
        if x.dtype.is_floating or x.dtype in (tf.int32, tf.int64):
            return raw.MatMul(a=x, b=y) if x.ndim == 2 == y.ndim else tf.matmul(x, y)
        # No kernel; wrapping is the same in a wider type.
        wide = tf.int32 if x.dtype.size < 4 else tf.int64
        return tf.cast(tf.matmul(tf.cast(x, wide), tf.cast(y, wide)), x.dtype)

    reshape = staticmethod(tf.reshape)
    transpose = staticmethod(tf.transpose)
    broadcast_to = staticmethod(tf.broadcast_to)
    concatenate = staticmethod(tf.concat)

    def getitem(self, x, index):
        begin, end, steps, ints = [], [], [], 0
        for axis, i in enumerate(index):
            if isinstance(i, slice):
                span = (i.start, i.stop, i.step or 1)
            else:
                span = (i, i + 1, 1)
                ints |= 1 << axis
            begin.append(span[0])
            end.append(span[1])
            steps.append(span[2])
        return tf.strided_slice(x, begin, end, steps, shrink_axis_mask=ints) if index else x

    def pad(self, x, pads, value=0):
        if not pads:
            return x
        return tf.pad(x, pads, constant_values=_constant(value, x.dtype))

    flip = staticmethod(tf.reverse)

    def take(self, x, indices, axis):
        return self._gather(x, indices, axis, 0)

    def _gather(self, x, indices, axis, batch_dims):
        """tf.gather refuses negative indices; out of range it raises on CPUs, is 0 on GPUs."""
        n = x.shape[axis]
        indices = tf.where(indices < 0, indices + n, indices)
        bad = (indices < 0) | (indices >= n)
        if self.is_concrete(bad):
            if np.any(self.to_numpy(bad)):
                raise IndexError(f"an index is out of range for axis {axis} of size {n}")
            return tf.gather(x, indices, axis=axis, batch_dims=batch_dims)
        if not n:
            x, n = tf.pad(x, [(0, int(a == axis)) for a in range(len(x.shape))]), 1
        rows = tf.gather(x, tf.where(bad, 0, indices), axis=axis, batch_dims=batch_dims)
        shape = bad.shape.as_list()
        shape[batch_dims:batch_dims] = [1] * (axis - batch_dims)
        bad = tf.reshape(bad, shape + [1] * (len(x.shape) - axis - 1))
        return tf.where(bad, _constant(math.nan if x.dtype.is_floating else 0, x.dtype), rows)

    scatter_add = staticmethod(tf.tensor_scatter_nd_add)

    def scatter_update(self, x, indices, updates):
        # By a gather of each place's last update: tf.tensor_scatter_nd_update leaves the order open
        # and gives a gradient to the updates that lost.
        count, depth = indices.shape
        if not count:
            return x
        none = tf.fill(x.shape[:depth], -1)
        last = tf.tensor_scatter_nd_max(none, indices, tf.range(count))
        hit = tf.reshape(last >= 0, last.shape + [1] * (len(x.shape) - depth))
        return tf.where(hit, tf.gather(updates, tf.maximum(last, 0)), x)
