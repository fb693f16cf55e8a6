"""History: what `fit` returns."""

from __future__ import annotations

from typing import Any

from polyk.callbacks.base import Callback, Logs
from polyk.errors import need


class History(Callback):
    """What `fit` returns: `history` maps each metric to its value after each epoch."""

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
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

    def plot(self, *names: str, path: Any = None) -> Any:
        """Draw the metrics `names` (all of them) over the epochs, each with its ``val_`` twin.

        Returns matplotlib's figure; `path` saves it as well. Raises MissingPackage without
        matplotlib.
        """
        figures = need("matplotlib.figure", "drawing the history", "polyk[plot]")
        chosen = names or [n for n in self.history if f"val_{n[4:]}" != n]
        figure = figures.Figure(figsize=(4.5 * len(chosen), 3.5), layout="constrained")
        epochs = [e + 1 for e in self.epoch]
        for axes, name in zip(figure.subplots(1, len(chosen), squeeze=False)[0], chosen,
                              strict=True):  # fmt: skip
            for label in (name, f"val_{name}"):
                if label in self.history:
                    values = self.history[label]
                    axes.plot(epochs[-len(values) :], values, label=label)
            axes.set(xlabel="epoch", title=name)
            axes.legend()
        if path is not None:
            figure.savefig(path)
        return figure
