"""Saving and loading: one file, data only, whole or not there.

`safetensors` and `strict_json` read without trust, `atomic` writes safely; `configs`, `paths` and
`document` say what a model is as data; `transfer` moves tensors into weights, all or none;
`models` is what users call; `checkpoints` keeps the newest few, `resume` is a training run,
`exchange` is for other tools.
"""

from polyk.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    register_serializable,
)
from polyk.saving.checkpoints import Checkpoints
from polyk.saving.configs import model_from_json
from polyk.saving.exchange import export_weights
from polyk.saving.models import load_model, load_weights, save_model, save_weights

__all__ = [
    "Checkpoints",
    "CustomObjectScope",
    "custom_object_scope",
    "export_weights",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "model_from_json",
    "register_keras_serializable",
    "register_serializable",
    "save_model",
    "save_weights",
]
