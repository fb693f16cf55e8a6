"""Factorizations by LAPACK where NumPy gives access to it, Fourier transforms, rarer functions."""

import numpy as np

from polyk.contract import Backend


class Linalg(Backend):
    cholesky = staticmethod(np.linalg.cholesky)

    def lu(self, x):
        """Column by column with partial pivoting, all matrices of the batch at once."""
        a = np.array(x)
        n, columns = a.shape[-2:]
        a = a.reshape(-1, n, columns)
        batch = np.arange(len(a))
        pivots = np.zeros((len(a), min(n, columns)), np.int32)
        for k in range(pivots.shape[1]):
            pivots[:, k] = row = k + np.argmax(abs(a[:, k:, k]), 1)
            a[batch, row], a[:, k] = a[:, k].copy(), a[batch, row]
            pivot = a[:, k, k, None]
            a[:, k + 1 :, k] /= np.where(pivot == 0, 1, pivot)
            a[:, k + 1 :, k + 1 :] -= a[:, k + 1 :, k, None] * a[:, k, None, k + 1 :]
        return a.reshape(x.shape), pivots.reshape(*x.shape[:-2], -1)

    def qr(self, x, full):
        return tuple(np.linalg.qr(x, "complete" if full else "reduced"))

    def eigh(self, x):
        return tuple(np.linalg.eigh(x))

    def svd(self, x, full):
        return tuple(np.linalg.svd(x, full))

    def singular_values(self, x):
        return np.linalg.svd(x, compute_uv=False)

    solve = staticmethod(np.linalg.solve)

    def solve_triangular(self, a, b, lower):
        # NumPy has no substitution; LU of an upper triangle is one, for it finds nothing to do.
        if lower:
            return self.solve_triangular(a[..., ::-1, ::-1], b[..., ::-1, :], False)[..., ::-1, :]
        return np.linalg.solve(np.triu(a), b)

    def slogdet(self, x):
        return tuple(np.linalg.slogdet(x))

    det = staticmethod(np.linalg.det)

    def fft(self, re, im):
        y = np.fft.fft(re + 1j * im)
        return y.real, y.imag

    def rfft(self, x):
        y = np.fft.rfft(x)
        return y.real, y.imag

    def irfft(self, re, im, n):
        return np.fft.irfft(re + 1j * im, n)

    def view(self, x, dtype):
        return np.ascontiguousarray(x).view(dtype)

    cbrt = staticmethod(np.cbrt)
    logaddexp2 = staticmethod(np.logaddexp2)
    fmax = staticmethod(np.fmax)
    fmin = staticmethod(np.fmin)
    gcd = staticmethod(np.gcd)
    lcm = staticmethod(np.lcm)
    ldexp = staticmethod(np.ldexp)
    signbit = staticmethod(np.signbit)
    nextafter = staticmethod(np.nextafter)
