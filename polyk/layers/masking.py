"""How masks travel: into the calls that take them, and onto what comes out."""

from __future__ import annotations

import warnings
from typing import Any

from polyk import trees
from polyk.layers.context import mask_of, masks_of, set_mask
from polyk.layers.signature import Signature


def pass_masks(takes: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Fill the mask arguments that were not given with the masks of the tensors they are for."""
    for argument, name in takes.masks.items():
        if kwargs.get(name) is None:
            x = args[0] if args and argument == takes.names[0] else kwargs.get(argument)
            kwargs[name] = None if x is None else masks_of(x)


def mask_outputs(layer: Any, inputs: Any, given: Any, outputs: Any) -> None:
    """Put on the outputs the masks that the layer computes; a layer that cannot drops them.

    `given` is the mask the layer was called with. Outputs that were masked inside stay as they are.
    """
    leaves = trees.flatten(outputs)
    if leaves and all(mask_of(x) is not None for x in leaves):
        return
    previous = masks_of(inputs) if given is None else given
    if not layer.supports_masking:
        if trees.flatten(previous):
            _warn(layer)
        return
    found = layer.compute_mask(inputs, previous)
    for x, mask in zip(leaves, _listed(found), strict=False):
        if mask_of(x) is None:
            set_mask(x, mask)


def _listed(masks: Any) -> list[Any]:
    """The masks in the order of the leaves they are for; None for none."""
    if isinstance(masks, dict):
        return [masks[key] for key in sorted(masks)]
    return list(masks) if isinstance(masks, (list, tuple)) else [masks]


def attach(inputs: Any, mask: Any) -> None:
    """Give the inputs of a model the masks it was called with."""
    for x, m in zip(trees.flatten(inputs), _listed(mask), strict=False):
        set_mask(x, m)


def _warn(layer: Any) -> None:
    warnings.warn(
        f"{layer.where()} was given a mask and does not support masking: the mask ends here, and "
        "the layers after it see all steps.",
        stacklevel=2,
    )
