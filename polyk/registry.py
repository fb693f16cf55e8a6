"""Names and objects: how ``activation="relu"`` or ``loss="mse"`` becomes the thing itself.

A name is looked up in a closed table and nowhere else; nothing is ever imported because a file or
a string names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from polyk.errors import UnknownName, did_you_mean


def snake_case(name: str) -> str:
    """``Conv2DTranspose`` -> ``conv2d_transpose``, by Keras's rule."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


class Registry:
    """One kind of object (layers, losses, ...), by the names of its classes and functions."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.table: dict[str, Any] = {}

    def add(self, obj: Any, *aliases: str) -> Any:
        """Enter `obj` under its own name, the snake_case form of it, and `aliases`."""
        for name in (obj.__name__, snake_case(obj.__name__), *aliases):
            self.table[name] = obj
        return obj

    def alias(self, *aliases: str) -> Callable[[Any], Any]:
        """As a decorator: `add` with aliases."""
        return lambda obj: self.add(obj, *aliases)

    def find(self, name: str) -> Any:
        """The class or function called `name`."""
        if name not in self.table:
            raise UnknownName(
                f"no {self.kind} named {name!r}.{did_you_mean(name, self.table)} "
                f"Known: {', '.join(sorted({obj.__name__ for obj in self.table.values()}))}."
            )
        return self.table[name]

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
            return {"class_name": type(obj).__name__, "config": obj.get_config()}
        return obj.__name__
