"""Rules that see a weight as a matrix: Adafactor and Muon."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Unpack

from polyk import ops
from polyk.optimizers.adam import toward
from polyk.optimizers.base import Optimizer
from polyk.optimizers.common import Common, Schedule, Undecayed, rest
from polyk.weights import Weight


def _rms(x: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(x)))


class Adafactor(Optimizer):
    """Squares of gradients kept as row and column means, steps relative to the weights.

    Source: N. Shazeer and M. Stern, 2018. With `relative_step` the rate falls as ``1 / sqrt(t)``.
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 0.001,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_2_decay, self.relative_step = beta_2_decay, relative_step
        self.epsilon_1, self.epsilon_2 = epsilon_1, epsilon_2
        self.clip_threshold = clip_threshold

    def make_slots(self, weight: Weight) -> list[Weight]:
        shape = weight.shape
        rows, columns = (shape[:-1], (*shape[:-2], shape[-1])) if len(shape) > 1 else ((), ())
        return [self.slot(weight, "row", rows), self.slot(weight, "column", columns),
                self.slot(weight, "velocity")]  # fmt: skip

    def hyper(self, t: Any, rate: Any) -> dict[str, Any]:
        beta = ops.subtract(1.0, ops.power(t, self.beta_2_decay))
        return {"rho": ops.minimum(rate, ops.divide(1.0, ops.sqrt(t))), "beta": beta}

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        (r, c, v), beta = slots, hyper["beta"]
        squares = ops.add(ops.square(g), self.epsilon_1)

        def mix(old: Any, new: Any) -> Any:
            return ops.add(ops.multiply(old, beta), ops.multiply(new, ops.subtract(1.0, beta)))

        if ops.ndim(p) > 1:
            r, c = mix(r, ops.mean(squares, -1)), mix(c, ops.mean(squares, -2))
            share = ops.divide(r, ops.mean(r, -1, keepdims=True))
            v = ops.multiply(ops.expand_dims(share, -1), ops.expand_dims(c, -2))
        else:
            v = mix(v, squares)
        step = ops.divide(g, ops.sqrt(v))
        excess = ops.maximum(ops.divide(_rms(step), self.clip_threshold), 1.0)
        alpha = ops.multiply(ops.maximum(_rms(p), self.epsilon_2), hyper["rho"])
        return ops.subtract(p, ops.multiply(ops.divide(step, excess), alpha)), r, c, v


class Muon(Optimizer):
    """Momentum made orthogonal, for matrices; `Adam` with weight decay for everything else.

    "Everything else" are weights of another rank, embeddings (with `exclude_embeddings`) and those
    whose path has a match of one of `exclude_layers`. Source: K. Jordan et al., 2024.
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **common: Unpack[Undecayed],
    ) -> None:
        super().__init__(learning_rate, weight_decay, **common)
        self.adam_beta_1, self.adam_beta_2 = adam_beta_1, adam_beta_2
        self.adam_weight_decay, self.epsilon = adam_weight_decay, epsilon
        self.exclude_layers = exclude_layers or []
        self.exclude_embeddings = exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.adam_lr_ratio, self.momentum, self.ns_steps = adam_lr_ratio, momentum, ns_steps
        self.nesterov, self.rms_rate = nesterov, rms_rate

    def _by_adam(self, weight: Weight) -> bool:
        embedding = self.exclude_embeddings and "embedding" in weight.path.lower()
        named = any(re.search(pattern, weight.path) for pattern in self.exclude_layers)
        return len(weight.shape) != 2 or embedding or named

    def decay_of(self, weight: Weight) -> float | None:
        if self._excluded(weight):
            return None
        return self.adam_weight_decay if self._by_adam(weight) else self.weight_decay

    def make_slots(self, weight: Weight) -> list[Weight]:
        names = ("momentum", "velocity") if self._by_adam(weight) else ("momentum",)
        return [self.slot(weight, name) for name in names]

    def hyper(self, t: Any, rate: Any) -> dict[str, Any]:
        alpha = ops.divide(ops.sqrt(rest(self.adam_beta_2, t)), rest(self.adam_beta_1, t))
        alpha = ops.multiply(ops.multiply(rate, self.adam_lr_ratio), alpha)
        return {"rate": rate, "alpha": alpha}

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        if len(slots) == 2:
            m = toward(slots[0], g, self.adam_beta_1)
            v = toward(slots[1], ops.square(g), self.adam_beta_2)
            size = ops.add(ops.sqrt(v), self.epsilon)
            return ops.subtract(p, ops.divide(ops.multiply(m, hyper["alpha"]), size)), m, v
        m = ops.add(ops.multiply(slots[0], self.momentum), g)
        ahead = ops.add(ops.multiply(m, self.momentum), g) if self.nesterov else m
        scale = 1.0 if self.rms_rate is None else math.sqrt(max(ops.shape(p))) * self.rms_rate
        step = ops.multiply(ops.multiply(self._orthogonal(ahead), scale), hyper["rate"])
        return ops.subtract(p, step), m

    def _orthogonal(self, x: Any) -> Any:
        """Near the orthogonal matrix that is nearest to `x`, by Newton-Schulz steps."""
        tall = ops.shape(x)[0] > ops.shape(x)[1]
        x = ops.transpose(x) if tall else x
        x = ops.divide(x, ops.add(ops.norm(x), 1e-7))
        for _ in range(self.ns_steps):
            a = ops.matmul(x, ops.transpose(x))
            b = ops.add(ops.multiply(a, self.muon_b), ops.matmul(ops.multiply(a, self.muon_c), a))
            x = ops.add(ops.multiply(x, self.muon_a), ops.matmul(b, x))
        return ops.transpose(x) if tall else x
