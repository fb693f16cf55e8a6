"""Rules for the factorizations, made of ops, so that they can be differentiated in turn.

Sources: M. Giles, An extended collection of matrix derivative results (2008); S. F. Walter and
L. Lehmann for QR (2010); I. Murray for Cholesky (2016). A rule of several outputs is asked for
one at a time: a VJP is linear in what it is given.
"""

from __future__ import annotations

from typing import Any

from polyk.autodiff.rules import rule, rule_of_several
from polyk.errors import UnsupportedOp


def _t(b: Any, x: Any) -> Any:
    return b.matrix_transpose(x)


def _half(b: Any, x: Any) -> Any:
    """The lower triangle of `x`, half of its diagonal."""
    return b.subtract(b.tril(x, 0), b.multiply(_only_diagonal(b, x), 0.5))


def _only_diagonal(b: Any, x: Any) -> Any:
    return b.multiply(x, b._eyes(x))


def _symmetric(b: Any, x: Any) -> Any:
    return b.multiply(b.add(x, _t(b, x)), 0.5)


def _cholesky(b: Any, g: Any, y: Any, x: Any) -> Any:
    upper = _t(b, y)
    inner = b.solve_triangular(upper, _half(b, b.matmul(upper, g)), False)
    return _symmetric(b, b.solve_triangular(upper, _t(b, inner), False))


rule("cholesky", _cholesky)


def _solve_b(b: Any, g: Any, y: Any, a: Any, right: Any) -> Any:
    return b.solve(_t(b, a), g)


rule(
    "solve",
    lambda b, g, y, a, r: b.negative(b.matmul(_solve_b(b, g, y, a, r), _t(b, y))),
    _solve_b,
)


def _triangular_b(b: Any, g: Any, y: Any, a: Any, right: Any, lower: bool) -> Any:
    return b.solve_triangular(_t(b, a), g, not lower)


def _triangular_a(b: Any, g: Any, y: Any, a: Any, right: Any, lower: bool) -> Any:
    full = b.negative(b.matmul(_triangular_b(b, g, y, a, right, lower), _t(b, y)))
    return b.tril(full, 0) if lower else b.triu(full, 0)


rule("solve_triangular", _triangular_a, _triangular_b)


def _each(b: Any, g: Any) -> Any:
    """A number for each matrix, to multiply it by."""
    rank = len(b.shape(g))
    return b.reshape(g, (*b.shape(g), 1, 1)) if rank else g


rule(
    "det",
    lambda b, g, y, x: b.multiply(_each(b, b.multiply(g, y)), _t(b, b.inv(x))),
)


def _slogdet(b: Any, which: int, g: Any, ys: Any, x: Any) -> Any:
    return b.multiply(_each(b, g), _t(b, b.inv(x))) if which else None  # the sign is a step


rule_of_several("slogdet", _slogdet)


def _qr(b: Any, which: int, g: Any, ys: Any, x: Any, full: bool) -> Any:
    q, r = ys
    *_, m, n = b.shape(x)
    if m < n or (full and m != n):
        raise UnsupportedOp(f"the gradient of qr needs q and r of full rank; got x {b.shape(x)}.")
    middle = b.matmul(r, _t(b, g)) if which else b.negative(b.matmul(_t(b, g), q))
    below = b.tril(middle, -1)
    inner = b.matmul(q, b.add(b.add(below, _t(b, below)), _only_diagonal(b, middle)))
    inner = inner if which else b.add(g, inner)
    return _t(b, b.solve_triangular(r, _t(b, inner), False))


rule_of_several("qr", _qr)


def _gaps(b: Any, w: Any) -> Any:
    """``1 / (w_j - w_i)``, and 0 where they are equal."""
    rank = len(b.shape(w))
    away = b.subtract(b.expand_dims(w, rank - 1), b.expand_dims(w, rank))
    equal = b.equal(away, 0)
    return b.where(equal, 0.0, b.divide(1.0, b.where(equal, 1.0, away)))


def _scaled(b: Any, x: Any, s: Any) -> Any:
    """The columns of `x` times the entries of `s`."""
    return b.multiply(x, b.expand_dims(s, len(b.shape(s)) - 1))


def _eigh(b: Any, which: int, g: Any, ys: Any, x: Any) -> Any:
    w, v = ys
    if which:
        inner = b.matmul(v, b.multiply(b.matmul(_t(b, v), g), _gaps(b, w)))
    else:
        inner = _scaled(b, v, g)
    return _symmetric(b, b.matmul(inner, _t(b, v)))


rule_of_several("eigh", _eigh)


def _svd(b: Any, which: int, g: Any, ys: Any, x: Any, full: bool) -> Any:
    u, s, vt = ys
    *_, m, n = b.shape(x)
    if which == 1:
        u, vt = _thin(b, u, vt, min(m, n))
        return b.matmul(_scaled(b, u, g), vt)
    if full and m != n:
        raise UnsupportedOp("svd: the gradient of u and v needs full_matrices=False.")
    if which == 0:
        return _svd_left(b, g, u, s, vt)
    return _t(b, _svd_left(b, _t(b, g), _t(b, vt), s, _t(b, u)))  # the same of x^T


def _thin(b: Any, u: Any, vt: Any, k: int) -> Any:
    u = b.getitem(u, b._span(u, len(b.shape(u)) - 1, 0, k))
    return u, b.getitem(vt, b._span(vt, len(b.shape(vt)) - 2, 0, k))


def _svd_left(b: Any, g: Any, u: Any, s: Any, vt: Any) -> Any:
    """What the gradient `g` at u gives."""
    part = b.matmul(_t(b, u), g)
    turn = b.multiply(b.subtract(part, _t(b, part)), _gaps(b, b.square(s)))
    inner = b.matmul(u, _scaled(b, turn, s))
    *_, m, k = b.shape(u)
    if m > k:
        outside = b.subtract(g, b.matmul(u, part))
        inner = b.add(inner, _scaled(b, outside, b.divide(1.0, s)))
    return b.matmul(inner, vt)


rule_of_several("svd", _svd)
