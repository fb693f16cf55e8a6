"""What holds while layers call one another: the mode, who called, and the masks of tensors.

Tensors of most engines cannot carry a mask themselves. So the outermost call, or the step around
it, opens a table from tensors to masks, which is dropped when that ends.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from polyk import trees


class _Context(threading.local):
    def __init__(self) -> None:
        self.training: bool | None = None
        self.stack: list[Any] = []  # the layers being called, outermost first
        self.masks: dict[int, tuple[Any, Any]] | None = None  # id -> (tensor, its mask)


context = _Context()


@contextmanager
def keep_masks() -> Iterator[None]:
    """Keep the masks of what is computed in this block until its end, for losses and metrics."""
    before = context.masks
    context.masks = {} if before is None else before
    try:
        yield
    finally:
        context.masks = before


def mask_of(x: Any) -> Any:
    """The mask that a layer gave to the tensor `x`, or None.

    Known inside of a layer's `call`, of a train or test step, and of `keep_masks`.
    """
    found = context.masks.get(id(x)) if context.masks else None
    return None if found is None else found[1]


def masks_of(tree: Any) -> Any:
    """`tree` with the mask, or None, in the place of each tensor; None if there is no mask."""
    found = trees.map(mask_of, tree) if context.masks else None
    return found if trees.flatten(found) else None


def flat_masks(tree: Any) -> list[Any] | None:
    """The mask, or None, of each leaf of `tree`; None if there is no mask."""
    found = [mask_of(x) for x in trees.flatten(tree)] if context.masks else []
    return None if all(m is None for m in found) else found


def set_mask(x: Any, mask: Any) -> None:
    """Give the tensor `x` a mask: bools that are False at steps to leave out."""
    if context.masks is not None and mask is not None:
        context.masks[id(x)] = x, mask
