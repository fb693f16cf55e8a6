"""Optimizer updates in place, a cache-sized block at a time, and the random bits."""

import numpy as np

from polyk.contract import Backend

BLOCK = 1 << 15


class Training(Backend):
    # A cell has memory of its own, which the updates below overwrite.

    def new_cell(self, value):
        return np.array(value, order="C")

    def write_cell(self, cell, value):
        return self.new_cell(value)

    def fused_update(self, rule, weights, gradients, slots, hyper):
        update = {"sgd": _sgd, "adam": _adam}.get(rule)
        arrays = [*weights, *(s for row in slots for s in row)]
        if update is None or not all(a.flags.c_contiguous and a.flags.writeable for a in arrays):
            return False
        for p, g, *state in zip(weights, gradients, *slots, strict=True):
            if p.ndim and p.size <= BLOCK:
                update(p, g, *state, **hyper)
                continue
            flat = [a.reshape(-1) for a in (p, np.ascontiguousarray(g), *state)]
            for i in range(0, p.size, BLOCK):
                update(*(a[i : i + BLOCK] for a in flat), **hyper)
        return True

    def random_bits(self, key, count, draw):
        if not all(isinstance(k, (int, np.integer)) for k in (*key, draw)):
            return super().random_bits(key, count, draw)
        words = np.empty(((count + 1) // 2, 2), np.uint32)
        for i in range(0, len(words), BLOCK):
            x1 = np.arange(i, min(i + BLOCK, len(words)), dtype=np.uint32)
            x0 = np.full_like(x1, int(draw) & 0xFFFFFFFF)
            words[i : i + BLOCK, 0], words[i : i + BLOCK, 1] = _threefry(key, x0, x1)
        return words.reshape(-1)[:count].view(np.int32)


def _sgd(p, g, velocity=None, *, learning_rate, momentum, nesterov):
    step = g * learning_rate
    if velocity is None:
        p -= step
        return
    velocity *= p.dtype.type(momentum)
    velocity -= step
    p += velocity * p.dtype.type(momentum) - step if nesterov else velocity


def _adam(p, g, m, v, *, alpha, beta_1, beta_2, epsilon):
    one = p.dtype.type
    step = g - m
    step *= one(1 - beta_1)
    m += step
    np.multiply(g, g, out=step)
    step -= v
    step *= one(1 - beta_2)
    v += step
    np.sqrt(v, out=step)
    step += one(epsilon)
    np.divide(m, step, out=step)
    step *= one(alpha)
    p -= step


def _threefry(key, x0, x1):
    """Threefry-2x32-20 in place on two uint32 arrays."""
    k0, k1 = (int(k) & 0xFFFFFFFF for k in key)
    keys = (k0, k1, k0 ^ k1 ^ 0x1BD11BDA)
    low = np.empty_like(x0)
    x0 += np.uint32(k0)
    x1 += np.uint32(k1)
    for block in range(5):
        for r in ((13, 15, 26, 6), (17, 29, 16, 24))[block % 2]:
            x0 += x1
            np.right_shift(x1, np.uint32(32 - r), out=low)
            np.left_shift(x1, np.uint32(r), out=x1)
            x1 |= low
            x1 ^= x0
        x0 += np.uint32(keys[(block + 1) % 3])
        x1 += np.uint32((keys[(block + 2) % 3] + block + 1) & 0xFFFFFFFF)
    return x0, x1
