"""Batch normalization."""

from __future__ import annotations

from typing import Any

from polyk import constraints, initializers, ops, regularizers
from polyk.errors import ShapeError
from polyk.layers.base import Layer
from polyk.layers.spec import InputSpec


class BatchNormalization(Layer):
    """Mean 0 and variance 1 over the batch, then ``* gamma + beta``: S. Ioffe, C. Szegedy, 2015.

    Outside of training by the running statistics, which move by ``1 - momentum`` at each training
    step. The variance is that of the population. A frozen layer uses the running statistics.
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
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis, self.momentum, self.epsilon = axis, momentum, epsilon
        self.center, self.scale = center, scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def build(self, input_shape: Any) -> None:
        size = input_shape[self.axis]
        if size is None:
            raise ShapeError(f"{self.where()}: axis {self.axis} of {input_shape} must be known.")
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight("gamma", (size,))
        if self.center:
            self.beta = self.add_weight("beta", (size,))
        self.moving_mean = self.add_weight("moving_mean", (size,), trainable=False)
        self.moving_variance = self.add_weight("moving_variance", (size,), trainable=False)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training and self.trainable:
            axis = self.axis % len(inputs.shape)
            mean, variance = ops.moments(
                inputs, tuple(i for i in range(len(inputs.shape)) if i != axis)
            )
            self.moving_mean = self._moved(self.moving_mean, mean)
            self.moving_variance = self._moved(self.moving_variance, variance)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        return ops.batch_normalization(
            inputs, mean, variance, self.axis, self.beta, self.gamma, self.epsilon
        )

    def _moved(self, old: Any, new: Any) -> Any:
        step = ops.multiply(ops.stop_gradient(new), 1 - self.momentum)
        return ops.add(ops.multiply(old, self.momentum), step)
