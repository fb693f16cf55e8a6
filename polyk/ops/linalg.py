"""Factorizations, solvers and norms of matrices: the last two axes, whatever comes before a batch.

They need routines that a backend may lack; such a one raises UnsupportedOp. Half floats compute in
float32. Signs of eigenvectors, singular vectors and the columns of q are left open: engines differ,
and either sign is right. Their gradients need distinct eigenvalues (singular values).
"""

from collections.abc import Callable, Sequence
from typing import Any

from polyk import dtypes
from polyk.contract import Backend
from polyk.contract.factorizations import orders
from polyk.errors import ShapeError
from polyk.ops.control import jvp as jvp
from polyk.ops.dispatch import Tensor, cast, floating, floating_pair, tensors
from polyk.shapes import axis_index, axis_tuple

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eigh",
    "inv",
    "logdet",
    "lstsq",
    "lu_factor",
    "matrix_rank",
    "matrix_transpose",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
]

_HALF = ("float16", "bfloat16")


def _matrix(x: Any, op: str, square: bool = True) -> tuple[Any, Tensor, str]:
    """The backend, matrices that it can factor, and the dtype that the result has."""
    b, x = floating(x)
    shape, dtype = b.shape(x), b.dtype(x)
    if len(shape) < 2 or (square and shape[-1] != shape[-2]):
        kind = "square matrices (..., n, n)" if square else "matrices (..., m, n)"
        raise ShapeError(f"{op} needs {kind}; got shape {shape}.")
    return b, cast(b, x, "float32") if dtype in _HALF else x, dtype


def _several(run: Callable[..., Any], b: Any, x: Tensor, dtype: str, *args: Any) -> Any:
    return tuple(cast(b, y, dtype) for y in run(x, *args))


def cholesky(x: Any, upper: bool = False) -> Tensor:
    """The lower triangular L with ``L @ L.T == x``, or its transpose.

    `x` is symmetric and positive definite, else the result is NaN or an error, as the engine has
    it. Only the lower triangle of `x` is read.
    """
    b, x, dtype = _matrix(x, "cholesky")
    y = b.cholesky(x)
    return cast(b, b.matrix_transpose(y) if upper else y, dtype)


def cholesky_inverse(x: Any, upper: bool = False) -> Tensor:
    """The inverse of ``L @ L.T``, given the triangle L (or its transpose)."""
    b, x, dtype = _matrix(x, "cholesky_inverse")
    return cast(b, b.cholesky_inverse(b.matrix_transpose(x) if upper else x), dtype)


def det(x: Any) -> Tensor:
    """The determinant."""
    b, x, dtype = _matrix(x, "det")
    return cast(b, b.det(x), dtype)


def slogdet(x: Any) -> tuple[Tensor, Tensor]:
    """The sign of the determinant and the logarithm of its size."""
    b, x, dtype = _matrix(x, "slogdet")
    return _several(b.slogdet, b, x, dtype)  # type: ignore[no-any-return]


def logdet(x: Any) -> Tensor:
    """The logarithm of the determinant of symmetric positive definite matrices."""
    return slogdet(x)[1]


def eigh(x: Any) -> tuple[Tensor, Tensor]:
    """The eigenvalues of symmetric matrices, ascending, and eigenvectors in columns.

    The symmetric part of `x` is what counts.
    """
    b, x, dtype = _matrix(x, "eigh")
    x = b.multiply(b.add(x, b.matrix_transpose(x)), 0.5)
    return _several(b.eigh, b, x, dtype)  # type: ignore[no-any-return]


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """``u, s, vh`` with ``x == u * s @ vh``, s descending; without `compute_uv` only s.

    u is (..., m, m) and vh (..., n, n); without `full_matrices` (..., m, k) and (..., k, n), k the
    smaller of m and n. Only these have a gradient, s has one always.
    """
    b, x, dtype = _matrix(x, "svd", square=False)
    if not compute_uv:
        return cast(b, b.singular_values(x), dtype)
    return _several(b.svd, b, x, dtype, full_matrices)


def qr(x: Any, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """Orthonormal columns q and an upper triangle r with ``q @ r == x``.

    (..., m, n) to (..., m, k) and (..., k, n): k is the smaller of m and n in mode "reduced", m in
    mode "complete". The gradient needs m >= n, and the reduced mode unless they are equal.
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode must be 'reduced' or 'complete'; got {mode!r}.")
    b, x, dtype = _matrix(x, "qr", square=False)
    return _several(b.qr, b, x, dtype, mode == "complete")  # type: ignore[no-any-return]


def lu_factor(x: Any) -> tuple[Tensor, Tensor]:
    """L below the diagonal (its own is 1) and U above in one tensor, and int32 pivots.

    Row i changed places with row ``pivots[i]``, one after the other.
    """
    b, x, dtype = _matrix(x, "lu_factor")
    packed, pivots = b.lu(x)
    return cast(b, packed, dtype), pivots


def inv(x: Any) -> Tensor:
    """The inverse. Of a singular matrix: infinite, or an error, as the engine has it."""
    b, x, dtype = _matrix(x, "inv")
    return cast(b, b.inv(x), dtype)


def pinv(x: Any, rcond: float | None = None) -> Tensor:
    """The pseudo-inverse: singular values up to `rcond` times the largest count as 0.

    `rcond` is by default ``10 * max(m, n)`` roundings.
    """
    b, x, dtype = _matrix(x, "pinv", square=False)
    return cast(b, b.pinv(x, _cutoff(b, x) * 10 if rcond is None else rcond), dtype)


def _cutoff(b: Backend, x: Tensor) -> float:
    rows, columns = b.shape(x)[-2:]
    return max(rows, columns, 1) * dtypes.epsilon(b.dtype(x))


def matrix_rank(x: Any, tol: float | None = None) -> Tensor:
    """How many singular values exceed `tol`, int32; by default ``max(m, n)`` roundings."""
    b, x, _ = _matrix(x, "matrix_rank", square=False)
    return b.matrix_rank(x, tol, _cutoff(b, x))


def matrix_transpose(x: Any) -> Tensor:
    """The last two axes exchanged."""
    from polyk.ops.shaping import swapaxes

    return swapaxes(x, -2, -1)


def _system(a: Any, b: Any, op: str, square: bool = True) -> tuple[Any, Tensor, Tensor, bool, str]:
    """Matrices and right-hand sides of one dtype and batch; whether the latter were vectors."""
    _, a, b = floating_pair(*tensors(a, b)[1])
    back, a, dtype = _matrix(a, op, square)
    sa, sb = back.shape(a), back.shape(b)
    vector = len(sb) == len(sa) - 1
    rows = sb[-1:] if vector else sb[-2:-1]
    lead = sb[:-1] if vector else sb[:-2]
    if rows != sa[-2:-1] or lead != sa[:-2]:
        raise ShapeError(f"{op}: a {sa} and b {sb} do not fit; b is (..., n) or (..., n, k).")
    b = cast(back, b, back.dtype(a))
    return back, a, back.expand_dims(b, len(sb)) if vector else b, vector, dtype


def _solved(back: Any, x: Tensor, vector: bool, dtype: str) -> Tensor:
    x = back.squeeze(x, (len(back.shape(x)) - 1,)) if vector else x
    return cast(back, x, dtype)


def solve(a: Any, b: Any) -> Tensor:
    """The x with ``a @ x == b``: a (..., n, n), b (..., n) or (..., n, k)."""
    back, a, b, vector, dtype = _system(a, b, "solve")
    return _solved(back, back.solve(a, b), vector, dtype)


def solve_triangular(a: Any, b: Any, lower: bool = False) -> Tensor:
    """As `solve`, reading only the upper (or `lower`) triangle of `a`."""
    back, a, b, vector, dtype = _system(a, b, "solve_triangular")
    return _solved(back, back.solve_triangular(a, b, lower), vector, dtype)


def lstsq(a: Any, b: Any, rcond: float | None = None) -> Tensor:
    """The shortest x that brings ``a @ x`` nearest to `b`: a (..., m, n), b (..., m) or (m, k).

    Singular values up to `rcond` times the largest count as 0; by default ``max(m, n)`` roundings.
    """
    back, a, b, vector, dtype = _system(a, b, "lstsq", square=False)
    inverse = back.pinv(a, _cutoff(back, a) if rcond is None else rcond)
    return _solved(back, back.matmul(inverse, b), vector, dtype)


def norm(
    x: Any, ord: Any = None, axis: int | Sequence[int] | None = None, keepdims: bool = False
) -> Tensor:
    """The norm of vectors (one axis) or of matrices (two axes, or all of a matrix).

    Without `ord` it is the Euclidean one over all that `axis` names. Of vectors: 0, 1, 2, p, inf,
    -inf. Of matrices: "fro", "nuc", 1, 2, inf and their negatives. Its derivative at 0 is 0.
    """
    b, x = floating(x)
    rank = len(b.shape(x))
    axes = axis_tuple(axis, rank)
    if ord in (None, "euclidean") or (ord == 2 and len(axes) == 1):
        return b.norm(x, axes, keepdims)
    if len(axes) == 1:
        return _vector_norm(b, x, ord, axes, keepdims)
    if len(axes) != 2 or ord not in orders():
        raise ValueError(
            f"norm: order {ord!r} of {len(axes)} axes (shape {b.shape(x)}) is not one."
        )
    first, second = axes if axis is None else [axis_index(a, rank) for a in axis]  # type: ignore[union-attr]
    rest = [a for a in range(rank) if a not in axes]
    y = b.matrix_norm(b.transpose(x, (*rest, first, second)), ord)
    shape = tuple(1 if a in axes else d for a, d in enumerate(b.shape(x)))
    return b.reshape(y, shape) if keepdims else y


def _vector_norm(b: Any, x: Tensor, ord: float, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if ord in (float("inf"), float("-inf")):
        return (b.max if ord > 0 else b.min)(b.abs(x), axes, keepdims)
    if ord == 0:
        return b.sum(b.cast(b.not_equal(x, 0.0), b.dtype(x)), axes, keepdims)
    total = b.sum(b.power(b.abs(x), float(ord)), axes, keepdims)
    return total if ord == 1 else b.power(total, 1.0 / ord)
