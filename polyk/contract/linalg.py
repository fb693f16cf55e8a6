"""Derived products: dot, tensordot, einsum."""

import math
from collections.abc import Sequence

from polyk.contract.primitives import Axes, Tensor
from polyk.contract.statistics import Statistics


class Linalg(Statistics):
    """Contractions, all by way of one batched matmul."""

    def linear(self, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        """(..., N) @ (N, M) + (M,)."""
        y = self.matmul(x, kernel)
        return y if bias is None else self.add(y, bias)

    def tensordot(self, x: Tensor, y: Tensor, axes_x: Axes, axes_y: Axes) -> Tensor:
        sx, sy = self.shape(x), self.shape(y)
        free_x = [a for a in range(len(sx)) if a not in axes_x]
        free_y = [a for a in range(len(sy)) if a not in axes_y]
        inner = math.prod(sx[a] for a in axes_x)
        x = (
            self.transpose(x, (*free_x, *axes_x))
            if axes_x != tuple(range(len(free_x), len(sx)))
            else x
        )
        y = self.transpose(y, (*axes_y, *free_y)) if axes_y != tuple(range(len(axes_y))) else y
        left, right = [sx[a] for a in free_x], [sy[a] for a in free_y]
        flat = self.matmul(
            self.reshape(x, (math.prod(left), inner)), self.reshape(y, (inner, math.prod(right)))
        )
        return self.reshape(flat, (*left, *right))

    def einsum(self, inputs: Sequence[str], output: str, *xs: Tensor) -> Tensor:
        """`inputs` and `output` are strings of one letter an axis; contracted left to right."""
        terms = [self._einsum_single(t, x, set(output).union(*inputs[:i], *inputs[i + 1 :]))
                 for i, (t, x) in enumerate(zip(inputs, xs, strict=True))]  # fmt: skip
        labels, result = terms[0]
        for i, (other, x) in enumerate(terms[1:], 1):
            keep = set(output).union(*(t for t, _ in terms[i + 1 :]))
            labels, result = self._einsum_pair(labels, result, other, x, keep)
        labels, result = self._einsum_single(labels, result, set(output))
        return self.transpose(result, tuple(labels.index(c) for c in output))

    def _einsum_single(self, labels: str, x: Tensor, keep: set[str]) -> tuple[str, Tensor]:
        """Take diagonals of repeated labels and sum over those nobody else needs."""
        for c in dict.fromkeys(labels):
            while labels.count(c) > 1:
                i = labels.index(c)
                j = labels.index(c, i + 1)
                rest = [a for a in range(len(labels)) if a not in (i, j)]
                x = self.diagonal(self.transpose(x, (*rest, i, j)), 0)
                labels = "".join(labels[a] for a in rest) + c
        drop = tuple(i for i, c in enumerate(labels) if c not in keep)
        if drop:
            x = self.sum(x, drop)
            labels = "".join(c for c in labels if c in keep)
        return labels, x

    def _einsum_pair(
        self, la: str, a: Tensor, lb: str, b: Tensor, keep: set[str]
    ) -> tuple[str, Tensor]:
        """Contract two terms by one batched matmul: batch, left, inner and right labels."""
        sizes = {
            **dict(zip(la, self.shape(a), strict=True)),
            **dict(zip(lb, self.shape(b), strict=True)),
        }
        both = [c for c in la if c in lb]
        batch = [c for c in both if c in keep]
        inner = [c for c in both if c not in keep]
        left, right = [c for c in la if c not in lb], [c for c in lb if c not in la]

        def arrange(x: Tensor, labels: str, *groups: list[str]) -> Tensor:
            x = self.transpose(x, tuple(labels.index(c) for group in groups for c in group))
            lead = [sizes[c] for c in groups[0]]
            return self.reshape(x, (*lead, *(math.prod(sizes[c] for c in g) for g in groups[1:])))

        out = self.matmul(arrange(a, la, batch, left, inner), arrange(b, lb, batch, inner, right))
        names = [*batch, *left, *right]
        return "".join(names), self.reshape(out, tuple(sizes[c] for c in names))

    def outer(self, x: Tensor, y: Tensor) -> Tensor:
        """Of two vectors."""
        return self.multiply(self.expand_dims(x, 1), self.expand_dims(y, 0))

    def cross(self, x: Tensor, y: Tensor) -> Tensor:
        """Of 3-vectors in the last axis."""
        (a, b, c), (d, e, f) = (self.unstack(v, len(self.shape(v)) - 1) for v in (x, y))
        parts = ((b, f, c, e), (c, d, a, f), (a, e, b, d))
        minors = [self.subtract(self.multiply(p, q), self.multiply(r, s)) for p, q, r, s in parts]
        return self.stack(minors, len(self.shape(minors[0])))
