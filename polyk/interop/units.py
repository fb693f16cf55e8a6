"""Which weights of theirs are which of ours, found by kind and order, checked before any is set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from polyk.errors import ShapeError, UnknownName, did_you_mean
from polyk.layers import MultiHeadAttention
from polyk.models.model import Model
from polyk.saving.document import built_weights
from polyk.weights import Weight

Arrays = dict[str, Any]


class Unit(NamedTuple):
    """A layer that other libraries have as one, and its weights by name."""

    path: str
    layer: Any
    weights: dict[str, Weight]


class Group(NamedTuple):
    """What another library keeps for one layer: arrays by short name, and the full names."""

    path: str
    arrays: Arrays
    names: dict[str, str]


class Rule(NamedTuple):
    """How a layer's arrays become ours (None if they are those of another kind), and theirs."""

    read: Callable[[Unit, Arrays], Arrays | None]
    write: Callable[[Unit, Arrays], Arrays]


class Transfer(NamedTuple):
    """What was set from what: path of a layer -> name of theirs; and what was left on each side."""

    matched: dict[str, str]
    missing: list[str]
    unused: list[str]


def same(x: Any) -> Any:
    return x


def renamed(**pairs: Any) -> Rule:
    """A rule from ``ours="theirs"``, or ``ours=("theirs", to ours, to theirs)``."""
    table = {k: (v, same, same) if isinstance(v, str) else v for k, v in pairs.items()}

    def read(unit: Unit, theirs: Arrays) -> Arrays | None:
        found = {k: (name, turn) for k, (name, turn, _) in table.items() if k in unit.weights}
        if any(name not in theirs for name, _ in found.values()) or len(found) != len(theirs):
            return None
        fit = all(theirs[name].ndim == len(unit.weights[k].shape) for k, (name, _) in found.items())
        return {k: turn(theirs[name]) for k, (name, turn) in found.items()} if fit else None

    def write(unit: Unit, ours: Arrays) -> Arrays:
        return {table[k][0]: table[k][2](array) for k, array in ours.items()}

    return Rule(read, write)


def units(model: Model) -> list[Unit]:
    """The layers of a model that have weights, in its order."""
    owners: dict[Weight, Any] = {}
    for layer in model._flatten_layers():
        for w in layer.weights if isinstance(layer, MultiHeadAttention) else _own(layer):
            owners.setdefault(w, layer)
    found: dict[int, Unit] = {}
    for path, w in built_weights(model).items():
        layer = owners[w]
        parts = path.split("/")
        cut = len(parts) - (2 if isinstance(layer, MultiHeadAttention) else 1)
        unit = found.setdefault(id(layer), Unit("/".join(parts[:cut]), layer, {}))
        unit.weights["/".join(parts[cut:])] = w
    return list(found.values())


def _own(layer: Any) -> list[Weight]:
    return list(dict.fromkeys((*layer._own_weights.values(), *layer._loose_weights)))


def rule_of(unit: Unit, rules: Mapping[Any, Rule]) -> Rule:
    """The rule for the layer's class, or the next base class that has one."""
    for cls in type(unit.layer).__mro__:
        if cls in rules:
            return rules[cls]
    return renamed(**{name: name for name in unit.weights})


def match(
    ours: Sequence[Unit], groups: Sequence[Group], rules: Mapping[Any, Rule],
    names: Mapping[str, str] | None,
) -> tuple[list[tuple[Unit, Group, Arrays]], list[Group]]:  # fmt: skip
    """Each unit with the next group that fits it, or the one that `names` says; and the rest."""
    left = {group.path: group for group in groups}
    found = []
    for path in names or {}:
        if path not in {unit.path for unit in ours}:
            known = [unit.path for unit in ours]
            raise UnknownName(f"names: no layer {path!r}.{did_you_mean(path, known)} {known}")
    for unit in ours:
        rule = rule_of(unit, rules)
        wanted = (names or {}).get(unit.path)
        for group in [left[wanted]] if wanted in left else [] if wanted else list(left.values()):
            arrays = rule.read(unit, group.arrays)
            if arrays is not None and set(arrays) == set(unit.weights):
                found.append((unit, left.pop(group.path), arrays))
                break
    return found, list(left.values())


def load(
    model: Model, groups: Sequence[Group], rules: Mapping[Any, Rule],
    names: Mapping[str, str] | None, partial: bool,
) -> Transfer:  # fmt: skip
    """Set the weights of `model`; all that does not fit is an error, unless `partial`."""
    ours = units(model)
    found, unused = match(ours, groups, rules, names)
    matched = {unit.path: group.path for unit, group, _ in found}
    missing = [unit.path for unit in ours if unit.path not in matched]
    if (missing or unused) and not partial:
        told = [f"nothing fits {', '.join(missing)}"] if missing else []
        told += [f"{', '.join(g.path for g in unused)} fits no layer"] if unused else []
        raise UnknownName(
            f"{model.where()}: {'; '.join(told)}. Say names={{layer: theirs}}, or partial=True."
        )
    for unit, group, arrays in found:
        for name, weight in unit.weights.items():
            if tuple(arrays[name].shape) != weight.shape:
                raise ShapeError(
                    f"{group.path!r} makes {unit.path}/{name} {tuple(arrays[name].shape)}; the "
                    f"model's has {weight.shape}."
                )
    with model._scope():
        for unit, _, arrays in found:
            for name, weight in unit.weights.items():
                weight.assign(arrays[name])
    return Transfer(matched, missing, [group.path for group in unused])


def dump(
    model: Model, like: Sequence[Group] | None, rules: Mapping[Any, Rule], separator: str
) -> Arrays:
    """The weights in their layout, under the names of `like`, or under ours."""
    ours = units(model)
    if like is None:
        places = [(unit, None) for unit in ours]
    else:
        found, unused = match(ours, like, rules, None)
        if unused or len(found) < len(ours):
            raise UnknownName(f"{model.where()}: the layers of `like` are not those of the model.")
        places = [(unit, group) for unit, group, _ in found]  # type: ignore[misc]
    result: Arrays = {}
    for unit, group in places:
        arrays = {name: w.numpy() for name, w in unit.weights.items()}
        for name, array in rule_of(unit, rules).write(unit, arrays).items():
            full = f"{unit.path}/{name}".replace("/", separator)
            result[group.names[name] if group else full] = array
    return result


def on_host(x: Any) -> Any:
    """An array of any library as NumPy's, half precision of torch widened."""
    import numpy as np

    if hasattr(x, "detach"):
        x = x.detach().cpu()
        x = x.float() if "bfloat16" in str(x.dtype) else x
    return np.asarray(x)
