"""fit, evaluate and predict: epochs and batches around the compiled steps."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from polyk import callbacks as cb
from polyk import trees
from polyk.models.functions import reports
from polyk.models.stream import Stream, groups
from polyk.select import to_numpy


class LazyLogs(Mapping[str, Any]):
    """The metrics so far; looking at one waits for the device, so nothing does unless asked."""

    def __init__(self, read: Callable[[], dict[str, Any]]) -> None:
        self._read = read
        self._values: dict[str, Any] | None = None

    def _all(self) -> dict[str, Any]:
        if self._values is None:
            self._values = numbers(self._read())
        return self._values

    def __getitem__(self, name: str) -> Any:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def numbers(logs: dict[str, Any]) -> dict[str, Any]:
    """Tensors as Python floats (arrays, where they hold more); waits for the device."""
    found = {}
    for name, value in logs.items():
        a = to_numpy(value)
        found[name] = float(a) if a.size == 1 else a
    return found


class Pass:
    """One kind of step, "train" or "test", over an epoch."""

    def __init__(self, model: Any, kind: str, listeners: cb.CallbackList) -> None:
        self.model, self.kind, self.listeners = model, kind, listeners
        self.step = model._function(kind)
        self.together = model.steps_per_execution
        self.begin, self.end = f"on_{kind}_batch_begin", f"on_{kind}_batch_end"
        self.own_logs = reports(model, kind)
        self.losses: deque[Any] = deque(maxlen=10_000)  # of the last steps, on the device

    def run(self, items: Iterator[Any], done: int = 0) -> dict[str, Any]:
        """The logs of the epoch, of which `done` batches went before; empty if there was none."""
        model, call, step = self.model, self.listeners.call, self.step
        training = self.kind == "train"
        if not done:
            model.reset_metrics()
        elif model.stop_training:  # asked for at the batch after which the earlier run ended
            items = iter(())
        read, own, last, logs = model.get_metrics_result, self.own_logs, done - 1, {}
        for first, last, data in groups(items, self.together, done):  # noqa: B007
            call(self.begin, first, {})
            logs = step(data)
            self.losses.append(logs.get("loss"))
            call(self.end, last, LazyLogs(partial(dict, logs) if own else read))
            if training and model.stop_training:
                break
        self.steps = last + 1
        return numbers(logs if own else read()) if self.steps else {}


def fit(
    model: Any, stream: Stream, validate: Callable[[cb.CallbackList], dict[str, Any]] | None, *,
    epochs: int, initial_epoch: int, validation_freq: Any, callbacks: Any, verbose: int,
) -> cb.History:  # fmt: skip
    """Train epoch by epoch until done, out of data, or a callback sets ``model.stop_training``."""
    history = cb.History()
    bar = [cb.ProgressBar(verbose)] if verbose else []
    params = {"epochs": epochs, "steps": stream.steps, "verbose": verbose}
    everybody = [*_from_plugins(model), *callbacks, history, *bar]
    listeners = cb.CallbackList(everybody, model, params, stream)
    model.stop_training, model.history = False, history
    logs: dict[str, Any] = {}
    listeners.call("on_train_begin", {})
    earlier = listeners.resume()
    begin, done = (initial_epoch, 0) if earlier is None else (earlier.epoch, earlier.batch)
    try:
        if earlier is not None and not done:
            earlier.restore(stream, begin - initial_epoch)
        for epoch in range(begin, epochs):
            if model.stop_training:  # when the earlier run ended
                break
            listeners.call("on_epoch_begin", epoch, {})
            if done:
                earlier.restore(stream, begin - initial_epoch)
            work = Pass(model, "train", listeners)
            found, done = work.run(stream.epoch(done), done), 0
            if not found:
                break
            logs, params["steps"] = found, stream.steps
            if not math.isfinite(logs.get("loss", 0.0)):
                model.warn_of_nan(epoch, list(work.losses), work.steps)
            if validate is not None and _due(epoch + 1, validation_freq):
                logs.update({f"val_{k}": v for k, v in validate(listeners).items()})
            listeners.call("on_epoch_end", epoch, logs)
            if model.stop_training or stream.dry:
                break
        finish = getattr(model.optimizer, "finalize_variable_values", None)
        if finish is not None:
            finish(model.trainable_weights)
    finally:
        stream.close()
        listeners.call("on_train_end", logs)
    return history


def _due(epoch: int, freq: Any) -> bool:
    """Whether to validate after `epoch` (from 1): every `freq` epochs, or those it contains."""
    return epoch % freq == 0 if isinstance(freq, int) else epoch in freq


def _from_plugins(model: Any) -> list[cb.Callback]:
    from polyk.plugins import hooks

    found = hooks().polyk_callbacks(model=model)
    return [c for item in found for c in (item if isinstance(item, (list, tuple)) else [item])]


def evaluate(model: Any, stream: Stream, listeners: cb.CallbackList) -> dict[str, Any]:
    """The metrics over all batches."""
    listeners.call("on_test_begin", {})
    try:
        logs = Pass(model, "test", listeners).run(stream.epoch())
    finally:
        stream.close()
    if not logs:
        raise ValueError("there is no data: the validation data yielded no batch.")
    listeners.call("on_test_end", logs)
    return logs


def predict(model: Any, stream: Stream, listeners: cb.CallbackList) -> Any:
    """The outputs of all batches, joined on the host."""
    import numpy as np

    parts = []
    step = model._function("predict")
    listeners.call("on_predict_begin", {})
    try:
        for i, data in enumerate(stream.epoch()):
            listeners.call("on_predict_batch_begin", i, {})
            outputs = step(data)
            parts.append(trees.map(model.backend.to_numpy, outputs))
            listeners.call("on_predict_batch_end", i, {"outputs": outputs})
    finally:
        stream.close()
    listeners.call("on_predict_end", {})
    if not parts:
        raise ValueError("there is no data: x yielded no batch.")
    columns = zip(*map(trees.flatten, parts), strict=True)
    return trees.unflatten(parts[0], [np.concatenate(column) for column in columns])
