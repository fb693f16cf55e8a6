"""Opening Keras's files: the data in them checked, told in polyk's words, and then as any other."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

from polyk import dtypes
from polyk.errors import LoadError
from polyk.registry import CustomObjectScope
from polyk.saving import (
    configs,
    keras_archive,
    keras_legacy,
    keras_training,
    keras_variables,
    strict_json,
    transfer,
)  # fmt: skip
from polyk.saving.hdf5 import View
from polyk.saving.keras_config import Dialect
from polyk.saving.paths import weight_paths
from polyk.weights import Weight


def load_model(path: Any, custom_objects: Mapping[str, Any] | None, compile: bool) -> Any:
    """The model in a file of Keras."""
    path = os.fspath(path)
    if path.endswith(".keras"):
        return _from_archive(path, custom_objects, compile)
    with View(path) as file:
        config = file.groups[""].get("model_config")
        if not isinstance(config, str):
            raise file.fail("holds no model: make the model, then model.load_weights")
        dialect = Dialect(keras_legacy.Writer(file, "").version, path)
        model, _ = revive(_json(config, path), dialect, custom_objects)
        fill(file, model, keras_legacy.read(file, model, "model_weights"))
        training = file.groups[""].get("training_config")
        if compile and isinstance(training, str):
            with model._scope(), CustomObjectScope(custom_objects):
                keras_training.compiled(model, _json(training, path), path)
    return model


def _from_archive(path: str, custom_objects: Mapping[str, Any] | None, compile: bool) -> Any:
    members = keras_archive.read(path)
    version = _json(members[keras_archive.METADATA], path).get("keras_version")
    dialect = Dialect(2 if str(version).startswith("2.") else 3, path)
    config = _json(members[keras_archive.CONFIG], path)
    model, training = revive(config, dialect, custom_objects)
    with View(path, members[keras_archive.WEIGHTS]) as file:
        fill(file, model, keras_variables.read(file, model))
        with model._scope(), CustomObjectScope(custom_objects):
            if compile and keras_training.compiled(model, training, path):
                state = [file.read(p) for p in keras_variables.optimizer_arrays(file)]
                if state:
                    keras_training.restore(model.optimizer, state, path)
    return model


def load_weights(model: Any, path: Any) -> None:
    """Set all weights of a model from a file of Keras, or none."""
    path = os.fspath(path)
    members = keras_archive.read(path) if path.endswith(".keras") else {}
    with View(path, members.get(keras_archive.WEIGHTS)) as file:
        group = "model_weights" if "model_weights" in file.groups else ""
        if {"layer_names", "layer_names0"} & set(file.groups[group]):
            found = keras_legacy.read(file, model, group)
        else:
            found = keras_variables.read(file, model)
        fill(file, model, found)


def _json(text: str | bytes, path: str) -> dict[str, Any]:
    try:
        told = strict_json.loads(text.encode() if isinstance(text, str) else text)
    except ValueError as e:
        raise LoadError(path, f"its config: {e}") from None
    if not isinstance(told, dict):
        raise LoadError(path, "its config is not an object")
    return told


def revive(
    told: dict[str, Any], dialect: Dialect, custom_objects: Mapping[str, Any] | None
) -> tuple[Any, Any]:
    """The model of a config, its weights with shapes and no values yet, and how it was trained."""
    shape = (told.get("build_config") or {}).get("input_shape")
    inputs = [{"shape": shape, "dtype": "float32"}] if shape else None
    with configs.told_as_load_error(dialect.path), CustomObjectScope(custom_objects):
        made = dialect.layer(told)
    model = configs.revive(made, dialect.path, inputs, custom_objects)
    if not model._claimed:
        raise LoadError(
            dialect.path,
            "the model does not say the shape of its inputs. Make it, build(shape), load_weights",
        )
    return model, told.get("compile_config")


def fill(file: View, model: Any, found: Mapping[Weight, Any]) -> None:
    """Put the arrays into the weights after all of them have been found to fit."""
    import numpy as np

    expected = weight_paths(model)
    arrays, odd = {}, []
    for path, weight in expected.items():
        array = found.get(weight)
        if array is None:
            raise file.fail("is not in the file", path)
        if tuple(array.shape) != weight.shape:
            raise file.fail(f"has shape {array.shape}; the model's has {weight.shape}", path)
        floats = weight.dtype in dtypes.FLOATS and array.dtype.name in dtypes.FLOATS
        if array.dtype.name != weight.dtype and not floats:
            raise file.fail(f"is {array.dtype.name}; the model's is {weight.dtype}", path)
        arrays[path] = np.asarray(array, _numpy(weight.dtype))
        if floats and not np.isfinite(arrays[path].astype("float32", copy=False)).all():
            odd.append(path)
    if odd:
        told = f"{file.path} holds NaN or infinity in {', '.join(odd[:5])}."
        warnings.warn(told, UserWarning, stacklevel=4)
    transfer.fill(expected, arrays, model)


def _numpy(dtype: str) -> Any:
    from polyk.saving.safetensors import numpy_dtype

    return numpy_dtype(dtype, "a weight").newbyteorder("=")
