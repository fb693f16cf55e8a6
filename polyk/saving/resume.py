"""The whole of a training run as a file, at any batch, and a run that takes it up bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polyk import random
from polyk.saving import document, transfer
from polyk.saving.paths import (
    CALLBACKS,
    metric_paths,
    numbered,
    optimizer_paths,
    optimizers,
    weight_paths,
)
from polyk.saving.safetensors import Reader
from polyk.weights import Weight

FIT = {"epoch", "batch", "position", "stop", "callbacks", "process"}


def capture(
    model: Any, group: Any, epoch: int, batch: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Document and arrays of a run that is to go on at `batch` of `epoch`."""
    with model._scope():
        document.built_weights(model)
        told = document.describe_state(model)
        arrays = {path: document.on_host(w) for path, w in _state(model).items()}
    told["slots"] = [document.slots(model, optimizer) for optimizer in optimizers(model)]
    states = {name: _pack(c.get_state(), CALLBACKS + name, arrays) for name, c in _named(group)}
    told["fit"] = {
        "epoch": epoch, "batch": batch, "position": group.stream.position,
        "stop": model.stop_training, "callbacks": states, "process": random.get_state(),
    }  # fmt: skip
    return told, arrays


def _state(model: Any) -> dict[str, Weight]:
    """Everything that training changes, by path."""
    found = weight_paths(model)
    for i in range(len(optimizers(model))):
        found = found | optimizer_paths(model, i)
    return found | metric_paths(model)


def _named(group: Any) -> list[tuple[str, Any]]:
    return numbered((type(c).__name__, c) for c in group.callbacks)


def _pack(value: Any, path: str, arrays: dict[str, Any]) -> Any:
    """`value` with its arrays moved to `arrays`, each leaving its path behind."""
    if isinstance(value, dict):
        return {key: _pack(item, f"{path}/{key}", arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_pack(item, f"{path}/{i}", arrays) for i, item in enumerate(value)]
    if type(value).__module__ == "numpy" and value.ndim:
        arrays[path] = value
        return {"tensor": path}
    return value


def _unpack(value: Any, arrays: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"tensor"} and value["tensor"] in arrays:
            return arrays[value["tensor"]]
        return {key: _unpack(item, arrays) for key, item in value.items()}
    return [_unpack(item, arrays) for item in value] if isinstance(value, list) else value


class Earlier:
    """A run of an earlier process: read and checked, not yet taken up."""

    def __init__(self, model: Any, group: Any, path: Any) -> None:
        self.model, self.group, self.path = model, group, path
        with Reader(path) as file:
            self.told = self._document(file)
            self._build_slots(file)
            mine = {n: e for n, e in file.entries.items() if not n.startswith(CALLBACKS)}
            transfer.compare(_state(model), mine, path)
            self.random = document.restore_random(self.told["random"], model, path)
            self.arrays = transfer.read_all(file, file.entries, self.told["checksums"])
        fit = self.told["fit"]
        self.epoch, self.batch, self.position = fit["epoch"], fit["batch"], fit["position"]

    def _document(self, file: Reader) -> dict[str, Any]:
        told = document.read(file)
        if told is None or told["fit"] is None:
            raise file.fail("holds no training run")
        fit = told["fit"]
        counts = [fit.get(key) for key in ("epoch", "batch", "position")]
        if set(fit) != FIT or not all(type(n) is int and 0 <= n < 2**48 for n in counts):
            raise file.fail("bad description: 'fit' is not as polyk writes it")
        process, states = fit["process"], fit["callbacks"]
        if process is not None and not document.words(process, 3):
            raise file.fail("bad description: 'process' is not as polyk writes it")
        if not isinstance(states, dict) or not all(isinstance(s, dict) for s in states.values()):
            raise file.fail("bad description: the states of callbacks are not objects")
        return told

    def _build_slots(self, file: Reader) -> None:
        found, known = optimizers(self.model), weight_paths(self.model)
        slots = self.told["slots"]
        if len(slots) != len(found) or not all(set(row) <= set(known) for row in slots):
            raise file.fail("its optimizers are not those of the model")
        with self.model._scope():
            for optimizer, row in zip(found, slots, strict=True):
                optimizer.build([known[path] for path in row])

    def restore(self, stream: Any, epochs: int) -> None:
        """Put everything where it was; `stream` is at the epoch that this `fit` began with."""
        transfer.fill(_state(self.model), self.arrays, self.model)
        with self.model._scope():
            for step in self.random:
                step()
            random.set_state(self.told["fit"]["process"])
        self.model.stop_training = bool(self.told["fit"]["stop"])
        states = self.told["fit"]["callbacks"]
        for name, callback in _named(self.group):
            if name in states:
                callback.set_state(_unpack(states[name], self.arrays))
        stream.resume(self.position, epochs, self.batch)
