"""Objects whose constructor arguments, kept under their own names, are their config."""

from __future__ import annotations

import inspect
from typing import Any, Self

from polyk.registry import registered_name


class Configured:
    """Mixin that writes `get_config` and `from_config` for such a class."""

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal object, as data."""
        return {name: to_config(getattr(self, name)) for name in arguments(type(self))
                if hasattr(self, name)}  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An object from what `get_config` gave."""
        return cls(**config)


def arguments(cls: type) -> tuple[str, ...]:
    """The names that ``cls(...)`` takes; ``**kwargs`` stands for those of the next base class."""
    names: dict[str, None] = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        found = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        names |= {p.name: None for p in found if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
        if not any(p.kind is p.VAR_KEYWORD for p in found):
            break
    return tuple(names)


def to_config(value: Any) -> Any:
    """`value` as data: objects become ``{"class_name", "config"}``, functions their names."""
    if hasattr(value, "get_config"):
        return {"class_name": registered_name(type(value)), "config": value.get_config()}
    if isinstance(value, (list, tuple)):
        return [to_config(v) for v in value]
    if isinstance(value, dict):
        return {k: to_config(v) for k, v in value.items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    return getattr(value, "__name__", value) if callable(value) else value
