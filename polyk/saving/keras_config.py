"""Configs of Keras 1, 2 and 3 in polyk's words: data to data, nothing is made here.

What comes out goes through `configs.revive`, which checks it as it checks polyk's own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from polyk.errors import LoadError, UnknownName
from polyk.layers.configs import _MODULE, LAYERS
from polyk.saving.keras_names import (
    ANY,
    CLASSES,
    CODE,
    GATHERED_1,
    IDLE,
    IMPLIED,
    INITIALIZERS,
    MERGES,
    RENAMED_1,
    RENAMED_1_OF,
    RENAMED_2,
    VALUES,
)  # fmt: skip
from polyk.saving.keras_wiring import functional, sequential

MODELS = {"Sequential": sequential, "Functional": functional}


class Dialect:
    """Which Keras wrote a config (1, 2 or 3), and which file it is in."""

    def __init__(self, version: int, path: object) -> None:
        self.version, self.path = version, path

    def fail(self, config: Any, reason: str) -> LoadError:
        """An error about a layer, by the name in its config."""
        name = config.get("name") if isinstance(config, dict) else None
        return LoadError(self.path, f"layer {name!r}: {reason}" if name else reason)

    def layer(self, told: Any) -> dict[str, Any]:
        """``{"class_name", "config"}`` of a layer or model as polyk has it."""
        if not isinstance(told, dict) or not isinstance(told.get("class_name"), str):
            raise LoadError(self.path, f"{str(told)[:80]!r} is no config of a layer")
        kind, config = str(told["class_name"]), told.get("config", {})
        name: str = CLASSES.get(kind, kind)
        if name == "Sequential" and isinstance(config, list):
            config = {"layers": config}
        if not isinstance(config, dict):
            raise LoadError(self.path, f"the config of {kind!r} is not an object")
        if kind in CODE:
            raise self.fail(config, f"{kind} holds code or another program, which no file may run")
        if name in MODELS:
            return {"module": _MODULE, "class_name": name, "config": MODELS[name](self, config)}
        if kind == "Merge":
            name, config = self._merge(config)
        name, cls = self._find(name, told, config)
        made = self._arguments(kind, name, cls, config)
        return {"module": _MODULE, "class_name": name, "config": made}

    def _find(self, name: str, told: Any, config: Any) -> tuple[str, Any]:
        """The class, by a name of polyk's or one under which the user registered it."""
        registered = told.get("registered_name")
        if isinstance(registered, str) and name not in LAYERS.table:
            name = registered
        try:
            cls = LAYERS.find(name)
        except UnknownName:
            reason = f"there is no layer {name!r} here. If it is yours, pass it in custom_objects"
            raise self.fail(config, reason) from None
        if not isinstance(cls, type):
            raise self.fail(config, f"{name!r} is no layer")
        return name, cls

    def _merge(self, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The layer that Keras 1's Merge is in one of its modes."""
        mode = config.get("mode")
        if mode not in MERGES:
            raise self.fail(config, f"no counterpart of Merge with mode={str(mode)[:40]!r}")
        made = {"name": config.get("name")}
        if mode == "concat":
            made["axis"] = config.get("concat_axis", -1)
        if mode in ("dot", "cos"):
            made |= {"axes": config.get("dot_axes", -1), "normalize": mode == "cos"}
        return MERGES[mode], made

    def _arguments(self, kind: str, name: str, cls: type, config: Any) -> dict[str, Any]:
        config = {k: v for k, v in config.items() if k != "layers" or name == "StackedRNNCells"}
        if self.version < 2:
            config = _from_keras_1(config, RENAMED_1 | RENAMED_1_OF.get(name, {}))
        if self.version < 3:
            names = RENAMED_2.get(name, {})
            config = {names.get(k, k): v for k, v in config.items()}
            config = IMPLIED.get(kind, {}) | config
        if name == "InputLayer":
            config = _input(config)
        known = takes(cls)
        made = {}
        for key, value in config.items():
            if key in known or cls.__module__.partition(".")[0] != "polyk":
                made[key] = self.value(key, value)
            elif IDLE.get(key, key) is not ANY and self.value(key, value) != IDLE.get(key, value):
                raise self.fail(config, f"{kind} has {key}={str(value)[:60]}, which polyk has not")
            elif key not in IDLE:
                raise self.fail(config, f"{kind} has an argument {key!r}, which polyk has not")
        return made

    def value(self, key: str, value: Any) -> Any:
        """The value of an argument; what it may be follows from the argument's name."""
        if key == "dtype":
            return value["config"]["name"] if isinstance(value, dict) else value
        if key == "axis" and isinstance(value, list) and len(value) == 1:
            return value[0]
        for ending, translate in self._kinds().items():
            if key.endswith(ending):
                return translate(value)
        table: Any = VALUES.get(key, {})
        return table.get(value, value) if isinstance(value, str) else plain(value)

    def _kinds(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "activity_regularizer": _penalty,
            "activation": self._activation,
            "initializer": _initializer,
            "regularizer": _penalty,
            "constraint": _penalty,
            "layer": self._nested,
            "cell": self._nested,
            "cells": lambda told: [self.layer(item) for item in told],
        }

    def _nested(self, told: Any) -> Any:
        return self.layer(told) if isinstance(told, dict) else told

    def _activation(self, told: Any) -> Any:
        if isinstance(told, dict):
            told = plain(told)
        if self.version < 3 and told == "hard_sigmoid":
            return "hard_sigmoid_keras2"
        return told


@cache
def takes(cls: type) -> frozenset[str]:
    """The names of all arguments of a constructor and of those that it passes the rest to."""
    found: set[str] = set()
    for base in cls.__mro__:
        if "__init__" in base.__dict__ and base is not object:
            parameters = inspect.signature(base.__dict__["__init__"]).parameters.values()
            found |= {p.name for p in parameters}
            if all(p.kind is not p.VAR_KEYWORD for p in parameters):
                break
    return frozenset(found).union(getattr(cls, "_of_cell", ())) - {"self", "args", "kwargs"}


def _from_keras_1(config: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    config = dict(config)
    for old, new in GATHERED_1:
        if set(old) <= set(config):
            config[new] = [config.pop(key) for key in old]
    return {names.get(key, key): value for key, value in config.items()}


def _input(config: dict[str, Any]) -> dict[str, Any]:
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    dtype = config.get("dtype") or config.get("input_dtype") or "float32"
    rest = {k: v for k, v in config.items() if k in ("sparse", "ragged", "optional")}
    return {"batch_shape": shape, "dtype": dtype, "name": config.get("name"), **rest}


def plain(told: Any) -> Any:
    """Configs of objects without what Keras adds for its import; names of functions as such."""
    if isinstance(told, list):
        return [plain(item) for item in told]
    if not isinstance(told, dict):
        return told
    if told.get("class_name") == "function":
        return told.get("config")
    if told.get("class_name") == "__tuple__":
        return [plain(item) for item in told.get("items", ())]
    if "class_name" in told:
        return {"class_name": told["class_name"], "config": plain(told.get("config", {}))}
    return {key: plain(item) for key, item in told.items()}


def _initializer(told: Any) -> Any:
    if isinstance(told, str):
        return INITIALIZERS.get(told, told)
    told = plain(told)
    if isinstance(told, dict) and isinstance(told.get("config"), dict):
        config = {k: v for k, v in told["config"].items() if k != "dtype"}
        if config.get("distribution") == "normal":
            config["distribution"] = "truncated_normal"
        return {**told, "config": config}
    return told


def _penalty(told: Any) -> Any:
    """A regularizer or constraint; Keras 1 has its class under ``name``, among the arguments."""
    if isinstance(told, dict) and "class_name" not in told and "name" in told:
        config = {{"m": "max_value"}.get(k, k): v for k, v in told.items() if k != "name"}
        name = {"WeightRegularizer": "L1L2", "L1L2Regularizer": "L1L2"}.get(told["name"])
        return {"class_name": name or told["name"], "config": config}
    return plain(told)
