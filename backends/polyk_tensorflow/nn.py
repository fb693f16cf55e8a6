"""Derived neural-network ops, random bits and control flow, where TensorFlow has better."""

import functools
import math

import numpy as np
import tensorflow as tf

from polyk.contract import Backend

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_UNROLL = 64  # steps up to which a traced scan is written out


class NN(Backend):
    hoists_inputs = False

    @staticmethod
    @tf.custom_gradient
    def relu(x):
        # In a graph tf.nn.relu is fused into the matmul or convolution before it, and the fused
        # kernel turns NaN into 0.
        y = tf.maximum(x, tf.zeros((), x.dtype))
        return y, lambda g: tf.raw_ops.ReluGrad(gradients=g, features=y)

    sigmoid = staticmethod(tf.sigmoid)
    softplus = staticmethod(tf.math.softplus)

    def mish(self, x):
        # x * tanh(tf.math.softplus(x)) becomes a fused kernel in a graph, with no digits below -15.
        return tf.multiply(x, tf.tanh(super().softplus(x)))

    def softmax(self, x, axis):
        if len(axis) > 1:
            return super().softmax(x, axis)
        y = tf.nn.softmax(x, axis[0])
        # In float32 the row of a NaN comes out as NaN there and 0 elsewhere.
        total = tf.stop_gradient(tf.reduce_sum(y, axis, True))
        return y + (total - total)

    def log_softmax(self, x, axis):
        return super().log_softmax(x, axis) if len(axis) > 1 else tf.nn.log_softmax(x, axis[0])

    def sparse_categorical_crossentropy(self, target, output):
        known = (target >= 0) & (target < output.shape[-1])  # the others raise, on CPUs
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.where(known, target, 0), output)
        return tf.where(known, loss, tf.constant(math.nan, loss.dtype))

    def normalize_batch(self, x, gamma, beta, axes, epsilon):
        *places, size = x.shape
        count = math.prod(places)
        last = axes == tuple(range(len(places))) and count * size > 0
        if not last or x.dtype != tf.float32 or epsilon < 1.001e-5:  # to which cuDNN would raise it
            return super().normalize_batch(x, gamma, beta, axes, epsilon)
        y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x if len(places) == 3 else tf.reshape(x, (count, 1, 1, size)),
            scale=tf.ones((size,)) if gamma is None else tf.reshape(gamma, (size,)),
            offset=tf.zeros((size,)) if beta is None else tf.reshape(beta, (size,)),
            mean=tf.zeros((0,)), variance=tf.zeros((0,)), epsilon=epsilon, is_training=True,
        )  # fmt: skip
        population = variance * (max(count - 1, 1) / count)
        shape = (*(1 for _ in places), size)
        mean, variance = (tf.stop_gradient(tf.reshape(v, shape)) for v in (mean, population))
        return tf.reshape(y, x.shape), mean, variance

    def random_bits(self, key, count, draw):
        # XLA fuses the hundred small ops into one pass: ten times faster. Eager counts are rounded
        # up to a power of two, or else every new one would be compiled.
        blocks = (count + 1) // 2
        if tf.executing_eagerly():
            blocks = max(1 << (blocks - 1).bit_length(), 512)
        words = _threefry(blocks)(*(_word(k) for k in (*key, draw)))
        return words[:count]

    def cond(self, pred, true_fn, false_fn):
        if self.is_concrete(pred):
            return super().cond(pred, true_fn, false_fn)
        return tf.cond(pred, true_fn, false_fn)

    def while_loop(self, cond, body, state, maximum_iterations):
        if tf.executing_eagerly():
            return super().while_loop(cond, body, state, maximum_iterations)
        return tf.while_loop(
            cond, lambda *s: list(body(*s)), list(state), maximum_iterations=maximum_iterations
        )

    def scan(self, f, init, xs, length, reverse):
        if tf.executing_eagerly() or length <= _UNROLL:
            return super().scan(f, init, xs, length, reverse)
        columns = [
            tf.TensorArray(x.dtype, length, element_shape=x.shape[1:]).unstack(x) for x in xs
        ]
        index = length - 1 if reverse else 0
        carry, ys = f(list(init), [c.read(index) for c in columns])
        outputs = [
            tf.TensorArray(y.dtype, length, element_shape=y.shape).write(index, y) for y in ys
        ]

        def body(i, carry, outputs):
            at = length - 1 - i if reverse else i
            carry, ys = f(list(carry), [c.read(at) for c in columns])
            return i + 1, list(carry), [o.write(at, y) for o, y in zip(outputs, ys, strict=True)]

        _, carry, outputs = tf.while_loop(
            lambda i, *_: i < length,
            body,
            (tf.constant(1), list(carry), outputs),
            maximum_iterations=length - 1,
        )
        return list(carry), [o.stack() for o in outputs]


def _word(k):
    """A uint32 scalar of the bits of an int or of an int32 scalar."""
    return (
        tf.constant(np.uint32(k & 0xFFFFFFFF)) if isinstance(k, int) else tf.bitcast(k, tf.uint32)
    )


@functools.cache
def _threefry(blocks):
    """Both words of the first `blocks` blocks, as `polyk.contract.nn` has it, on uint32."""
    xor, either = tf.bitwise.bitwise_xor, tf.bitwise.bitwise_or
    left, right = tf.bitwise.left_shift, tf.bitwise.right_shift

    @tf.function(autograph=False, jit_compile=True)
    def words(k0, k1, draw):
        keys = (k0, k1, xor(xor(k0, k1), tf.constant(0x1BD11BDA, tf.uint32)))
        x1 = tf.bitcast(tf.range(blocks), tf.uint32) + k1
        x0 = tf.zeros_like(x1) + draw + k0
        for block in range(5):
            for r in _ROTATIONS[block % 2]:
                r, back = tf.constant(r, tf.uint32), tf.constant(32 - r, tf.uint32)
                x0 = x0 + x1
                x1 = xor(either(left(x1, r), right(x1, back)), x0)
            x0 = x0 + keys[(block + 1) % 3]
            x1 = x1 + keys[(block + 2) % 3] + tf.constant(block + 1, tf.uint32)
        return tf.bitcast(tf.reshape(tf.stack([x0, x1], 1), (2 * blocks,)), tf.int32)

    return words
