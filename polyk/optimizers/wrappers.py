"""Optimizers around optimizers: a loss scale that adapts, and one optimizer for each weight."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from polyk import ops
from polyk.configured import Configured
from polyk.optimizers.base import REGISTRY, Optimizer
from polyk.optimizers.common import constant, either
from polyk.weights import Weight


class LossScaleOptimizer(Optimizer):
    """Scales the loss up so that small gradients survive in half precision, and skips bad steps.

    The scale doubles after `dynamic_growth_steps` good steps, and halves at each step whose
    gradients are not finite. Gradients are to be those of ``scale_loss(loss)``.
    """

    def __init__(
        self,
        inner_optimizer: Any,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
    ) -> None:
        super().__init__(0.0, name=name)
        self.inner_optimizer: Optimizer = REGISTRY.get(inner_optimizer)
        self.inner_optimizer.loss_scale_factor = None
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        first = constant(initial_scale)
        self.dynamic_scale = self.add_variable((), first, "float32", "dynamic_scale")
        self.slots = self.inner_optimizer.slots

    @property
    def state(self) -> list[Weight]:
        return [self._iterations, self._rate, *self.others, *self.inner_optimizer.state]

    def build(self, variables: Iterable[Weight]) -> None:
        self.inner_optimizer.build(variables)

    def _take(self, grads: list[Any], weights: list[Weight]) -> None:
        finite = [ops.all(ops.isfinite(g)) for g in grads]
        counter, scale = self.step_counter, self.dynamic_scale

        def good() -> None:
            factor = scale.value
            self.inner_optimizer.apply([ops.divide(g, ops.cast(factor, ops.dtype(g)))
                                        for g in grads], weights)  # fmt: skip
            grown = ops.equal(counter.value, self.dynamic_growth_steps - 1)
            scale.assign(ops.where(grown, ops.multiply(factor, 2.0), factor))
            counter.assign(ops.where(grown, 0, ops.add(counter.value, 1)))

        def bad() -> None:
            scale.assign(ops.multiply(scale.value, 0.5))
            counter.assign(ops.zeros((), "int32"))

        either(ops.all(ops.stack(finite)), good, bad, [*weights, *self.state])

    def _count(self, b: Any) -> None:
        """The inner optimizer counts."""

    def scale_loss(self, loss: Any) -> Any:
        """`loss` times the scale: what to take gradients of."""
        loss = ops.convert_to_tensor(loss)
        return ops.multiply(loss, ops.cast(self.dynamic_scale.value, ops.dtype(loss)))

    @property
    def learning_rate(self) -> Any:
        """That of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    lr = learning_rate

    @property
    def iterations(self) -> Any:
        """How many steps were good."""
        return self.inner_optimizer.iterations

    def finalize_variable_values(self, var_list: Iterable[Weight]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        return Configured.get_config(self)
