"""Formats that an engine writes: the model is brought there, and the engine traces it."""

from __future__ import annotations

import os
from typing import Any

from polyk import trees
from polyk.errors import SaveError
from polyk.interop.pure import Pure
from polyk.models.cloning import clone_model
from polyk.select import get_backend, use
from polyk.symbolic import Spec


def savedmodel(model: Any, filepath: Any, input_signature: Any = None, **options: Any) -> None:
    """A folder for `tf.saved_model.load` and TF Serving, with the endpoint ``serve``."""
    _through("tensorflow", model, filepath, input_signature, options)


def torch(model: Any, filepath: Any, input_signature: Any = None, **options: Any) -> None:
    """A ``.pt2`` file for `torch.export.load`, without Python code."""
    _through("torch", model, filepath, input_signature, options)


def stablehlo(model: Any, filepath: Any, input_signature: Any = None, **options: Any) -> None:
    """StableHLO for `jax.export.deserialize`."""
    _through("jax", model, filepath, input_signature, options)


def _through(name: str, model: Any, filepath: Any, signature: Any, options: Any) -> None:
    inputs = _signature(model, signature)
    twin = _on(model, name)
    with twin._scope():
        twin.backend.export(
            Pure(twin, inputs), trees.flatten(inputs), os.fspath(filepath), **options
        )


def _signature(model: Any, given: Any) -> Any:
    """Specs of the inputs, nested as the model takes them."""
    if given is None:
        given = model._input_specs[0] if model._input_specs else getattr(model, "input", None)
    if given is None:
        raise SaveError(f"{model.where()} does not know its inputs: give input_signature.")
    return _specs(given, model.compute_dtype)


def _specs(tree: Any, dtype: str) -> Any:
    if hasattr(tree, "shape"):
        return Spec(tuple(tree.shape), str(tree.dtype))
    if isinstance(tree, dict):
        return {key: _specs(item, dtype) for key, item in tree.items()}
    if all(d is None or isinstance(d, int) for d in tree):
        return Spec(tuple(tree), dtype)
    return [_specs(item, dtype) for item in tree]


def _on(model: Any, name: str) -> Any:
    """`model`, or a copy of it that lives on the backend called `name`."""
    if model.backend.name == name:
        return model
    with use(get_backend(name)):
        twin = clone_model(model)
        twin._claim(model._input_specs or ())
        twin.set_weights(model.get_weights())
    return twin
