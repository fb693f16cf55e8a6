"""Derived ops for which JAX has its own: faster op by op, or closer to the exact value."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from polyk.contract import Backend
from polyk_jax.primitives import check_range, reduction, static

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


class NN(Backend):
    hoists_inputs = False  # XLA's loop takes three times as long on products made before it

    # Shape.

    expand_dims = staticmethod(static("axis")(lambda x, axis: jnp.expand_dims(x, axis)))
    squeeze = staticmethod(static("axis")(lambda x, axis: lax.squeeze(x, axis)))
    stack = staticmethod(static("axis")(lambda xs, axis: jnp.stack(xs, axis)))

    def split(self, x, points, axis):
        return list(_split(x, tuple(points), axis))

    def unstack(self, x, axis):
        return list(_unstack(x, axis))

    repeat = staticmethod(
        static("repeats", "axis")(lambda x, repeats, axis: jnp.repeat(x, repeats, axis))
    )
    tile = staticmethod(static("repeats")(lambda x, repeats: jnp.tile(x, repeats)))
    roll = staticmethod(static("shift", "axis")(lambda x, shift, axis: jnp.roll(x, shift, axis)))
    tril = staticmethod(static("k")(lambda x, k: jnp.tril(x, k)))
    triu = staticmethod(static("k")(lambda x, k: jnp.triu(x, k)))
    diagonal = staticmethod(static("offset")(lambda x, offset: jnp.diagonal(x, offset, -2, -1)))
    diag = staticmethod(static("k")(lambda x, k: jnp.diag(x, k)))

    def take_along_axis(self, x, indices, axis):
        check_range("take_along_axis", indices, x.shape[axis])
        return _take_along_axis(x, indices, axis)

    def slice_update(self, x, starts, updates):
        return _slice_update(x, updates, np.array(starts, np.int32))

    # Maths.

    square = staticmethod(jnp.square)
    rsqrt = staticmethod(lax.rsqrt)
    log2 = staticmethod(jnp.log2)
    log10 = staticmethod(jnp.log10)
    exp2 = staticmethod(jnp.exp2)
    trunc = staticmethod(jnp.trunc)
    erf = staticmethod(jax.jit(lax.erf))
    erfc = staticmethod(jax.jit(lax.erfc))
    logaddexp = staticmethod(jnp.logaddexp)
    isnan = staticmethod(jnp.isnan)
    isinf = staticmethod(jnp.isinf)
    isfinite = staticmethod(jnp.isfinite)
    not_equal = staticmethod(jnp.not_equal)
    greater = staticmethod(jnp.greater)
    greater_equal = staticmethod(jnp.greater_equal)
    logical_or = staticmethod(jnp.logical_or)
    logical_xor = staticmethod(jnp.logical_xor)
    mean = reduction(jnp.mean)
    var = reduction(jnp.var)

    def top_k(self, x, k):
        indices = _top_k(x, k)
        return _take_along_axis(x, indices, x.ndim - 1), indices

    # Products.

    tensordot = staticmethod(
        static("axes_x", "axes_y")(
            lambda x, y, axes_x, axes_y: jnp.tensordot(x, y, (axes_x, axes_y))
        )
    )

    def einsum(self, inputs, output, *xs):
        return jnp.einsum(f"{','.join(inputs)}->{output}", *xs)

    # Activations and losses.

    relu = staticmethod(jax.nn.relu)
    sigmoid = staticmethod(jax.nn.sigmoid)
    log_sigmoid = staticmethod(jax.nn.log_sigmoid)
    softplus = staticmethod(jax.nn.softplus)
    silu = staticmethod(jax.nn.silu)
    softmax = staticmethod(static("axis")(lambda x, axis: jax.nn.softmax(x, axis)))
    log_softmax = staticmethod(static("axis")(lambda x, axis: jax.nn.log_softmax(x, axis)))

    def sparse_categorical_crossentropy(self, target, output):
        return _sparse_categorical_crossentropy(target, output)

    # Random bits.

    def random_bits(self, key, count, draw):
        return _random_bits(*map(_word, (*key, draw)), count)


@static("points", "axis")
def _split(x, points, axis):
    return jnp.split(x, points, axis)


@static("axis")
def _unstack(x, axis):
    return jnp.unstack(x, axis=axis)


@static("axis")
def _take_along_axis(x, indices, axis):
    fill = None if jnp.issubdtype(x.dtype, jnp.floating) else 0  # None: NaN
    return jnp.take_along_axis(x, indices, axis, mode="fill", fill_value=fill)


_slice_update = jax.jit(lax.dynamic_update_slice)


@static("k")
def _top_k(x, k):
    """XLA ranks -0.0 below 0.0 and NaN by its sign."""
    if jnp.issubdtype(x.dtype, jnp.floating):
        x = jnp.where(x == 0, 0, jnp.where(jnp.isnan(x), jnp.nan, x))
    return lax.top_k(lax.stop_gradient(x), k)[1]


@jax.jit
def _sparse_categorical_crossentropy(target, output):
    """The logarithm of the label's share alone: a class at -inf does not spoil the others."""
    axis = output.ndim - 1
    label = jnp.expand_dims(target, axis)
    hot = label == lax.broadcasted_iota(target.dtype, output.shape, axis)
    loss = -jnp.sum(jnp.where(hot, jax.nn.log_softmax(output, axis), 0), axis)
    return jnp.where((target >= 0) & (target < output.shape[axis]), loss, jnp.nan)


def _word(k):
    """A word of a key as 32 bits that jit takes as an argument."""
    return k if isinstance(k, jax.Array) else np.uint32(int(k) & 0xFFFFFFFF)


@static("count")
def _random_bits(k0, k1, draw, count):
    k0, k1, draw = (lax.bitcast_convert_type(k, jnp.uint32) for k in (k0, k1, draw))
    keys = (k0, k1, k0 ^ k1 ^ np.uint32(0x1BD11BDA))
    x1 = lax.iota(jnp.uint32, (count + 1) // 2)
    x0, x1 = jnp.broadcast_to(draw + k0, x1.shape), x1 + k1
    for block in range(5):
        for r in _ROTATIONS[block % 2]:
            x0 = x0 + x1
            x1 = ((x1 << np.uint32(r)) | (x1 >> np.uint32(32 - r))) ^ x0
        x0 = x0 + keys[(block + 1) % 3]
        x1 = x1 + keys[(block + 2) % 3] + np.uint32(block + 1)
    words = jnp.stack([x0, x1], 1).reshape(-1)[:count]
    return lax.bitcast_convert_type(words, jnp.int32)
