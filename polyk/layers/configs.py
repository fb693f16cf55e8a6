"""The config of a layer: the arguments of its ``__init__`` as plain data, and back."""

from __future__ import annotations

import inspect
from typing import Any

from polyk.dtype_policies import DTypePolicy
from polyk.graph import has_graph
from polyk.layers.tracking import Tracker
from polyk.registry import Registry, registered_name

LAYERS = Registry("layer")
_COMMON = {
    "name": "name",
    "trainable": "trainable",
    "dtype": "dtype_policy",
    "autocast": "autocast",
}
_MODULE = "polyk.layers"  # tells the configs of layers from those of initializers and so on


def arguments(obj: Any) -> dict[str, Any]:
    """What the ``__init__`` of `obj` and of its bases was given: the attributes of those names.

    An argument that is not kept as an attribute counts as it was given.
    """
    config = {name: to_config(value) for name, value in _given(obj).items()}
    for cls in reversed(type(obj).__mro__):
        if "__init__" in cls.__dict__ and cls is not object:
            for name, p in inspect.signature(cls.__dict__["__init__"]).parameters.items():
                named = p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
                if name != "self" and named and hasattr(obj, name):
                    config[name] = to_config(getattr(obj, name))
    return config


def _given(obj: Any) -> dict[str, Any]:
    """The arguments of the call that made `obj`, a layer of a user, by name."""
    init = type(obj).__init__
    if init.__module__.startswith("polyk."):  # which keep theirs
        return {}
    args, kwargs = obj._given
    signature = inspect.signature(init)
    bound = signature.bind_partial(obj, *args, **kwargs).arguments
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = [p.name for p in list(signature.parameters.values())[1:] if p.kind not in several]
    return {name: bound[name] for name in named if name in bound and not has_graph(bound[name])}


def make(cls: Any, config: dict[str, Any]) -> Any:
    """``cls(**config)``; what all layers have and this ``__init__`` does not take is set after."""
    takes = inspect.signature(cls.__init__).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in takes):
        return cls(**config)
    after = {k: config[k] for k in _COMMON if k in config and k not in {p.name for p in takes}}
    made = cls(**{k: v for k, v in config.items() if k not in after})
    for name, value in after.items():
        setattr(made, _COMMON[name], value)
    return made


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
