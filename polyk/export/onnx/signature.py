"""What goes into a model: nested Specs, and a name for each."""

from __future__ import annotations

from typing import Any

from polyk import dtypes, trees
from polyk.graph import spec
from polyk.layers.spec import specs
from polyk.symbolic import Spec


def signature(model: Any, given: Any = None) -> tuple[Any, list[str]]:
    """The inputs of `model`; what is `given`, Specs or shapes, goes before what it knows."""
    known, names = _known(model)
    if given is not None:
        known = _wanted(model, given, known)
    if known is None:
        raise ValueError(
            f"{model.where()} does not know its inputs yet: call it, build(shape) it, or export "
            "with input_signature=[(None, ...)]."
        )
    count = len(trees.flatten(known))
    if len(names) != count:
        names = ["input"] if count == 1 else [f"input_{i}" for i in range(count)]
    return known, names


def _known(model: Any) -> tuple[Any, list[str]]:
    """From its Inputs, or from the data on which it was first called."""
    if hasattr(model, "inputs"):
        return trees.map(spec, model.input), [t.name for t in model.inputs]
    first = model._input_specs
    return (first[0] if first else None), []


def _wanted(model: Any, given: Any, known: Any) -> Any:
    """Specs of what the user gave, in the structure and the dtypes of what the model knows."""
    before = trees.flatten(known)
    leaves = trees.flatten(given)
    if not all(hasattr(s, "shape") for s in leaves):
        leaves = trees.flatten(specs(given, ""))
    if before and len(leaves) != len(before):
        raise ValueError(
            f"{model.where()} takes {len(before)} inputs; input_signature has {len(leaves)}."
        )
    kinds = [s.dtype for s in before] or [model.dtype] * len(leaves)
    found = [
        Spec(s.shape, dtypes.standardize(s.dtype or kind))
        for s, kind in zip(leaves, kinds, strict=True)
    ]
    if known is not None:
        return trees.unflatten(known, found)
    return found[0] if len(found) == 1 else found
