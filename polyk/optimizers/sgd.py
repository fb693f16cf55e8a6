"""Steps along the gradient or its sign: SGD and Lion."""

from __future__ import annotations

from typing import Any, Unpack

from polyk import ops
from polyk.optimizers.base import Optimizer
from polyk.optimizers.common import Common, Schedule


class SGD(Optimizer):
    """``p -= rate * g``; with momentum ``v = momentum * v - rate * g; p += v`` (Nesterov: one
    step ahead)."""

    rule = "sgd"

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        if not 0 <= momentum <= 1:
            raise ValueError(f"SGD: momentum must be in [0, 1]; got {momentum}.")
        self.momentum, self.nesterov = momentum, nesterov
        self.slot_names = ("momentum",) if momentum else ()

    def hyper(self, t: Any, rate: Any) -> dict[str, Any]:
        return {"learning_rate": rate, "momentum": self.momentum, "nesterov": self.nesterov}

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        step = ops.multiply(g, hyper["learning_rate"])
        if not slots:
            return (ops.subtract(p, step),)
        v = ops.subtract(ops.multiply(slots[0], self.momentum), step)
        ahead = ops.subtract(ops.multiply(v, self.momentum), step) if self.nesterov else v
        return ops.add(p, ahead), v


class Lion(Optimizer):
    """``p -= rate * sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g``.

    Source: X. Chen et al., 2023.
    """

    slot_names = ("momentum",)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"Lion: beta_1 must be in (0, 1]; got {beta_1}.")
        self.beta_1, self.beta_2 = beta_1, beta_2

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        first, second = (
            ops.add(ops.multiply(slots[0], beta), ops.multiply(g, 1.0 - beta))
            for beta in (self.beta_1, self.beta_2)
        )
        return ops.subtract(p, ops.multiply(ops.sign(first), hyper["rate"])), second
