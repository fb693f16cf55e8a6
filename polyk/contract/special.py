"""Derived element-wise functions that are met less often."""

import math

from polyk.contract.maths import Maths
from polyk.contract.primitives import Tensor

_I0_NODES = 120  # of the midpoint rule below: 16 digits as far as float64 reaches


class Special(Maths):
    """Roots, special functions, divisors, signs and neighbors."""

    def cbrt(self, x: Tensor) -> Tensor:
        a = self.abs(x)
        safe = self.where(self.equal(a, 0), 1.0, a)
        y = self.exp(self.divide(self.log(safe), 3.0))
        # exp(log) loses digits; a step of Newton's brings them back.
        step = self.divide(self.subtract(y, self.divide(safe, self.square(y))), 3.0)
        y = self.where(self.isfinite(a), self.subtract(y, step), a)
        return self.multiply(self.sign(x), y)

    def erfinv(self, x: Tensor) -> Tensor:
        """S. Winitzki's approximation (2008), then two steps of Halley's method."""
        a = self.abs(x)
        log = self.log1p(self.negative(self.square(a)))
        t = self.add(self.multiply(log, 0.5), 2 / (math.pi * 0.147))
        root = self.sqrt(self.subtract(self.square(t), self.divide(log, 0.147)))
        y = self.sqrt(self.maximum(self.subtract(root, t), 0.0))
        small = self.less(a, 0.5)
        for _ in range(2):  # erfc keeps the digits near 1, erf those near 0
            tail = self.subtract(self.subtract(1.0, a), self.erfc(y))
            error = self.where(small, self.subtract(self.erf(y), a), tail)
            slope = self.multiply(self.exp(self.negative(self.square(y))), 2 / math.sqrt(math.pi))
            u = self.divide(error, slope)
            y = self.subtract(y, self.divide(u, self.add(self.multiply(u, y), 1.0)))
        y = self.where(self.less(a, 1), y, math.nan)
        y = self.where(self.equal(a, 1), math.inf, y)
        return self.multiply(self.sign(x), y)

    def i0(self, x: Tensor) -> Tensor:
        """The modified Bessel function of order 0: the mean of exp(x cos t) over a half turn."""
        a = self.abs(x)
        places = self.add(self.arange(0, _I0_NODES, 1, self.dtype(x)), 0.5)
        half = self.sin(self.multiply(places, math.pi / 2 / _I0_NODES))
        rank = len(self.shape(x))
        # cos t - 1 by the half angle, which keeps its digits.
        depth = self.multiply(self.square(half), -2.0)
        inside = self.exp(self.multiply(self.expand_dims(a, rank), depth))
        return self.multiply(self.exp(a), self.mean(inside, (rank,)))

    def logaddexp2(self, x: Tensor, y: Tensor) -> Tensor:
        top = self.maximum(x, y)
        safe = self.where(self.isfinite(top), top, 0.0)
        total = self.add(self.exp2(self.subtract(x, safe)), self.exp2(self.subtract(y, safe)))
        return self.add(self.log2(total), safe)

    def fmax(self, x: Tensor, y: Tensor) -> Tensor:
        """The larger number; NaN only where both are."""
        larger = self.where(self.isnan(y), x, self.maximum(x, y))
        return self.where(self.isnan(x), y, larger)

    def fmin(self, x: Tensor, y: Tensor) -> Tensor:
        """The smaller number; NaN only where both are."""
        smaller = self.where(self.isnan(y), x, self.minimum(x, y))
        return self.where(self.isnan(x), y, smaller)

    def fmod(self, x: Tensor, y: Tensor) -> Tensor:
        """The remainder with the sign of `x`."""
        return self.multiply(self.sign(x), self.mod(self.abs(x), self.abs(y)))

    def gcd(self, x: Tensor, y: Tensor) -> Tensor:
        """Euclid's algorithm on all pairs at once; never negative."""
        zero = self.multiply(self.add(x, y), 0)
        x, y = self.add(self.abs(x), zero), self.add(self.abs(y), zero)
        axes = tuple(range(len(self.shape(x))))

        def step(a: Tensor, b: Tensor) -> list[Tensor]:
            done = self.equal(b, 0)
            rest = self.mod(a, self.where(done, 1, b))
            return [self.where(done, a, b), self.where(done, 0, rest)]

        more = lambda a, b: self.any(self.not_equal(b, 0), axes)  # noqa: E731
        return self.while_loop(more, step, [x, y], None)[0]

    def lcm(self, x: Tensor, y: Tensor) -> Tensor:
        divisor = self.gcd(x, y)
        divisor = self.where(self.equal(divisor, 0), 1, divisor)
        return self.abs(self.multiply(self.floor_divide(x, divisor), y))

    def heaviside(self, x: Tensor, y: Tensor) -> Tensor:
        """0 below 0, `y` at 0, 1 above."""
        step = self.cast(self.less(0, x), self.dtype(x))
        step = self.where(self.equal(x, 0), y, step)
        return self.where(self.isnan(x), x, step)

    def ldexp(self, x: Tensor, exponent: Tensor) -> Tensor:
        """``x * 2 ** exponent``, the exponent an int tensor."""
        return self.multiply(x, self.power(2.0, self.cast(exponent, self.dtype(x))))

    def signbit(self, x: Tensor) -> Tensor:
        """Whether a float is negative or -0.0."""
        below = self.less(self.divide(1.0, self.where(self.equal(x, 0), x, 1.0)), 0)
        return self.logical_or(self.less(x, 0), below)

    def nextafter(self, x: Tensor, y: Tensor) -> Tensor:
        """The neighbor of `x` on the way to `y`."""
        dtype = self.dtype(x)
        ints = {"float16": "int16", "bfloat16": "int16", "float64": "int64"}.get(dtype, "int32")
        up = self.equal(self.less(x, y), self.less(0, x))  # away from 0
        step = self.subtract(self.multiply(self.cast(up, ints), 2), 1)
        bits = self.add(self.view(x, ints), step)
        lowest = -(2 ** (int(ints[3:]) - 1))
        least = self.where(self.less(0, y), self.full((), 1, ints), lowest + 1)
        moved = self.view(self.where(self.equal(x, 0), least, bits), dtype)
        moved = self.where(self.equal(x, y), y, moved)
        return self.where(self.isnan(y), y, self.where(self.isnan(x), x, moved))
