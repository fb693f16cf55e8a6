"""Adam and its kin: a mean of the gradient over a measure of its size."""

from __future__ import annotations

import math
from typing import Any, Unpack

from polyk import ops
from polyk.optimizers.base import Optimizer
from polyk.optimizers.common import Common, Number, Schedule, Undecayed, rest, sqrt
from polyk.weights import Weight


def toward(x: Any, target: Any, beta: float) -> Any:
    """`x`, the part ``1 - beta`` of the way closer to `target`."""
    return ops.add(x, ops.multiply(ops.subtract(target, x), 1 - beta))


class _Moments(Optimizer):
    """Keeps a mean of the gradient and one of its square, or something like them."""

    slot_names: tuple[str, ...] = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1, self.beta_2 = beta_1, beta_2
        self.epsilon = 1e-7 if epsilon is None else epsilon

    def moments(self, g: Any, m: Any, v: Any) -> tuple[Any, Any]:
        """Both means, moved toward the gradient and its square."""
        return toward(m, g, self.beta_1), toward(v, ops.square(g), self.beta_2)


class Adam(_Moments):
    """Steps by the mean of the gradient over the root of the mean of its square.

    ``m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2); p -= alpha m / (sqrt(v) + epsilon)``
    with ``alpha = rate sqrt(1 - beta_2^t) / (1 - beta_1^t)``: D. Kingma, J. Ba, 2014. `amsgrad`
    divides by the largest v so far: S. Reddi et al., 2018.
    """

    rule: str | None = "adam"

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **common)
        self.amsgrad = amsgrad
        if amsgrad:
            self.slot_names, self.slot_groups = (*self.slot_names, "velocity_hat"), (2, 1)
            self.rule = None

    def hyper(self, t: Any, rate: Any) -> dict[str, Any]:
        alpha = rate * sqrt(rest(self.beta_2, t)) / rest(self.beta_1, t)
        return {"alpha": alpha, "beta_1": self.beta_1, "beta_2": self.beta_2,
                "epsilon": self.epsilon}  # fmt: skip

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        m, v = self.moments(g, *slots[:2])
        largest = [ops.maximum(slots[2], v)] if self.amsgrad else []
        size = ops.add(ops.sqrt(largest[0] if largest else v), self.epsilon)
        step = ops.divide(ops.multiply(m, hyper["alpha"]), size)
        return ops.subtract(p, step), m, v, *largest


class AdamW(Adam):
    """`Adam` with weight decay: I. Loshchilov and F. Hutter, 2019."""

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[Undecayed],
    ) -> None:
        if weight_decay is None:
            raise ValueError("AdamW: weight_decay must be a number; for none use Adam.")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **common
        )


class Adamax(_Moments):
    """`Adam` by the largest gradient instead of the mean square: D. Kingma, J. Ba, 2014."""

    slot_names = ("momentum", "norm")

    def hyper(self, t: Any, rate: Any) -> dict[str, Any]:
        return {"alpha": ops.divide(rate, rest(self.beta_1, t))}

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        m = toward(slots[0], g, self.beta_1)
        u = ops.maximum(ops.multiply(slots[1], self.beta_2), ops.abs(g))
        step = ops.divide(ops.multiply(m, hyper["alpha"]), ops.add(u, self.epsilon))
        return ops.subtract(p, step), m, u


class Nadam(_Moments):
    """`Adam` with Nesterov momentum: T. Dozat, 2015."""

    product: Weight | None = None  # of the momenta of all steps

    def build(self, variables: Any) -> None:
        variables = list(variables)
        super().build(variables)
        if self.product is None:
            dtype = variables[0].dtype if variables else None
            self.product = self.add_variable((), "ones", dtype, "u_product")
            self.known = Number(self.product, 1.0)

    def _momentum(self, t: Any) -> Any:
        """That of step `t`, which grows to `beta_1`."""
        warm = ops.exp(ops.multiply(t, math.log(0.96)))
        return ops.multiply(ops.subtract(1.0, ops.multiply(warm, 0.5)), self.beta_1)

    def _move(self, grads: list[Any], weights: list[Weight]) -> None:
        assert self.product is not None
        if self._on_host(self.product.backend):
            factor = self._momentum(self._count_on_host())
            self.known.write(self.known.read() * float(ops.convert_to_numpy(factor)))
        else:
            t = ops.cast(ops.add(ops.convert_to_tensor(self.iterations), 1), self.product.dtype)
            self.product.assign(ops.multiply(self.product.value, self._momentum(t)))
        super()._move(grads, weights)

    def hyper(self, t: Any, rate: Any) -> dict[str, Any]:
        assert self.product is not None
        host = self._on_host(self.product.backend)
        product = self.known.read() if host else ops.cast(self.product.value, ops.dtype(t))
        now, after = self._momentum(t), self._momentum(ops.add(t, 1))
        own = ops.divide(ops.subtract(1.0, now), ops.subtract(1.0, product))
        ahead = ops.divide(after, ops.subtract(1.0, ops.multiply(after, product)))
        return {"m_part": ops.multiply(ahead, rate), "g_part": ops.multiply(own, rate),
                "v_rest": rest(self.beta_2, t)}  # fmt: skip

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        m, v = self.moments(g, *slots)
        ahead = ops.add(ops.multiply(m, hyper["m_part"]), ops.multiply(g, hyper["g_part"]))
        size = ops.add(ops.sqrt(ops.divide(v, hyper["v_rest"])), self.epsilon)
        return ops.subtract(p, ops.divide(ahead, size)), m, v


class Lamb(_Moments):
    """`Adam`, each weight's step scaled to the norm of the weight: Y. You et al., 2019."""

    def hyper(self, t: Any, rate: Any) -> dict[str, Any]:
        return {"rate": rate, "m_rest": rest(self.beta_1, t), "v_rest": rest(self.beta_2, t)}

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        m, v = self.moments(g, *slots)
        size = ops.add(ops.sqrt(ops.divide(v, hyper["v_rest"])), self.epsilon)
        step = ops.divide(ops.divide(m, hyper["m_rest"]), size)
        wide, long = (ops.sqrt(ops.sum(ops.square(x))) for x in (p, step))
        usable = ops.logical_and(ops.greater(wide, 0), ops.greater(long, 0))
        ratio = ops.where(usable, ops.divide(wide, ops.where(usable, long, 1.0)), 1.0)
        return ops.subtract(p, ops.multiply(ops.multiply(step, hyper["rate"]), ratio)), m, v


class ScheduleFreeAdamW(_Moments):
    """`Adam` that averages its weights instead of lowering its rate: A. Defazio et al., 2024.

    The weights are between the average and the sequence that `Adam` walks, kept in "momentum".
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-8,
        warmup_steps: int = 0,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **common)
        self.warmup_steps = warmup_steps

    def make_slots(self, weight: Weight) -> list[Weight]:
        def first(shape: Any, dtype: Any = None) -> Any:
            return weight.numpy()

        return [self.slot(weight, "momentum", first=first), self.slot(weight, "velocity")]

    def hyper(self, t: Any, rate: Any) -> dict[str, Any]:
        if self.warmup_steps:
            rate = ops.multiply(rate, ops.minimum(ops.divide(t, self.warmup_steps), 1.0))
        return {"rate": rate, "v_rest": rest(self.beta_2, t), "part": ops.divide(1.0, t)}

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        z, part = slots[0], hyper["part"]
        v = toward(slots[1], ops.square(g), self.beta_2)
        size = ops.add(ops.sqrt(ops.divide(v, hyper["v_rest"])), self.epsilon)
        moved = ops.subtract(z, ops.divide(ops.multiply(g, hyper["rate"]), size))
        mean = ops.divide(ops.subtract(p, ops.multiply(z, 1 - self.beta_1)), self.beta_1)
        mean = ops.add(ops.multiply(mean, ops.subtract(1.0, part)), ops.multiply(moved, part))
        new = ops.add(ops.multiply(moved, 1 - self.beta_1), ops.multiply(mean, self.beta_1))
        return new, moved, v
