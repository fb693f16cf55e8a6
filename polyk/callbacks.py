"""What listens while a model trains: history, progress, and whatever a user adds.

Per-batch methods are called only on callbacks that define them, so training pays for what is used.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

Logs = dict[str, Any]


class Callback:
    """Subclass it and override what is of interest; `self.model` and `self.params` are set.

    In `on_train_batch_end` the logs are lazy: reading one waits for the device.
    """

    model: Any = None
    params: Logs

    def set_model(self, model: Any) -> None:
        self.model = model

    def set_params(self, params: Logs) -> None:
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None: ...
    def on_train_end(self, logs: Logs | None = None) -> None: ...
    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None: ...
    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_test_begin(self, logs: Logs | None = None) -> None: ...
    def on_test_end(self, logs: Logs | None = None) -> None: ...
    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_predict_begin(self, logs: Logs | None = None) -> None: ...
    def on_predict_end(self, logs: Logs | None = None) -> None: ...
    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...


class CallbackList:
    """Calls an event's method on every callback that overrides it."""

    def __init__(self, callbacks: Any, model: Any, params: Logs) -> None:
        self.callbacks: list[Callback] = list(callbacks)
        self._listeners: dict[str, list[Callable[..., None]]] = {}
        for c in self.callbacks:
            if not isinstance(c, Callback):
                raise TypeError(f"callbacks must be polyk.callbacks.Callback objects; got {c!r}.")
            c.set_model(model)
            c.set_params(params)

    def call(self, event: str, *args: Any) -> None:
        listeners = self._listeners.get(event)
        if listeners is None:
            base = getattr(Callback, event)
            listeners = self._listeners[event] = [
                getattr(c, event) for c in self.callbacks
                if getattr(type(c), event, base) is not base or event in vars(c)
            ]  # fmt: skip
        for listener in listeners:
            listener(*args)


class History(Callback):
    """What `fit` returns: `history` maps each metric to its value after each epoch."""

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        last = ", ".join(f"{k} {v[-1]:.4g}" for k, v in self.history.items() if v)
        return f"<History of {len(self.epoch)} epochs: {last}>"


class LambdaCallback(Callback):
    """Callbacks from functions: ``LambdaCallback(on_epoch_end=lambda epoch, logs: ...)``."""

    def __init__(self, **events: Callable[..., None]) -> None:
        for event, fn in events.items():
            if not hasattr(Callback, event) or not event.startswith("on_"):
                raise TypeError(f"LambdaCallback: there is no event {event!r}.")
            setattr(self, event, fn)


class ProgressBar(Callback):
    """A bar with the time left and live metrics on a terminal; else one line an epoch.

    `verbose` 2 gives one line an epoch everywhere.
    """

    def __init__(self, verbose: int = 1) -> None:
        self.live = verbose == 1 and sys.stderr.isatty()
        self._bar: Any = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._start = self._shown = time.monotonic()
        if self.live:
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                TextColumn(f"Epoch {epoch + 1}/{self.params['epochs']}"), BarColumn(),
                MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[metrics]}"),
                transient=True, refresh_per_second=5, console=_console(),
            )  # fmt: skip
            self._bar.start()
            self._task = self._bar.add_task("", total=self.params["steps"], metrics="")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self._bar is None:
            return
        now = time.monotonic()
        if now - self._shown > 0.5:  # reading the metrics waits for the device: seldom
            self._shown = now
            values = dict(logs or {})
            self._bar.update(self._task, completed=batch + 1, metrics=_text(values))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._stop()
        took = time.monotonic() - self._start
        line = f"Epoch {epoch + 1}/{self.params['epochs']}  {took:.1f}s  {_text(logs or {})}"
        print(line, file=sys.stderr, flush=True)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _console() -> Any:
    from rich.console import Console

    return Console(stderr=True)


def _text(logs: Logs) -> str:
    return "  ".join(f"{k} {float(v):.4f}" for k, v in logs.items())
