"""Learning rates that follow the step number, inside the compiled step."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from typing import Any

from polyk import dtypes, ops
from polyk.configured import Configured
from polyk.ops.dispatch import Tensor
from polyk.registry import Registry

REGISTRY = Registry("schedule")


class LearningRateSchedule(Configured):
    """Base class: override `__call__`, which maps the step number (from 0) to a rate, over ops."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        REGISTRY.add(cls)

    def __call__(self, step: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} does not define __call__.")


def at(schedule: Any, step: Any) -> Any:
    """The rate at `step` by a schedule, or by a function of the step or of nothing."""
    if isinstance(schedule, LearningRateSchedule):
        return schedule(step)
    return schedule(step) if inspect.signature(schedule).parameters else schedule()


def _number(step: Any) -> Tensor:
    return ops.cast(step, dtypes.floatx())


def _positive(name: str, value: float) -> float:
    if value <= 0:
        raise ValueError(f"{name} must be positive; got {value}.")
    return value


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``; `staircase` takes floors."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_rate = initial_learning_rate, decay_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.staircase, self.name = staircase, name

    def periods(self, step: Any) -> Tensor:
        """How many times `decay_steps` have passed."""
        p = ops.divide(_number(step), self.decay_steps)
        return ops.floor(p) if self.staircase else p

    def __call__(self, step: Any) -> Tensor:
        factor = ops.power(ops.cast(self.decay_rate, dtypes.floatx()), self.periods(step))
        return ops.multiply(factor, self.initial_learning_rate)


class InverseTimeDecay(ExponentialDecay):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``; `staircase` as above."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Tensor:
        slower = ops.add(ops.multiply(self.periods(step), self.decay_rate), 1.0)
        return ops.divide(self.initial_learning_rate, slower)


class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[i]`` up to and with step ``boundaries[i]``, the last of `values` after them all."""

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"values must be one more than boundaries; got {len(values)} values and "
                f"{len(boundaries)} boundaries."
            )
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step: Any) -> Tensor:
        rate = ops.cast(self.values[-1], dtypes.floatx())
        for bound, value in reversed(list(zip(self.boundaries, self.values, strict=False))):
            rate = ops.where(ops.less_equal(_number(step), bound), value, rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """From `initial_learning_rate` to `end_learning_rate` as ``(1 - step / decay_steps) ** power``.

    With `cycle` the time is stretched to the next multiple of `decay_steps` instead of ending.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate, self.end_learning_rate = (
            initial_learning_rate,
            end_learning_rate,
        )
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.power, self.cycle, self.name = power, cycle, name

    def __call__(self, step: Any) -> Tensor:
        t, span = _number(step), self.decay_steps
        if self.cycle:
            cycles = ops.maximum(ops.ceil(ops.divide(t, span)), 1.0)
            passed = ops.divide(t, ops.multiply(cycles, span))
        else:
            passed = ops.divide(ops.minimum(t, span), span)
        left = ops.power(ops.subtract(1.0, passed), self.power)
        height = self.initial_learning_rate - self.end_learning_rate
        return ops.add(ops.multiply(left, height), self.end_learning_rate)


def _half_wave(passed: Tensor) -> Tensor:
    """From 1 to 0 as the cosine, for `passed` from 0 to 1."""
    return ops.multiply(ops.add(ops.cos(ops.multiply(passed, math.pi)), 1.0), 0.5)


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the initial rate to `alpha` times it: I. Loshchilov, F. Hutter, 2016.

    With `warmup_target` it first rises to that in a line over `warmup_steps`, and falls from there.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate, self.alpha, self.name = initial_learning_rate, alpha, name
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: Any) -> Tensor:
        t, first = _number(step), self.initial_learning_rate
        warm = self.warmup_steps if self.warmup_target is not None else 0
        top = first if self.warmup_target is None else self.warmup_target
        passed = ops.divide(ops.subtract(ops.minimum(t, self.decay_steps + warm), warm),
                            self.decay_steps)  # fmt: skip
        falling = ops.add(ops.multiply(_half_wave(passed), 1 - self.alpha), self.alpha)
        falling = ops.multiply(falling, top)
        if not warm:
            return falling
        rising = ops.add(ops.multiply(ops.divide(t, warm), top - first), first)
        return ops.where(ops.less(t, warm), rising, falling)


class CosineDecayRestarts(LearningRateSchedule):
    """`CosineDecay` over and over: each period `t_mul` times as long and `m_mul` times as high.

    Source: I. Loshchilov and F. Hutter, 2016.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate, self.alpha, self.name = initial_learning_rate, alpha, name
        self.first_decay_steps = _positive("first_decay_steps", first_decay_steps)
        self.t_mul, self.m_mul = t_mul, m_mul

    def __call__(self, step: Any) -> Tensor:
        passed, ratio = ops.divide(_number(step), self.first_decay_steps), self.t_mul
        if ratio == 1:
            restarts = ops.floor(passed)
            passed = ops.subtract(passed, restarts)
        else:
            length = ops.log(ops.subtract(1.0, ops.multiply(passed, 1.0 - ratio)))
            restarts = ops.floor(ops.divide(length, math.log(ratio)))
            period = ops.power(ops.cast(ratio, dtypes.floatx()), restarts)
            before = ops.divide(ops.subtract(1.0, period), 1.0 - ratio)
            passed = ops.divide(ops.subtract(passed, before), period)
        height = ops.power(ops.cast(self.m_mul, dtypes.floatx()), restarts)
        wave = ops.multiply(height, _half_wave(passed))
        rest = ops.add(ops.multiply(wave, 1 - self.alpha), self.alpha)
        return ops.multiply(rest, self.initial_learning_rate)


def serialize(learning_rate_schedule: Any) -> Any:
    """A config from which `deserialize` makes an equal schedule; the name of a function."""
    return REGISTRY.serialize(learning_rate_schedule)


def deserialize(config: Any) -> Any:
    """A schedule from what `serialize` gave."""
    return REGISTRY.get(config)
