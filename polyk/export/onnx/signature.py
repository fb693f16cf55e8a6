"""What goes into a model: Specs, and a name for each."""

from __future__ import annotations

from typing import Any

from polyk import trees
from polyk.graph import spec
from polyk.layers.spec import specs
from polyk.symbolic import Spec


def signature(model: Any, given: Any) -> tuple[Any, list[str]]:
    """The inputs of `model` as nested Specs, and their names; `given` goes before what it knows."""
    known = getattr(model, "input", None) if hasattr(model, "inputs") else None
    first = model._input_specs
    found = trees.map(spec, known) if known is not None else first[0] if first else None
    if given is not None:
        found = _given(given, found, model.dtype)
    if found is None:
        raise ValueError(
            f"{model.where()} does not know its inputs yet: call it, build(shape) it, or export "
            "with input_signature=[(None, ...)]."
        )
    count = len(trees.flatten(found))
    names = list(getattr(model, "input_names", ())) if known is not None else []
    if len(names) != count:
        names = [t.name for t in trees.flatten(known)] if known is not None else []
    if len(names) != count:
        names = ["input"] if count == 1 else [f"input_{i}" for i in range(count)]
    return found, names


def _given(given: Any, found: Any, dtype: str) -> Any:
    """Specs of what the user gave, in the structure and the dtypes of what the model knows."""
    leaves = trees.flatten(found)
    wanted = [
        Spec(s.shape, s.dtype) if hasattr(s, "shape") else None
        for s in (trees.flatten(given) if not _shapes(given) else [])
    ]
    if not wanted:
        wanted = trees.flatten(specs(given, dtype))
        kinds = [s.dtype for s in leaves] or [dtype] * len(wanted)
        wanted = [Spec(s.shape, d) for s, d in zip(wanted, kinds, strict=True)]
    if found is not None:
        return trees.unflatten(found, wanted)
    return wanted[0] if len(wanted) == 1 else wanted


def _shapes(given: Any) -> bool:
    return not any(hasattr(s, "shape") for s in trees.flatten(given))
