"""Derived convolution and pooling, channels last, any number of spatial dimensions.

The defaults gather the window's cells by strided slices and multiply matrices; every engine has
something faster. `pads` are explicit pairs; kernels are ``(*window, in / groups, out)``.
"""

import itertools
import math
from collections.abc import Iterator

from polyk.contract.factorizations import Factorizations
from polyk.contract.primitives import Shape, Tensor
from polyk.dtypes import lowest
from polyk.shapes import Pads, window_output


class Conv(Factorizations):
    """conv and pooling, with the gradients that core's tape and conv_transpose need."""

    def _windows(
        self, x: Tensor, window: Shape, strides: Shape, pads: Pads, dilation: Shape, fill: float = 0
    ) -> list[Tensor]:
        """For each cell of the window, ``(N, *out, C)``: what that cell sees at every place."""
        sizes = self.shape(x)[1:-1]
        out = window_output(sizes, window, strides, pads, dilation)
        if any(p != (0, 0) for p in pads):
            x = self.pad(x, ((0, 0), *pads, (0, 0)), fill)
        batch, *_, channels = self.shape(x)
        cells = []
        for cell in itertools.product(*map(range, window)):
            spans = [
                slice(c * d, c * d + (n - 1) * s + 1 if n else c * d, s)
                for c, d, s, n in zip(cell, dilation, strides, out, strict=True)
            ]
            if 0 in out:
                cells.append(self.full((batch, *out, channels), 0, self.dtype(x)))
            else:
                index = (slice(0, batch, 1), *spans, slice(0, channels, 1))
                cells.append(self.getitem(x, index))
        return cells

    def _patches(
        self, x: Tensor, window: Shape, strides: Shape, pads: Pads, dilation: Shape, groups: int
    ) -> Tensor:
        """``(groups, N * places, cells * C / groups)``."""
        cells = self._windows(x, window, strides, pads, dilation)
        shape = self.shape(cells[0])
        depth = shape[-1] // groups
        columns = self.stack(
            [
                self.reshape(c, (-1 if 0 not in shape else math.prod(shape[:-1]), groups, depth))
                for c in cells
            ],
            2,
        )
        columns = self.transpose(columns, (1, 0, 2, 3))
        return self.reshape(columns, (groups, math.prod(shape[:-1]), len(cells) * depth))

    def _grouped(self, kernel: Tensor, groups: int) -> Tensor:
        """The kernel as ``(groups, cells * in / groups, out / groups)``."""
        *_, out = shape = self.shape(kernel)
        k = self.reshape(kernel, (math.prod(shape[:-1]), groups, out // groups))
        return self.transpose(k, (1, 0, 2))

    def conv(
        self, x: Tensor, kernel: Tensor, strides: Shape, pads: Pads, dilation: Shape, groups: int
    ) -> Tensor:
        """Cross-correlation: ``(N, *sizes, in)`` to ``(N, *out, out)``."""
        *window, _, filters = self.shape(kernel)
        sizes = window_output(self.shape(x)[1:-1], window, strides, pads, dilation)
        columns = self._patches(x, tuple(window), strides, pads, dilation, groups)
        y = self.matmul(columns, self._grouped(kernel, groups))
        return self.reshape(self.transpose(y, (1, 0, 2)), (self.shape(x)[0], *sizes, filters))

    def conv_kernel_grad(
        self, x: Tensor, g: Tensor, kernel_shape: Shape, strides: Shape, pads: Pads,
        dilation: Shape, groups: int,
    ) -> Tensor:  # fmt: skip
        """The gradient of `conv` with respect to its kernel, given `g` at its output."""
        *window, _, filters = kernel_shape
        columns = self._patches(x, tuple(window), strides, pads, dilation, groups)
        flat = self.reshape(g, (math.prod(self.shape(g)[:-1]), groups, filters // groups))
        k = self.matmul(self.transpose(columns, (0, 2, 1)), self.transpose(flat, (1, 0, 2)))
        return self.reshape(self.transpose(k, (1, 0, 2)), kernel_shape)

    def conv_input_grad(
        self, g: Tensor, kernel: Tensor, x_shape: Shape, strides: Shape, pads: Pads,
        dilation: Shape, groups: int,
    ) -> Tensor:  # fmt: skip
        """The gradient of `conv` with respect to its input; also the transposed convolution."""
        *window, depth, filters = self.shape(kernel)
        n = len(window)
        wide = self._dilate(g, strides)
        extra = []
        for i in range(n):
            reach = (window[i] - 1) * dilation[i]
            lo = reach - pads[i][0]
            extra.append((lo, x_shape[i + 1] + reach - lo - self.shape(wide)[i + 1]))
        wide = self._pad_or_crop(wide, ((0, 0), *extra, (0, 0)))
        flipped = self.flip(kernel, tuple(range(n)))
        flipped = self.reshape(flipped, (*window, depth, groups, filters // groups))
        order = (*range(n), n + 2, n + 1, n)
        flipped = self.reshape(
            self.transpose(flipped, order), (*window, filters // groups, groups * depth)
        )
        return self.conv(wide, flipped, (1,) * n, ((0, 0),) * n, dilation, groups)

    def _dilate(self, x: Tensor, steps: Shape) -> Tensor:
        """Put ``step - 1`` zeros between neighbors along each spatial axis."""
        for axis, step in enumerate(steps, 1):
            if step > 1 and self.shape(x)[axis] > 1:
                x = self._stretch(x, axis, step)
        return x

    def _pad_or_crop(self, x: Tensor, pads: Pads) -> Tensor:
        """`pad` in which a negative amount takes cells away."""
        shape = self.shape(x)
        pads = tuple(  # what cannot be taken away at one end is taken at the other
            (max(lo, -d) + min(hi + d, 0), max(hi, -d) + min(lo + d, 0))
            for d, (lo, hi) in zip(shape, pads, strict=True)
        )
        index = tuple(
            slice(max(-lo, 0), max(d + min(hi, 0), max(-lo, 0)), 1)
            for d, (lo, hi) in zip(shape, pads, strict=True)
        )
        if any(i != slice(0, d, 1) for i, d in zip(index, shape, strict=True)):
            x = self.getitem(x, index)
        grow = tuple((max(lo, 0), max(hi, 0)) for lo, hi in pads)
        return self.pad(x, grow) if any(p != (0, 0) for p in grow) else x

    def max_pool(self, x: Tensor, window: Shape, strides: Shape, pads: Pads) -> Tensor:
        """NaN wins; padding never does. The first of several maxima takes the gradient."""
        fill = lowest(self.dtype(x))
        cells = self._windows(x, window, strides, pads, (1,) * len(window), fill)
        best = cells[0]
        for cell in cells[1:]:
            best = self.maximum(best, cell)
        return best

    def max_pool_grad(
        self, g: Tensor, x: Tensor, y: Tensor, window: Shape, strides: Shape, pads: Pads
    ) -> Tensor:
        """The gradient at the input `x` of ``y = max_pool(x)``, given `g` at `y`."""
        parts = [self.where(hit, g, 0.0) for hit in self._pool_hits(x, y, window, strides, pads)]
        return self._scatter_windows(parts, self.shape(x), window, strides, pads)

    def max_pool_pick(
        self, v: Tensor, x: Tensor, y: Tensor, window: Shape, strides: Shape, pads: Pads
    ) -> Tensor:
        """The transpose of `max_pool_grad`: `v` where ``max_pool(x)`` found its maxima."""
        cells = self._windows(v, window, strides, pads, (1,) * len(window))
        total = self.full(self.shape(y), 0.0, self.dtype(v))
        for hit, cell in zip(self._pool_hits(x, y, window, strides, pads), cells, strict=True):
            total = self.where(hit, cell, total)
        return total

    def _pool_hits(
        self, x: Tensor, y: Tensor, window: Shape, strides: Shape, pads: Pads
    ) -> Iterator[Tensor]:
        """For each cell of the window, where it is the first to hold the maximum."""
        free = self.full(self.shape(y), True, "bool")
        for cell in self._windows(x, window, strides, pads, (1,) * len(window), -math.inf):
            hit = self.logical_and(free, self.logical_or(self.equal(cell, y), self.isnan(cell)))
            free = self.logical_and(free, self.logical_not(hit))
            yield hit

    def _scatter_windows(
        self, parts: list[Tensor], x_shape: Shape, window: Shape, strides: Shape, pads: Pads
    ) -> Tensor:
        """The transpose of `_windows`: add each cell's part back where it was seen."""
        total = None
        for cell, part in zip(itertools.product(*map(range, window)), parts, strict=True):
            wide = self._dilate(part, strides)
            extra = [
                (c - lo, d - (c - lo) - w)
                for c, (lo, _), d, w in zip(
                    cell, pads, x_shape[1:-1], self.shape(wide)[1:-1], strict=True
                )
            ]
            wide = self._pad_or_crop(wide, ((0, 0), *extra, (0, 0)))
            total = wide if total is None else self.add(total, wide)
        return total

    def _pool_counts(self, x: Tensor, window: Shape, strides: Shape, pads: Pads) -> Tensor:
        """``(1, *out, 1)``: how many cells of each window lie inside the input."""
        counts = self.full((), 1.0, self.dtype(x))
        sizes = self.shape(x)[1:-1]
        out = window_output(sizes, window, strides, pads, (1,) * len(window))
        for axis, (size, k, s, (lo, _), n) in enumerate(
            zip(sizes, window, strides, pads, out, strict=True)
        ):
            begin = self.add(self.multiply(self.arange(0, n, 1, "int32"), s), -lo)
            end = self.minimum(self.add(begin, k), size)
            inside = self.cast(self.subtract(end, self.maximum(begin, 0)), self.dtype(x))
            place = tuple(n if i == axis + 1 else 1 for i in range(len(sizes) + 2))
            counts = self.multiply(counts, self.reshape(inside, place))
        return counts

    def average_pool(self, x: Tensor, window: Shape, strides: Shape, pads: Pads) -> Tensor:
        """The mean over the cells inside the input; padding does not count."""
        cells = self._windows(x, window, strides, pads, (1,) * len(window))
        total = cells[0]
        for cell in cells[1:]:
            total = self.add(total, cell)
        return self.divide(total, self._pool_counts(x, window, strides, pads))

    def average_pool_grad(
        self, g: Tensor, x: Tensor, window: Shape, strides: Shape, pads: Pads
    ) -> Tensor:
        """The gradient at the input `x` of `average_pool`, given `g` at its output."""
        part = self.divide(g, self._pool_counts(x, window, strides, pads))
        parts = [part] * math.prod(window)
        return self._scatter_windows(parts, self.shape(x), window, strides, pads)

    def max_pool_with_argmax(
        self, x: Tensor, window: Shape, strides: Shape, pads: Pads, dilation: Shape
    ) -> tuple[Tensor, Tensor]:
        """The first maximum of each window, and its int32 place among the flat spatial cells."""
        views = self._windows(x, window, strides, pads, dilation, lowest(self.dtype(x)))
        cells = self.stack(views, 0)
        first = self.argmax(cells, 0)
        y = self.squeeze(self.take_along_axis(cells, self.expand_dims(first, 0), 0), (0,))
        place, rank, step = self.multiply(first, 0), len(self.shape(x)), 1
        for axis in reversed(range(len(window))):
            cell = self.multiply(self.mod(first, window[axis]), dilation[axis])
            first = self.floor_divide(first, window[axis])
            count = self.shape(y)[axis + 1]
            start = self.arange(0, count * strides[axis], strides[axis], "int32")
            start = self.subtract(start, pads[axis][0])
            shape = tuple(count if i == axis + 1 else 1 for i in range(rank))
            at = self.add(cell, self.reshape(start, shape))
            place = self.add(place, self.multiply(at, step))
            step *= self.shape(x)[axis + 1]
        return y, place

    def dilated_average_pool(
        self, x: Tensor, window: Shape, strides: Shape, pads: Pads, dilation: Shape
    ) -> Tensor:
        """`average_pool` of windows whose cells lie apart."""
        ones = self.full((1, *self.shape(x)[1:-1], 1), 1.0, self.dtype(x))
        total, count = (
            self.sum(self.stack(self._windows(v, window, strides, pads, dilation), 0), (0,))
            for v in (x, ones)
        )
        return self.divide(total, count)

    def adaptive_max_pool(self, x: Tensor, sizes: Shape) -> Tensor:
        """As `max_pool`, over ``sizes`` windows that overlap where they must."""
        cells, window, _ = self._adaptive_cells(x, sizes)
        return self.max_pool(cells, window, window, ((0, 0),) * len(window))

    def adaptive_average_pool(self, x: Tensor, sizes: Shape) -> Tensor:
        cells, window, counts = self._adaptive_cells(x, sizes, 0.0)
        y = self.average_pool(cells, window, window, ((0, 0),) * len(window))
        for axis, (k, lengths) in enumerate(zip(window, counts, strict=True), 1):
            if any(n != k for n in lengths):
                scale = self.asarray([k / n for n in lengths], self.dtype(x))
                place = tuple(-1 if i == axis else 1 for i in range(len(sizes) + 2))
                y = self.multiply(y, self.reshape(scale, place))
        return y

    def _adaptive_cells(
        self, x: Tensor, sizes: Shape, fill: float | None = None
    ) -> tuple[Tensor, Shape, list[list[int]]]:
        """`x` with the windows side by side, each as long as the longest, and their lengths.

        Place i of m sees cells ``i n // m`` to ``ceil((i + 1) n / m)``; a shorter window repeats
        its last cell, or ends in `fill`.
        """
        window, counts = [], []
        for axis, m in enumerate(sizes, 1):
            n = self.shape(x)[axis]
            spans = [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
            lengths = [end - begin for begin, end in spans]
            k = max(lengths)
            if n % m:
                cells = [min(b + j, e - 1) for b, e in spans for j in range(k)]
                x = self.take(x, self.asarray(cells, "int32"), axis)
                if fill is not None:
                    inside = self.asarray([j < length for length in lengths for j in range(k)])
                    place = tuple(m * k if i == axis else 1 for i in range(len(sizes) + 2))
                    x = self.where(self.reshape(inside, place), x, fill)
            window.append(k)
            counts.append(lengths)
        return x, tuple(window), counts
