"""ModelCheckpoint: the model, or its weights, in a file after every epoch or so many batches."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from polyk.callbacks.base import Logs
from polyk.callbacks.monitor import MonitorCallback
from polyk.callbacks.progress import say


class ModelCheckpoint(MonitorCallback):
    """Save to `filepath`, in which ``{epoch:02d}``, ``{batch}`` and metrics are filled in.

    `save_best_only` saves when `monitor` improves on the best so far, at first on
    `initial_value_threshold`; `save_weights_only` leaves out architecture and optimizer.
    `save_freq` is "epoch" or a number of batches.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(
                f"ModelCheckpoint: save_freq must be 'epoch' or a number of batches; "
                f"got {save_freq!r}."
            )
        self.save_freq = save_freq
        self._epoch, self._pending, self._last = 0, 0, -1

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch, self._last = epoch, -1

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            return
        self._pending += batch - self._last  # several where a call runs several steps
        self._last = batch
        if self._pending >= int(self.save_freq):
            self._pending = 0
            self._save(logs or {}, batch=batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(logs or {})

    def _save(self, logs: Any, **place: int) -> None:
        path = self._path(logs, place)
        if not self._wanted(logs):
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)
        if self.verbose:
            say(f"Epoch {self._epoch + 1}: saved to {path}")

    def _path(self, logs: Any, place: Any) -> str:
        values = {"epoch": self._epoch + 1, **place, **logs}
        try:
            return self.filepath.format(**values)
        except KeyError as e:
            raise KeyError(
                f"ModelCheckpoint: filepath {self.filepath!r} names {e}; there are: "
                f"{', '.join(values)}."
            ) from None

    def _wanted(self, logs: Any) -> bool:
        if not self.save_best_only:
            return True
        current = logs.get(self.monitor)
        if current is None or hasattr(current, "shape"):
            warnings.warn(
                f"ModelCheckpoint cannot tell the best by {self.monitor!r}: it is not a number in "
                f"the logs, which have {', '.join(logs)}. Saved anyway.",
                UserWarning,
                stacklevel=3,
            )
            return True
        if self.improves(current, self.best):
            self.best = current
            return True
        return False
