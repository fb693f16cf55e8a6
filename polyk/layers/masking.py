"""How masks travel: into the calls that take them, and onto what comes out."""

from __future__ import annotations

import warnings
from typing import Any

from polyk import trees
from polyk.layers.signature import Signature
from polyk.masks import mask_of, masks_of, set_masks


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
    if layer.supports_masking:
        set_masks(outputs, layer.compute_mask(inputs, previous))
    elif trees.flatten(previous):
        warnings.warn(
            f"{layer.where()} was given a mask and does not support masking: the mask ends here, "
            "and the layers after it see all steps.",
            stacklevel=2,
        )
