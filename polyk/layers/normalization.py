"""Normalization: over the batch, over each sample, over groups of channels, and of kernels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from polyk import initializers, ops
from polyk.errors import ShapeError
from polyk.layers.arguments import keep_options
from polyk.layers.base import Layer
from polyk.layers.core import positive
from polyk.layers.spec import InputSpec
from polyk.layers.wrapping import Wrapper
from polyk.shapes import axis_index, axis_tuple

__all__ = [
    "BatchNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization",
    "SpectralNormalization", "UnitNormalization",
]  # fmt: skip


class _Affine(Layer):
    """What follows a normalization: ``* gamma`` if `scale`, ``+ beta`` if `center`."""

    supports_masking = True

    def __init__(
        self,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.epsilon, self.center, self.scale = epsilon, center, scale
        keep_options(self, "beta", beta_initializer, beta_regularizer, beta_constraint)
        keep_options(self, "gamma", gamma_initializer, gamma_regularizer, gamma_constraint)

    def _add_affine(self, sizes: Sequence[int | None], axis: Any, input_shape: Any) -> None:
        if None in sizes:
            raise ShapeError(f"{self.where()}: axis {axis} of {input_shape} must be known.")
        self.gamma = self.add_weight("gamma", sizes, autocast=False) if self.scale else None
        self.beta = self.add_weight("beta", sizes, autocast=False) if self.center else None


class BatchNormalization(_Affine):
    """Mean 0 and variance 1 over the batch, then ``* gamma + beta``: S. Ioffe, C. Szegedy, 2015.

    Outside of training by the running statistics, which move by ``1 - momentum`` at each training
    step. The variance is that of the population. A frozen layer uses the running statistics. Of a
    masked input (N, ..., C), mask (N, ...), only what the mask keeps counts.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        if renorm:
            raise ValueError("BatchNormalization: renorm=True is not supported.")
        if synchronized:
            raise ValueError(
                "BatchNormalization: synchronized=True is not supported; the statistics are those "
                "of the batch that each device sees."
            )
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer,
            gamma_regularizer, beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        keep_options(self, "moving_mean", moving_mean_initializer)
        keep_options(self, "moving_variance", moving_variance_initializer)
        self.axis, self.momentum = axis, momentum
        self.renorm, self.renorm_clipping = renorm, renorm_clipping
        self.renorm_momentum, self.synchronized = renorm_momentum, synchronized

    def build(self, input_shape: Any) -> None:
        size = input_shape[axis_index(self.axis, len(input_shape))]
        self._add_affine((size,), self.axis, input_shape)
        fixed = partial(self.add_weight, trainable=False, autocast=False)
        self.moving_mean = fixed("moving_mean", (size,))
        self.moving_variance = fixed("moving_variance", (size,))
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        x = _wide(inputs)
        if not (training and self.trainable):
            y = self._normalized(x, self.moving_mean, self.moving_variance)
        elif mask is None:
            y, mean, variance = ops.normalize_batch(
                x, self.gamma, self.beta, self.axis, self.epsilon
            )
            self._move(mean, variance)
        else:
            mean, variance = self._masked_moments(x, mask)
            y = self._normalized(x, mean, variance)
            self._move(mean, variance)
        return ops.cast(y, ops.dtype(inputs))

    def _normalized(self, x: Any, mean: Any, variance: Any) -> Any:
        return ops.batch_normalization(
            x, mean, variance, self.axis, self.beta, self.gamma, self.epsilon
        )

    def _move(self, mean: Any, variance: Any) -> None:
        """Take a step from the running statistics toward those of this batch."""
        self.moving_mean = self._moved(self.moving_mean, mean)
        self.moving_variance = self._moved(self.moving_variance, variance)

    def _moved(self, old: Any, new: Any) -> Any:
        step = ops.multiply(ops.stop_gradient(new), 1 - self.momentum)
        return ops.add(ops.multiply(old, self.momentum), step)

    def _masked_moments(self, x: Any, mask: Any) -> tuple[Any, Any]:
        if len(mask.shape) != len(x.shape) - 1:
            raise ShapeError(
                f"{self.where()}: a mask has one axis less than the input; "
                f"got {tuple(mask.shape)} for {tuple(x.shape)}."
            )
        axis = axis_index(self.axis, len(x.shape))
        axes = tuple(i for i in range(len(x.shape)) if i != axis)
        kept = ops.broadcast_to(ops.expand_dims(ops.cast(mask, "bool"), -1), x.shape)
        count = ops.maximum(ops.sum(ops.cast(kept, ops.dtype(x)), axes, keepdims=True), 1.0)
        mean = ops.divide(ops.sum(ops.where(kept, x, 0.0), axes, keepdims=True), count)
        apart = ops.where(kept, ops.subtract(x, mean), 0.0)
        variance = ops.divide(ops.sum(ops.square(apart), axes, keepdims=True), count)
        return ops.squeeze(mean, axes), ops.squeeze(variance, axes)


class LayerNormalization(_Affine):
    """Mean 0 and variance 1 over `axis` of each sample, then ``* gamma + beta``.

    With `rms_scaling` the mean stays, the variance becomes 1, and there is no `beta`. Source:
    J. L. Ba et al., 2016.
    """

    def __init__(
        self,
        axis: int | list[int] | tuple[int, ...] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer,
            gamma_regularizer, beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.axis, self.rms_scaling = axis, rms_scaling

    def build(self, input_shape: Any) -> None:
        sizes = [input_shape[a] for a in axis_tuple(self.axis, len(input_shape))]
        self._add_affine(sizes, self.axis, input_shape)

    def call(self, inputs: Any) -> Any:
        x = _wide(inputs)
        if self.rms_scaling:
            variance = ops.var(x, self.axis, keepdims=True)
            y = ops.multiply(x, ops.rsqrt(ops.add(variance, self.epsilon)))
        else:
            y = ops.layer_normalization(x, self.gamma, self.beta, self.axis, self.epsilon)
        return ops.cast(y, ops.dtype(inputs))


class GroupNormalization(_Affine):
    """Mean 0 and variance 1 over each of `groups` parts of the channels, sample by sample.

    One group is `LayerNormalization` over all axes, a group for each channel (``groups=-1``)
    instance normalization. Source: Y. Wu, K. He, 2018.
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer,
            gamma_regularizer, beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        if not isinstance(groups, int) or (groups < 1 and groups != -1):
            raise ValueError(
                f"GroupNormalization: groups must be a positive int, or -1 for one a channel; "
                f"got {groups!r}."
            )
        self.groups, self.axis = groups, axis

    def build(self, input_shape: Any) -> None:
        size = input_shape[axis_index(self.axis, len(input_shape))]
        self._add_affine((size,), self.axis, input_shape)
        if self.groups > 0 and size % self.groups:
            raise ShapeError(
                f"{self.where()}: {size} channels cannot be cut into {self.groups} groups."
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def call(self, inputs: Any) -> Any:
        shape, axis = tuple(inputs.shape), axis_index(self.axis, len(inputs.shape))
        groups = self.groups if self.groups > 0 else shape[axis]
        parts = (groups, shape[axis] // groups)
        x = ops.reshape(_wide(inputs), (*shape[:axis], *parts, *shape[axis + 1 :]))
        axes = tuple(i for i in range(1, len(x.shape)) if i != axis)
        mean, variance = ops.moments(x, axes, keepdims=True)
        place = tuple(parts[i - axis] if i - axis in (0, 1) else 1 for i in range(len(x.shape)))
        factor = ops.rsqrt(ops.add(variance, self.epsilon))
        if self.scale:
            factor = ops.multiply(factor, ops.reshape(self.gamma, place))
        y = ops.multiply(ops.subtract(x, mean), factor)
        if self.center:
            y = ops.add(y, ops.reshape(self.beta, place))
        return ops.cast(ops.reshape(y, shape), ops.dtype(inputs))


class RMSNormalization(Layer):
    """Mean square 1 over `axis`, then ``* scale``: B. Zhang and R. Sennrich, 2019."""

    supports_masking = True

    def __init__(
        self, axis: int | list[int] | tuple[int, ...] = -1, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis, self.epsilon = axis, epsilon

    def build(self, input_shape: Any) -> None:
        sizes = [input_shape[a] for a in axis_tuple(self.axis, len(input_shape))]
        self.scale = self.add_weight("scale", sizes, "ones", autocast=False)

    def call(self, inputs: Any) -> Any:
        y = ops.rms_normalization(_wide(inputs), self.scale, self.axis, self.epsilon)
        return ops.cast(y, ops.dtype(inputs))


class UnitNormalization(Layer):
    """Length 1 along `axis`; zeros stay zeros."""

    supports_masking = True

    def __init__(self, axis: int | list[int] | tuple[int, ...] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        return ops.normalize(inputs, self.axis, epsilon=1e-12)


class SpectralNormalization(Wrapper):
    """The layer inside with its kernel divided by its spectral norm, at each training step anew.

    The norm is found by `power_iterations` steps from where the last step ended. Source: T. Miyato
    et al., "Spectral normalization for generative adversarial networks", 2018.
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = positive(power_iterations, "power_iterations", self)

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        own = {w.name: w for w in self.layer.weights}
        kernel = own.get("kernel", own.get("embeddings"))
        if kernel is None:
            raise ValueError(f"{self.where()}: {self.layer!r} has neither a kernel nor embeddings.")
        self.kernel = kernel  # the same weight, here and in the layer
        start = initializers.TruncatedNormal(stddev=0.02)
        self.vector_u = self.add_weight("vector_u", (1, kernel.shape[-1]), start, trainable=False)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            self.vector_u, sigma = self._power_iteration(self.kernel)
            self.kernel = ops.divide(self.kernel, sigma)
        return self.layer(inputs)

    def _power_iteration(self, kernel: Any) -> tuple[Any, Any]:
        """The next `vector_u` and the norm; 1 for a kernel of zeros, which keeps `vector_u`."""
        matrix, u = ops.reshape(kernel, (-1, kernel.shape[-1])), self.vector_u
        fixed = ops.stop_gradient(matrix)
        for _ in range(self.power_iterations):
            v = ops.normalize(ops.matmul(u, ops.transpose(fixed)), None)
            u = ops.normalize(ops.matmul(v, fixed), None)
        nothing = ops.all(ops.equal(fixed, 0.0))
        sigma = ops.reshape(ops.matmul(ops.matmul(v, matrix), ops.transpose(u)), ())
        return ops.where(nothing, self.vector_u, u), ops.where(nothing, 1.0, sigma)


def _wide(x: Any) -> Any:
    """Half floats as float32, in which statistics do not overflow."""
    return ops.cast(x, "float32") if ops.dtype(x) in ("float16", "bfloat16") else x
