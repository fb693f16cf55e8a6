"""Saving and loading models and weights."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

from polyk import losses, metrics
from polyk.models.model import Model
from polyk.plugins import hooks
from polyk.registry import CustomObjectScope
from polyk.saving import atomic, configs, document, keras_files, keras_write, transfer
from polyk.saving.exchange import open_weights
from polyk.saving.paths import OPTIMIZER, SECTIONS, optimizer_paths, weight_paths
from polyk.saving.safetensors import Entry, Reader
from polyk.weights import postponed

KERAS = (".keras", ".h5", ".hdf5")


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True
) -> None:
    """Write a model to one file: architecture, weights, how it trains and how far it got.

    The file is data only, and any backend reads it. What was at `filepath` stays whole until the
    new file is. Raises `SaveError` for a model that cannot be told as data.
    """
    other = hooks().polyk_checkpoint_format(path=filepath)
    if other is not None:
        other.save(model, filepath)
        return
    if is_keras(filepath):
        keras_write.save_model(model, filepath, overwrite, include_optimizer)
        return
    told, arrays = document.snapshot(model, training=include_optimizer)
    atomic.write(filepath, document.pieces(told, arrays), overwrite)


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Write the weights alone, as safetensors, under their paths (``conv2d/kernel``)."""
    if is_keras(filepath):
        keras_write.save_weights(model, filepath, overwrite)
        return
    told, arrays = document.snapshot(model, architecture=False, training=False)
    atomic.write(filepath, document.pieces(told, arrays), overwrite)


def is_keras(filepath: Any) -> bool:
    """Whether the suffix is one of Keras's formats."""
    return str(os.fspath(filepath)).endswith(KERAS)


def load_model(
    filepath: Any,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model that `save` wrote, on the backend in use, compiled as it was.

    No file can make this run code, read another file or allocate more than it holds. Classes of
    your own are found if registered, or given in `custom_objects`. Raises `LoadError`.
    """
    if not safe_mode:
        raise ValueError("there is no unsafe way to load a model; leave safe_mode out.")
    other = hooks().polyk_checkpoint_format(path=filepath)
    if other is not None:
        return other.load(filepath)
    if is_keras(filepath):
        return keras_files.load_model(filepath, custom_objects, compile)
    with Reader(filepath) as file:
        told = document.read(file)
        if told is None or told["model"] is None:
            raise file.fail("holds weights and no model: make the model, then load_weights")
        model = configs.revive(told["model"], file.path, told["inputs"], custom_objects)
        if compile and told["compile"] is not None:
            _compile(model, told, file, custom_objects)
        expected = weight_paths(model)
        if model.optimizer is not None:
            expected = expected | optimizer_paths(model)
        skipped = tuple(s for s in SECTIONS if s != OPTIMIZER or model.optimizer is None)
        transfer.compare(expected, _without(file.entries, skipped), file.path)
        restore = document.restore_random(told["random"], model, file.path)
        transfer.fill(expected, transfer.read_all(file, expected, told["checksums"]), model)
    with model._scope():
        for step in restore:
            step()
    return model


def _without(entries: Mapping[str, Entry], sections: tuple[str, ...]) -> dict[str, Entry]:
    return {name: entry for name, entry in entries.items() if not name.startswith(sections)}


def _compile(model: Model, told: Any, file: Reader, custom_objects: Any) -> None:
    """Compile as the file says, and give the optimizer slots for the weights that had some."""
    settings = told["compile"]
    configs.check(settings, file.path)
    with (
        configs.told_as_load_error(file.path),
        CustomObjectScope(custom_objects),
        postponed(),
    ):
        made = {"loss": losses.get, "metrics": metrics.get, "weighted_metrics": metrics.get}
        model.compile(**settings | {key: _made(settings[key], get) for key, get in made.items()})
        weights = weight_paths(model)
        model.optimizer.build([weights[path] for path in told["slots"][0]])


def _made(told: Any, get: Any) -> Any:
    """`told` with the objects in it made; names that polyk knows are left to `compile`."""
    if isinstance(told, dict):
        if "class_name" in told:
            return get(told)
        return {key: _made(item, get) for key, item in told.items()}
    return [_made(item, get) for item in told] if isinstance(told, list) else told


def load_weights(
    model: Any, filepath: Any, skip_mismatch: bool = False, partial: bool = False
) -> None:
    """Set the weights from a file of `save` or `save_weights`, or from safetensors of others.

    Of the latter, names may have dots for slashes; a ``.safetensors.index.json`` leads to shards.
    Names, shapes and dtypes must be those of the model; with `partial` (or Keras's word for it,
    `skip_mismatch`) what does not fit is left as it is, and a warning lists it. If anything is
    wrong the model is left as it was. Raises `LoadError`.
    """
    expected = weight_paths(model)
    if not model._claimed:
        raise ValueError(f"{model.where()} has no weights yet: call it, or build(shape), first.")
    if is_keras(filepath):
        keras_files.load_weights(model, filepath)
        return
    with open_weights(filepath) as file:
        told = document.read(file)
        entries = _without(file.entries, SECTIONS if told else ())
        if not told and not set(entries) & set(expected):
            expected = {path.replace("/", "."): weight for path, weight in expected.items()}
        if partial or skip_mismatch:
            expected = _fitting(expected, entries, file.path)
        else:
            transfer.compare(expected, entries, file.path)
        arrays = transfer.read_all(file, expected, told and told["checksums"])
    transfer.fill(expected, arrays, model)


def _fitting(expected: Any, entries: Mapping[str, Entry], path: object) -> dict[str, Any]:
    fits = {
        name: weight for name, weight in expected.items()
        if name in entries and not transfer.misfit(weight, entries[name])
    }  # fmt: skip
    left = [name for name in expected if name not in fits]
    unused = [name for name in entries if name not in fits]
    if left or unused:
        warnings.warn(
            f"{path}: {len(fits)} weights are loaded. Left as they were: {', '.join(left) or '-'}. "
            f"Tensors not used: {', '.join(unused) or '-'}.",
            UserWarning,
            stacklevel=4,
        )
    return fits
