"""The primitives in JAX: where its function is right as it is, that function.

Shape ops are jitted with static arguments, which makes an eager call three to ten times cheaper;
inside a compiled function they dissolve.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from polyk.contract import Backend
from polyk.dtypes import ALL, floatx, standardize
from polyk_jax.engine import DTYPES, NAMES, is_concrete, place


def static(*names):
    """``jax.jit`` with these arguments static; `inline` leaves no trace of it in an outer one."""
    return partial(jax.jit, static_argnames=names, inline=True)


def reduction(fn, **options):
    @static("axis", "keepdims")
    def reduce(x, axis, keepdims=False):
        return fn(x, axis=axis, keepdims=keepdims, **options)

    return staticmethod(reduce)


class Primitives(Backend):
    dtypes = ALL

    def asarray(self, x, dtype=None):
        where = place()
        if isinstance(x, jax.Array):
            x = _cast(x, dtype or NAMES[x.dtype]) if dtype or x.weak_type else x
            return x if where is None else jax.device_put(x, where)
        if isinstance(x, (list, tuple)) and _holds_tensors(x):
            rows = [self.asarray(row) for row in x]
            kind = dtype or NAMES[jnp.result_type(*rows)]
            return jnp.stack([self.asarray(row, kind) for row in rows])
        if not isinstance(x, (np.ndarray, np.generic)):
            x = _host(x, dtype)
        # A copy of our own: JAX may read, or keep using, memory that the caller goes on to change.
        with np.errstate(over="ignore", invalid="ignore"):
            x = np.array(x, DTYPES[dtype or standardize(x.dtype.name)])
        return jnp.asarray(x, device=where)

    def to_numpy(self, x):
        return np.asarray(x)

    def full(self, shape, value, dtype):
        if not isinstance(value, jax.Array):
            value = np.asarray(value, DTYPES[dtype])
        x, where = _full(value, shape, dtype), place()
        return x if where is None else jax.device_put(x, where)

    def arange(self, start, stop, step, dtype):
        return jnp.arange(start, stop, step, DTYPES[dtype], device=place())

    def cast(self, x, dtype):
        return _cast(x, dtype)

    negative = staticmethod(jnp.negative)

    def abs(self, x):
        return _abs(x)

    sign = staticmethod(jnp.sign)
    exp = staticmethod(jnp.exp)
    expm1 = staticmethod(jnp.expm1)
    log = staticmethod(jnp.log)
    log1p = staticmethod(jnp.log1p)
    sqrt = staticmethod(jnp.sqrt)
    sin = staticmethod(jnp.sin)
    cos = staticmethod(jnp.cos)
    tan = staticmethod(jnp.tan)
    arcsin = staticmethod(jnp.arcsin)
    arccos = staticmethod(jnp.arccos)
    arctan = staticmethod(jnp.arctan)
    sinh = staticmethod(jnp.sinh)
    cosh = staticmethod(jnp.cosh)
    tanh = staticmethod(jnp.tanh)
    arcsinh = staticmethod(jnp.arcsinh)
    arccosh = staticmethod(jnp.arccosh)
    arctanh = staticmethod(jnp.arctanh)
    floor = staticmethod(jnp.floor)
    ceil = staticmethod(jnp.ceil)
    round = staticmethod(jnp.round)
    add = staticmethod(jnp.add)
    subtract = staticmethod(jnp.subtract)
    multiply = staticmethod(jnp.multiply)
    divide = staticmethod(jnp.divide)

    def floor_divide(self, x, y):
        return _guarded(jnp.floor_divide, x, y) if _are_ints(x, y) else jnp.floor_divide(x, y)

    def mod(self, x, y):
        return _guarded(jnp.mod, x, y) if _are_ints(x, y) else jnp.mod(x, y)

    def power(self, x, y):
        if _are_ints(x, y):
            return jnp.power(x, y)
        if isinstance(y, (int, float)) and y in (-2, -1, 0, 1, 2, 3, 4):
            return lax.integer_pow(x, int(y))
        return _power(x, y)

    maximum = staticmethod(jnp.maximum)
    minimum = staticmethod(jnp.minimum)
    arctan2 = staticmethod(jnp.arctan2)
    equal = staticmethod(jnp.equal)
    less = staticmethod(jnp.less)
    less_equal = staticmethod(jnp.less_equal)
    logical_not = staticmethod(jnp.logical_not)
    logical_and = staticmethod(jnp.logical_and)
    bitwise_and = staticmethod(jnp.bitwise_and)
    bitwise_or = staticmethod(jnp.bitwise_or)
    bitwise_xor = staticmethod(jnp.bitwise_xor)
    left_shift = staticmethod(jnp.left_shift)
    right_shift = staticmethod(jnp.right_shift)
    where = staticmethod(jnp.where)

    sum = reduction(jnp.sum, promote_integers=False)
    prod = reduction(jnp.prod, promote_integers=False)
    max = reduction(jnp.max)
    min = reduction(jnp.min)
    any = reduction(jnp.any)
    all = reduction(jnp.all)
    argmax = staticmethod(static("axis")(lambda x, axis: lax.argmax(x, axis, np.int32)))
    argmin = staticmethod(static("axis")(lambda x, axis: lax.argmin(x, axis, np.int32)))
    cumsum = staticmethod(static("axis")(lambda x, axis: lax.cumsum(x, axis)))
    cumprod = staticmethod(static("axis")(lambda x, axis: lax.cumprod(x, axis)))
    sort = staticmethod(static("axis")(lambda x, axis: lax.sort(x, dimension=axis)))

    def argsort(self, x, axis):
        return _argsort(x, axis)

    matmul = staticmethod(jnp.matmul)
    reshape = staticmethod(static("shape")(lambda x, shape: jnp.reshape(x, shape)))
    transpose = staticmethod(static("axes")(lambda x, axes: lax.transpose(x, axes)))
    broadcast_to = staticmethod(static("shape")(lambda x, shape: jnp.broadcast_to(x, shape)))
    concatenate = staticmethod(static("axis")(lambda xs, axis: lax.concatenate(xs, axis)))

    def getitem(self, x, index):
        spans, ints = [], []
        for axis, (i, size) in enumerate(zip(index, x.shape, strict=True)):
            spans.append(i.indices(size) if isinstance(i, slice) else (i, i + 1, 1))
            if not isinstance(i, slice):
                ints.append(axis)
        starts, stops, steps = zip(*spans, strict=True) if spans else ((), (), ())
        if is_concrete(x) and all(s == 1 for s in steps):  # one program for every place
            sizes = tuple(b - a for a, b in zip(starts, stops, strict=True))
            return _block(x, np.array(starts, np.int32), sizes, tuple(ints))
        return _slice(x, starts, stops, steps, tuple(ints))

    def pad(self, x, pads, value=0):
        return _pad(x, np.asarray(value, x.dtype), tuple((lo, hi, 0) for lo, hi in pads))

    flip = staticmethod(static("axis")(lambda x, axis: lax.rev(x, axis)))

    def take(self, x, indices, axis):
        check_range("take", indices, x.shape[axis])
        return _take(x, indices, axis)

    def scatter_add(self, x, indices, updates):
        return _scatter_add(x, indices, updates)

    def scatter_update(self, x, indices, updates):
        return _scatter_update(x, indices, updates)


def check_range(op, indices, n):
    """Raise for an index beyond `n` entries, if the indices are known."""
    if is_concrete(indices):
        host = np.asarray(indices)
        wrong = host[(host < -n) | (host >= n)]
        if wrong.size:
            raise IndexError(f"{op}: index {wrong[0]} is out of range for an axis of size {n}.")


def _holds_tensors(x):
    return any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(x))


def _host(x, dtype):
    """Python scalars and lists as a NumPy array of the dtype that they get by default."""
    x = np.asarray(x)
    if dtype is None and x.dtype == np.float64:
        return x.astype(DTYPES[floatx()])
    if dtype is None and x.dtype == np.int64 and np.all((x >= -(2**31)) & (x < 2**31)):
        return x.astype(np.int32)
    return x


@static("shape", "dtype")
def _full(value, shape, dtype):
    return jnp.full(shape, value, DTYPES[dtype])


@static("dtype")
def _cast(x, dtype):
    return lax.convert_element_type(x, DTYPES[dtype])


@jax.jit
@jax.custom_jvp
def _abs(x):
    return jnp.abs(x)


@_abs.__wrapped__.defjvp
def _(primals, tangents):
    return _abs(*primals), tangents[0] * jnp.sign(primals[0])


def _are_ints(x, y):
    return (x if isinstance(x, jax.Array) else y).dtype.kind in "iu"


def _guarded(divide, x, y):
    if is_concrete(y) and not np.all(np.asarray(y)):
        raise ZeroDivisionError("integer division or modulo by zero")
    zero = jnp.equal(y, 0)
    return jnp.where(zero, 0, divide(x, jnp.where(zero, 1, y)).astype(jnp.result_type(x, y)))


@jax.jit
@jax.custom_jvp
def _power(x, y):
    return jnp.power(x, y)


def _power_jvp(primals, tangents):
    """Jax's own derivative at ``x ** 0`` is NaN where x is 0."""
    (x, y), (dx, dy) = primals, tangents
    out = _power(x, y)
    change = jnp.zeros_like(out)
    if not isinstance(dx, jax.custom_derivatives.SymbolicZero):
        zero = jnp.equal(y, 0)
        slope = y * _power(x, jnp.where(zero, 1, jnp.subtract(y, 1)))
        change += dx * jnp.where(zero, 0, slope)
    if not isinstance(dy, jax.custom_derivatives.SymbolicZero):
        # 0 ** y stays 0 as y > 0 moves.
        flat = jnp.equal(x, 0) & jnp.greater_equal(y, 0)
        change += dy * jnp.where(flat, 0, out * jnp.log(jnp.where(flat, 1, x)))
    return out, change


_power.__wrapped__.defjvp(_power_jvp, symbolic_zeros=True)


@static("axis")
def _argsort(x, axis):
    places = lax.broadcasted_iota(jnp.int32, x.shape, axis)
    return lax.sort((x, places), dimension=axis, is_stable=True, num_keys=1)[1]


@static("sizes", "ints")
def _block(x, starts, sizes, ints):
    return lax.squeeze(lax.dynamic_slice(x, starts, sizes), ints)


@static("starts", "stops", "steps", "ints")
def _slice(x, starts, stops, steps, ints):
    return lax.squeeze(lax.slice(x, starts, stops, steps), ints)


@static("pads")
def _pad(x, value, pads):
    return lax.pad(x, value, pads)


@static("axis")
def _take(x, indices, axis):
    fill = None if jnp.issubdtype(x.dtype, jnp.floating) else 0  # None: NaN
    return jnp.take(x, indices, axis, mode="fill", fill_value=fill)


@jax.jit
def _scatter_add(x, indices, updates):
    return x.at[tuple(indices.T)].add(updates, mode="drop")


@jax.jit
def _scatter_update(x, indices, updates):
    """XLA leaves open which of several updates of one place wins: send all but the last away."""
    n, k = indices.shape
    order = jnp.arange(n, dtype=jnp.int32)
    places = tuple(indices.T)
    last = jnp.full(x.shape[:k], -1, jnp.int32).at[places].max(order, mode="drop")
    away = x.shape[0] + order
    first = jnp.where(last[places] == order, indices[:, 0], away)
    return x.at[(first, *places[1:])].set(updates, mode="drop", unique_indices=True)
