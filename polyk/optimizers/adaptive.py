"""A rate for each element, from the squares of its gradients: Adagrad, RMSprop and others."""

from __future__ import annotations

from typing import Any, Unpack

from polyk import ops
from polyk.optimizers.base import Optimizer
from polyk.optimizers.common import Common, Schedule, constant
from polyk.weights import Weight


def _mix(old: Any, new: Any, rho: float) -> Any:
    return ops.add(ops.multiply(old, rho), ops.multiply(new, 1 - rho))


class RMSprop(Optimizer):
    """``v = rho v + (1 - rho) g^2; p -= rate g / sqrt(v + epsilon)``: G. Hinton, 2012.

    `momentum` gathers the steps; `centered` takes the square of the mean gradient off v.
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float | None = 1e-7,
        centered: bool = False,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho, self.momentum, self.centered = rho, momentum, centered
        self.epsilon = 1e-7 if epsilon is None else epsilon
        used = {"velocity": True, "momentum": momentum > 0, "average_gradient": centered}
        self.slot_names = tuple(name for name, kept in used.items() if kept)
        self.slot_groups = (1,) * len(self.slot_names)

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        kept = dict(zip(self.slot_names, slots, strict=True))
        size = kept["velocity"] = _mix(kept["velocity"], ops.square(g), self.rho)
        if self.centered:
            mean = kept["average_gradient"] = _mix(kept["average_gradient"], g, self.rho)
            size = ops.subtract(size, ops.square(mean))
        step = ops.divide(ops.multiply(g, hyper["rate"]), ops.sqrt(ops.add(size, self.epsilon)))
        if self.momentum > 0:
            step = ops.add(ops.multiply(kept["momentum"], self.momentum), step)
            kept["momentum"] = step
        return ops.subtract(p, step), *kept.values()


class Adagrad(Optimizer):
    """``a += g^2; p -= rate g / sqrt(a + epsilon)``: J. Duchi et al., 2011."""

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float | None = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = 1e-7 if epsilon is None else epsilon

    def make_slots(self, weight: Weight) -> list[Weight]:
        return [self.slot(weight, "accumulator", first=constant(self.initial_accumulator_value))]

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        total = ops.add(slots[0], ops.square(g))
        size = ops.sqrt(ops.add(total, self.epsilon))
        return ops.subtract(p, ops.divide(ops.multiply(g, hyper["rate"]), size)), total


class Adadelta(Optimizer):
    """`RMSprop` with steps in the units of the weights: M. Zeiler, 2012.

    ``d = g sqrt(u + epsilon) / sqrt(v + epsilon); p -= rate d``, u and v being running means of
    the squares of d and g.
    """

    slot_names = ("accumulated_grad", "accumulated_delta_var")

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: float = 0.95,
        epsilon: float | None = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho = rho
        self.epsilon = 1e-7 if epsilon is None else epsilon

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        v = _mix(slots[0], ops.square(g), self.rho)
        up, down = (ops.sqrt(ops.add(x, self.epsilon)) for x in (slots[1], v))
        step = ops.divide(ops.multiply(g, up), down)
        u = _mix(slots[1], ops.square(step), self.rho)
        return ops.subtract(p, ops.multiply(step, hyper["rate"])), v, u


class Ftrl(Optimizer):
    """Follow the regularized leader: sparse weights by an L1 threshold: H. McMahan et al., 2013."""

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        if learning_rate_power > 0:
            raise ValueError(f"Ftrl: learning_rate_power must be <= 0; got {learning_rate_power}.")
        self.learning_rate_power, self.beta = learning_rate_power, beta
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        for name, value in vars(self).items():
            if name.endswith(("strength", "accumulator_value")) and value < 0:
                raise ValueError(f"Ftrl: {name} must be 0 or more; got {value}.")

    def make_slots(self, weight: Weight) -> list[Weight]:
        first = constant(self.initial_accumulator_value)
        return [self.slot(weight, "accumulator", first=first), self.slot(weight, "linear")]

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        (total, linear), rate = slots, hyper["rate"]
        shrunk = ops.add(g, ops.multiply(p, 2 * self.l2_shrinkage_regularization_strength))
        after = ops.add(total, ops.square(g))
        old, new = (ops.divide(ops.power(a, -self.learning_rate_power), rate)
                    for a in (total, after))  # fmt: skip
        linear = ops.add(linear, ops.subtract(shrunk, ops.multiply(ops.subtract(new, old), p)))
        l1, l2 = self.l1_regularization_strength, self.l2_regularization_strength
        curvature = ops.add(ops.add(new, 2 * l2), ops.divide(self.beta, rate))
        return ops.divide(ops.subtract(ops.clip(linear, -l1, l1), linear), curvature), after, linear
