"""InputSpec: what shapes a layer accepts; and shapes, nested as inputs are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import dtypes
from polyk.errors import DTypeError, ShapeError
from polyk.symbolic import Spec

__all__ = ["InputSpec"]

Shape = tuple[int | None, ...]


class InputSpec:
    """What a layer accepts: a rank or bounds of it, sizes of some axes, or a whole shape.

    In `shape` None stands for any size. With `allow_last_axis_squeeze` an input may lack, or have
    in addition, a last axis of size 1. An `optional` input may be None.
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else dtypes.standardize(dtype)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items() if size is not None}
        if self.shape is not None:
            self.axes |= {i: size for i, size in enumerate(self.shape) if size is not None}
        self.allow_last_axis_squeeze, self.name, self.optional = (
            allow_last_axis_squeeze, name, optional
        )  # fmt: skip

    def __repr__(self) -> str:
        told = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if v not in (None, {}, False))
        return f"InputSpec({told})"

    def check(self, layer: Any, shape: Shape) -> None:
        """Raise unless the layer may have an input of `shape`."""
        if self.allow_last_axis_squeeze and self.shape:
            shape = self._squeezed(shape)
        rank = len(shape)
        wanted = self._wanted_rank(rank) if rank != self.ndim else ""
        if wanted:
            raise ShapeError(f"{layer.where()}: expected an input of {wanted} axes, got {shape}.")
        for axis, size in self.axes.items():
            if not -rank <= axis < rank:
                raise ShapeError(f"{layer.where()}: expected an input with axis {axis}: {shape}.")
            if shape[axis] not in (size, None):
                at = "last axis" if axis == -1 else f"axis {axis}"
                got = batch_open(shape) if axis else shape
                raise ShapeError(
                    f"{layer.where()}: expected an input whose {at} is {size}, got {got}."
                )

    def _wanted_rank(self, rank: int) -> str:
        """In words, the ranks accepted, if `rank` is none of them."""
        if self.ndim is not None and rank != self.ndim:
            return str(self.ndim)
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"at most {self.max_ndim}"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"at least {self.min_ndim}"
        return ""

    def _squeezed(self, shape: Shape) -> Shape:
        rank = len(self.shape or ())
        if len(shape) == rank + 1 and shape[-1] == 1:
            return shape[:-1]
        return (*shape, 1) if len(shape) == rank - 1 and (self.shape or (0,))[-1] == 1 else shape


def check_inputs(layer: Any, spec: Any, inputs: Any) -> None:
    """Raise unless `inputs` are what `spec` says: one, or a list or dict of them."""
    if isinstance(spec, InputSpec):
        if hasattr(inputs, "shape"):
            spec.check(layer, tuple(inputs.shape))
            if spec.dtype is not None and dtypes.standardize(inputs.dtype) != spec.dtype:
                raise DTypeError(
                    f"{layer.where()}: expected an input of {spec.dtype}, got {inputs.dtype}."
                )
        return
    if isinstance(spec, dict):
        pairs = [(spec[key], inputs.get(key)) for key in spec]
    else:
        many = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        if len(many) != len(spec):
            raise ShapeError(f"{layer.where()}: expected {len(spec)} inputs, got {len(many)}.")
        pairs = list(zip(spec, many, strict=True))
    for one, x in pairs:
        if x is None and not one.optional:
            raise ShapeError(f"{layer.where()}: the input {one.name!r} is missing.")
        if x is not None:
            check_inputs(layer, one, x)


def batch_open(shape: Sequence[Any]) -> Shape:
    """`shape` with its batch size left open."""
    return (None, *shape[1:]) if len(shape) else ()


def shape_of(x: Any) -> Shape:
    """The shape of a tensor, () of anything else."""
    return tuple(x.shape) if hasattr(x, "shape") else ()


def specs(shape: Any, dtype: str) -> Any:
    """Specs of one dtype in the place of nested shapes."""
    if isinstance(shape, dict):
        return {k: specs(s, dtype) for k, s in shape.items()}
    if all(d is None or isinstance(d, int) for d in shape):
        return Spec(shape, dtype)
    return [specs(s, dtype) for s in shape]


def as_shape(shape: Any) -> Any:
    """A shape that went through JSON, as tuples."""
    if isinstance(shape, dict):
        return {k: as_shape(s) for k, s in shape.items()}
    if isinstance(shape, (list, tuple)):
        if all(d is None or isinstance(d, int) for d in shape):
            return tuple(shape)
        return [as_shape(s) for s in shape]
    return shape
