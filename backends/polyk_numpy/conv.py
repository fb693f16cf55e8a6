"""Convolution as blocked im2col: some 2 MB of columns at a time in a reused buffer, one GEMM each.

A block is gathered and multiplied while it is still in cache; the buffer belongs to the thread.
"""

import itertools
import math
import threading

import numpy as np

from polyk.contract import Backend
from polyk.shapes import window_output

BLOCK_BYTES = 2 << 20
_local = threading.local()


class Conv(Backend):
    def conv(self, x, kernel, strides, pads, dilation, groups):
        *window, depth, filters = kernel.shape
        out = window_output(x.shape[1:-1], window, strides, pads, dilation)
        y = np.empty((len(x), *out, filters), x.dtype)
        if depth == 1 and groups > 1:
            return _depthwise(self, x, kernel, y, strides, pads, dilation)
        for xg, kg, yg in _split(groups, (x, -1), (kernel, -1), (y, -1)):
            view = _view(self, xg, window, strides, pads, dilation, out)
            matrix = kg.reshape(-1, kg.shape[-1])
            for block in _blocks(view, len(window)):
                columns = _columns(view, block, len(window))
                yg[block] = (columns @ matrix).reshape(yg[block].shape)
        return y

    def conv_kernel_grad(self, x, g, kernel_shape, strides, pads, dilation, groups):
        *window, _, _ = kernel_shape
        grad = np.zeros(kernel_shape, x.dtype)
        for xg, gg, kg in _split(groups, (x, -1), (g, -1), (grad, -1)):
            view = _view(self, xg, window, strides, pads, dilation, g.shape[1:-1])
            total = np.zeros((math.prod(kg.shape[:-1]), kg.shape[-1]), x.dtype)
            for block in _blocks(view, len(window)):
                total += _columns(view, block, len(window)).T @ gg[block].reshape(-1, gg.shape[-1])
            kg[...] = total.reshape(kg.shape)
        return grad

    def conv_input_grad(self, g, kernel, x_shape, strides, pads, dilation, groups):
        if max(strides) == 1:  # again a convolution, with the flipped kernel
            return super().conv_input_grad(g, kernel, x_shape, strides, pads, dilation, groups)
        *window, depth, _ = kernel.shape
        padded = [n + lo + hi for n, (lo, hi) in zip(x_shape[1:-1], pads, strict=True)]
        dx = np.zeros((x_shape[0], *padded, x_shape[-1]), g.dtype)
        for gg, kg, dxg in _split(groups, (g, -1), (kernel, -1), (dx, -1)):
            matrix = kg.reshape(-1, kg.shape[-1]).T
            for n in range(len(g)):
                cells = (gg[n].reshape(-1, gg.shape[-1]) @ matrix).reshape(
                    *g.shape[1:-1], math.prod(window), depth
                )
                for i, span in enumerate(_spans(window, strides, dilation, g.shape[1:-1])):
                    dxg[(n, *span)] += cells[..., i, :]
        inner = [slice(lo, lo + n) for n, (lo, _) in zip(x_shape[1:-1], pads, strict=True)]
        return dx[(slice(None), *inner)]

    def max_pool(self, x, window, strides, pads):
        lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        y, ones = None, (1,) * len(window)
        out = window_output(x.shape[1:-1], window, strides, pads, ones)
        x = _padded(self, x, pads, lowest)
        for span in _spans(window, strides, ones, out):
            cell = x[(slice(None), *span)]
            y = cell.copy() if y is None else np.maximum(y, cell, out=y)
        return y

    def max_pool_grad(self, g, x, y, window, strides, pads):
        xp = _padded(self, x, pads, -np.inf)
        dx = np.zeros(xp.shape, g.dtype)
        free = np.ones(y.shape, bool)
        apart = all(s >= k for s, k in zip(strides, window, strict=True))
        nan = np.isnan(y) if np.isnan(np.sum(y)) else None
        for span in _spans(window, strides, (1,) * len(window), y.shape[1:-1]):
            cell = xp[(slice(None), *span)]
            hit = cell == y
            if nan is not None:
                hit |= nan & np.isnan(cell)
            hit &= free
            free ^= hit
            if apart:
                np.multiply(g, hit, out=dx[(slice(None), *span)])
            else:
                dx[(slice(None), *span)] += g * hit
        inner = [slice(lo, lo + n) for n, (lo, _) in zip(x.shape[1:-1], pads, strict=True)]
        return dx[(slice(None), *inner)]


def _split(groups, *arrays):
    """The arrays cut into `groups` along the given axes, group by group; views."""
    parts = [np.split(a, groups, axis) if groups > 1 else [a] for a, axis in arrays]
    return zip(*parts, strict=True)


def _padded(backend, x, pads, value=0):
    return backend.pad(x, ((0, 0), *pads, (0, 0)), value) if np.any(pads) else x


def _view(backend, x, window, strides, pads, dilation, out):
    """``(N, *out, *window, C)``, a view of the padded input."""
    x = _padded(backend, x, pads)
    n, *steps, c = x.strides
    shape = (len(x), *out, *window, x.shape[-1])
    moves = [a * s for a, s in zip(steps, strides, strict=True)]
    cells = [a * d for a, d in zip(steps, dilation, strict=True)]
    return np.lib.stride_tricks.as_strided(x, shape, (n, *moves, *cells, c), writeable=False)


def _blocks(view, n):
    """Slices of the batch and the first output axis that gather about BLOCK_BYTES of columns."""
    images, rows = view.shape[:2]
    row_bytes = math.prod(view.shape[2:]) * view.itemsize
    many = BLOCK_BYTES // max(row_bytes, 1)
    if 0 in view.shape:
        return
    if many >= rows:
        step = max(many // rows, 1)
        yield from ((slice(i, i + step), slice(None)) for i in range(0, images, step))
        return
    step = max(many, 1)
    for i, j in itertools.product(range(images), range(0, rows, step)):
        yield slice(i, i + 1), slice(j, j + step)


def _columns(view, block, n):
    """``(places, cells * C)`` of one block, in the thread's buffer."""
    part = view[block]
    places, width = math.prod(part.shape[: n + 1]), math.prod(part.shape[n + 1 :])
    buffer = _buffer(places * width, view.dtype)
    run = part.shape[-2] * part.shape[-1]
    if run >= 16:
        columns = buffer.reshape(part.shape)
        np.copyto(columns, part)
        return columns.reshape(places, width)
    # Runs this short copy slowly: gather whole rows of places for each cell, then look at the
    # transpose.
    order = (*range(n + 1, part.ndim), *range(n + 1))
    columns = buffer.reshape([part.shape[i] for i in order])
    np.copyto(columns, part.transpose(order))
    return columns.reshape(width, places).T


def _buffer(size, dtype):
    buffer = getattr(_local, "buffer", None)
    nbytes = size * dtype.itemsize
    if buffer is None or buffer.nbytes < nbytes:
        buffer = _local.buffer = np.empty(nbytes, np.uint8)
    return buffer[:nbytes].view(dtype)


def _spans(window, strides, dilation, out):
    """For each cell of the window, the slices of the padded input that it sees."""
    for cell in itertools.product(*map(range, window)):
        yield tuple(
            slice(c * d, c * d + max((n - 1) * s + 1, 0), s)
            for c, d, s, n in zip(cell, dilation, strides, out, strict=True)
        )


def _depthwise(backend, x, kernel, y, strides, pads, dilation):
    """Each channel with filters of its own: no contraction, so no GEMM."""
    *window, _, filters = kernel.shape
    channels = x.shape[-1]
    x = _padded(backend, x, pads)
    total = y.reshape(*y.shape[:-1], channels, filters // channels)
    total[...] = 0
    cells = kernel.reshape(-1, channels, filters // channels)
    for k, span in zip(cells, _spans(window, strides, dilation, y.shape[1:-1]), strict=True):
        total += x[(slice(None), *span, slice(None), None)] * k
    return y
