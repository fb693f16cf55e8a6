"""SwapEMAWeights: evaluate and save with the averages of the weights, train with the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from polyk.callbacks.base import Callback, Logs


class SwapEMAWeights(Callback):
    """Exchange weights and their moving averages for the time of evaluation and prediction.

    The optimizer keeps the averages (``use_ema=True``). With `swap_on_epoch` also from the end of
    an epoch to the start of the next, so that checkpoints hold the averages.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        self._held: list[tuple[Any, Any]] = []  # the weights that averages stand in for

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        """Each weight with its average."""
        outer = self.model.optimizer
        outer = getattr(outer, "inner_optimizer", outer)
        found = [o for o in getattr(outer, "optimizers", [outer]) if getattr(o, "use_ema", False)]
        if not found:
            raise ValueError("SwapEMAWeights needs an optimizer with use_ema=True.")
        for optimizer in found:
            yield from optimizer.averages.items()

    def _swap(self, to_averages: bool) -> None:
        if bool(self._held) is to_averages:
            return
        if to_averages:
            self._held = [(weight, weight.numpy()) for weight, _ in self._pairs()]
            for weight, average in self._pairs():
                weight.assign(average.numpy())
        else:
            for weight, value in self._held:
                weight.assign(value)
            self._held = []

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(True)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """The model keeps the averages, as it does without this callback."""
        self._held = []

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._swap(False)

    on_predict_begin, on_predict_end = on_test_begin, on_test_end
