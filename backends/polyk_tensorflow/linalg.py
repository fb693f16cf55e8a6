"""Factorizations by tf.linalg, Fourier transforms, and the less common functions."""

import tensorflow as tf

from polyk.contract import Backend
from polyk_tensorflow.engine import DTYPES
from polyk_tensorflow.primitives import _binary


class Linalg(Backend):
    cholesky = staticmethod(tf.linalg.cholesky)

    def lu(self, x):
        packed, order = tf.linalg.lu(x)
        return packed, _pivots(order)

    def qr(self, x, full):
        return tuple(tf.linalg.qr(x, full))

    def eigh(self, x):
        return tuple(tf.linalg.eigh(x))

    def svd(self, x, full):
        s, u, v = tf.linalg.svd(x, full)
        return u, s, tf.linalg.matrix_transpose(v)

    def singular_values(self, x):
        return tf.linalg.svd(x, compute_uv=False)

    solve = staticmethod(tf.linalg.solve)

    def solve_triangular(self, a, b, lower):
        return tf.linalg.triangular_solve(a, b, lower)

    def slogdet(self, x):
        return tuple(tf.linalg.slogdet(x))

    det = staticmethod(tf.linalg.det)

    def fft(self, re, im):
        y = tf.signal.fft(tf.complex(re, im))
        return tf.math.real(y), tf.math.imag(y)

    def rfft(self, x):
        y = tf.signal.rfft(x)
        return tf.math.real(y), tf.math.imag(y)

    def irfft(self, re, im, n):
        return tf.signal.irfft(tf.complex(re, im), [n])

    def view(self, x, dtype):
        kind, size = DTYPES[dtype], x.dtype.size
        if kind.size > size:
            x = tf.reshape(x, (*x.shape[:-1], x.shape[-1] * size // kind.size, kind.size // size))
        y = tf.bitcast(x, kind)
        if kind.size < size:
            y = tf.reshape(y, (*x.shape[:-1], x.shape[-1] * size // kind.size))
        return y

    erfinv = staticmethod(tf.math.erfinv)
    i0 = staticmethod(tf.math.bessel_i0)
    nextafter = _binary(lambda x, y: tf.math.nextafter(x, y))  # it calls them x1, x2


def _pivots(order):
    """The exchanges, one after the other, that bring rows into `order`."""
    n = order.shape[-1]
    rows = tf.broadcast_to(tf.range(n), order.shape)
    pivots = []
    for k in range(n):
        place = tf.argmax(rows == order[..., k, None], -1, output_type=tf.int32)
        pivots.append(place)
        moved = tf.one_hot(place, n, on_value=True, off_value=False)
        rows = tf.where(moved, rows[..., k, None], rows)
        rows = tf.where(tf.range(n) == k, order[..., k, None], rows)
    return tf.stack(pivots, -1) if pivots else order
