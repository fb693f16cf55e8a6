"""Fourier transforms of (real, imaginary) pairs, along the last axis, and of short frames."""

import math
from typing import Any

from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor, cast, floating, many, tensors

__all__ = ["fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft"]

Pair = tuple[Tensor, Tensor]


def _pair(x: Any, op: str) -> tuple[Any, Tensor, Tensor]:
    """A pair of float tensors of one shape and dtype."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"{op} takes a pair (real, imaginary); got {type(x).__name__}.")
    b, parts = many(list(x))
    re, im = (floating(p)[1] for p in parts)
    if b.shape(re) != b.shape(im):
        raise ShapeError(f"{op}: the parts differ in shape: {b.shape(re)} and {b.shape(im)}.")
    return b, re, im


def fft(x: Any) -> Pair:
    """The transform of a (real, imaginary) pair along the last axis, as such a pair."""
    b, re, im = _pair(x, "fft")
    re, im = b.fft(re, im)
    return re, im


def _second_last(b: Any, re: Tensor, im: Tensor) -> Pair:
    """The transform along the axis before the last."""
    re, im = b.fft(*(b.matrix_transpose(v) for v in (re, im)))
    return b.matrix_transpose(re), b.matrix_transpose(im)


def fft2(x: Any) -> Pair:
    """The transform of a pair along the last two axes."""
    b, re, im = _pair(x, "fft2")
    return _second_last(b, *b.fft(re, im))


def ifft2(x: Any) -> Pair:
    """The inverse of `fft2`."""
    b, re, im = _pair(x, "ifft2")
    im, re = _second_last(b, *b.fft(im, re))  # parts exchanged before and after: the inverse
    size = float(math.prod(b.shape(re)[-2:]))
    return b.divide(re, size), b.divide(im, size)


def _sized(b: Any, x: Tensor, n: int) -> Tensor:
    """The last axis cut, or filled up with zeros, to `n`."""
    axis = len(b.shape(x)) - 1
    have = b.shape(x)[axis]
    if have < n:
        return b.pad(x, ((0, 0),) * axis + ((0, n - have),))
    return b.getitem(x, b._span(x, axis, 0, n))


def rfft(x: Any, fft_length: int | None = None) -> Pair:
    """The first ``fft_length // 2 + 1`` entries of the transform of real numbers, as a pair.

    The last axis is cut or filled up with zeros to `fft_length`.
    """
    b, x = floating(x)
    return b.rfft(x if fft_length is None else _sized(b, x, fft_length))


def irfft(x: Any, fft_length: int | None = None) -> Tensor:
    """The (..., fft_length) whose `rfft` is the pair `x`; by default an even number of them."""
    b, re, im = _pair(x, "irfft")
    n = 2 * (b.shape(re)[-1] - 1) if fft_length is None else fft_length
    re, im = (_sized(b, v, n // 2 + 1) for v in (re, im))
    return b.irfft(re, im, n)


def _window(b: Any, window: Any, length: int, fft_length: int, dtype: str) -> Tensor:
    """The window, with zeros on both sides to `fft_length`."""
    import numpy as np

    if window is None:
        values: Any = np.ones(length)
    elif isinstance(window, str):
        if window not in ("hann", "hamming"):
            raise ValueError(f"window must be 'hann', 'hamming', None or a vector; got {window!r}.")
        floor = 0.5 if window == "hann" else 0.54
        values = floor - (1 - floor) * np.cos(2 * math.pi * np.arange(length) / length)
    else:
        (values,) = tensors(window)[1]
    if not length <= fft_length or tuple(values.shape) != (length,):
        raise ShapeError(f"a window of {tuple(values.shape)} does not fit a sequence_length of "
                         f"{length} and an fft_length of {fft_length}.")  # fmt: skip
    left = (fft_length - length) // 2
    values = b.constant(values) if isinstance(values, np.ndarray) else values
    return b.pad(cast(b, values, dtype), ((left, fft_length - length - left),))


def stft(
    x: Any, sequence_length: int, sequence_stride: int, fft_length: int, window: Any = "hann",
    center: bool = True,
) -> Pair:  # fmt: skip
    """The `rfft` of windowed frames: (..., n) to a pair of (..., frames, fft_length // 2 + 1).

    `center` mirrors the ends, so that frame t is centered at ``t * sequence_stride``.
    """
    from polyk.ops.layout import extract_sequences
    from polyk.ops.shaping import pad

    b, x = floating(x)
    if center:
        side = (fft_length // 2,) * 2
        x = pad(x, [(0, 0)] * (len(b.shape(x)) - 1) + [side], mode="reflect")
    frames = extract_sequences(x, fft_length, sequence_stride)
    shape = _window(b, window, sequence_length, fft_length, b.dtype(x))
    return b.rfft(b.multiply(frames, shape))


def istft(
    x: Any, sequence_length: int, sequence_stride: int, fft_length: int, length: int | None = None,
    window: Any = "hann", center: bool = True,
) -> Tensor:  # fmt: skip
    """The signal whose `stft` is the pair `x`: frames added where they overlap, over the sum of
    squared windows there. `length` cuts the result or fills it up with zeros."""
    b, re, im = _pair(x, "istft")
    frames = b.irfft(re, im, fft_length)
    *lead, count, n = b.shape(frames)
    shape = _window(b, window, sequence_length, fft_length, b.dtype(frames))
    total = n + sequence_stride * (count - 1)
    rows = b.reshape(b.multiply(frames, shape), (math.prod(lead), count, n))
    signal = _overlapped(b, rows, sequence_stride, total)
    weight = b.broadcast_to(b.square(shape), (1, count, n))
    weight = _overlapped(b, weight, sequence_stride, total)
    empty = b.less(weight, 1e-10)
    signal = b.divide(signal, b.where(empty, 1.0, weight))
    start = fft_length // 2 if center else 0
    stop = total - start if length is None else min(start + length, total)
    signal = b.getitem(signal, b._span(signal, 1, start, stop))
    signal = signal if length is None else _sized(b, signal, length)
    return b.reshape(signal, (*lead, b.shape(signal)[1]))


def _overlapped(b: Any, rows: Tensor, stride: int, total: int) -> Tensor:
    """(N, frames, n) to (N, total): each frame added at its place."""
    import numpy as np

    size, count, n = b.shape(rows)
    places = np.arange(count)[:, None] * stride + np.arange(n)
    where = b.constant(places.reshape(-1, 1).astype(np.int32))
    flat = b.transpose(b.reshape(rows, (size, count * n)), (1, 0))
    zeros = b.full((total, size), 0.0, b.dtype(rows))
    return b.transpose(b.scatter_add(zeros, where, flat), (1, 0))
