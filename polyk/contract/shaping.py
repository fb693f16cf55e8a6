"""Derived shape, indexing and creation ops."""

import itertools
import math
from collections.abc import Sequence

from polyk.contract.optional import Optional
from polyk.contract.primitives import Axes, Shape, Tensor


class Shaping(Optional):
    """Views, joins, gathers and scatters composed of primitives."""

    def expand_dims(self, x: Tensor, axis: int) -> Tensor:
        shape = self.shape(x)
        return self.reshape(x, (*shape[:axis], 1, *shape[axis:]))

    def squeeze(self, x: Tensor, axis: Axes) -> Tensor:
        return self.reshape(x, tuple(d for i, d in enumerate(self.shape(x)) if i not in axis))

    def swapaxes(self, x: Tensor, axis1: int, axis2: int) -> Tensor:
        axes = list(range(len(self.shape(x))))
        axes[axis1], axes[axis2] = axis2, axis1
        return self.transpose(x, tuple(axes))

    def stack(self, xs: Sequence[Tensor], axis: int) -> Tensor:
        return self.concatenate([self.expand_dims(x, axis) for x in xs], axis)

    def split(self, x: Tensor, points: Sequence[int], axis: int) -> list[Tensor]:
        """Cut before each of `points`."""
        edges = [0, *points, self.shape(x)[axis]]
        return [
            self.getitem(x, self._span(x, axis, lo, max(lo, hi)))
            for lo, hi in itertools.pairwise(edges)
        ]

    def unstack(self, x: Tensor, axis: int) -> list[Tensor]:
        n = self.shape(x)[axis]
        return [self.squeeze(p, (axis,)) for p in self.split(x, range(1, n), axis)] if n else []

    def _span(self, x: Tensor, axis: int, start: int, stop: int) -> tuple[slice, ...]:
        """The index of ``x[..., start:stop, ...]`` along `axis`."""
        shape = self.shape(x)
        index = [slice(0, d, 1) for d in shape]
        index[axis] = slice(min(start, shape[axis]), min(stop, shape[axis]), 1)
        return tuple(index)

    def _stretch(self, x: Tensor, axis: int, step: int) -> Tensor:
        """Put ``step - 1`` zeros between neighbors along `axis`."""
        shape = self.shape(x)
        pads = [(0, 0)] * (len(shape) + 1)
        pads[axis + 1] = (0, step - 1)
        wide = self.pad(self.expand_dims(x, axis + 1), tuple(pads))
        wide = self.reshape(wide, (*shape[:axis], shape[axis] * step, *shape[axis + 1 :]))
        return self.getitem(wide, self._span(wide, axis, 0, (shape[axis] - 1) * step + 1))

    def repeat(self, x: Tensor, repeats: int, axis: int) -> Tensor:
        shape = self.shape(x)
        wide = (*shape[: axis + 1], repeats, *shape[axis + 1 :])
        x = self.broadcast_to(self.expand_dims(x, axis + 1), wide)
        return self.reshape(x, (*shape[:axis], shape[axis] * repeats, *shape[axis + 1 :]))

    def tile(self, x: Tensor, repeats: Shape) -> Tensor:
        """`repeats` has one entry an axis."""
        shape = self.shape(x)
        paired = [n for pair in zip(repeats, shape, strict=True) for n in pair]
        single = [n for d in shape for n in (1, d)]
        x = self.broadcast_to(self.reshape(x, tuple(single)), tuple(paired))
        return self.reshape(x, tuple(r * d for r, d in zip(repeats, shape, strict=True)))

    def roll(self, x: Tensor, shift: int, axis: int) -> Tensor:
        n = self.shape(x)[axis]
        cut = -shift % n if n else 0
        if not cut:
            return x
        parts = [self._span(x, axis, cut, n), self._span(x, axis, 0, cut)]
        return self.concatenate([self.getitem(x, p) for p in parts], axis)

    def eye(self, n: int, m: int, k: int, dtype: str) -> Tensor:
        return self.cast(self.equal(self._offsets(n, m), k), dtype)

    def _offsets(self, n: int, m: int) -> Tensor:
        """(n, m) int32: column minus row."""
        rows, columns = self.arange(0, n, 1, "int32"), self.arange(0, m, 1, "int32")
        return self.subtract(self.reshape(columns, (1, m)), self.reshape(rows, (n, 1)))

    def _zero(self, x: Tensor) -> bool | int:
        return False if self.dtype(x) == "bool" else 0

    def tril(self, x: Tensor, k: int) -> Tensor:
        n, m = self.shape(x)[-2:]
        return self.where(self.less_equal(self._offsets(n, m), k), x, self._zero(x))

    def triu(self, x: Tensor, k: int) -> Tensor:
        n, m = self.shape(x)[-2:]
        return self.where(self.less_equal(k, self._offsets(n, m)), x, self._zero(x))

    def diagonal(self, x: Tensor, offset: int) -> Tensor:
        """Of the last two axes, along a new last one."""
        *lead, n, m = self.shape(x)
        row, column = max(-offset, 0), max(offset, 0)
        count = max(min(n - row, m - column), 0)
        start = row * m + column
        indices = self.arange(start, start + count * (m + 1), m + 1, "int32")
        return self.take(self.reshape(x, (*lead, n * m)), indices, len(lead))

    def diag(self, x: Tensor, k: int) -> Tensor:
        """The matrix with the vector `x` on its k-th diagonal."""
        n = self.shape(x)[0] + abs(k)
        lo = max(k, 0)
        row = self.reshape(self.pad(x, ((lo, n - lo - self.shape(x)[0]),)), (1, n))
        return self.where(self.equal(self._offsets(n, n), k), row, self._zero(x))

    def take_along_axis(self, x: Tensor, indices: Tensor, axis: int) -> Tensor:
        """int32 `indices` of the rank of `x`; equal to it but along `axis`. As `take` otherwise."""
        shape = self.shape(x)
        flat = self.reshape(x, (-1 if 0 not in shape else 0,))
        return self.take(flat, self._places(shape, indices, axis), 0)

    def _places(self, shape: Shape, indices: Tensor, axis: int) -> Tensor:
        """Where in a flat tensor of `shape` is what `indices` along `axis` name."""
        out, n = self.shape(indices), shape[axis]
        indices = self.where(self.less(indices, 0), self.add(indices, n), indices)
        inside = self.logical_and(self.less_equal(0, indices), self.less(indices, n))
        flat = self.multiply(indices, math.prod(shape[axis + 1 :]))
        stride = 1
        for a in reversed(range(len(shape))):
            if a != axis:
                place = [d if i == a else 1 for i, d in enumerate(out)]
                steps = self.arange(0, out[a] * stride, stride, "int32") if out[a] else None
                flat = flat if steps is None else self.add(flat, self.reshape(steps, tuple(place)))
            stride *= shape[a]
        return self.where(inside, flat, math.prod(shape))  # out of range for `take` to judge

    def one_hot(self, indices: Tensor, classes: int, axis: int, dtype: str) -> Tensor:
        """The new axis is `axis` of the result; zeros where an index is out of range."""
        indices = self.where(self.less(indices, 0), self.add(indices, classes), indices)
        rank = len(self.shape(indices)) + 1
        labels = self.arange(0, classes, 1, self.dtype(indices))
        place = tuple(classes if i == axis else 1 for i in range(rank))
        hit = self.equal(self.expand_dims(indices, axis), self.reshape(labels, place))
        return self.cast(hit, dtype)

    def slice_update(self, x: Tensor, starts: Shape, updates: Tensor) -> Tensor:
        """A copy of `x` with the block at `starts` replaced by `updates`."""
        shape, block = self.shape(x), self.shape(updates)
        pads = tuple((s, d - s - b) for s, d, b in zip(starts, shape, block, strict=True))
        inside = self.pad(self.full(block, True, "bool"), pads, False)
        return self.where(inside, self.pad(updates, pads), x)

    def meshgrid(self, xs: Sequence[Tensor], indexing: str) -> list[Tensor]:
        sizes = [self.shape(x)[0] for x in xs]
        order = list(range(len(xs)))
        if indexing == "xy" and len(xs) > 1:
            order[:2] = [1, 0]
        shape = tuple(sizes[i] for i in order)
        place = [
            tuple(d if order[j] == i else 1 for j, d in enumerate(shape)) for i in range(len(xs))
        ]
        return [
            self.broadcast_to(self.reshape(x, p), shape) for x, p in zip(xs, place, strict=True)
        ]
