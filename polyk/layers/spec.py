"""InputSpec: what shapes a layer accepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk.errors import ShapeError

Shape = tuple[int | None, ...]


class InputSpec:
    """What a layer accepts: a rank, or a least rank, and sizes of some axes."""

    def __init__(
        self,
        ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int] | None = None,
    ) -> None:
        self.ndim, self.min_ndim, self.axes = ndim, min_ndim, axes or {}

    def check(self, layer: Any, shape: Shape) -> None:
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim:
            raise ShapeError(
                f"{layer.where()}: expected an input of {self.ndim} axes, got {shape}."
            )
        if self.min_ndim is not None and rank < self.min_ndim:
            raise ShapeError(
                f"{layer.where()}: expected an input of at least {self.min_ndim} axes, got {shape}."
            )
        for axis, size in self.axes.items():
            if shape[axis] not in (size, None):
                at = "last axis" if axis == -1 else f"axis {axis}"
                got = batch_open(shape)
                raise ShapeError(
                    f"{layer.where()}: expected an input whose {at} is {size}, got {got}."
                )


def batch_open(shape: Sequence[Any]) -> Shape:
    """`shape` with its batch size left open."""
    return (None, *shape[1:])
