"""The config of a layer: the arguments of its ``__init__`` as plain data, and back."""

from __future__ import annotations

import inspect
from typing import Any

from polyk.dtype_policies import DTypePolicy
from polyk.layers.tracking import Tracker
from polyk.registry import Registry, registered_name

LAYERS = Registry("layer")
_MODULE = "polyk.layers"  # tells the configs of layers from those of initializers and so on


def arguments(obj: Any) -> dict[str, Any]:
    """What the ``__init__`` of `obj` and of its bases was given, read from the attributes."""
    config = {}
    for cls in reversed(type(obj).__mro__):
        if "__init__" in cls.__dict__ and cls is not object:
            for name, p in inspect.signature(cls.__dict__["__init__"]).parameters.items():
                named = p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
                if name != "self" and named and hasattr(obj, name):
                    config[name] = to_config(getattr(obj, name))
    return config


def to_config(value: Any) -> Any:
    """`value` as data: objects become ``{"class_name", "config"}``, functions their names."""
    if isinstance(value, DTypePolicy):
        return value.name
    if hasattr(value, "get_config"):
        config = {"class_name": registered_name(type(value)), "config": value.get_config()}
        return {"module": _MODULE, **config} if isinstance(value, Tracker) else config
    if isinstance(value, (list, tuple)):
        return [to_config(v) for v in value]
    if isinstance(value, dict):
        return {k: to_config(v) for k, v in value.items()}
    return registered_name(value) if callable(value) else value


def revive(value: Any) -> Any:
    """`value` with the configs of layers in it, also in lists and dicts, made layers again.

    Other objects are left to the layer, which knows of what kind they are.
    """
    if isinstance(value, dict):
        if value.get("module") == _MODULE and "class_name" in value:
            return LAYERS.get(value)
        return {k: revive(v) for k, v in value.items()}
    return [revive(v) for v in value] if isinstance(value, list) else value
