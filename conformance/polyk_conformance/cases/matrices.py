"""Factorizations, solvers, norms: by what defines them, for signs are the engine's own.

A factorization is held to its product and its orthogonality; Q, U and V mix all entries of a
matrix, so errors are bounded in the size of the whole: c n^2 u |A|. Source: N. J. Higham, ch. 9-20.
"""

import math

import numpy as np

from polyk import ops
from polyk_conformance.bounded import Bounded
from polyk_conformance.cases.case import array, first, floated, floats, ints, table
from polyk_conformance.cases.control import program

A = floats(2, 3, 3, seed=1) + 3 * np.eye(3, dtype="f4")  # well conditioned
TALL, WIDE = floats(2, 4, 3, seed=2), floats(3, 5, seed=3)
POSITIVE = (TALL @ TALL.transpose(0, 2, 1) + 2 * np.eye(4)).astype("f4")
SYMMETRIC = (POSITIVE - 3 * np.eye(4)).astype("f4")


def loose(f, factor=1.0):
    """`f`, off by `factor` n^2 roundings of the size of what it gives and gets."""

    def reference(x, *args, **kwargs):
        value = np.asarray(f(x, *args, **kwargs))
        n = max(x.shape[-2:])
        size = abs(value).max(initial=0) + abs(x).max(initial=0)
        return Bounded(value, 16 * factor * n * n * size + 0 * value)

    return reference


def _t(x):
    return ops.matrix_transpose(x)


def rebuilt_qr(x, mode):
    q, r = ops.qr(x, mode)
    return ops.matmul(q, r), ops.matmul(_t(q), q), ops.tril(r, -1)


def rebuilt_eigh(x):
    w, v = ops.eigh(x)
    return w, ops.matmul(v * ops.expand_dims(w, -2), _t(v)), ops.matmul(_t(v), v)


def rebuilt_svd(x, full):
    u, s, vh = ops.svd(x, full)
    k = s.shape[-1]
    y = ops.matmul(u[..., :k] * ops.expand_dims(s, -2), vh[..., :k, :])
    return s, y, ops.matmul(_t(u), u), ops.matmul(vh, _t(vh))


def rebuilt_lu(x):
    """L U, and x with its rows exchanged as the pivots say."""
    packed, pivots = ops.lu_factor(x)
    n = x.shape[-1]
    lower = ops.tril(packed, -1) + ops.eye(n, dtype=ops.dtype(x))
    order = ops.arange(n)
    for i in range(n):
        j = pivots[i]
        swapped = ops.where(ops.arange(n) == j, order[i], order)
        order = ops.where(ops.arange(n) == i, ops.take(order, j), swapped)
    return ops.matmul(lower, ops.triu(packed)) - ops.take(x, order, 0)


def eyes(x, n):
    return np.broadcast_to(np.eye(n), (*x.shape[:-2], n, n))


def bounded(x, *values, factor=1.0):
    n = max(x.shape[-2:])
    size = abs(x).max() ** 2 + 1
    return tuple(Bounded(v, 32 * factor * n * n * size + 0 * v) for v in map(np.asarray, values))


def _factorizations():
    def qr(x, k):
        *_, m, n = x.shape
        return bounded(x, x, eyes(x, k), np.zeros((*x.shape[:-2], k, n)))

    def svd(x, full):
        s = np.linalg.svd(x, compute_uv=False)
        *_, m, n = x.shape
        k = min(m, n)
        return bounded(x, s, x, eyes(x, m if full else k), eyes(x, n if full else k))

    def eigh(x):
        return bounded(x, np.linalg.eigvalsh(x), x, eyes(x, x.shape[-1]))

    cases = [
        program("qr", "tall", lambda x: rebuilt_qr(x, "reduced"), lambda x: qr(x, 3), TALL),
        program("qr", "complete", lambda x: rebuilt_qr(x, "complete"), lambda x: qr(x, 4), TALL),
        program("qr", "wide", lambda x: rebuilt_qr(x, "reduced"), lambda x: qr(x, 3), WIDE),
        program("eigh", "batch", rebuilt_eigh, eigh, SYMMETRIC),
        program("svd", "thin", lambda x: rebuilt_svd(x, False), lambda x: svd(x, False), TALL),
        program("svd", "full", lambda x: rebuilt_svd(x, True), lambda x: svd(x, True), WIDE),
        program(
            "lu_factor", "product", rebuilt_lu, lambda x: bounded(x, 0 * x)[0],
            array([[1e-3, 2.0, 1.0], [4.0, 1.0, 3.0], [2.0, 5.0, -1.0]]),
        ),
    ]  # fmt: skip
    values = lambda x, **_: np.linalg.svd(x, compute_uv=False)  # noqa: E731
    return [
        *cases,
        *table("svd", loose(values), floated, ("values", WIDE, {"compute_uv": False})),
        *table(
            "svd",
            loose(values),
            floated,
            ("values-smooth", WIDE, {"compute_uv": False}),
            smooth=(0,),
        ),
    ]


def _slopes():
    """Gradients, of functions that do not depend on the signs."""
    tall, square = TALL[0], A[0].astype("f4")

    def qr(x):
        q, r = ops.qr(x)
        return ops.square(q), ops.square(r)

    def qr_reference(x):
        return tuple(np.square(v) for v in np.linalg.qr(x))

    def eigh(x):
        w, v = ops.eigh(x)
        return w, ops.square(v)

    def eigh_reference(x):
        w, v = np.linalg.eigh((x + x.T) / 2)
        return w, np.square(v)

    def svd(x):
        u, s, vh = ops.svd(x, False)
        return ops.square(u), s, ops.square(vh)

    def svd_reference(x):
        u, s, vh = np.linalg.svd(x, False)
        return np.square(u), s, np.square(vh)

    def near(f):
        def reference(x):
            return tuple(Bounded(v, 4096.0 + 0 * v) for v in f(x))

        return reference

    def rooted(x):
        return ops.cholesky(ops.matmul(x, _t(x)))

    def rooted_reference(x):
        return Bounded(np.linalg.cholesky(x @ x.T), 4096.0 + 0 * x)

    return [
        program("qr", "smooth", qr, near(qr_reference), tall, smooth=(0,)),
        program("eigh", "smooth", eigh, near(eigh_reference), SYMMETRIC[0], smooth=(0,)),
        program("svd", "smooth", svd, near(svd_reference), tall, smooth=(0,)),
        program("cholesky", "smooth", rooted, rooted_reference, square, smooth=(0,)),
    ]


def _solvers():
    def cholesky(x, upper=False):
        y = np.linalg.cholesky(x)
        return np.swapaxes(y, -1, -2) if upper else y

    def of_triangle(x, upper=False):
        x = np.tril(np.swapaxes(x, -1, -2) if upper else x)
        return np.linalg.inv(x @ np.swapaxes(x, -1, -2))

    def slogdet(x):
        sign, log = np.linalg.slogdet(x)
        return sign, loose(lambda _: log)(x)

    def solve(a, b):
        return np.linalg.solve(a, b) if b.ndim == a.ndim else \
            np.linalg.solve(a, b[..., None])[..., 0]  # fmt: skip

    def triangular(a, b, lower=False):
        return solve(np.tril(a) if lower else np.triu(a), b)

    def lstsq(a, b, rcond=None):
        return np.linalg.pinv(a) @ b

    lower = np.tril(A).astype("f4")
    right, vector = floats(2, 3, 2, seed=4), floats(2, 3, seed=5)
    swap = array([[0.0, 2.0], [3.0, 0.0]])
    cases = [
        *table("cholesky", loose(cholesky), floated, ("batch", POSITIVE),
               ("upper", POSITIVE, {"upper": True}), ("doubles", POSITIVE.astype("f8"))),
        *table("cholesky_inverse", loose(of_triangle, 8), floated, ("batch", lower),
               ("upper", np.swapaxes(lower, 1, 2).copy(), {"upper": True})),
        *table("det", loose(np.linalg.det, 4), floated, ("batch", A), ("swap", swap),
               ("ints", ints(3, 3)), ("half", swap.astype("f2"))),
        *table("slogdet", slogdet, floated, ("batch", A), ("swap", swap)),
        *table("logdet", loose(lambda x: np.linalg.slogdet(x)[1]), floated, ("batch", POSITIVE)),
        *table("inv", loose(np.linalg.inv, 8), floated, ("batch", A), ("swap", swap)),
        *table("pinv", loose(np.linalg.pinv, 16), floated, ("tall", TALL), ("wide", WIDE),
               ("rank-1", np.ones((3, 2), "f4"))),
        *table("solve", loose(solve, 8), floated, ("matrix", A, right), ("vector", A, vector)),
        *table("solve_triangular", loose(triangular, 8), floated, ("upper", A, right),
               ("lower", A, vector, {"lower": True})),
        *table("lstsq", loose(lstsq, 16), floated, ("tall", TALL[0], floats(4, 2, seed=6))),
        *table("matrix_rank", lambda x: np.linalg.matrix_rank(x), "int32", ("full", TALL),
               ("one", np.ones((3, 3), "f4"))),
    ]  # fmt: skip
    smooth = {
        "det": (A,), "inv": (A,), "solve": (A, right), "solve_triangular": (A, right),
        "pinv": (TALL[0],), "logdet": (A,), "cholesky_inverse": (lower,),
    }  # fmt: skip
    by_op = {c.op: c for c in cases}
    return cases + [
        by_op[op].but(label="smooth", args=args, kwargs={}, smooth=tuple(range(len(args))))
        for op, args in smooth.items()
    ]


def _norms():
    def norm(x, ord=None, axis=None, keepdims=False):
        axis = tuple(axis) if isinstance(axis, list) else axis
        return np.linalg.norm(x, ord, axis, keepdims)

    rows = [
        (f"matrix-{o}", WIDE, {"ord": o}) for o in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
    ]  # fmt: skip
    cube = floats(3, 2, 4, seed=7)
    more = [
        ("axes", cube, {"ord": 1, "axis": (2, 0)}),
        ("axes-keepdims", cube, {"ord": "fro", "axis": (0, 2), "keepdims": True}),
    ]  # fmt: skip
    return [
        *table("norm", loose(norm, 2), first, *rows, *more),
        *table("norm", loose(norm, 2), first, ("smooth-2", WIDE, {"ord": 2}),
               ("smooth-nuc", WIDE, {"ord": "nuc"}), smooth=(0,)),
    ]  # fmt: skip


CASES = [c for f in (_factorizations, _slopes, _solvers, _norms) for c in f()]
