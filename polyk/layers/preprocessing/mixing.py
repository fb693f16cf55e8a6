"""Two images, and their labels, mixed into one."""

from __future__ import annotations

from typing import Any

from polyk import ops, random
from polyk.layers.preprocessing.filters import boxes
from polyk.layers.preprocessing.images import RandomImageLayer, factor_range

__all__ = ["CutMix", "MixUp"]

_TRIES = 12  # the last of them is taken though it may not fit: once in 4,096 numbers at the most


def symmetric_beta(u: Any, v: Any, alpha: Any) -> Any:
    """Beta(alpha, alpha) numbers, alpha up to 1, from uniform ones (tries, ...).

    Source: M. D. Jöhnk, 1964.
    """
    power = ops.divide(1.0, alpha)
    x, y = (ops.power(ops.add(ops.multiply(w, 0.999999), 5e-7), power) for w in (u, v))
    total = ops.add(x, y)
    zero = ops.equal(total, 0)
    ratios = ops.where(zero, ops.cast(ops.greater(u, v), ops.dtype(x)),
                       ops.divide(x, ops.where(zero, 1.0, total)))  # fmt: skip
    *earlier, result = ops.unstack(ratios)
    for ratio, fits in reversed(
        list(zip(earlier, ops.unstack(ops.less_equal(total, 1.0)), strict=False))
    ):
        result = ops.where(fits, ratio, result)
    return result


class _Mixed(RandomImageLayer):
    """Each image of a batch with another one of it. Called on {"images", "labels"} it mixes the
    labels (N, classes) by the same shares."""

    def call(self, inputs: Any, training: bool = True) -> Any:
        images = inputs["images"] if isinstance(inputs, dict) else inputs
        if not training or ops.ndim(images) == 3:  # one image has no other
            return super().call(inputs, training=False)
        if not isinstance(inputs, dict):
            return super().call(inputs, training=True)
        share: list[Any] = []

        def mix(x: Any) -> Any:
            y, weight, order = self.mixed(x)
            share[:] = [weight, order]
            return y

        outputs = {**inputs, "images": self._on(mix, images)}
        if "labels" in inputs:
            labels = ops.cast(inputs["labels"], self.compute_dtype)
            weight = ops.reshape(share[0], (-1, *[1] * (ops.ndim(labels) - 1)))
            other = ops.take(labels, share[1], 0)
            outputs["labels"] = ops.add(
                ops.multiply(labels, weight), ops.multiply(other, ops.subtract(1.0, weight))
            )
        return outputs

    def transform(self, images: Any) -> Any:
        return self.mixed(images)[0]

    def mixed(self, images: Any) -> tuple[Any, Any, Any]:
        """Images, the share (N, 1, 1, 1) of the first of each two, and which is the second."""
        raise NotImplementedError

    def share(self, images: Any, alpha: Any) -> Any:
        """Beta(alpha, alpha) numbers, (N, 1, 1, 1)."""
        u, v = (ops.transpose(self.draw(images, (0, 1), _TRIES)) for _ in range(2))
        return ops.reshape(symmetric_beta(u, v, alpha), (-1, 1, 1, 1))

    def order(self, images: Any) -> Any:
        """The images' places in random order."""
        return random.permutation(ops.shape(images)[0], seed=self.seed_generator)


class MixUp(_Mixed):
    """``s * image + (1 - s) * other``, s drawn from Beta(alpha, alpha).

    Source: H. Zhang et al., mixup, 2018.
    """

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        if not 0 < alpha <= 1:
            raise ValueError(f"MixUp: alpha must be above 0 and at most 1; got {alpha}.")
        self.alpha = alpha

    def mixed(self, images: Any) -> tuple[Any, Any, Any]:
        order, share = self.order(images), self.share(images, self.alpha)
        other = ops.take(images, order, 0)
        return ops.add(other, ops.multiply(share, ops.subtract(images, other))), share, order


class CutMix(_Mixed):
    """A box of another image in each: of ``1 - s`` of its area, s drawn from Beta(f, f), f from
    `factor`.

    Source: S. Yun et al., CutMix, 2019.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.factor = factor_range(factor, "factor", 0.0)

    def mixed(self, images: Any) -> tuple[Any, Any, Any]:
        alpha = random.uniform((), *self.factor, seed=self.seed_generator)
        alpha = ops.add(ops.cast(alpha, self.compute_dtype), 1e-6)
        side = ops.sqrt(ops.subtract(1.0, self.share(images, alpha)))
        inside, order = boxes(self, images, side, side), self.order(images)
        images = ops.where(inside, ops.take(images, order, 0), images)
        covered = ops.mean(ops.cast(inside, self.compute_dtype), (1, 2, 3), keepdims=True)
        return images, ops.subtract(1.0, covered), order
