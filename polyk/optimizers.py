"""Optimizers: one elementwise rule each, written once over ops.

An engine may run a rule over all weights at once and in place (`Backend.fused_update`); elsewhere
the rule is applied weight by weight. The arithmetic is Keras's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from polyk import ops
from polyk.contract import Backend
from polyk.registry import Registry
from polyk.weights import Weight, in_frame, only_shapes

REGISTRY = Registry("optimizer")
Schedule = Callable[[Any], Any]


class Optimizer:
    """Base of all optimizers: a learning rate, a step count, slots, clipping.

    `learning_rate` is a float or a function of the step number (a tensor). Gradients are clipped
    by `clipnorm` (each to a norm), `clipvalue` (each element) or `global_clipnorm` (all together).
    """

    slot_names: tuple[str, ...] = ()

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ) -> None:
        if sum(c is not None for c in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError("give at most one of clipnorm, clipvalue and global_clipnorm.")
        self.name = name or type(self).__name__.lower()
        self.schedule = learning_rate if callable(learning_rate) else None
        first = 0.0 if self.schedule else float(learning_rate)  # type: ignore[arg-type]
        self._rate = Weight("learning_rate", (), None, _constant(first), trainable=False)
        self.iterations = Weight("iterations", (), "int32", trainable=False)
        self.clipnorm, self.clipvalue = clipnorm, clipvalue
        self.global_clipnorm = global_clipnorm
        self.slots: dict[Weight, list[Weight]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        REGISTRY.add(cls)

    @property
    def learning_rate(self) -> float:
        """The rate now; assign to it to change it, also between compiled steps."""
        if self.schedule is not None:
            return float(ops.convert_to_numpy(self.schedule(self.iterations.value)))
        return float(self._rate.numpy())

    @learning_rate.setter
    def learning_rate(self, value: float | Schedule) -> None:
        if callable(value):
            self.schedule = value
        else:
            self.schedule = None
            self._rate.assign(ops.convert_to_tensor(float(value), self._rate.dtype))

    @property
    def state(self) -> list[Weight]:
        """All that a step changes."""
        return [self._rate, self.iterations, *(s for row in self.slots.values() for s in row)]

    def build(self, weights: Iterable[Weight]) -> None:
        """Make the slots of `weights`."""
        for w in weights:
            if w not in self.slots:
                self.slots[w] = [Weight(f"{w.path}/{name}", w.shape, w.dtype, trainable=False)
                                 for name in self.slot_names]  # fmt: skip

    def apply(self, grads: Sequence[Any], weights: Sequence[Weight] | None = None) -> None:
        """Take one step: `grads` belong to `weights`, or to those of `build`."""
        if only_shapes():
            return
        weights = list(self.slots) if weights is None else list(weights)
        if len(grads) != len(weights):
            raise ValueError(f"{len(grads)} gradients were given for {len(weights)} weights.")
        self.build(weights)
        if not weights:
            return
        self._step(self._clip(list(grads)), weights)
        for w in weights:
            if w.constraint is not None:
                w.assign(w.constraint(w.value))

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Weight]]) -> None:
        """`apply` for pairs of a gradient and its weight."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [w for _, w in pairs])

    def _step(self, grads: list[Any], weights: list[Weight]) -> None:
        values = [w.value for w in weights]
        b = weights[0].backend
        assert b is not None
        slots = [[self.slots[w][i] for w in weights] for i in range(len(self.slot_names))]
        state = [[s.value for s in row] for row in slots]
        hypers = {dtype: self.hyper(b, dtype) for dtype in dict.fromkeys(w.dtype for w in weights)}
        self.iterations.assign(ops.add(self.iterations.value, 1))
        rule = type(self).__name__.lower()
        fused = b.eager and not in_frame() and len(hypers) == 1
        if fused and b.fused_update(rule, values, grads, state, hypers[weights[0].dtype]):
            return
        for i, (w, p, g) in enumerate(zip(weights, values, grads, strict=True)):
            new, *moved = self.update(b, p, g, *(row[i] for row in state), **hypers[w.dtype])
            w.assign(new)
            for row, value in zip(slots, moved, strict=True):
                row[i].assign(value)

    def rate(self, dtype: str) -> Any:
        """The learning rate of this step, a scalar tensor."""
        rate = self._rate.value if self.schedule is None else self.schedule(self.iterations.value)
        return ops.cast(rate, dtype)

    def hyper(self, b: Backend, dtype: str) -> dict[str, Any]:
        """What `update` is told: Python floats, and scalar tensors for what changes."""
        raise NotImplementedError

    def update(self, b: Backend, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        """The new weight and the new slots."""
        raise NotImplementedError

    def _clip(self, grads: list[Any]) -> list[Any]:
        if self.clipvalue is not None:
            return [ops.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        if self.clipnorm is not None:
            return [_shrink(g, ops.norm(g), self.clipnorm) for g in grads]
        if self.global_clipnorm is not None:
            total = ops.sum(ops.square(grads[0]))
            for g in grads[1:]:
                total = ops.add(total, ops.sum(ops.square(g)))
            return [_shrink(g, ops.sqrt(total), self.global_clipnorm) for g in grads]
        return grads

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer (a schedule cannot be told as data yet)."""
        return {
            "learning_rate": self.learning_rate, "clipnorm": self.clipnorm,
            "clipvalue": self.clipvalue, "global_clipnorm": self.global_clipnorm, "name": self.name,
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """An optimizer from what `get_config` gave."""
        return cls(**config)


def _constant(value: float) -> Callable[..., Any]:
    return lambda shape, dtype=None, seed=None: ops.full(shape, value, dtype)


def _shrink(g: Any, norm: Any, limit: float) -> Any:
    return ops.multiply(g, ops.divide(limit, ops.maximum(norm, limit)))


class SGD(Optimizer):
    """``p -= rate * g``; with momentum ``v = momentum * v - rate * g; p += v`` (Nesterov: one
    step ahead)."""

    slot_names: tuple[str, ...] = ("momentum",)

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        if not 0 <= momentum <= 1:
            raise ValueError(f"SGD: momentum must be in [0, 1]; got {momentum}.")
        self.momentum, self.nesterov = momentum, nesterov
        self.slot_names = ("momentum",) if momentum else ()

    def hyper(self, b: Backend, dtype: str) -> dict[str, Any]:
        return {"learning_rate": self.rate(dtype), "momentum": self.momentum,
                "nesterov": self.nesterov}  # fmt: skip

    def update(self, b: Backend, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        step = b.multiply(g, hyper["learning_rate"])
        if not slots:
            return (b.subtract(p, step),)
        momentum = hyper["momentum"]
        v = b.subtract(b.multiply(slots[0], momentum), step)
        ahead = b.subtract(b.multiply(v, momentum), step) if hyper["nesterov"] else v
        return b.add(p, ahead), v

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}


class Adam(Optimizer):
    """Steps by the mean of the gradient over the root of the mean of its square.

    ``m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2); p -= alpha m / (sqrt(v) + epsilon)``
    with ``alpha = rate sqrt(1 - beta_2^t) / (1 - beta_1^t)``: D. Kingma, J. Ba, 2014.
    """

    slot_names = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def hyper(self, b: Backend, dtype: str) -> dict[str, Any]:
        t = ops.cast(ops.add(self.iterations.value, 1), dtype)
        # 1 - beta^t without cancellation, also in float32.
        rest_1, rest_2 = (b.negative(b.expm1(b.multiply(t, math.log(beta))))
                          for beta in (self.beta_1, self.beta_2))  # fmt: skip
        alpha = b.divide(b.multiply(self.rate(dtype), b.sqrt(rest_2)), rest_1)
        return {"alpha": alpha, "beta_1": self.beta_1, "beta_2": self.beta_2,
                "epsilon": self.epsilon}  # fmt: skip

    def update(self, b: Backend, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        m, v = slots
        m = b.add(m, b.multiply(b.subtract(g, m), 1 - hyper["beta_1"]))
        v = b.add(v, b.multiply(b.subtract(b.square(g), v), 1 - hyper["beta_2"]))
        step = b.divide(b.multiply(m, hyper["alpha"]), b.add(b.sqrt(v), hyper["epsilon"]))
        return b.subtract(p, step), m, v

    def get_config(self) -> dict[str, Any]:
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}


def get(identifier: Any) -> Optimizer:
    """An optimizer from its name, config, class or itself."""
    optimizer: Optimizer = REGISTRY.get(identifier)
    return optimizer
