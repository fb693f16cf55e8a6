"""Batch normalization in few passes over memory, a block that stays in cache at a time.

Several rows of channels are taken as one, so that NumPy's inner loops are long.
"""

import math

import numpy as np

from polyk.contract import Backend

BLOCK = 1 << 15  # elements
RUN = 1024  # elements of a row, if the channels are fewer


class Normalization(Backend):
    def normalize_batch(self, x, gamma, beta, axes, epsilon):
        if not _channels_last(x, axes):
            return super().normalize_batch(x, gamma, beta, axes, epsilon)
        rows, k = _rows(x)
        count, shape = x.size // x.shape[-1], (1,) * len(axes) + x.shape[-1:]
        mean = _narrow(np.ones(len(rows), x.dtype) @ rows, k) / x.dtype.type(count)
        wide, y, squares = np.tile(mean, k), np.empty_like(rows), 0
        for part, ones in _blocks(rows):
            away = np.subtract(rows[part], wide, out=y[part])
            squares = squares + ones @ (away * away)
        variance = _narrow(squares, k) / x.dtype.type(count)
        factor = _factor(variance, gamma, epsilon, k)
        shift = None if beta is None else np.tile(beta.reshape(-1), k)
        for part, _ in _blocks(rows):
            y[part] *= factor
            if shift is not None:
                y[part] += shift
        return y.reshape(x.shape), mean.reshape(shape), variance.reshape(shape)

    def normalize_batch_grad(self, g, x, gamma, mean, variance, axes, epsilon):
        if not _channels_last(x, axes):
            return super().normalize_batch_grad(g, x, gamma, mean, variance, axes, epsilon)
        rows, k = _rows(x)
        g, count = np.ascontiguousarray(g).reshape(rows.shape), x.dtype.type(x.size // x.shape[-1])
        wide, at_beta, products = np.tile(mean.reshape(-1), k), 0, 0
        for part, ones in _blocks(rows):
            at_beta = at_beta + ones @ g[part]
            products = products + ones @ (g[part] * (rows[part] - wide))
        at_beta, products = _narrow(at_beta, k), _narrow(products, k)
        inverse = _factor(variance, None, epsilon, 1)
        factor = _factor(variance, gamma, epsilon, k)
        common = np.tile(at_beta / count, k)
        slope = np.tile(products * inverse * inverse / count, k)
        at_x = np.empty_like(rows)
        for part, _ in _blocks(rows):
            away = np.subtract(rows[part], wide)
            away *= slope
            away += common
            np.subtract(g[part], away, out=at_x[part])
            at_x[part] *= factor
        return (
            at_x.reshape(x.shape),
            (products * inverse).reshape(mean.shape),
            (at_beta.reshape(mean.shape)),
        )


def _channels_last(x, axes):
    return x.size > 0 and len(axes) == x.ndim - 1 and x.ndim - 1 not in axes


def _rows(x):
    """`x` as long rows of `k` times the channels, and `k`."""
    size = x.shape[-1]
    k = math.gcd(x.size // size, 1 << max(RUN // size, 1).bit_length() - 1)
    return np.ascontiguousarray(x).reshape(-1, k * size), k


def _narrow(sums, k):
    return sums.reshape(k, -1).sum(0)


def _factor(variance, gamma, epsilon, k):
    factor = 1 / np.sqrt(variance.reshape(-1) + variance.dtype.type(epsilon))
    return np.tile(factor if gamma is None else factor * gamma.reshape(-1), k)


def _blocks(rows):
    """Slices of rows, and for each as many ones: a product with them adds columns."""
    step = max(BLOCK // rows.shape[1], 1)
    ones = np.ones(step, rows.dtype)
    for i in range(0, len(rows), step):
        yield slice(i, i + step), ones[: len(rows) - i]
