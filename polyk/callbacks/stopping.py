"""EarlyStopping and TerminateOnNaN: when training is over before its time."""

from __future__ import annotations

import math
from typing import Any

from polyk.callbacks.base import Callback, Logs
from polyk.callbacks.monitor import MonitorCallback
from polyk.callbacks.progress import say


class EarlyStopping(MonitorCallback):
    """Stop when `monitor` has not improved for `patience` epochs.

    Improvements count by more than `min_delta`, and from `baseline` on if one is given; epochs
    before `start_from_epoch` do not count. `restore_best_weights` brings back, at the end of
    training, the weights of the best epoch.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = None
        self.best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self.value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        better = self.improves(current, self.best)
        if self.restore_best_weights and (better or self.best_weights is None):
            self.best_weights = self.model.get_weights()
            self.best_epoch = epoch
        self.wait += 1
        if better:
            self.best, self.best_epoch = current, epoch
            if self.baseline is None or self.improves(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.verbose and self.stopped_epoch:
            say(f"Epoch {self.stopped_epoch + 1}: stopped early")
        if self.best_weights is not None:
            if self.verbose:
                say(f"Weights of epoch {self.best_epoch + 1} restored")
            self.model.set_weights(self.best_weights)


class TerminateOnNaN(Callback):
    """Stop, or with `raise_error` raise RuntimeError, at the first batch whose loss is not finite.

    It looks at the loss of every batch, so each step waits for the device.
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"the loss became {loss} at batch {batch}.")
        say(f"Batch {batch}: the loss became {loss}; training stops")
        self.model.stop_training = True
