"""Random numbers that are the same bits on every backend, eager and compiled.

Threefry-2x32-20 (J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) in
counter mode: a key names a stream, a draw number a page of it, the position a word on the page.

`seed` may be a `Key` or an int (the same numbers each time), a `SeedGenerator` (the next page each
time), or None (the generator that `set_random_seed` starts).
"""

from __future__ import annotations

import hashlib
import math
import operator
import os
import threading
from collections.abc import Sequence
from functools import cache
from importlib import resources
from numbers import Integral
from typing import Any, NamedTuple

from polyk import dtypes
from polyk.contract.nn import signed
from polyk.ops.dispatch import Tensor, cast, indices, one, tensors
from polyk.select import backend_of, current

Shape = Sequence[int]
_MASK = 0xFFFFFFFF


class Key(NamedTuple):
    """The name of a stream: two 32-bit words, Python ints, or int32 scalars when traced."""

    k0: Any
    k1: Any


def key(seed: int) -> Key:
    """The key of an int seed of up to 64 bits."""
    seed = operator.index(seed)  # NumPy's ints too
    return Key(seed >> 32 & _MASK, seed & _MASK)


def fold_in(key: Key, data: int | str | Tensor) -> Key:
    """A key derived from another and a number or a name (or an int32 scalar tensor)."""
    if isinstance(data, str):
        data = int.from_bytes(hashlib.blake2b(data.encode(), digest_size=8).digest(), "big")
    traced = [k for k in key if not isinstance(k, int)]
    if isinstance(data, Integral) and not traced:
        return Key(*_block(key, int(data) >> 32 & _MASK, int(data) & _MASK))
    b = backend_of(data, *traced)
    if isinstance(data, Integral):
        high, low = (b.full((), signed(int(half)), "int32") for half in (data >> 32, data))
    else:
        low = cast(b, tensors(data, *traced)[1][0], "int32")
        high = b.right_shift(low, 31)  # of the 64-bit int that it stands for
    k0, k1 = (signed(k) if isinstance(k, int) else k for k in key)
    return Key(*b.threefry(k0, k1, high, low))


def split(key: Key, num: int = 2) -> list[Key]:
    """`num` keys that have nothing to do with one another."""
    return [fold_in(key, i) for i in range(num)]


def _block(key: Key, x0: int, x1: int) -> tuple[int, int]:
    """One block of Threefry-2x32-20, on Python ints."""
    keys = (key.k0, key.k1, key.k0 ^ key.k1 ^ 0x1BD11BDA)
    x0, x1 = x0 + keys[0] & _MASK, x1 + keys[1] & _MASK
    for i in range(5):
        for r in ((13, 15, 26, 6), (17, 29, 16, 24))[i % 2]:
            x0 = x0 + x1 & _MASK
            x1 = (x1 << r | x1 >> 32 - r) & _MASK ^ x0
        x0, x1 = x0 + keys[(i + 1) % 3] & _MASK, x1 + keys[(i + 2) % 3] + i + 1 & _MASK
    return x0, x1


class SeedGenerator:
    """A stream that turns a page at each draw.

    The page number is a weight, so that it moves on inside compiled functions too. Without a seed
    the key is settled by the model that owns the generator, or at the first draw.
    """

    def __init__(self, seed: int | None = None, name: str = "seed_generator") -> None:
        from polyk.weights import Weight

        self.seed = seed
        self.key = None if seed is None else key(seed)
        self.counter = Weight(name, (), "int32", trainable=False)

    def next(self) -> tuple[Key, Tensor]:
        """The key, and the number of this draw."""
        draw = self.counter.value
        b, _ = one(draw)
        if b.rank == 1:  # only shapes are asked for
            return Key(0, 0), draw
        if self.key is None:
            self.key = _global.next_key()
        self.counter.assign(b.add(draw, 1))
        return self.key, draw

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}


class _Global:
    """The process's own stream of keys."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.restart(None)

    def restart(self, seed: int | None) -> None:
        self.key = None if seed is None else key(seed)
        self.count = 0

    def next_key(self) -> Key:
        with self.lock:
            if self.key is None:
                self.key = key(int.from_bytes(os.urandom(8), "big"))
            self.count += 1
            return fold_in(self.key, self.count - 1)


_global = _Global()


def set_random_seed(seed: int) -> None:
    """Make everything that has no seed of its own follow from `seed`, from here on."""
    _global.restart(seed)


def get_state() -> list[int] | None:
    """Where the process's own stream is: the key and how often it was asked; None if unseeded."""
    return None if _global.key is None else [*_global.key, _global.count]


def set_state(state: list[int] | None) -> None:
    """Put the process's own stream where `get_state` found it."""
    if state is not None:
        k0, k1, count = map(int, state)
        with _global.lock:
            _global.key, _global.count = Key(k0, k1), count


def next_key() -> Key:
    """A fresh key from the process's own stream."""
    return _global.next_key()


def draw(count: int, seed: Any = None) -> Tensor:
    """`count` random int32 words."""
    if isinstance(seed, SeedGenerator):
        stream, page = seed.next()
        return one(page)[0].random_bits(stream, count, page)
    stream = _global.next_key() if seed is None else seed if isinstance(seed, Key) else key(seed)
    words = [k for k in stream if not isinstance(k, int)]
    return (backend_of(*words) if words else current()).random_bits(tuple(stream), count, 0)


def _sizes(shape: Shape) -> tuple[int, ...]:
    return tuple(int(d) for d in shape)


def _fractions(shape: Shape, seed: Any) -> tuple[Any, Tensor]:
    """Whole numbers from 0 to 2**24 - 1, int32."""
    sizes = _sizes(shape)
    bits = draw(math.prod(sizes), seed)
    b, bits = one(bits)
    high = b.bitwise_and(b.right_shift(bits, 8), 0xFFFFFF)
    return b, b.reshape(high, sizes)


def uniform(
    shape: Shape, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """From `minval` up to but not including `maxval`, in steps of 2**-24 of the range."""
    name = dtypes.standardize(dtype or dtypes.floatx())
    b, whole = _fractions(shape, seed)
    x = b.multiply(b.cast(whole, _wide(name)), 2.0**-24)
    if (minval, maxval) != (0.0, 1.0):
        x = _affine(b, x, maxval - minval, minval)
    return cast(b, x, name)


def _affine(b: Any, x: Tensor, scale: float, shift: float) -> Tensor:
    """``x * scale + shift``, each step rounded by itself, compiled or not.

    No x is as large as 16: the bounds only stand between steps that a compiler would fuse.
    """
    scaled = b.multiply(b.minimum(x, 16.0), float(scale))
    return b.add(b.minimum(scaled, 16.0 * abs(float(scale))), float(shift))


def _wide(dtype: str) -> str:
    """Narrow floats are drawn in float32 and rounded once."""
    return "float64" if dtype == "float64" else "float32"


def normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normally distributed, by two look-ups a number.

    Each half of a word picks the mean of one of 65,536 slices of equal probability; the scaled
    sum of two is normal to beyond five standard deviations. No logarithm or cosine is taken, so
    the bits are the same everywhere.
    """
    name = dtypes.standardize(dtype or dtypes.floatx())
    sizes = _sizes(shape)
    bits = draw(math.prod(sizes), seed)
    b, bits = one(bits)
    table = b.constant(_table())
    low, high = b.bitwise_and(bits, 0xFFFF), b.bitwise_and(b.right_shift(bits, 16), 0xFFFF)
    total = b.add(b.take(table, low, 0), b.take(table, high, 0))
    x = b.reshape(b.multiply(total, 0.7071067690849304), sizes)  # float32(sqrt(1 / 2))
    x = cast(b, x, _wide(name))
    if (mean, stddev) != (0.0, 1.0):
        x = _affine(b, x, stddev, mean)
    return cast(b, x, name)


@cache
def _table() -> Any:
    """(65536,) float32: the slice means, scaled to variance 1. The file holds the upper half."""
    import numpy as np

    with resources.files("polyk").joinpath("data/normal_table.npy").open("rb") as file:
        upper = np.load(file, allow_pickle=False)
    return np.concatenate([-upper[::-1], upper])


def truncated_normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Normally distributed within two standard deviations, what falls outside drawn anew.

    Eight candidates a number; the chance that all fall outside is 2e-11, and then the last is held
    at the bound.
    """
    name = dtypes.standardize(dtype or dtypes.floatx())
    sizes = _sizes(shape)
    tries = normal((8, *sizes), dtype=_wide(name), seed=seed)
    b, tries = one(tries)
    *candidates, last = b.unstack(tries, 0)
    x = b.clip(last, -2.0, 2.0)
    for candidate in reversed(candidates):
        x = b.where(b.less_equal(b.abs(candidate), 2.0), candidate, x)
    if (mean, stddev) != (0.0, 1.0):
        x = _affine(b, x, stddev, mean)
    return cast(b, x, name)


def randint(
    shape: Shape, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None
) -> Tensor:
    """Ints from `minval` up to but not including `maxval` (at most 2**24 apart)."""
    span = maxval - minval
    if not 0 < span <= 2**24:
        raise ValueError(f"randint: needs 1 to 2**24 values; got {minval} to {maxval}.")
    b, whole = _fractions(shape, seed)
    # floor(whole * span / 2**24) in int32, by halves of 12 bits: exact on every engine.
    high, low = b.right_shift(whole, 12), b.bitwise_and(whole, 0xFFF)
    span_high, span_low = span >> 12, span & 0xFFF
    carry = b.right_shift(b.multiply(low, span_low), 12)
    middle = b.add(b.add(b.multiply(high, span_low), b.multiply(low, span_high)), carry)
    x = b.add(b.multiply(high, span_high), b.right_shift(middle, 12))
    return cast(b, b.add(x, minval), dtypes.standardize(dtype))


def bernoulli(shape: Shape, p: float = 0.5, dtype: Any = "bool", seed: Any = None) -> Tensor:
    """True with probability `p`."""
    b, whole = _fractions(shape, seed)
    return cast(b, b.less(whole, math.ceil(p * 2**24)), dtypes.standardize(dtype))


def categorical(logits: Tensor, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Class numbers drawn by (N, classes) `logits`: (N, num_samples). By inverting the sums."""
    b, logits = one(logits)
    rows, _ = b.shape(logits)
    sums = b.cumsum(b.softmax(b.cast(logits, "float32"), (1,)), 1)
    total = b.split(sums, [b.shape(sums)[1] - 1], 1)[1]
    u = b.multiply(uniform((rows, num_samples), seed=seed, dtype="float32"), total)
    below = b.less_equal(b.expand_dims(sums, 1), b.expand_dims(u, 2))
    return cast(b, b.count_nonzero(below, (2,)), dtypes.standardize(dtype))


def permutation(n: int, seed: Any = None) -> Tensor:
    """The numbers 0 to n - 1 in random order, int32: the order that sorts random words."""
    bits = draw(n, seed)
    b, bits = one(bits)
    return b.argsort(bits, 0)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Tensor:
    """The slices along `axis` in random order."""
    from polyk.shapes import axis_index

    b, x = one(x)
    a = axis_index(axis, len(b.shape(x)))
    return b.take(x, indices(b, permutation(b.shape(x)[a], seed)), a)


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """As `polyk.ops.dropout`."""
    from polyk.ops import dropout as op

    return op(inputs, rate, noise_shape, seed)
