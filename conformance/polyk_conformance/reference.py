"""A second engine to compare with: NumPy's primitives under the contract's own defaults.

Layers and whole trainings have no closed form. Here they run in float64 with no override, no fused
update and no engine's gradient, on the simplest engine there is.
"""

from functools import cache

import polyk
from polyk.contract import Backend

BASES = ("Engine", "Optional", "Primitives", "ABC", "object")  # the others hold defaults
ENGINE_OWN = {"cond", "while_loop", "scan"}  # defaults that cannot be traced


def is_derived(name):
    """Whether `name` is a method of the contract with a default."""
    family = next((c for c in Backend.__mro__ if name in vars(c)), object)
    return family.__name__ not in BASES and not name.startswith("_") and name not in ENGINE_OWN


def overrides(cls, name):
    return is_derived(name) and getattr(cls, name) is not getattr(Backend, name)


@cache
def without_overrides(cls):
    """A backend of class `cls` that has the contract's defaults instead of its own derived ops."""
    names = [name for name in dir(Backend) if overrides(cls, name)]
    defaults = {name: getattr(Backend, name) for name in names}
    return type(f"Derived{cls.__name__}", (cls,), defaults)()


@cache
def engine():
    """The engine to compare with."""
    plain = type(without_overrides(type(polyk.get_backend("numpy"))))
    return type("Reference", (plain,), {"fused_update": Backend.fused_update})()
