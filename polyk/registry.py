"""Names and objects: how ``activation="relu"`` or ``loss="mse"`` becomes the thing itself.

A name is looked up in closed tables and nowhere else; nothing is ever imported because a file or a
string names it. polyk's own classes are in the table of their kind. A class of a user is found only
if the program said so: by `register_serializable`, in a `CustomObjectScope`, or in the
``custom_objects`` of a loader.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from polyk.errors import UnknownName, did_you_mean

CUSTOM: dict[str, Any] = {}  # "package>name" -> class or function
_NAMES: dict[Any, str] = {}  # and back
REGISTRIES: list[Registry] = []


def snake_case(name: str) -> str:
    """``Conv2DTranspose`` -> ``conv2d_transpose``, by Keras's rule."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def register_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Any], Any]:
    """As a decorator: files may name this class or function, as ``"package>name"``.

    Registering says that whatever a file passes to the constructor may be passed to it. A class
    that opens paths or runs what it is given should not be registered.
    """

    def register(obj: Any) -> Any:
        full = f"{package}>{name or obj.__name__}"
        if not re.fullmatch(r"[\w.\-]+>[\w.\-]+", full):
            raise ValueError(f"register_serializable: {full!r} is not of the form package>name.")
        known = CUSTOM.get(full, obj)
        if _origin(known) != _origin(obj):
            raise ValueError(
                f"{full!r} is taken by {_told(known)}; give {_told(obj)} a package or a name of "
                "its own: @register_serializable(package=...)."
            )
        CUSTOM[full] = obj
        _NAMES[obj] = full
        return obj

    return register


def _origin(obj: Any) -> Any:
    """Where an object was defined: a class defined anew in a notebook replaces the old one."""
    return getattr(obj, "__module__", None), getattr(obj, "__qualname__", id(obj))


def _told(obj: Any) -> str:
    return ".".join(map(str, _origin(obj)))


def registered_name(obj: Any) -> str:
    """The name by which files call a class or function."""
    obj = getattr(obj, "__dict__", {}).get("_written_as", obj)
    name = _NAMES.get(obj) or str(obj.__name__)
    if name == obj.__name__ and not _is_ours(obj) and any(name in r.table for r in REGISTRIES):
        raise ValueError(
            f"{_told(obj)} has the name of a class or function of polyk; files would mean the "
            "latter. Register it: @polyk.saving.register_serializable(package=...)."
        )
    return name


def get_custom_objects() -> dict[str, Any]:
    """The table of what the program offers to files, by name; it may be written to."""
    return CUSTOM


def get_registered_object(name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """What files mean by `name`: of `custom_objects`, scopes, then the table; None if nothing."""
    return (custom_objects or {}).get(name) or _in_scope(name) or _registered(name)


def _is_ours(obj: Any) -> bool:
    return str(obj.__module__).partition(".")[0] == "polyk"


class _Scopes(threading.local):
    def __init__(self) -> None:
        self.stack: list[Mapping[str, Any]] = []


_scopes = _Scopes()


class CustomObjectScope:
    """In a ``with`` block, names in configs may also mean these classes and functions.

    >>> with CustomObjectScope({"Affine": Affine}): ...
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})

    def __enter__(self) -> CustomObjectScope:
        _scopes.stack.append(self.custom_objects)
        return self

    def __exit__(self, *_: object) -> None:
        _scopes.stack.pop()


def _in_scope(name: str) -> Any:
    """What the innermost `CustomObjectScope` that knows `name` says; None if none does."""
    return next((scope[name] for scope in reversed(_scopes.stack) if name in scope), None)


def _registered(name: str) -> Any:
    """What was registered as `name`, with or without its package."""
    if name in CUSTOM:
        return CUSTOM[name]
    found = [obj for full, obj in CUSTOM.items() if full.endswith(f">{name}")]
    if len(found) > 1:
        raise UnknownName(
            f"{name!r} may mean {' or '.join(map(_told, found))}; write 'package>{name}'."
        )
    return found[0] if found else None


_asked = False


def _ask_plugins() -> bool:
    """Let plugins register what they bring, at the first unknown name; whether they were asked."""
    global _asked
    if _asked:
        return False
    _asked = True
    from polyk.plugins import hooks

    hooks().polyk_register_objects(registry=register_serializable)
    return True


class Registry:
    """One kind of object (layers, losses, ...), by the names of its classes and functions."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.table: dict[str, Any] = {}
        REGISTRIES.append(self)

    def add(self, obj: Any, *aliases: str) -> Any:
        """Enter `obj` under its own name, the snake_case form of it, and `aliases`.

        Only what polyk defines: no class of a user can take the place of one that files name.
        """
        if _is_ours(obj):
            for name in (obj.__name__, snake_case(obj.__name__), *aliases):
                self.table[name] = obj
        return obj

    def alias(self, *aliases: str) -> Callable[[Any], Any]:
        """As a decorator: `add` with aliases."""
        return lambda obj: self.add(obj, *aliases)

    def find(self, name: str) -> Any:
        """The class or function called `name`."""
        found = _in_scope(name) or self.table.get(name) or _registered(name)
        if found is None and _ask_plugins():
            found = _registered(name)
        if found is None:
            raise UnknownName(
                f"no {self.kind} named {name!r}.{did_you_mean(name, self.table)} "
                f"Known: {', '.join(sorted({obj.__name__ for obj in self.table.values()}))}. "
                "One of your own: @polyk.saving.register_serializable(), or custom_objects."
            )
        return found

    def get(self, identifier: Any) -> Any:
        """From a name, a config ``{"class_name": ..., "config": ...}``, a class or an object.

        A class is instantiated with its defaults; functions and objects are returned as they are.
        """
        if identifier is None:
            return None
        if isinstance(identifier, dict):
            found = self.find(identifier["class_name"])
            if not isinstance(found, type):
                return found
            return found.from_config(identifier.get("config", {}))  # type: ignore[attr-defined]
        if isinstance(identifier, str):
            identifier = self.find(identifier)
        if isinstance(identifier, type):
            return identifier()
        if callable(identifier) or hasattr(identifier, "get_config"):
            return identifier
        raise UnknownName(f"{identifier!r} is no {self.kind}, nor the name or config of one.")

    def serialize(self, obj: Any) -> Any:
        """What `get` turns back into an equal object: a name for a function, else a config."""
        if obj is None:
            return None
        if hasattr(obj, "get_config"):
            return {"class_name": registered_name(type(obj)), "config": obj.get_config()}
        return registered_name(obj)


# Keras's names.
custom_object_scope = CustomObjectScope
register_keras_serializable = register_serializable
get_registered_name = registered_name
