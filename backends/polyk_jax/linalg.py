"""Factorizations by XLA, Fourier transforms, and the less common functions."""

import jax
import jax.numpy as jnp
from jax import lax

from polyk.contract import Backend
from polyk_jax.engine import DTYPES
from polyk_jax.primitives import static


def whole(name, *names):
    """The contract's default as one program; op by op it would be compiled a dozen times."""
    return static("self", *names)(getattr(Backend, name))


class Linalg(Backend):
    cholesky = staticmethod(jax.jit(lambda x: lax.linalg.cholesky(x, symmetrize_input=False)))

    def lu(self, x):
        return tuple(lax.linalg.lu(x)[:2])

    def qr(self, x, full):
        return _qr(x, full)

    def eigh(self, x):
        return _eigh(x)

    def svd(self, x, full):
        return _svd(x, full)

    singular_values = staticmethod(jax.jit(lambda x: jnp.linalg.svd(x, compute_uv=False)))
    solve = staticmethod(jnp.linalg.solve)

    def solve_triangular(self, a, b, lower):
        return _solve_triangular(a, b, lower)

    def slogdet(self, x):
        return tuple(jnp.linalg.slogdet(x))

    det = staticmethod(jnp.linalg.det)

    def fft(self, re, im):
        y = jnp.fft.fft(lax.complex(re, im))
        return y.real, y.imag

    def rfft(self, x):
        y = jnp.fft.rfft(x)
        return y.real, y.imag

    def irfft(self, re, im, n):
        return jnp.fft.irfft(lax.complex(re, im), n)

    def view(self, x, dtype):
        return _view(x, dtype)

    quantile = whole("quantile", "method", "skip_nan")
    bincount = whole("bincount", "length")
    histogram = whole("histogram")
    corrcoef = whole("corrcoef")
    heaviside = whole("heaviside")
    pinv = whole("pinv", "rcond")
    sparsemax = whole("sparsemax", "axis")
    cbrt = staticmethod(jnp.cbrt)
    erfinv = staticmethod(jax.jit(lax.erf_inv))
    i0 = staticmethod(jnp.i0)
    logaddexp2 = staticmethod(jnp.logaddexp2)
    gcd = staticmethod(jnp.gcd)
    lcm = staticmethod(jnp.lcm)
    ldexp = staticmethod(jnp.ldexp)
    signbit = staticmethod(jnp.signbit)
    nextafter = staticmethod(jnp.nextafter)


@static("full")
def _qr(x, full):
    return tuple(lax.linalg.qr(x, full_matrices=full))


@jax.jit
def _eigh(x):
    return tuple(jnp.linalg.eigh(x, symmetrize_input=False))


@static("full")
def _svd(x, full):
    return tuple(jnp.linalg.svd(x, full_matrices=full))


@static("lower")
def _solve_triangular(a, b, lower):
    return lax.linalg.triangular_solve(a, b, left_side=True, lower=lower)


@static("dtype")
def _view(x, dtype):
    return x.view(DTYPES[dtype])
