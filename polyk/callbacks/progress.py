"""What a person sees of a model at work: a live bar on a terminal, else one line an epoch."""

from __future__ import annotations

import sys
import time
from typing import Any

from polyk.callbacks.base import Callback, Logs

SECONDS = 0.5  # between two looks at the metrics, each of which waits for the device


def say(text: str) -> None:
    """A line for the person who watches."""
    print(text, file=sys.stderr, flush=True)


class ProgressBar(Callback):
    """A bar with the time left and live metrics on a terminal; else one line an epoch.

    `verbose` 1 or "auto" is that, 2 one line an epoch everywhere, 0 nothing. `evaluate` and
    `predict` have a bar too, and `evaluate` a line if one was asked for.
    """

    def __init__(self, verbose: Any = 1) -> None:
        self.live = verbose in (1, "auto") and sys.stderr.isatty()
        self.lines = verbose not in (0, "auto")
        self._bar: Any = None
        self._training = False

    def get_state(self) -> dict[str, Any]:
        return {}

    # Training.

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._training = self.lines = True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._title = f"Epoch {epoch + 1}/{self.params['epochs']}"
        self._open(self._title, self.params["steps"])

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._show(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._close(self._title, logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._stop()
        self._training = False

    # Evaluation and prediction by themselves.

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._training:
            self._open("Evaluating", self.params.get("steps"))

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if not self._training:
            self._show(batch, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._training:
            self._close("Evaluated", logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._open("Predicting", self.params.get("steps"))

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._show(batch, None)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._stop()

    # The bar.

    def _open(self, title: str, steps: int | None) -> None:
        self._start = self._shown = time.monotonic()
        if not self.live:
            return
        from rich import progress
        from rich.console import Console

        self._bar = progress.Progress(
            progress.TextColumn(title), progress.BarColumn(), progress.MofNCompleteColumn(),
            progress.TimeRemainingColumn(), progress.TextColumn("{task.fields[metrics]}"),
            transient=True, refresh_per_second=5, console=Console(stderr=True),
        )  # fmt: skip
        self._bar.start()
        self._task = self._bar.add_task("", total=steps, metrics="")

    def _show(self, batch: int, logs: Logs | None) -> None:
        if self._bar is None:
            return
        now = time.monotonic()
        if now - self._shown > SECONDS:
            self._shown = now
            self._bar.update(self._task, completed=batch + 1, metrics=_text(dict(logs or {})))

    def _close(self, title: str, logs: Logs | None) -> None:
        self._stop()
        if self.lines:
            say(f"{title}  {time.monotonic() - self._start:.1f}s  {_text(logs or {})}")

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    __del__ = _stop


ProgbarLogger = ProgressBar


def _text(logs: Logs) -> str:
    return "  ".join(f"{k} {_number(v)}" for k, v in logs.items() if not getattr(v, "shape", ()))


def _number(value: Any) -> str:
    """Four decimals, or four digits of what is too small for them."""
    value = float(value)
    return f"{value:.4f}" if not value or abs(value) >= 1e-3 else f"{value:.3e}"
