"""Derived element-wise maths, comparisons and reductions."""

import math

from polyk.contract.control import Control
from polyk.contract.primitives import Axes, Tensor

# Chebyshev fit of exp(x^2) erfc(x) for x >= 0 in t = 2 / (2 + x): W. H. Press et al., Numerical
# Recipes, 3rd ed., section 6.2.2; good to 1.2e-16.
_ERFC = (
    -1.3026537197817094, 6.4196979235649026e-1, 1.9476473204185836e-2, -9.561514786808631e-3,
    -9.46595344482036e-4, 3.66839497852761e-4, 4.2523324806907e-5, -2.0278578112534e-5,
    -1.624290004647e-6, 1.303655835580e-6, 1.5626441722e-8, -8.5238095915e-8, 6.529054439e-9,
    5.059343495e-9, -9.91364156e-10, -2.27365122e-10, 9.6467911e-11, 2.394038e-12, -6.886027e-12,
    8.94487e-13, 3.13092e-13, -1.12708e-13, 3.81e-16, 7.106e-15, -1.523e-15, -9.4e-17, 1.21e-16,
    -2.8e-17,
)  # fmt: skip


class Maths(Control):
    """Element-wise functions and reductions composed of primitives."""

    def square(self, x: Tensor) -> Tensor:
        return self.multiply(x, x)

    def rsqrt(self, x: Tensor) -> Tensor:
        return self.divide(1.0, self.sqrt(x))

    def log2(self, x: Tensor) -> Tensor:
        return self.divide(self.log(x), math.log(2))

    def log10(self, x: Tensor) -> Tensor:
        return self.divide(self.log(x), math.log(10))

    def exp2(self, x: Tensor) -> Tensor:
        return self.exp(self.multiply(x, math.log(2)))

    def trunc(self, x: Tensor) -> Tensor:
        return self.where(self.less(x, 0), self.ceil(x), self.floor(x))

    def erf(self, x: Tensor) -> Tensor:
        a = self.abs(x)
        big = self.subtract(1.0, self._erfc_positive(a))
        s = self.square(x)
        series = self.full((), 0.0, self.dtype(x))
        for n in range(20, -1, -1):  # the Maclaurin series, exact enough below 1/2
            series = self.add(
                self.multiply(series, s), (-1) ** n / (math.factorial(n) * (2 * n + 1))
            )
        small = self.multiply(self.multiply(x, series), 2 / math.sqrt(math.pi))
        return self.where(self.less(a, 0.5), small, self.multiply(self.sign(x), big))

    def erfc(self, x: Tensor) -> Tensor:
        upper = self._erfc_positive(self.abs(x))
        above = self.where(self.less(x, 0), self.subtract(2.0, upper), upper)
        return self.where(self.less(self.abs(x), 0.5), self.subtract(1.0, self.erf(x)), above)

    def _erfc_positive(self, a: Tensor) -> Tensor:
        t = self.divide(2.0, self.add(a, 2.0))
        ty = self.subtract(self.multiply(t, 4.0), 2.0)
        d = dd = self.full((), 0.0, self.dtype(a))
        for c in reversed(_ERFC[1:]):
            d, dd = self.add(self.subtract(self.multiply(ty, d), dd), c), d
        exponent = self.subtract(self.multiply(self.add(self.multiply(ty, d), _ERFC[0]), 0.5), dd)
        exponent = self.subtract(exponent, self.square(a))
        finite = self.less(a, math.inf)
        return self.where(
            finite, self.multiply(t, self.exp(exponent)), self.where(self.isnan(a), a, 0.0)
        )

    def logaddexp(self, x: Tensor, y: Tensor) -> Tensor:
        top = self.maximum(x, y)
        safe = self.where(self.isfinite(top), top, 0.0)
        total = self.add(self.exp(self.subtract(x, safe)), self.exp(self.subtract(y, safe)))
        return self.add(self.log(total), safe)

    def hypot(self, x: Tensor, y: Tensor) -> Tensor:
        a, b = self.abs(x), self.abs(y)
        big, small = self.maximum(a, b), self.minimum(a, b)
        ratio = self.divide(small, self.where(self.equal(big, 0), 1.0, big))
        result = self.multiply(big, self.sqrt(self.add(self.square(ratio), 1.0)))
        infinite = self.logical_or(self.equal(a, math.inf), self.equal(b, math.inf))
        return self.where(infinite, math.inf, result)  # whatever the other is: IEEE 754

    def clip(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        x = self.where(self.less(x, low), low, x)
        return self.where(self.less(high, x), high, x)

    def isnan(self, x: Tensor) -> Tensor:
        return self.not_equal(x, x)

    def isinf(self, x: Tensor) -> Tensor:
        return self.equal(self.abs(x), math.inf)

    def isfinite(self, x: Tensor) -> Tensor:
        return self.less(self.abs(x), math.inf)

    def not_equal(self, x: Tensor, y: Tensor) -> Tensor:
        return self.logical_not(self.equal(x, y))

    def greater(self, x: Tensor, y: Tensor) -> Tensor:
        return self.less(y, x)

    def greater_equal(self, x: Tensor, y: Tensor) -> Tensor:
        return self.less_equal(y, x)

    def logical_or(self, x: Tensor, y: Tensor) -> Tensor:
        return self.logical_not(self.logical_and(self.logical_not(x), self.logical_not(y)))

    def logical_xor(self, x: Tensor, y: Tensor) -> Tensor:
        return self.not_equal(x, y)

    def mean(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor:
        count = math.prod(self.shape(x)[a] for a in axis)
        total = self.sum(x, axis, keepdims)
        return self.divide(total, float(count)) if count else self.multiply(total, math.nan)

    def var(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor:
        """Of the population, in two passes (one pass loses every digit where the mean is large)."""
        return self.mean(self.square(self.subtract(x, self.mean(x, axis, True))), axis, keepdims)

    def std(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor:
        return self._sqrt0(self.var(x, axis, keepdims))

    def _sqrt0(self, x: Tensor) -> Tensor:
        """sqrt whose derivative at 0 is 0."""
        zero = self.equal(x, 0)
        return self.where(zero, 0.0, self.sqrt(self.where(zero, 1.0, x)))

    def norm(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor:
        """Euclidean; its derivative at 0 is 0."""
        return self._sqrt0(self.sum(self.square(x), axis, keepdims))

    def logsumexp(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor:
        if 0 in [self.shape(x)[a] for a in axis]:
            return self.add(self.sum(x, axis, keepdims), -math.inf)
        top = self.stop_gradient(self.max(x, axis, True))
        top = self.where(self.isfinite(top), top, 0.0)
        total = self.log(self.sum(self.exp(self.subtract(x, top)), axis, True))
        result = self.add(total, top)
        return result if keepdims else self.squeeze(result, axis)

    def count_nonzero(self, x: Tensor, axis: Axes, keepdims: bool = False) -> Tensor:
        return self.sum(self.cast(self.cast(x, "bool"), "int32"), axis, keepdims)

    def top_k(self, x: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Of the last axis, largest first, ties by lowest index; NaN counts as the largest."""
        indices = self._argsort_descending(x)
        indices = self.getitem(indices, self._span(indices, -1, 0, k))
        return self.take_along_axis(x, indices, len(self.shape(x)) - 1), indices

    def _argsort_descending(self, x: Tensor) -> Tensor:
        """Stable along the last axis: the ascending stable order of the reversed row, reversed."""
        axis = len(self.shape(x)) - 1
        order = self.argsort(self.flip(x, (axis,)), axis)
        return self.flip(self.subtract(self.shape(x)[axis] - 1, order), (axis,))

    def in_top_k(self, targets: Tensor, predictions: Tensor, k: int) -> Tensor:
        """Whether fewer than `k` classes score strictly above the target."""
        score = self.take_along_axis(predictions, self.expand_dims(targets, 1), 1)
        above = self.count_nonzero(self.greater(predictions, score), (1,))
        return self.logical_and(self.less(above, k), self.isfinite(self.squeeze(score, (1,))))

    def median(self, x: Tensor, axis: int) -> Tensor:
        """Of floats along one axis; NaN where the row holds one."""
        n = self.shape(x)[axis]
        ordered = self.sort(x, axis)
        low, high = (
            self.getitem(ordered, self._span(x, axis, i, i + 1)) for i in ((n - 1) // 2, n // 2)
        )
        middle = self.multiply(self.add(low, high), 0.5)
        last = self.getitem(ordered, self._span(x, axis, n - 1, n))
        return self.squeeze(self.where(self.isnan(last), last, middle), (axis,))

    def sinc(self, x: Tensor) -> Tensor:
        zero = self.equal(x, 0)
        t = self.multiply(self.where(zero, 1.0, x), math.pi)
        return self.where(zero, 1.0, self.divide(self.sin(t), t))

    def linspace(self, start: Tensor, stop: Tensor, num: int, endpoint: bool) -> Tensor:
        """Along a new first axis."""
        dtype = self.dtype(start)
        steps = self.arange(0, num, 1, dtype)
        part = self.divide(steps, float(max(num - 1 if endpoint else num, 1)))
        part = self.reshape(part, (num,) + (1,) * len(self.shape(start)))
        # start (1 - part) + stop part meets both ends exactly.
        return self.add(self.multiply(start, self.subtract(1.0, part)), self.multiply(stop, part))
