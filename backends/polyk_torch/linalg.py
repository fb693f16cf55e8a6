"""Factorizations by torch.linalg, Fourier transforms, and the less common functions."""

import torch

from polyk.contract import Backend
from polyk_torch.primitives import TORCH


class Linalg(Backend):
    cholesky = staticmethod(torch.linalg.cholesky)

    def lu(self, x):
        packed, pivots = torch.linalg.lu_factor(x)
        return packed, pivots - 1  # LAPACK counts from 1

    def qr(self, x, full):
        return tuple(torch.linalg.qr(x, "complete" if full else "reduced"))

    def eigh(self, x):
        return tuple(torch.linalg.eigh(x))

    def svd(self, x, full):
        return tuple(torch.linalg.svd(x, full))

    singular_values = staticmethod(torch.linalg.svdvals)
    solve = staticmethod(torch.linalg.solve)

    def solve_triangular(self, a, b, lower):
        return torch.linalg.solve_triangular(a, b, upper=not lower)

    def slogdet(self, x):
        return tuple(torch.linalg.slogdet(x))

    det = staticmethod(torch.linalg.det)

    def fft(self, re, im):
        y = torch.fft.fft(torch.complex(re, im))
        return y.real, y.imag

    def rfft(self, x):
        y = torch.fft.rfft(x)
        return y.real, y.imag

    def irfft(self, re, im, n):
        return torch.fft.irfft(torch.complex(re, im), n)

    def view(self, x, dtype):
        return x.contiguous().view(TORCH[dtype])

    erfinv = staticmethod(torch.erfinv)
    i0 = staticmethod(torch.i0)
    logaddexp2 = staticmethod(torch.logaddexp2)
    gcd = staticmethod(torch.gcd)
    lcm = staticmethod(torch.lcm)
    signbit = staticmethod(torch.signbit)
    nextafter = staticmethod(torch.nextafter)
