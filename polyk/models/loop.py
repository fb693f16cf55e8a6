"""fit, evaluate and predict: epochs and batches around the compiled steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from polyk import callbacks as cb
from polyk import random, trees
from polyk.models.feed import Feed
from polyk.select import get_backend, use


class LazyLogs(Mapping[str, float]):
    """The metrics so far; looking at one waits for the device, so nothing does unless asked."""

    def __init__(self, objective: Any) -> None:
        self._objective = objective
        self._values: dict[str, float] | None = None

    def _read(self) -> dict[str, float]:
        if self._values is None:
            self._values = self._objective.results()
        return self._values

    def __getitem__(self, name: str) -> float:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


def fit(
    model: Any, feed: Feed, held_out: Feed | None, *, epochs: int, initial_epoch: int,
    shuffle: bool, steps: int | None, validation_steps: int | None, validation_freq: int,
    callbacks: Any, verbose: int,
) -> cb.History:  # fmt: skip
    """Train epoch by epoch until done or until a callback sets ``model.stop_training``."""
    history = cb.History()
    steps = min(steps or feed.steps, feed.steps)
    bar = [cb.ProgressBar(verbose)] if verbose else []
    params = {"epochs": epochs, "steps": steps, "verbose": verbose}
    listeners = cb.CallbackList([history, *_from_plugins(model), *callbacks, *bar], model, params)
    model.stop_training = False
    listeners.call("on_train_begin", {})
    logs: dict[str, float] = {}
    try:
        for epoch in range(initial_epoch, epochs):
            listeners.call("on_epoch_begin", epoch, {})
            losses = _epoch(model, feed, shuffle, steps, listeners)
            logs = model.objective.results()
            if not math.isfinite(logs["loss"]):
                model.warn_of_nan(epoch, losses)
            if held_out is not None and (epoch + 1) % validation_freq == 0:
                found = evaluate(model, held_out, validation_steps, listeners)
                logs.update({f"val_{k}": v for k, v in found.items()})
            listeners.call("on_epoch_end", epoch, logs)
            if model.stop_training:
                break
    finally:
        listeners.call("on_train_end", logs)
    model.history = history
    return history


def _epoch(
    model: Any, feed: Feed, shuffle: bool, steps: int, listeners: cb.CallbackList
) -> list[Any]:
    """One pass over the data; gives the loss of each step, still on the device."""
    model.objective.reset()
    order = _order(model, feed.size) if shuffle else None
    model._epochs += 1
    step = model._function("train")
    losses = []
    for i, batch in enumerate(feed.batches(order)):
        if i == steps:
            break
        listeners.call("on_train_batch_begin", i, {})
        losses.append(step(*batch))
        listeners.call("on_train_batch_end", i, LazyLogs(model.objective))
    return losses


def _order(model: Any, size: int) -> Any:
    """The order of this epoch: a function of the model's seed and of how many went before."""
    key = random.fold_in(random.fold_in(model.key, "shuffle"), model._epochs)
    host = get_backend("numpy")
    with use(host):
        return host.to_numpy(random.permutation(size, seed=key))


def _from_plugins(model: Any) -> list[cb.Callback]:
    from polyk.plugins import hooks

    found = hooks().polyk_callbacks(model=model)
    return [c for item in found for c in (item if isinstance(item, (list, tuple)) else [item])]


def evaluate(
    model: Any, feed: Feed, steps: int | None, listeners: cb.CallbackList
) -> dict[str, float]:
    """The metrics over all batches."""
    model.objective.reset()
    step = model._function("test")
    listeners.call("on_test_begin", {})
    for i, batch in enumerate(feed.batches()):
        if i == steps:
            break
        listeners.call("on_test_batch_begin", i, {})
        step(*batch)
        listeners.call("on_test_batch_end", i, LazyLogs(model.objective))
    logs: dict[str, float] = model.objective.results()
    listeners.call("on_test_end", logs)
    return logs


def predict(model: Any, feed: Feed, steps: int | None, listeners: cb.CallbackList) -> Any:
    """The outputs of all batches, joined on the host."""
    import numpy as np

    parts = []
    step = model._function("predict")
    listeners.call("on_predict_begin", {})
    for i, (x, _, _) in enumerate(feed.batches()):
        if i == steps:
            break
        listeners.call("on_predict_batch_begin", i, {})
        outputs = step(x)
        parts.append(trees.map(model.backend.to_numpy, outputs))
        listeners.call("on_predict_batch_end", i, {"outputs": outputs})
    listeners.call("on_predict_end", {})
    columns = zip(*map(trees.flatten, parts), strict=True)
    return trees.unflatten(parts[0], [np.concatenate(column) for column in columns])
