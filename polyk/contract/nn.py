"""Derived neural-network ops: activations, normalization, losses, random bits, control flow."""

import math
from typing import Any

from polyk.contract.conv import Conv
from polyk.contract.primitives import Axes, Shape, Tensor

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))  # Threefry-2x32: J. K. Salmon et al., SC 2011
_PARITY = 0x1BD11BDA


def signed(word: int) -> int:
    """A 32-bit word as the int32 of the same bits."""
    return (word & 0xFFFFFFFF) - ((word & 0x80000000) << 1)


class NN(Conv):
    """What layers and losses are made of."""

    # Activations. Floats only.

    def relu(self, x: Tensor) -> Tensor:
        """The derivative at 0 is 0; NaN stays NaN."""
        return self.where(self.less_equal(x, 0), 0.0, x)

    def relu_grad(self, g: Tensor, y: Tensor) -> Tensor:
        """`g` where ``y = relu(x)`` is positive, else 0."""
        return self.where(self.less(0, y), g, 0.0)

    def relu6(self, x: Tensor) -> Tensor:
        return self.where(self.less_equal(6, x), 6.0, self.relu(x))

    def leaky_relu(self, x: Tensor, negative_slope: float) -> Tensor:
        return self.where(self.less(0, x), x, self.multiply(x, negative_slope))

    def elu(self, x: Tensor, alpha: float) -> Tensor:
        below = self.multiply(self.expm1(self.where(self.less(0, x), 0.0, x)), alpha)
        return self.where(self.less(0, x), x, below)

    def selu(self, x: Tensor) -> Tensor:
        return self.multiply(self.elu(x, 1.6732632423543772), 1.0507009873554805)

    def celu(self, x: Tensor, alpha: float) -> Tensor:
        below = self.expm1(self.divide(self.where(self.less(0, x), 0.0, x), alpha))
        return self.where(self.less(0, x), x, self.multiply(below, alpha))

    def sigmoid(self, x: Tensor) -> Tensor:
        # By way of tanh the lower tail would have no digit left.
        return self.divide(1.0, self.add(self.exp(self.negative(x)), 1.0))

    def log_sigmoid(self, x: Tensor) -> Tensor:
        return self.negative(self.softplus(self.negative(x)))

    def softplus(self, x: Tensor) -> Tensor:
        tail = self.log1p(self.exp(self.negative(self.abs(x))))
        return self.add(self.maximum(x, 0.0), tail)  # the tie at 0 gives slope 1/2

    def softsign(self, x: Tensor) -> Tensor:
        return self.divide(x, self.add(self.abs(x), 1.0))

    def silu(self, x: Tensor) -> Tensor:
        return self.multiply(x, self.sigmoid(x))

    def mish(self, x: Tensor) -> Tensor:
        return self.multiply(x, self.tanh(self.softplus(x)))

    def gelu(self, x: Tensor, approximate: bool) -> Tensor:
        if approximate:
            cubic = self.multiply(self.add(self.multiply(self.square(x), 0.044715), 1.0), x)
            inner = self.tanh(self.multiply(cubic, math.sqrt(2 / math.pi)))
            return self.multiply(self.multiply(x, 0.5), self.add(inner, 1.0))
        # erfc keeps its digits where 1 + erf has none left.
        return self.multiply(self.multiply(x, 0.5), self.erfc(self.multiply(x, -math.sqrt(0.5))))

    def hard_sigmoid(self, x: Tensor) -> Tensor:
        return self.divide(self.relu6(self.add(x, 3.0)), 6.0)

    def hard_silu(self, x: Tensor) -> Tensor:
        return self.multiply(x, self.hard_sigmoid(x))

    def hard_tanh(self, x: Tensor) -> Tensor:
        return self.clip(x, -1.0, 1.0)

    def tanh_shrink(self, x: Tensor) -> Tensor:
        return self.subtract(x, self.tanh(x))

    def hard_shrink(self, x: Tensor, threshold: float) -> Tensor:
        return self.where(self.less_equal(self.abs(x), threshold), 0.0, x)

    def soft_shrink(self, x: Tensor, threshold: float) -> Tensor:
        inside = self.less_equal(self.abs(x), threshold)
        return self.where(inside, 0.0, self.subtract(x, self.multiply(self.sign(x), threshold)))

    def threshold(self, x: Tensor, threshold: float, value: float) -> Tensor:
        return self.where(self.less_equal(x, threshold), value, x)

    def squareplus(self, x: Tensor, b: float) -> Tensor:
        return self.multiply(self.add(x, self.sqrt(self.add(self.square(x), b))), 0.5)

    def sparse_plus(self, x: Tensor) -> Tensor:
        middle = self.multiply(self.square(self.add(x, 1.0)), 0.25)
        return self.where(self.less_equal(x, -1), 0.0, self.where(self.less(x, 1), middle, x))

    def sparse_sigmoid(self, x: Tensor) -> Tensor:
        return self.clip(self.multiply(self.add(x, 1.0), 0.5), 0.0, 1.0)

    def sparsemax(self, x: Tensor, axis: int) -> Tensor:
        n = self.shape(x)[axis]
        ordered = self.flip(self.sort(x, axis), (axis,))
        place = tuple(n if i == axis else 1 for i in range(len(self.shape(x))))
        count = self.reshape(self.arange(1, n + 1, 1, self.dtype(x)), place)
        spare = self.subtract(self.cumsum(ordered, axis), 1.0)
        inside = self.less(spare, self.multiply(ordered, count))  # the support: the largest ones
        size = self.sum(self.cast(inside, self.dtype(x)), (axis,), True)
        total = self.sum(self.where(inside, ordered, 0.0), (axis,), True)
        return self.relu(self.subtract(x, self.divide(self.subtract(total, 1.0), size)))

    def glu(self, x: Tensor, axis: int) -> Tensor:
        a, b = self.split(x, [self.shape(x)[axis] // 2], axis)
        return self.multiply(a, self.sigmoid(b))

    def softmax(self, x: Tensor, axis: Axes) -> Tensor:
        e = self.exp(self.subtract(x, self.stop_gradient(self.max(x, axis, True))))
        return self.divide(e, self.sum(e, axis, True))

    def log_softmax(self, x: Tensor, axis: Axes) -> Tensor:
        x = self.subtract(x, self.stop_gradient(self.max(x, axis, True)))
        return self.subtract(x, self.log(self.sum(self.exp(x), axis, True)))

    # Losses, one value a sample.

    def categorical_crossentropy(self, target: Tensor, output: Tensor, axis: int) -> Tensor:
        """`output` are logits."""
        log_p = self.log_softmax(output, (axis,))
        return self.negative(self.sum(self.multiply(target, log_p), (axis,)))

    def sparse_categorical_crossentropy(self, target: Tensor, output: Tensor) -> Tensor:
        """int32 labels (...) and logits (..., classes). A label outside the classes costs NaN."""
        axis = len(self.shape(target))
        classes = self.shape(output)[axis]
        known = self.logical_and(self.less_equal(0, target), self.less(target, classes))
        hot = self.one_hot(target, classes, axis, "bool")
        picked = self.where(hot, self.log_softmax(output, (axis,)), 0.0)
        loss = self.negative(self.sum(picked, (axis,)))
        return self.where(known, loss, math.nan)

    def binary_crossentropy(self, target: Tensor, output: Tensor) -> Tensor:
        """`output` are logits: max(x, 0) - x t + log(1 + exp(-|x|))."""
        return self.subtract(self.softplus(output), self.multiply(output, target))

    # Normalization.

    def batch_normalization(
        self, x: Tensor, mean: Tensor, variance: Tensor, offset: Tensor | None,
        scale: Tensor | None, epsilon: float,
    ) -> Tensor:  # fmt: skip
        """All statistics in a shape that broadcasts with `x`."""
        factor = self.rsqrt(self.add(variance, epsilon))
        if scale is not None:
            factor = self.multiply(factor, scale)
        y = self.multiply(self.subtract(x, mean), factor)
        return y if offset is None else self.add(y, offset)

    def normalize_batch(
        self, x: Tensor, gamma: Tensor | None, beta: Tensor | None, axes: Axes, epsilon: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """`batch_normalization` by the statistics of `x` over `axes`; and mean and variance.

        All statistics in a shape that broadcasts with `x`. The variance is that of the population.
        Only the first result has a gradient.
        """
        mean, variance = self._moments(x, axes)
        y = self.batch_normalization(x, mean, variance, beta, gamma, epsilon)
        return y, self.stop_gradient(mean), self.stop_gradient(variance)

    def normalize_batch_grad(
        self, g: Tensor, x: Tensor, gamma: Tensor | None, mean: Tensor, variance: Tensor,
        axes: Axes, epsilon: float,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """The gradients at x, gamma and beta of ``y, mean, variance = normalize_batch(x, ...)``.

        `g` is that at y. The default takes mean and variance from `x` anew, so that it can itself
        be differentiated.
        """
        mean, variance = self._moments(x, axes)
        factor = self.rsqrt(self.add(variance, epsilon))
        unit = self.multiply(self.subtract(x, mean), factor)
        at_beta = self.sum(g, axes, True)
        at_gamma = self.sum(self.multiply(g, unit), axes, True)
        count = float(math.prod(self.shape(x)[a] for a in axes))
        common = self.add(at_beta, self.multiply(unit, at_gamma))
        at_x = self.multiply(self.subtract(g, self.divide(common, count)), factor)
        return at_x if gamma is None else self.multiply(at_x, gamma), at_gamma, at_beta

    def _moments(self, x: Tensor, axes: Axes) -> tuple[Tensor, Tensor]:
        mean = self.mean(x, axes, True)
        return mean, self.mean(self.square(self.subtract(x, mean)), axes, True)

    def layer_normalization(
        self, x: Tensor, gamma: Tensor | None, beta: Tensor | None, axis: Axes, epsilon: float
    ) -> Tensor:
        """`gamma` and `beta` broadcast with `x`."""
        mean, variance = self._moments(x, axis)
        return self.batch_normalization(x, mean, variance, beta, gamma, epsilon)

    # Random bits.

    def random_bits(self, key: tuple[Any, Any], count: int, draw: Any) -> Tensor:
        """`count` int32 words of stream `key` (two words, each an int or an int32 scalar).

        Threefry-2x32-20: word i is half ``i & 1`` of block ``i >> 1``, encrypted from the counter
        ``(draw, i >> 1)``. The same bits on every backend; an override must keep them.
        """
        k0, k1 = (signed(k) if isinstance(k, int) else k for k in key)
        x1 = self.arange(0, (count + 1) // 2, 1, "int32")
        x0 = self.add(
            self.full(self.shape(x1), 0, "int32"), signed(draw) if isinstance(draw, int) else draw
        )
        a, b = self.threefry(k0, k1, x0, x1)
        words = self.reshape(self.stack([a, b], 1), ((count + 1) // 2 * 2,))
        return self.getitem(words, (slice(0, count, 1),))

    def threefry(self, k0: Any, k1: Any, x0: Tensor, x1: Tensor) -> tuple[Tensor, Tensor]:
        """Encrypt the counters `x0`, `x1` (int32, wrapping) under the key `k0`, `k1`."""
        if isinstance(k0, int) and isinstance(k1, int):
            k2: Any = signed(k0 ^ k1 ^ _PARITY)
        else:
            k0, k1 = (self.full((), k, "int32") if isinstance(k, int) else k for k in (k0, k1))
            k2 = self.bitwise_xor(self.bitwise_xor(k0, k1), _PARITY)
        keys = (k0, k1, k2)
        x0, x1 = self.add(x0, k0), self.add(x1, k1)
        for block in range(5):
            for r in _ROTATIONS[block % 2]:
                x0 = self.add(x0, x1)
                low = self.bitwise_and(self.right_shift(x1, 32 - r), (1 << r) - 1)
                x1 = self.bitwise_xor(self.bitwise_or(self.left_shift(x1, r), low), x0)
            x0 = self.add(x0, keys[(block + 1) % 3])
            extra = keys[(block + 2) % 3]
            x1 = self.add(self.add(x1, extra), block + 1)
        return x0, x1

    def dropout(self, x: Tensor, rate: float, bits: Tensor, mask_shape: Shape) -> Tensor:
        """Keep where 24 random bits are at least ``rate``, scaled by ``1 / (1 - rate)``."""
        high = self.bitwise_and(self.right_shift(bits, 8), 0xFFFFFF)
        keep = self.less_equal(math.ceil(rate * 2**24), self.reshape(high, mask_shape))
        scale = self.divide(self.cast(keep, self.dtype(x)), 1 - rate)
        return self.multiply(x, scale)
