"""Derived linear algebra, on the optional factorizations."""

import math

from polyk.contract.linalg import Linalg
from polyk.contract.primitives import Tensor


class Factorizations(Linalg):
    """Determinants, inverses, least squares, rank and matrix norms."""

    def matrix_transpose(self, x: Tensor) -> Tensor:
        rank = len(self.shape(x))
        return self.swapaxes(x, rank - 2, rank - 1)

    def _eyes(self, x: Tensor) -> Tensor:
        """Identity matrices, as many and as large as the square matrices `x`."""
        *_, n = shape = self.shape(x)
        return self.broadcast_to(self.eye(n, n, 0, self.dtype(x)), shape)

    def slogdet(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The sign and the logarithm of the size of the determinant."""
        packed, pivots = self.lu(x)
        entries = self.diagonal(packed, 0)
        axis = (len(self.shape(entries)) - 1,)
        sign = self.multiply(self.prod(self.sign(entries), axis), self._parity(pivots, packed))
        return sign, self.sum(self.log(self.abs(entries)), axis)

    def det(self, x: Tensor) -> Tensor:
        packed, pivots = self.lu(x)
        entries = self.diagonal(packed, 0)
        product = self.prod(entries, (len(self.shape(entries)) - 1,))
        return self.multiply(product, self._parity(pivots, packed))

    def _parity(self, pivots: Tensor, like: Tensor) -> Tensor:
        """-1 for an odd number of exchanges, else 1."""
        *_, n = self.shape(pivots)
        moved = self.not_equal(pivots, self.arange(0, n, 1, "int32"))
        count = self.count_nonzero(moved, (len(self.shape(pivots)) - 1,))
        return self.cast(self.subtract(1, self.multiply(self.mod(count, 2), 2)), self.dtype(like))

    def inv(self, x: Tensor) -> Tensor:
        return self.solve(x, self._eyes(x))

    def cholesky_inverse(self, x: Tensor) -> Tensor:
        """The inverse of L L^T, given the lower triangle L."""
        half = self.solve_triangular(x, self._eyes(x), True)
        return self.matmul(self.matrix_transpose(half), half)

    def singular_values(self, x: Tensor) -> Tensor:
        return self.svd(x, False)[1]

    def pinv(self, x: Tensor, rcond: float) -> Tensor:
        """Singular values up to `rcond` times the largest count as 0."""
        u, s, vt = self.svd(x, False)
        axis = len(self.shape(s)) - 1
        kept = self.less(self.multiply(self.max(s, (axis,), True), rcond), s)
        inverse = self.where(kept, self.divide(1.0, self.where(kept, s, 1.0)), 0.0)
        left = self.multiply(self.matrix_transpose(vt), self.expand_dims(inverse, axis))
        return self.matmul(left, self.matrix_transpose(u))

    def matrix_rank(self, x: Tensor, tol: float | None, epsilon: float) -> Tensor:
        """int32: how many singular values exceed `tol`, or their largest times `epsilon`."""
        s = self.singular_values(x)
        axis = (len(self.shape(s)) - 1,)
        limit = self.multiply(self.max(s, axis, True), epsilon) if tol is None else tol
        return self.count_nonzero(self.less(limit, s), axis)

    def matrix_norm(self, x: Tensor, ord: str | float) -> Tensor:
        """Of the last two axes: "fro", "nuc", or 1, 2, inf and their negatives."""
        if ord == "fro":
            rank = len(self.shape(x))
            return self.norm(x, (rank - 2, rank - 1))
        pick = self.max if isinstance(ord, str) or ord > 0 else self.min
        last = len(self.shape(x)) - 2  # of what is left when one of the two is gone
        if ord == "nuc" or abs(ord) == 2:  # type: ignore[arg-type]
            s = self.singular_values(x)
            return self.sum(s, (last,)) if ord == "nuc" else pick(s, (last,))
        lines = self.sum(self.abs(x), (last if abs(ord) == 1 else last + 1,))  # type: ignore[arg-type]
        return pick(lines, (last,))


def orders() -> tuple[str | float, ...]:
    """The orders that `matrix_norm` knows."""
    return ("fro", "nuc", 1, 2, -1, -2, math.inf, -math.inf)
