"""Learning rates that follow a schedule by epochs, or what the metrics do."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable, Iterator
from typing import Any

from polyk.callbacks.base import Callback, Logs
from polyk.callbacks.monitor import MonitorCallback
from polyk.callbacks.progress import say


def optimizers(model: Any) -> Iterator[tuple[str, Any]]:
    """The optimizers of `model`, each with what to add to "learning_rate" in the logs."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    inner = getattr(optimizer, "optimizers", None)
    if inner is None:
        yield "", optimizer
    else:
        yield from ((f"_{o.name}", o) for o in inner)


def learning_rates(model: Any) -> Logs:
    """The learning rates now, by their names in the logs."""
    return {f"learning_rate{name}": float(o.learning_rate) for name, o in optimizers(model)}


class LearningRateScheduler(Callback):
    """Set the learning rate at the start of each epoch to ``schedule(epoch, rate_now)``.

    A function of the epoch alone will do. The epoch's logs tell the rate.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        for _, optimizer in optimizers(self.model):
            rate = self._rate(epoch, float(optimizer.learning_rate))
            if not isinstance(rate, numbers.Real) or isinstance(rate, (bool, int)):
                raise ValueError(
                    f"LearningRateScheduler: the schedule must return a float; it gave {rate!r}."
                )
            optimizer.learning_rate = float(rate)
            if self.verbose:
                say(f"Epoch {epoch + 1}: learning rate {rate:g}")

    def _rate(self, epoch: int, now: float) -> Any:
        try:
            inspect.signature(self.schedule).bind(epoch, now)
        except TypeError:
            return self.schedule(epoch)
        return self.schedule(epoch, now)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs.update(learning_rates(self.model))


class ReduceLROnPlateau(MonitorCallback):
    """Multiply the learning rate by `factor` when `monitor` has not improved for `patience` epochs.

    Never below `min_lr`; after a reduction `cooldown` epochs go by uncounted.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1; got {factor}.")
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.best = None
        self.cooldown_counter = self.wait = 0

    def in_cooldown(self) -> bool:
        """Whether a reduction was so short ago that nothing is counted."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs.update(learning_rates(self.model))
        current = self.value(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter, self.wait = self.cooldown, 0

    def _reduce(self, epoch: int) -> bool:
        """Lower every rate that can be; whether there was one."""
        reduced = False
        for _, optimizer in optimizers(self.model):
            old = float(optimizer.learning_rate)
            if old > self.min_lr * (1 + 1e-6):  # the stored rate may be the float32 next to it
                optimizer.learning_rate = max(old * self.factor, self.min_lr)
                reduced = True
                if self.verbose:
                    say(f"Epoch {epoch + 1}: learning rate reduced to {optimizer.learning_rate:g}")
        return reduced
