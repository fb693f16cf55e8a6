"""Files that Keras 3 opens: ``.keras``, ``.weights.h5`` and the older ``.h5``."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np

from polyk.errors import SaveError
from polyk.saving import atomic, configs, keras_archive, keras_export, strict_json
from polyk.saving.document import built_weights, compile_settings, on_host
from polyk.saving.hdf5 import h5py
from polyk.saving.keras_order import ordered_layers, weights_of
from polyk.saving.keras_variables import variables
from polyk.saving.paths import numbered

VERSION = "3.15.1"  # of Keras, whose form this is
MAX_ATTRIBUTE = 64_000  # bytes, in HDF5


def save_model(model: Any, path: Any, overwrite: bool, include_optimizer: bool) -> None:
    """Write a model as Keras would, in the form that the suffix of `path` names."""
    path = os.fspath(path)
    with model._scope():
        built_weights(model)
        configs.describe(model)  # raises for what no file can hold
        told = keras_export.layer(model)
        trained = include_optimizer and model.optimizer is not None
        settings = compile_settings(model) if trained else None
        if settings is not None:
            told["compile_config"] = keras_export.training(settings)
        if path.endswith(".keras"):
            pieces = _archive(model, told)
        else:
            pieces = [_h5(lambda file: _legacy(file, model, told))]
    atomic.write(path, pieces, overwrite)


def save_weights(model: Any, path: Any, overwrite: bool) -> None:
    """Write the weights alone: ``.weights.h5`` in Keras 3's layout, another ``.h5`` in the old."""
    path = os.fspath(path)
    if path.endswith(".keras"):
        raise SaveError(f"{path}: a .keras file holds a model: model.save writes it.")
    fill = _variables if path.endswith(".weights.h5") else _layers
    with model._scope():
        built_weights(model)
        content = _h5(lambda file: fill(file, model))
    atomic.write(path, [content], overwrite)


def _h5(fill: Any) -> Any:
    """The bytes of an HDF5 file that `fill` writes."""
    buffer = io.BytesIO()
    with h5py().File(buffer, "w") as file:
        fill(file)
    return buffer.getbuffer()


def _archive(model: Any, told: dict[str, Any]) -> list[Any]:
    trained = "compile_config" in told
    return keras_archive.pieces(
        {
            keras_archive.METADATA: strict_json.dumps({"keras_version": VERSION}).encode(),
            keras_archive.CONFIG: strict_json.dumps(told).encode(),
            keras_archive.WEIGHTS: bytes(_h5(lambda file: _variables(file, model, trained))),
        }
    )


def _variables(file: Any, model: Any, trained: bool = True) -> None:
    """The layout of Keras 3; the optimizer's state, if there is one, with `trained`."""
    file.require_group("vars")
    for path, weight in variables(model):
        file[path] = _numbers(weight)
    if trained and model.optimizer is not None:
        for i, weight in enumerate(model.optimizer.state):
            file[f"optimizer/vars/{i}"] = _numbers(weight)


def _numbers(weight: Any) -> Any:
    array = np.asarray(on_host(weight))
    if array.dtype.kind not in "fiub":
        raise SaveError(f"{weight.path} is {weight.dtype}, which HDF5 does not have.")
    return array


# The layout of Keras 1 and 2.


def _legacy(file: Any, model: Any, told: dict[str, Any]) -> None:
    file.attrs["keras_version"], file.attrs["backend"] = VERSION, "tensorflow"
    settings = told.pop("compile_config", None)
    file.attrs["model_config"] = strict_json.dumps(told).encode()
    if settings is not None:
        training = {k: v for k, v in settings.items() if k.startswith(("loss", "metrics"))}
        training["weighted_metrics"] = settings["weighted_metrics"]
        training["optimizer_config"] = settings["optimizer"]
        file.attrs["training_config"] = strict_json.dumps(training).encode()
    _layers(file.create_group("model_weights"), model)


def _layers(group: Any, model: Any) -> None:
    layers = ordered_layers(model)
    group.attrs["keras_version"], group.attrs["backend"] = VERSION, "tensorflow"
    _names(group, "layer_names", [layer.name for layer in layers])
    for layer in layers:
        inner = group.create_group(layer.name)
        named = numbered((f"{layer.name}/{w.name}", w) for w in weights_of(layer))
        _names(inner, "weight_names", [name for name, _ in named])
        for name, weight in named:
            inner[name] = _numbers(weight)
    _names(group.create_group("top_level_model_weights"), "weight_names", [])


def _names(group: Any, attribute: str, names: list[str]) -> None:
    """A list of names as an attribute, in pieces if it is long."""
    encoded = [name.encode() for name in names]
    width = max(map(len, encoded), default=1)
    size = MAX_ATTRIBUTE // width
    parts = [encoded[i : i + size] for i in range(0, len(encoded), size)] or [[]]
    for i, part in enumerate(parts):
        group.attrs[f"{attribute}{i}" if len(parts) > 1 else attribute] = np.array(part, "S")
