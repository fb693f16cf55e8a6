"""Derived order statistics, counts and segments."""

import math
from collections.abc import Sequence

from polyk.contract.primitives import Axes, Shape, Tensor
from polyk.contract.special import Special


class Statistics(Special):
    """Quantiles, sums that pass over NaN, histograms, and reductions by segment."""

    def known(self, x: Tensor, value: float) -> Tensor:
        """`x` with `value` in place of NaN."""
        return self.where(self.isnan(x), value, x)

    def nanmean(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor:
        """Of the numbers alone; NaN where there is none."""
        total = self.sum(self.known(x, 0.0), axis, keepdims)
        return self.divide(total, self._known_count(x, axis, keepdims))

    def nanvar(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor:
        """Of the numbers alone, of the population; NaN where there is none."""
        away = self.known(self.subtract(x, self.nanmean(x, axis, True)), 0.0)
        total = self.sum(self.square(away), axis, keepdims)
        return self.divide(total, self._known_count(x, axis, keepdims))

    def _known_count(self, x: Tensor, axis: Axes, keepdims: bool) -> Tensor:
        there = self.cast(self.logical_not(self.isnan(x)), self.dtype(x))
        return self.sum(there, axis, keepdims)

    def quantile(self, x: Tensor, q: Tensor, method: str, skip_nan: bool) -> Tensor:
        """Of the last axis of `x`, for each of the vector `q`: ``(..., n)`` to ``(..., k)``.

        NaN where a row holds one; with `skip_nan`, where it holds nothing else.
        """
        *_, n = self.shape(x)
        axis = len(self.shape(x)) - 1
        ordered = self.sort(x, axis)  # NaN last
        if skip_nan:
            last = self.subtract(self._known_count(x, (axis,), True), 1.0)
        else:
            last = self.full((1,) * (axis + 1), n - 1.0, self.dtype(x))
        place = self.maximum(self.multiply(last, q), 0.0)
        value = self._between(ordered, place, method)
        if skip_nan:
            return value
        worst = self.getitem(ordered, self._span(ordered, axis, n - 1, n))
        return self.where(self.isnan(worst), worst, value)

    def _between(self, ordered: Tensor, place: Tensor, method: str) -> Tensor:
        """The values of sorted rows at fractional places."""
        *lead, _ = self.shape(ordered)
        shape = (*lead, self.shape(place)[-1])
        low, high = self.floor(place), self.ceil(place)
        if method in ("lower", "higher", "nearest"):
            low = {"lower": low, "higher": high, "nearest": self.round(place)}[method]
        axis = len(lead)

        def at(where: Tensor) -> Tensor:
            where = self.broadcast_to(self.cast(where, "int32"), shape)
            return self.take_along_axis(ordered, where, axis)

        below = at(low)
        if method in ("lower", "higher", "nearest"):
            return below
        share = self.subtract(place, low) if method == "linear" else 0.5
        return self.add(below, self.multiply(self.subtract(at(high), below), share))

    def bincount(self, x: Tensor, weights: Tensor | None, length: int) -> Tensor:
        """How often each int below `length` occurs in each row: ``(..., n)`` to ``(..., length)``.

        Or the sum of its weights. Larger ints do not count.
        """
        *lead, n = self.shape(x)
        rows = math.prod(lead)
        weights = self.full((rows * n,), 1, "int32") if weights is None else weights
        weights = self.reshape(weights, (rows * n,))
        start = self.multiply(self.arange(0, rows, 1, "int32"), length + 1)
        x = self.minimum(self.reshape(x, (rows, n)), length)
        ids = self.reshape(self.add(x, self.reshape(start, (rows, 1))), (rows * n, 1))
        zeros = self.full((rows * (length + 1),), 0, self.dtype(weights))
        counts = self.reshape(self.scatter_add(zeros, ids, weights), (rows, length + 1))
        counts = self.getitem(counts, self._span(counts, 1, 0, length))
        return self.reshape(counts, (*lead, length))

    def histogram(self, x: Tensor, edges: Tensor) -> Tensor:
        """int32 counts of the elements between neighboring `edges`; the last one is within."""
        n = self.shape(edges)[0] - 1
        x = self.reshape(x, (math.prod(self.shape(x)),))
        column = self.expand_dims(x, 1)
        place = self.subtract(self.count_nonzero(self.less_equal(edges, column), (1,)), 1)
        low, high = (self.getitem(edges, (i,)) for i in (0, n))
        place = self.where(self.equal(x, high), n - 1, place)
        inside = self.logical_and(self.less_equal(low, x), self.less_equal(x, high))
        return self.bincount(self.where(inside, place, n), None, n)

    # Segments: rows of `x` with the same id are reduced together; ids outside are passed over.

    def segment_sum(self, x: Tensor, ids: Tensor, count: int) -> Tensor:
        rows = self.shape(x)[1:]
        zeros = self.full((count + 1, *rows), 0, self.dtype(x))
        total = self.scatter_add(zeros, self.expand_dims(self._in_segments(ids, count), 1), x)
        return self.getitem(total, self._span(total, 0, 0, count))

    def _in_segments(self, ids: Tensor, count: int) -> Tensor:
        """`ids`, with all that lie outside in one more segment at the end."""
        inside = self.logical_and(self.less_equal(0, ids), self.less(ids, count))
        return self.where(inside, ids, count)

    def segment_prod(self, x: Tensor, ids: Tensor, count: int) -> Tensor:
        member = self._members(ids, count, len(self.shape(x)))
        one = True if self.dtype(x) == "bool" else 1
        return self.prod(self.where(member, self.expand_dims(x, 0), one), (1,))

    def segment_max(self, x: Tensor, ids: Tensor, count: int, empty: float) -> Tensor:
        """`empty` where a segment has no rows. Ties share the gradient."""
        member = self._members(ids, count, len(self.shape(x)))
        return self.max(self.where(member, self.expand_dims(x, 0), empty), (1,))

    def segment_min(self, x: Tensor, ids: Tensor, count: int, empty: float) -> Tensor:
        """`empty` where a segment has no rows. Ties share the gradient."""
        member = self._members(ids, count, len(self.shape(x)))
        return self.min(self.where(member, self.expand_dims(x, 0), empty), (1,))

    def _members(self, ids: Tensor, count: int, rank: int) -> Tensor:
        """(count, n, 1...): which rows belong to each segment."""
        n = self.shape(ids)[0]
        segments = self.reshape(self.arange(0, count, 1, "int32"), (count, 1))
        hit = self.equal(self.reshape(ids, (1, n)), segments)
        return self.reshape(hit, (count, n, *(1,) * (rank - 1)))

    def scatter_extreme(self, x: Tensor, places: Tensor, updates: Tensor, largest: bool) -> Tensor:
        """Rows of `x` (n, m) held against the `updates` (k, m) of their `places` (k,).

        The updates are written in the order of their size, so that the best comes last.
        """
        n, m = self.shape(x)
        k = self.shape(updates)[0]
        order = self.argsort(updates, 0)
        order = order if largest else self.flip(order, (0,))
        ranked = self.take_along_axis(updates, order, 0)
        cell = self.multiply(self.take(places, order, 0), m)
        cell = self.reshape(self.add(cell, self.arange(0, m, 1, "int32")), (k * m, 1))
        flat = self.reshape(x, (n * m,))
        best = self.scatter_update(flat, cell, self.reshape(ranked, (k * m,)))
        return self.reshape((self.maximum if largest else self.minimum)(flat, best), (n, m))

    def scatter_multiply(self, x: Tensor, places: Tensor, updates: Tensor) -> Tensor:
        """Rows of `x` (n, m) times all `updates` (k, m) of their `places` (k,)."""
        return self.multiply(x, self.segment_prod(updates, places, self.shape(x)[0]))

    def corrcoef(self, x: Tensor) -> Tensor:
        """The correlations of the rows of a matrix, held within -1 and 1."""
        away = self.subtract(x, self.mean(x, (1,), True))
        covariance = self.matmul(away, self.transpose(away, (1, 0)))
        size = self.sqrt(self.diagonal(covariance, 0))
        ratio = self.divide(self.divide(covariance, self.expand_dims(size, 1)), size)
        return self.clip(ratio, -1.0, 1.0)

    def cdist(self, x: Tensor, y: Tensor) -> Tensor:
        """Distances of all rows: ``(..., n, d)`` and ``(..., m, d)`` to ``(..., n, m)``."""
        rank = len(self.shape(x))
        away = self.subtract(self.expand_dims(x, rank - 1), self.expand_dims(y, rank - 2))
        return self.norm(away, (rank,))

    def kron(self, x: Tensor, y: Tensor) -> Tensor:
        """Of tensors of one rank: each element of `x` times the whole of `y`."""
        sx, sy = self.shape(x), self.shape(y)
        wide_x: Sequence[int] = [n for d in sx for n in (d, 1)]
        wide_y: Sequence[int] = [n for d in sy for n in (1, d)]
        z = self.multiply(self.reshape(x, tuple(wide_x)), self.reshape(y, tuple(wide_y)))
        out: Shape = tuple(a * b for a, b in zip(sx, sy, strict=True))
        return self.reshape(z, out)

    def vander(self, x: Tensor, n: int, increasing: bool) -> Tensor:
        """Powers of the vector `x` in columns, by running products: exact for ints."""
        size = self.shape(x)[0]
        first = self.full((size, min(n, 1)), 1, self.dtype(x))
        rest = self.broadcast_to(self.expand_dims(x, 1), (size, max(n - 1, 0)))
        powers = self.cumprod(self.concatenate([first, rest], 1), 1) if n else first
        return powers if increasing else self.flip(powers, (1,))
