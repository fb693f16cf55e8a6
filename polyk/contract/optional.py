"""Methods that a backend may leave out: they need routines that not every library has.

An op that calls one raises UnsupportedOp on a backend without it; nothing falls back to NumPy.
`OPTIONAL` lists them all. Matrices are the last two axes; what comes before is a batch.
"""

from polyk.contract.engine import Engine
from polyk.contract.primitives import Tensor
from polyk.errors import UnsupportedOp

ABSENT = "it does not implement this optional method"


class Optional(Engine):
    """Factorizations and solvers of float32 and float64 matrices; the bits of a tensor."""

    def cholesky(self, x: Tensor) -> Tensor:
        """The lower triangular L with L L^T = x; of what is not positive definite: NaN, or an
        error. Only the lower triangle of `x` is read."""
        raise self._absent("cholesky")

    def lu(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """L below the diagonal and U from it on, in one tensor; int32 pivots: row i changed places
        with row pivots[i]."""
        raise self._absent("lu")

    def qr(self, x: Tensor, full: bool) -> tuple[Tensor, Tensor]:
        """Orthonormal columns (m, k) and an upper triangle (k, n); k is m if `full`, else the
        smaller of m and n."""
        raise self._absent("qr")

    def eigh(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The eigenvalues of a symmetric matrix, ascending, and its eigenvectors in columns."""
        raise self._absent("eigh")

    def svd(self, x: Tensor, full: bool) -> tuple[Tensor, Tensor, Tensor]:
        """u, the singular values, descending, and v^T; u and v square if `full`."""
        raise self._absent("svd")

    def solve(self, a: Tensor, b: Tensor) -> Tensor:
        """The x with a x = b: (..., n, n) and (..., n, k), their batches equal."""
        raise self._absent("solve")

    def solve_triangular(self, a: Tensor, b: Tensor, lower: bool) -> Tensor:
        """As `solve`, reading one triangle of `a`."""
        raise self._absent("solve_triangular")

    def view(self, x: Tensor, dtype: str) -> Tensor:
        """The same bits as another dtype; of another width, the last axis shrinks or grows."""
        raise self._absent("view")

    def _absent(self, op: str) -> UnsupportedOp:
        return UnsupportedOp(f"backend {self.name!r} does not support {op}: {ABSENT}.")


OPTIONAL = tuple(n for n, f in vars(Optional).items() if callable(f) and not n.startswith("_"))
