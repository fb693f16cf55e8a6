"""The discrete Fourier transform of real pairs: polyk has no complex dtype.

The default multiplies by the matrix of the transform; every engine has something faster.
"""

import math

from polyk.contract.primitives import Tensor
from polyk.contract.sequence import Sequence


class Signal(Sequence):
    """Fourier transforms along the last axis."""

    def fft(self, re: Tensor, im: Tensor) -> tuple[Tensor, Tensor]:
        """``sum x[k] exp(-2 pi i j k / n)``, the real and the imaginary part."""
        cos, sin = self._waves(self.shape(re)[-1], self.dtype(re))
        real = self.add(self._columns(re, cos), self._columns(im, sin))
        return real, self.subtract(self._columns(im, cos), self._columns(re, sin))

    def rfft(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The first ``n // 2 + 1`` entries of the transform of a real `x`."""
        n = self.shape(x)[-1]
        re, im = self.fft(x, self.multiply(x, 0.0))
        axis = len(self.shape(x)) - 1
        span = self._span(re, axis, 0, n // 2 + 1)
        return self.getitem(re, span), self.getitem(im, span)

    def irfft(self, re: Tensor, im: Tensor, n: int) -> Tensor:
        """The real (..., n) of which these are the first ``n // 2 + 1`` entries."""
        axis = len(self.shape(re)) - 1
        tail = (self._span(re, axis, 1, (n + 1) // 2)) if n > 1 else self._span(re, axis, 0, 0)
        re = self.concatenate([re, self.flip(self.getitem(re, tail), (axis,))], axis)
        mirrored = self.negative(self.flip(self.getitem(im, tail), (axis,)))
        im = self.concatenate([im, mirrored], axis)
        cos, sin = self._waves(n, self.dtype(re))
        total = self.subtract(self._columns(re, cos), self._columns(im, sin))
        return self.divide(total, float(n))

    def _columns(self, x: Tensor, matrix: Tensor) -> Tensor:
        shape = self.shape(x)
        rows = self.reshape(x, (math.prod(shape[:-1]), shape[-1]))
        return self.reshape(self.matmul(rows, matrix), shape)

    def _waves(self, n: int, dtype: str) -> tuple[Tensor, Tensor]:
        """(n, n): cos and sin of all turns, found on the host with every digit."""
        import numpy as np

        turn = np.arange(n)[:, None] * np.arange(n) % n * (2 * math.pi / max(n, 1))
        return tuple(self.cast(self.constant(f(turn)), dtype) for f in (np.cos, np.sin))
