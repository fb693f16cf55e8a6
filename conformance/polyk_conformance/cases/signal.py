"""Fourier transforms, columns of patches, sparse activations, CTC."""

import itertools
import math

import numpy as np

from polyk import ops
from polyk_conformance.bounded import Bounded
from polyk_conformance.cases.case import array, first, floated, floats, ints, table
from polyk_conformance.cases.control import program

RE, IM = floats(2, 6, seed=1), floats(2, 6, seed=2)
PLANE = floats(3, 4, seed=3), floats(3, 4, seed=4)


def spectrum(y, x):
    """The parts of `y`; each sums the whole of `x`."""
    size = 32 * sum(abs(v).sum() for v in x) + 0 * y.real
    return Bounded(y.real, size), Bounded(y.imag, size)


def _transforms():
    def whole(f):
        return lambda re, im: spectrum(f(re + 1j * im), (re, im))

    def hann(length, fft_length):
        left = (fft_length - length) // 2
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
        return np.pad(window, (left, fft_length - length - left))

    def stft(x):
        wide = np.pad(x, ((0, 0), (4, 4)), "reflect")
        frames = np.lib.stride_tricks.sliding_window_view(wide, 8, -1)[:, ::2]
        return spectrum(np.fft.rfft(frames * hann(6, 8)), (x, x))

    def back(re, im):
        n = 2 * (re.shape[-1] - 1)
        return Bounded(np.fft.irfft(re + 1j * im, n), 32.0 * (abs(re).sum() + abs(im).sum()))

    def rfft(x, n=None):
        return spectrum(np.fft.rfft(x, n), (x, x))

    def there_and_back(x):
        return ops.istft(ops.stft(x, 6, 2, 8), 6, 2, 8, length=11)

    signal = floats(2, 11, seed=5)
    half = RE[:, :4], IM[:, :4] * array([0, 1, 1, 0])
    return [
        program("fft", "pair", lambda re, im: ops.fft((re, im)), whole(np.fft.fft), RE, IM),
        program("fft2", "pair", lambda re, im: ops.fft2((re, im)), whole(np.fft.fft2), *PLANE),
        program("ifft2", "pair", lambda re, im: ops.ifft2((re, im)), whole(np.fft.ifft2), *PLANE),
        program("rfft", "odd", lambda x: ops.rfft(x, 7), lambda x: rfft(x, 7), RE),
        program("rfft", "cut", lambda x: ops.rfft(x, 4), lambda x: rfft(x, 4), RE),
        program("irfft", "even", lambda re, im: ops.irfft((re, im)), back, *half),
        program("stft", "centered", lambda x: ops.stft(x, 6, 2, 8), stft, signal),
        program("istft", "round-trip", there_and_back, lambda x: Bounded(x, 512.0 + 0 * x), signal),
        program("fft", "smooth", lambda re, im: ops.fft((re, im)), whole(np.fft.fft), RE, IM,
                smooth=(0, 1)),
        program("rfft", "smooth", ops.rfft, rfft, RE, smooth=(0,)),
        program("irfft", "smooth", lambda re, im: ops.irfft((re, im)), back, *half, smooth=(0,)),
    ]  # fmt: skip


def _folds():
    images = floats(2, 3, 4, 5, seed=6)
    options = {"kernel_size": (2, 3), "padding": 1, "stride": (2, 1), "dilation": (1, 2)}

    def places(shape, kernel_size, dilation, padding, stride):
        """For each column, the rows and columns of the padded image that it holds."""
        sizes = [n + 2 * padding - (k - 1) * d for n, k, d in zip(
            shape, kernel_size, dilation, strict=True)]  # fmt: skip
        starts = itertools.product(*(range(0, s, step) for s, step in zip(
            sizes, stride, strict=True)))  # fmt: skip
        for i, j in starts:
            yield np.ix_(*(np.arange(k) * d + a for k, d, a in zip(
                kernel_size, dilation, (i, j), strict=True)))  # fmt: skip

    def unfold(x, **kwargs):
        wide = np.pad(x, ((0, 0), (0, 0), *[(kwargs["padding"],) * 2] * 2))
        cells = [wide[(..., *p)] for p in places(x.shape[2:], **kwargs)]
        return np.stack([c.reshape(len(x), -1) for c in cells], -1)

    def fold(x, output_size, **kwargs):
        k = kwargs["kernel_size"]
        p = kwargs["padding"]
        y = np.zeros((len(x), x.shape[1] // math.prod(k), *(n + 2 * p for n in output_size)))
        for column, where in enumerate(places(output_size, **kwargs)):
            y[(..., *where)] += x[..., column].reshape(*y.shape[:2], *k)
        y = y[:, :, p:-p, p:-p]
        return Bounded(y, 64 * abs(x).max() + 0 * y)

    columns = floats(*unfold(images, **options).shape, seed=7)
    return [
        *table("unfold", unfold, floated, ("oblong", images, options)),
        *table("fold", fold, floated, ("oblong", columns, (4, 5), options)),
        *table("unfold", unfold, floated, ("smooth", images, options), smooth=(0,)),
        *table("fold", fold, floated, ("smooth", columns, (4, 5), options), smooth=(0,)),
    ]


def _sparse():
    points = array([-3, -1, -0.5, 0, 0.9, 1, 2])

    def plus(x):
        value = np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x))
        return Bounded(value, 8 * (abs(x) + 1))

    def sparsemax(x, axis=-1):
        """By bisection on the threshold."""
        low, high = x.max(axis, keepdims=True) - 1, x.max(axis, keepdims=True)
        for _ in range(80):
            middle = (low + high) / 2
            over = np.maximum(x - middle, 0).sum(axis, keepdims=True) > 1
            low, high = np.where(over, middle, low), np.where(over, high, middle)
        return Bounded(np.maximum(x - low, 0), 64 * (abs(x).max() + 1) + 0 * x)

    def psnr(x, y, max_val):
        return Bounded(20 * np.log10(max_val) - 10 * np.log10(((x - y) ** 2).mean()), 1024.0)

    def sigmoid(x):
        return Bounded(np.clip((x + 1) / 2, 0, 1), 4 * (abs(x) + 1))

    rows = floats(3, 5, seed=8)
    return [
        *table("sparse_plus", plus, floated, ("points", points)),
        *table("sparse_sigmoid", sigmoid, floated, ("points", points), ("ints", ints(3))),
        *table("sparsemax", sparsemax, floated, ("rows", rows), ("columns", rows, {"axis": 0})),
        *table("psnr", psnr, floated, ("images", rows, rows + array(0.25), 1.0)),
        *table("sparse_plus", plus, first, ("smooth", points[2:5]), smooth=(0,)),
        *table("sparse_sigmoid", sigmoid, first, ("smooth", points[2:5]), smooth=(0,)),
        *table("sparsemax", sparsemax, first, ("smooth", rows), smooth=(0,)),
        *table("psnr", psnr, first, ("smooth", rows, floats(3, 5, seed=9), 2.0), smooth=(0, 1)),
    ]  # fmt: skip


def _ctc():
    logits = floats(3, 4, 3, seed=10)
    target = array([[1, 2], [1, 1], [2, 0]], "int32")
    lengths, steps = array([2, 2, 1], "int32"), array([4, 3, 2], "int32")

    def collapsed(path):
        merged = [c for i, c in enumerate(path) if i == 0 or path[i - 1] != c]
        return [c for c in merged if c != 0]

    def loss(target, output, target_length, output_length):
        """Over all paths of classes that read as the target."""
        found = []
        for row, x, n, t in zip(target, output, target_length, output_length, strict=True):
            p = np.exp(x[:t]) / np.exp(x[:t]).sum(-1, keepdims=True)
            paths = itertools.product(range(x.shape[1]), repeat=int(t))
            total = sum(
                math.prod(p[i, c] for i, c in enumerate(path))
                for path in paths
                if collapsed(path) == list(row[:n])
            )
            found.append(-math.log(total))
        return Bounded(found, 1024.0)

    def decode(x, lengths):
        rows, scores = [], []
        for row, t in zip(x, lengths, strict=True):
            labels = collapsed(row[:t].argmax(-1).tolist())
            rows.append(labels + [-1] * (len(row) - len(labels)))
            scores.append([-row[:t].max(-1).sum()])
        return np.array([rows]), Bounded(scores, 64.0)

    def dtypes(args):
        return "int32", floated(args[:1])

    def of_output(args):
        return args[1].dtype.name

    return [
        *table("ctc_loss", loss, of_output, ("short", target, logits, lengths, steps)),
        *table("ctc_loss", loss, of_output, ("smooth", target, logits, lengths, steps),
               smooth=(1,)),
        *table("ctc_decode", decode, dtypes, ("greedy", logits, steps)),
    ]  # fmt: skip


CASES = [c for f in (_transforms, _folds, _sparse, _ctc) for c in f()]
