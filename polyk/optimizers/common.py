"""What every optimizer shares: arguments, gradient clipping, numbers on the host, branches."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from polyk import ops
from polyk.contract import Backend
from polyk.ops.dispatch import one
from polyk.select import get_backend
from polyk.weights import Weight, frame

Schedule = Callable[..., Any]


class Undecayed(TypedDict, total=False):
    """The arguments that every optimizer takes after its own; see `Optimizer`."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None
    lr: float
    decay: float


class Common(Undecayed, total=False):
    """As above, where weight decay is not among the optimizer's own."""

    weight_decay: float | None


class Number:
    """A scalar weight whose value is known on the host, so that eager steps need not ask for it.

    It is read from the device only after somebody else has written it.
    """

    def __init__(self, weight: Weight, first: float) -> None:
        self.weight, self.cell = weight, None
        self.write(first)

    def read(self) -> float:
        if self.weight.cell is not self.cell:
            self.value = _decimal(self.weight.numpy())
            self.cell = self.weight.cell
        return self.value

    def write(self, value: float) -> None:
        """Set it; before it has a place, where it starts."""
        import numpy as np

        stored = np.asarray(value, self.weight.dtype)
        if self.weight.backend is None:
            self.weight.initializer = constant(value)
        else:
            self.weight.assign(stored)
        self.value, self.cell = _decimal(stored), self.weight.cell

    def advance(self) -> None:
        """Add one, here and on the device."""
        value = self.read() + 1
        self.weight.assign(ops.add(self.weight.value, 1))
        self.value, self.cell = value, self.weight.cell


def _decimal(stored: Any) -> float:
    """The shortest number that is stored so: 0.001, not the 0.0010000000474974513 it becomes.

    It follows from the stored bits alone, so a run taken up from a file computes with the same.
    """
    return stored.item() if stored.dtype.kind in "iu" else float(str(stored))


@functools.cache
def host_backend() -> Backend:
    """Where eager steps compute their numbers."""
    return get_backend("numpy")


def sqrt(x: Any) -> Any:
    """The square root of a number of the step: a float on the host, else a tensor."""
    return math.sqrt(x) if isinstance(x, float) else ops.sqrt(x)


def rest(beta: float, t: Any) -> Any:
    """``1 - beta ** t`` without cancellation; `t` as for `sqrt`."""
    if not beta:
        return 1.0
    t = t * math.log(beta)  # Python's operators are the shorter way
    return type(t)(-math.expm1(t)) if isinstance(t, float) else -ops.expm1(t)


def constant(value: float) -> Callable[..., Any]:
    """An initializer: `value` everywhere."""
    return lambda shape, dtype=None, seed=None: ops.full(shape, value, dtype)


class Rate(float):
    """A learning rate as it is now, with the methods of a Keras variable."""

    set: Callable[[Any], None]

    def assign(self, value: float) -> None:
        """Change the optimizer's learning rate."""
        self.set(value)

    def numpy(self) -> Any:
        import numpy as np

        return np.asarray(float(self), "float32")


def clip(grads: list[Any], norm: Any, value: Any, global_norm: Any) -> list[Any]:
    """`grads` within the first of the limits that is given."""
    if norm:
        return [_shrink(g, _norm([g]), norm) for g in grads]
    if global_norm:
        return [_shrink(g, _norm(grads), global_norm) for g in grads]
    return [ops.clip(g, -value, value) for g in grads] if value else grads


def _norm(grads: list[Any]) -> Any:
    total = ops.sum(ops.square(grads[0]))
    for g in grads[1:]:
        total = ops.add(total, ops.sum(ops.square(g)))
    return ops.sqrt(total)


def _shrink(g: Any, norm: Any, limit: float) -> Any:
    return ops.multiply(g, ops.divide(limit, ops.maximum(norm, limit)))


def either(
    pred: Any, yes: Callable[[], Any], no: Callable[[], Any], weights: Sequence[Weight]
) -> None:
    """Run `yes` or `no`, which change none but `weights` and return nothing; compiles."""
    b, pred = one(pred)
    if b.is_concrete(pred):
        (yes if bool(b.to_numpy(pred)) else no)()
        return

    def branch(run: Callable[[], Any]) -> Callable[[], list[Any]]:
        def call() -> list[Any]:
            with frame({w: w.value for w in weights}) as inside:
                run()
            return [inside[w] for w in weights]

        return call

    for w, value in zip(weights, ops.cond(pred, branch(yes), branch(no)), strict=True):
        w.assign(value)
