"""The names of weights in files: ``encoder/dense_1/kernel``, the same in every process.

A layer that was not given a name is called after its class and a number that counts all layers of
the process; in a path the number counts within the parent. Names that the user gave stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from polyk.errors import SaveError
from polyk.optimizers import Optimizer
from polyk.registry import snake_case
from polyk.weights import Weight

OPTIMIZER, METRICS, CALLBACKS = "@optimizer/", "@metrics/", "@callbacks/"
SECTIONS = (OPTIMIZER, METRICS, CALLBACKS)


def weight_paths(model: Any) -> dict[str, Weight]:
    """All weights of a model or layer by path, each once, in a fixed order."""
    found: dict[str, Weight] = {}
    taken: set[Weight] = set()
    for prefix, layer in _layers(model):
        own = dict.fromkeys((*layer._own_weights.values(), *layer._loose_weights))
        for name, weight in numbered((w.name, w) for w in own):
            if weight in taken:
                continue
            taken.add(weight)
            if prefix + name in found:
                raise SaveError(f"two weights are called {prefix + name!r}: rename one layer.")
            found[prefix + name] = weight
    return found


def _layers(top: Any) -> Iterable[tuple[str, Any]]:
    """Every layer with the prefix of its paths, outermost first; shared ones where first met."""
    todo, seen = [("", top)], {id(top)}
    while todo:
        prefix, layer = todo.pop()
        yield prefix, layer
        inside = [x for x in layer.layers if id(x) not in seen]
        seen |= set(map(id, inside))
        names = _sibling_names(inside)
        todo += [(f"{prefix}{n}/", x) for n, x in zip(names, inside, strict=True)][::-1]


def _sibling_names(layers: list[Any]) -> list[str]:
    """Names of layers of one parent: automatic ones numbered anew, by their old numbers."""
    groups: dict[str, list[tuple[int, int]]] = {}
    names = [layer.name for layer in layers]
    for i, layer in enumerate(layers):
        base = re.escape(snake_case(type(layer).__name__))
        if found := re.fullmatch(rf"((?:forward_|backward_)?{base})(?:_(\d{{1,9}}))?", layer.name):
            groups.setdefault(found[1], []).append((int(found[2] or 0), i))
    for base, members in groups.items():
        for rank, (_, i) in enumerate(sorted(members)):
            names[i] = f"{base}_{rank}" if rank else base
    return [name for name, _ in numbered((name, None) for name in names)]


def numbered(pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """`pairs` of a name and a thing, with ``_1``, ``_2``, ... after names that come again."""
    counts: dict[str, int] = {}
    found = []
    for name, thing in pairs:
        n = counts[name] = counts.get(name, -1) + 1
        found.append((f"{name}_{n}" if n else name, thing))
    return found


def optimizers(model: Any) -> list[Any]:
    """The optimizer of `compile`, and those that the model keeps for steps of its own."""
    found = [model.optimizer, *model._parts(Optimizer)]
    return list({id(x): x for x in found if x is not None}.values())


def optimizer_paths(model: Any, i: int = 0) -> dict[str, Weight]:
    """The state of the i-th optimizer by path: ``@optimizer/dense/kernel/momentum``."""
    stable = {w.path: path for path, w in weight_paths(model).items()}
    pairs = numbered((_stable(w.path, stable), w) for w in optimizers(model)[i].state)
    prefix = f"{OPTIMIZER}{i}/" if i else OPTIMIZER
    return {prefix + name: weight for name, weight in pairs}


def _stable(path: str, stable: dict[str, str]) -> str:
    """`path` of a slot with the path of its weight, somewhere in it, replaced."""
    parts = path.split("/")
    for length in range(len(parts) - 1, 0, -1):
        for i in range(len(parts) - length + 1):
            weight = "/".join(parts[i : i + length])
            if weight in stable:
                return "/".join([stable[weight], *parts[i + length :]])
    return path


def metric_paths(model: Any) -> dict[str, Weight]:
    """The state of all metrics, by position."""
    state = dict.fromkeys(w for metric in model.metrics for w in metric.state)
    return {f"{METRICS}{i}/{w.name}": w for i, w in enumerate(state)}
