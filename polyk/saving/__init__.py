"""Saving and loading: one file, data only, whole or not there.

`safetensors` and `strict_json` read without trust, `atomic` writes safely; `configs`, `paths` and
`document` say what a model is as data; `transfer` moves tensors into weights, all or none;
`models` is what users call.
"""

from polyk.registry import CustomObjectScope, register_serializable
from polyk.saving.configs import model_from_json
from polyk.saving.models import load_model, load_weights, save_model, save_weights

custom_object_scope = CustomObjectScope
register_keras_serializable = register_serializable

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "load_model",
    "load_weights",
    "model_from_json",
    "register_keras_serializable",
    "register_serializable",
    "save_model",
    "save_weights",
]
