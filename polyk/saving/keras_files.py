"""Opening Keras's files: the data in them checked, told in polyk's words, and then as any other."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

from polyk import dtypes
from polyk.errors import LoadError
from polyk.registry import CustomObjectScope
from polyk.saving import configs, keras_legacy, strict_json, transfer
from polyk.saving.hdf5 import View
from polyk.saving.keras_config import Dialect
from polyk.saving.paths import weight_paths
from polyk.weights import Weight

LEGACY = (".h5", ".hdf5")


def load_model(path: Any, custom_objects: Mapping[str, Any] | None, compile: bool) -> Any:
    """The model in a file of Keras."""
    path = os.fspath(path)
    with View(path) as file:
        told = file.groups[""].get("model_config")
        if not isinstance(told, str):
            raise file.fail("holds no model: make the model, then model.load_weights")
        dialect = Dialect(keras_legacy.Writer(file, "").version, path)
        model = revive(told, dialect, custom_objects)
        fill(file, model, _from_legacy(file, model, "model_weights"))
    return model


def load_weights(model: Any, path: Any) -> None:
    """Set all weights of a model from a file of Keras, or none."""
    path = os.fspath(path)
    with View(path) as file:
        group = "model_weights" if "model_weights" in file.groups else ""
        if "layer_names" not in file.groups[group] and "layer_names0" not in file.groups[group]:
            raise file.fail("holds no weights of a Keras model")
        fill(file, model, _from_legacy(file, model, group))


def revive(text: str, dialect: Dialect, custom_objects: Mapping[str, Any] | None) -> Any:
    """The model of a config in JSON, its weights with shapes and no values yet."""
    try:
        told = strict_json.loads(text.encode())
    except ValueError as e:
        raise LoadError(dialect.path, f"its config: {e}") from None
    with configs.told_as_load_error(dialect.path), CustomObjectScope(custom_objects):
        told = dialect.layer(told)
    model = configs.revive(told, dialect.path, None, custom_objects)
    if not model._claimed:
        raise LoadError(
            dialect.path,
            "the model does not say the shape of its inputs. Make it, build(shape), load_weights",
        )
    return model


def _from_legacy(file: View, model: Any, group: str) -> dict[Weight, Any]:
    if group not in file.groups:
        raise file.fail("holds no weights", group)
    return keras_legacy.read(file, model, group)


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
