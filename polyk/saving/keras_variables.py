"""Where ``.weights.h5`` (Keras 3, and 2 from 2.13 on) keeps the weights of each layer.

``layers/dense_1/vars/0``: by the class and its count among neighbors, then by the attribute that
holds an inner layer, and the number of the weight; names of layers play no part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from polyk.layers.base import Layer
from polyk.models.functional import Functional
from polyk.models.sequential import Sequential
from polyk.registry import snake_case
from polyk.saving.hdf5 import View
from polyk.saving.keras_order import ordered_layers, own_weights
from polyk.saving.paths import numbered
from polyk.weights import Weight

CLASSES = {"GroupQueryAttention": "GroupedQueryAttention"}  # Keras's name for the class itself
PRIVATE = ("GroupQueryAttention",)  # whose inner layers Keras keeps under names with an underscore
IGNORED = re.compile(r"(?:optimizer|.*seed_generator|_?metrics|.*_metrics?(?:/.*)?)/vars/\d+")


def variables(model: Any) -> Iterator[tuple[str, Weight]]:
    """Every place in a file with the weight that is there; a shared one has several.

    Keras writes a shared layer at the first, and reads a model within a model at its own.
    """
    yield from _visit(model, "", ())


def _visit(layer: Any, prefix: str, outer: tuple[Any, ...]) -> Iterator[tuple[str, Weight]]:
    if any(x is layer for x in outer):
        return
    outer = (*outer, layer)
    for i, weight in enumerate(own_weights(layer)):
        yield f"{prefix}vars/{i}", weight
    if isinstance(layer, (Functional, Sequential)):
        yield from _list(ordered_layers(layer), f"{prefix}layers/", outer)
    private = "_" if type(layer).__name__ in PRIVATE else ""
    for name, value in sorted(layer.__dict__.items()):
        if name.startswith("_"):
            continue
        if isinstance(value, Layer):
            yield from _visit(value, f"{prefix}{private}{name}/", outer)
        elif isinstance(value, (list, tuple, dict)):
            yield from _list(value, f"{prefix}{name}/", outer)


def _list(items: Any, prefix: str, outer: tuple[Any, ...]) -> Iterator[tuple[str, Weight]]:
    items = list(items.values() if isinstance(items, dict) else items)
    layers = [(_kind(x), x) for x in items if isinstance(x, Layer)]
    for name, layer in numbered(layers):
        yield from _visit(layer, f"{prefix}{name}/", outer)


def _kind(layer: Layer) -> str:
    name = type(layer).__name__
    return snake_case(CLASSES.get(name, name))


def read(file: View, model: Any) -> dict[Weight, Any]:
    """The arrays for all weights of `model`; nothing is set yet."""
    stored = {_plain(path): path for path in file.entries if not IGNORED.fullmatch(path)}
    expected = {_plain(path): weight for path, weight in variables(model)}
    there = {weight for path, weight in expected.items() if path in stored}
    missing = [path for path, weight in expected.items() if weight not in there]
    extra = [path for path in stored if path not in expected]
    if missing or extra:
        told = [f"it lacks {', '.join(missing[:3])}"] if missing else []
        told += [f"the model has no {', '.join(extra[:3])}"] if extra else []
        raise file.fail(f"its weights are not those of the model: {'; '.join(told)}")
    expected = {path: weight for path, weight in expected.items() if path in stored}
    for path, weight in expected.items():
        shape = file.entries[stored[path]].shape
        if shape != weight.shape:
            raise file.fail(f"has shape {shape}; the model's has {weight.shape}", stored[path])
    return {weight: file.read(stored[path]) for path, weight in expected.items()}


def _plain(path: str) -> str:
    """A path without what differs from version to version."""
    path = path.replace("_layer_checkpoint_dependencies/", "layers/")
    return "/".join(part.lstrip("_") for part in path.split("/"))


def optimizer_arrays(file: View) -> list[str]:
    """The paths of the optimizer's state, in order."""
    found = [path for path in file.entries if re.fullmatch(r"optimizer/vars/\d{1,9}", path)]
    return sorted(found, key=lambda path: int(path.rpartition("/")[2]))
