"""Masks of tensors: which steps of a sequence are padding, known while a model computes.

Tensors of most engines cannot carry a mask themselves. So the outermost call of a layer, or the
step around it, opens a table from tensors to masks, which is dropped when that ends.
"""

from __future__ import annotations

import threading
from typing import Any

from polyk import trees

Table = dict[int, tuple[Any, Any]]  # id -> (tensor, its mask)


class _Local(threading.local):
    def __init__(self) -> None:
        self.table: Table | None = None


local = _Local()


class keep_masks:
    """Keep the masks of what is computed in this block until its end, for losses and metrics."""

    def __enter__(self) -> None:
        self.before = local.table
        local.table = {} if self.before is None else self.before

    def __exit__(self, *exc: object) -> None:
        local.table = self.before


def mask_of(x: Any) -> Any:
    """The mask that a layer gave to the tensor `x`, or None.

    Known inside of a layer's `call`, of a train or test step, and of `keep_masks`.
    """
    found = local.table.get(id(x)) if local.table else None
    return None if found is None else found[1]


def set_mask(x: Any, mask: Any) -> None:
    """Give the tensor `x` a mask: bools that are False at the steps to leave out."""
    if local.table is not None and mask is not None:
        local.table[id(x)] = x, mask


def masks_of(tree: Any) -> Any:
    """`tree` with the mask, or None, in the place of each tensor; None if there is no mask."""
    found = trees.map(mask_of, tree) if local.table else None
    return found if trees.flatten(found) else None


def set_masks(tree: Any, masks: Any) -> None:
    """Give the leaves of `tree` their masks, of which some or all may be None."""
    if isinstance(masks, dict):
        masks = [masks[key] for key in sorted(masks)]
    masks = masks if isinstance(masks, (list, tuple)) else [masks]
    for x, mask in zip(trees.flatten(tree), masks, strict=False):
        set_mask(x, mask)
