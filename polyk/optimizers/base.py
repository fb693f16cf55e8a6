"""Optimizer: slots for each weight, one update rule over ops, and what all of them can do.

An engine may run a rule over all weights at once and in place (`Backend.fused_update`); elsewhere
the rule is applied weight by weight. The arithmetic is Keras's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

from polyk import dtypes, ops
from polyk.configured import Configured, arguments
from polyk.contract import Backend
from polyk.errors import did_you_mean
from polyk.optimizers import schedules
from polyk.optimizers.common import Number, Rate, Schedule, clip, either, host_backend
from polyk.optimizers.variables import Variables
from polyk.registry import Registry
from polyk.select import use
from polyk.weights import Weight, in_frame, only_shapes

REGISTRY = Registry("optimizer")


class Optimizer(Variables, Configured):
    """Base of all optimizers: a learning rate, a step count, slots, clipping.

    `learning_rate` is a float, a schedule, or a function of the step number (or of nothing).
    `weight_decay` takes that part, times the learning rate, off each weight before the update.
    Gradients are clipped by `clipnorm` (each to a norm), `clipvalue` (each element) or
    `global_clipnorm` (all together), and divided by `loss_scale_factor`, which `scale_loss`
    multiplies the loss by. With `gradient_accumulation_steps` weights move once in so many steps,
    by the mean gradient. `use_ema` keeps a moving average of each weight, which replaces it every
    `ema_overwrite_frequency` steps and in `finalize_variable_values`.

    `lr` and `decay` are those of Keras 2: the rate is then ``lr / (1 + decay * iterations)``.

    A subclass names its slots and writes `hyper` and `update`; or, as in Keras, `build` and
    `update_step`.
    """

    slot_names: tuple[str, ...] = ()
    rule: str | None = None  # what engines call `update`, if they have it in one piece

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **old: Any,
    ) -> None:
        super().__init__()
        learning_rate = old.pop("lr", learning_rate)
        self.decay: float = old.pop("decay", None) or 0.0
        for unknown in old:
            near = did_you_mean(unknown, arguments(type(self)))
            raise TypeError(f"{type(self).__name__}: no argument {unknown!r}.{near}")
        if sum(c is not None for c in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError("give at most one of clipnorm, clipvalue and global_clipnorm.")
        if gradient_accumulation_steps is not None and gradient_accumulation_steps < 2:
            raise ValueError(
                f"gradient_accumulation_steps must be 2 or more; got {gradient_accumulation_steps}."
            )
        if use_ema and not 0 <= ema_momentum <= 1:
            raise ValueError(f"ema_momentum must be in [0, 1]; got {ema_momentum}.")
        if ema_overwrite_frequency is not None and ema_overwrite_frequency < 1:
            raise ValueError(
                f"ema_overwrite_frequency must be 1 or more; got {ema_overwrite_frequency}."
            )
        self.name = name or type(self).__name__.lower()
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue = clipnorm, clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._unstepped = True
        self._excluded: Callable[[Weight], bool] = lambda weight: False
        self.schedule: Schedule | None = None
        self._make_numbers(learning_rate)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "build" in own:
            cls.build = _only_for_new(own["build"])  # type: ignore[method-assign]
        if ("update" in own or "update_step" in own) and "rule" not in own:
            cls.rule = None
        REGISTRY.add(cls, cls.__name__.lower())

    # The learning rate.

    def _make_numbers(self, learning_rate: Any) -> None:
        """The step count and the learning rate, on the device."""
        if isinstance(learning_rate, dict):
            learning_rate = schedules.deserialize(learning_rate)
        if callable(learning_rate):
            self.schedule, learning_rate = learning_rate, 0.0
        self._rate = Weight("learning_rate", (), trainable=False)
        self._iterations = Weight("iteration", (), "int32", trainable=False)
        self._number = Number(self._rate, float(learning_rate))
        self._step = Number(self._iterations, 0)

    @property
    def learning_rate(self) -> Any:
        """The rate now, a float; assign to it to change it, also between compiled steps."""
        value = self._number.read()
        if self.schedule is not None:
            value = _float(schedules.at(self.schedule, self._iterations.value))
        rate = Rate(value)
        rate.set = lambda value: setattr(self, "learning_rate", value)
        return rate

    @learning_rate.setter
    def learning_rate(self, value: float | Schedule) -> None:
        if self._unstepped:
            self.schedule = value if callable(value) else None
        elif callable(value) or self.schedule is not None:
            raise TypeError(
                f"{self.name}: a learning rate that follows a schedule can be neither set nor "
                "replaced after the first step. Make a new optimizer."
            )
        if not callable(value):
            self._number.write(float(value))

    lr = learning_rate

    @property
    def iterations(self) -> Any:
        """How many updates there have been."""
        n = self.gradient_accumulation_steps
        return ops.floor_divide(self._iterations.value, n) if n else self._iterations

    def rate(self, dtype: str) -> Any:
        """The learning rate of this step, a scalar tensor."""
        if self.schedule is not None:
            return ops.cast(schedules.at(self.schedule, self._iterations.value), dtype)
        rate = ops.cast(self._rate.value, dtype)
        if not self.decay:
            return rate
        slower = ops.multiply(ops.cast(self._iterations.value, dtype), self.decay)
        return ops.divide(rate, ops.add(slower, 1.0))

    # What a subclass writes.

    def hyper(self, t: Any, rate: Any) -> dict[str, Any]:
        """What `update` is told at step `t` (from 1), a scalar tensor as `rate` is."""
        return {"rate": rate}

    def update(self, p: Any, g: Any, *slots: Any, **hyper: Any) -> tuple[Any, ...]:
        """The new weight and the new slots, from the weight, its gradient and its slots."""
        raise NotImplementedError(f"{type(self).__name__} defines neither update nor update_step.")

    def update_step(self, gradient: Any, variable: Weight, learning_rate: Any) -> None:
        """Keras's way: change `variable`, and variables made in `build`, by `assign`."""
        self._update(gradient, variable, self._hyper(variable.dtype, False))

    # A step.

    def build(self, variables: Iterable[Weight]) -> None:
        """Make the slots of the weights that have none yet."""
        for w in variables:
            if w not in self.slots:
                self._add_slots(w)

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        """Take one step: `grads` belong to `trainable_variables`, or to those of `build`.

        A gradient of None leaves its weight alone.
        """
        if only_shapes():
            return
        given = self.slots if trainable_variables is None else trainable_variables
        weights = list(given)
        if len(grads) != len(weights):
            raise ValueError(f"{len(grads)} gradients were given for {len(weights)} weights.")
        grads = list(grads)
        if any(g is None for g in grads):
            weights = [w for g, w in zip(grads, weights, strict=True) if g is not None]
            grads = [g for g in grads if g is not None]
        if not weights:
            return
        self._settle(weights)
        if self.loss_scale_factor:
            grads = [ops.divide(g, self.loss_scale_factor) for g in grads]
        self._take(grads, weights)
        self._finish(weights)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Weight]]) -> None:
        """`apply` for pairs of a gradient and its weight."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [w for _, w in pairs])

    def scale_loss(self, loss: Any) -> Any:
        """`loss` times `loss_scale_factor`: what to take gradients of."""
        factor = self.loss_scale_factor
        return loss if factor is None else ops.multiply(loss, factor)

    def _settle(self, weights: list[Weight]) -> None:
        """Make what is missing, where the weights are."""
        if not all(w in self.slots for w in weights):
            self.build(weights)
        if self._unstepped:
            b = weights[0].backend
            for s in self.state:
                if s.backend is None:
                    s.initialize(b)
            self._unstepped = False

    def _finish(self, weights: list[Weight]) -> None:
        """After an update: averages, constraints, the count."""
        if self.use_ema:
            self._average()
        for w in weights:
            if w.constraint is not None:
                w.assign(w.constraint(w.value))
        self._count(weights[0].backend)

    def _count(self, b: Backend | None) -> None:
        if self._on_host(b):
            self._step.advance()
        else:
            self._iterations.assign(ops.add(self._iterations.value, 1))

    def _take(self, grads: list[Any], weights: list[Weight]) -> None:
        n = self.gradient_accumulation_steps
        if not n:
            return self._move(grads, weights)
        sums = [self.sums[w] for w in weights]
        total = [ops.add(g, s.value) for g, s in zip(grads, sums, strict=True)]

        def move() -> None:
            self._move([ops.divide(g, n) for g in total], weights)
            for s in sums:
                s.assign(ops.zeros(s.shape, s.dtype))

        def wait() -> None:
            for s, g in zip(sums, total, strict=True):
                s.assign(g)

        last = ops.equal(ops.mod(ops.add(self._iterations.value, 1), n), 0)
        either(last, move, wait, [*weights, *self.state])

    def _move(self, grads: list[Any], weights: list[Weight]) -> None:
        """Update `weights`, all at once if the engine can."""
        grads = clip(grads, self.clipnorm, self.clipvalue, self.global_clipnorm)
        b = weights[0].backend
        assert b is not None
        host = self._on_host(b)
        hypers = {dtype: self._hyper(dtype, host) for dtype in {w.dtype: 0 for w in weights}}
        self._decay(b, weights)
        if host and self.rule and len(hypers) == 1:
            rows = [self.slots[w] for w in weights]
            slots = [[s.value for s in column] for column in zip(*rows, strict=True)]
            values = [w.value for w in weights]
            if b.fused_update(self.rule, values, grads, slots, hypers[weights[0].dtype]):
                return
        keras_like = type(self).update_step is not Optimizer.update_step
        for g, w in zip(grads, weights, strict=True):
            if keras_like:
                self.update_step(g, w, self.rate(w.dtype))
            else:
                self._update(g, w, hypers[w.dtype])

    def _update(self, gradient: Any, weight: Weight, hyper: dict[str, Any]) -> None:
        """Apply the rule to one weight."""
        slots = self.slots[weight]
        gradient = ops.cast(gradient, weight.dtype)
        new, *moved = self.update(weight.value, gradient, *(s.value for s in slots), **hyper)
        weight.assign(new)
        for s, value in zip(slots, moved, strict=True):
            s.assign(value)

    def _on_host(self, b: Backend | None) -> bool:
        """Whether the step's numbers can be had without asking the device or the tracer."""
        return b is not None and b.eager and not in_frame()

    def _count_on_host(self) -> Any:
        import numpy as np

        return np.float64(self._step.read() // (self.gradient_accumulation_steps or 1) + 1)

    def _hyper(self, dtype: str, host: bool) -> dict[str, Any]:
        """`hyper` for this step: Python floats on the host, else scalar tensors of `dtype`."""
        if not host:
            wide = dtypes.promote(dtype, "float32")
            n = self.gradient_accumulation_steps
            count = ops.floor_divide(self._iterations.value, n) if n else self._iterations.value
            found = self.hyper(ops.cast(ops.add(count, 1), wide), self.rate(wide))
            return {k: v if _is_plain(v) else ops.cast(v, dtype) for k, v in found.items()}
        import numpy as np

        steps = self._step.read()
        rate = self._number.read()
        with use(host_backend()):
            if self.schedule is not None:
                rate = _float(schedules.at(self.schedule, np.asarray(steps, "int32")))
            elif self.decay:
                rate = rate / (1 + self.decay * steps)
            found = self.hyper(self._count_on_host(), np.float64(rate))
        return {k: v if _is_plain(v) else float(v) for k, v in found.items()}

    # Weight decay and averages.

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Spare the weights in `var_list`, and those in whose name a pattern of `var_names` is."""
        chosen = set(var_list or ())
        pattern = re.compile("|".join(var_names)) if var_names else None
        self._excluded = lambda weight: (
            weight in chosen or bool(pattern and pattern.search(weight.name))
        )

    def decay_of(self, weight: Weight) -> float | None:
        """The weight decay of one weight, None for none."""
        return None if self._excluded(weight) else self.weight_decay

    def _decay(self, b: Backend, weights: list[Weight]) -> None:
        for w in weights:
            decay = self.decay_of(w)
            if decay is not None:
                lost = ops.multiply(ops.multiply(w.value, decay), self.rate(w.dtype))
                w.assign(ops.subtract(w.value, lost))

    def _average(self) -> None:
        """Move the averages toward the weights, and the weights to the averages if it is time."""
        count = ops.convert_to_tensor(self.iterations)
        started = ops.not_equal(count, 0)
        frequency = self.ema_overwrite_frequency
        now = frequency and ops.equal(ops.mod(ops.add(count, 1), frequency), 0)
        for w, average in self.averages.items():
            kept = ops.multiply(ops.cast(started, w.dtype), self.ema_momentum)
            new = ops.add(ops.multiply(average.value, kept),
                          ops.multiply(w.value, ops.subtract(1.0, kept)))  # fmt: skip
            average.assign(new)
            if now is not None:
                w.assign(ops.where(now, new, w.value))

    def finalize_variable_values(self, var_list: Iterable[Weight]) -> None:
        """At the end of training: with `use_ema` each weight becomes its average."""
        for w in var_list:
            if w in self.averages:
                w.assign(self.averages[w].value)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer, as data."""
        config = super().get_config()
        rate = schedules.serialize(self.schedule) if self.schedule else float(self._number.read())
        config["learning_rate"] = rate
        return {**config, "decay": self.decay} if self.decay else config


def _only_for_new(build: Callable[..., None]) -> Callable[..., None]:
    @wraps(build)
    def run(self: Optimizer, variables: Iterable[Weight]) -> None:
        variables = list(variables)
        if not all(w in self.slots for w in variables):
            build(self, variables)

    return run


def _is_plain(x: Any) -> bool:
    return x is None or type(x) in (bool, int, float, str)  # numpy.float64 is a float, and strong


def _float(x: Any) -> float:
    return float(ops.convert_to_numpy(x))
