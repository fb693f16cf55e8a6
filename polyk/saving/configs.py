"""Models as JSON, and back: what a file may name, and how the objects are made from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from polyk.errors import LoadError, PolykError, SaveError
from polyk.layers.base import REGISTRY as LAYERS
from polyk.models.model import Model
from polyk.registry import CustomObjectScope, registered_name
from polyk.saving import strict_json
from polyk.symbolic import Spec
from polyk.weights import postponed

NAME = re.compile(r"[\w.\-]{1,128}(?:>[\w.\-]{1,128})?")
LAYER_MODULE = "polyk.layers"  # a tag that says "a layer"; compared, never imported
CODE = {"Lambda": "holds code of the program that saved it, which no file can"}


def describe(model: Any) -> dict[str, Any]:
    """What makes an equal model without its weights, as plain data."""
    try:
        told = {"class_name": registered_name(type(model)), "config": model.get_config()}
        config = strict_json.plain(told, "config")
    except (TypeError, ValueError) as e:
        raise SaveError(f"{model.where()}: {e}") from e
    for node in _nodes(config):
        problem = CODE.get(str(node["class_name"]))
        if problem:
            name = (node.get("config") or {}).get("name", node["class_name"])
            raise SaveError(
                f"layer {name!r} ({node['class_name']}) {problem}. Write a layer class and "
                "register it with @polyk.saving.register_serializable(), or save_weights."
            )
    if any("backend" in (node.get("config") or {}) for node in _nodes(config)):
        raise SaveError(f"{model.where()}: no config of a layer may have an argument 'backend'.")
    if "<lambda>" in _strings(config):
        raise SaveError(
            f"{model.where()} holds a lambda, which cannot be told as data: give it a name with "
            "def and @polyk.saving.register_serializable()."
        )
    return dict(config)


def _nodes(data: Any) -> Iterator[dict[str, Any]]:
    """The configs of objects anywhere in `data`."""
    todo = [data]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if "class_name" in item:
                yield item
            todo += item.values()
        elif isinstance(item, list):
            todo += item


def _strings(data: Any) -> set[str]:
    todo, found = [data], set()
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            found.add(item)
        else:
            todo += (
                item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
            )
    return found


def check(data: Any, path: object) -> None:
    """Refuse configs that name anything but a class of a closed table, before any is made."""
    for node in _nodes(data):
        name = node["class_name"]
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise LoadError(path, f"{str(name)[:80]!r} is no name of a class")
        if node.get("module", LAYER_MODULE) != LAYER_MODULE or "registered_name" in node:
            raise LoadError(
                path, f"{name!r} comes with the name of a module; nothing is imported for a file"
            )
        config = node.get("config", {})
        if not isinstance(config, dict):
            raise LoadError(path, f"the config of {name!r} is not an object")
        if "backend" in config:  # a backend may be named by its module
            raise LoadError(path, f"the config of {name!r} names a backend; no file may choose one")
        if name in CODE:
            raise LoadError(path, f"{name} {CODE[name]}")


@contextmanager
def told_as_load_error(path: object) -> Iterator[None]:
    """Whatever goes wrong while objects are made from a file is a `LoadError` of that file."""
    try:
        yield
    except LoadError:
        raise
    except RecursionError:
        raise LoadError(path, "nested too deeply") from None
    except Exception as e:
        told = e if isinstance(e, PolykError) else f"{type(e).__name__}: {e}"
        raise LoadError(path, f"cannot be made into a model: {told}") from e


def revive(
    told: Any, path: object, inputs: Any = None, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The model that `describe` told, with weights that have shapes and no values yet."""
    check(told, path)
    if not isinstance(told, dict) or not {"class_name", "config"} <= set(told):
        raise LoadError(path, "the model must be an object with class_name and config")
    with told_as_load_error(path), CustomObjectScope(custom_objects), postponed():
        model = LAYERS.get(told)
        if not isinstance(model, Model):
            raise LoadError(path, f"{told['class_name']!r} is no model")
        if inputs is not None and not model._claimed:
            with model._scope():
                model._claim(tuple(_specs(item) for item in inputs))
    return model


def specs_as_data(tree: Any) -> Any:
    """Nested Specs as plain data."""
    if isinstance(tree, Spec):
        return {"shape": list(tree.shape), "dtype": tree.dtype}
    if isinstance(tree, dict):
        return {"dict": {key: specs_as_data(item) for key, item in tree.items()}}
    return [specs_as_data(item) for item in tree] if isinstance(tree, (list, tuple)) else None


def _specs(told: Any) -> Any:
    if isinstance(told, list):
        return [_specs(item) for item in told]
    if told is None:
        return None
    if "dict" in told:
        return {key: _specs(item) for key, item in told["dict"].items()}
    return Spec(told["shape"], told["dtype"])


def to_json(model: Any) -> str:
    """The architecture of a model as JSON, without weights; see `model_from_json`."""
    return strict_json.dumps(describe(model))


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A new model, with first values for its weights, from what `to_json` gave."""
    try:
        told = strict_json.loads(json_string.encode())
    except ValueError as e:
        raise LoadError("JSON", str(e)) from None
    model = revive(told, "JSON", custom_objects=custom_objects)
    with model._scope():
        for weight in model.state:
            if weight.backend is None and model._claimed:
                weight.initialize(model.backend)
    return model
