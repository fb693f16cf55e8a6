"""Layers that make one tensor of several, and their functional forms.

Inputs of fewer axes get axes of size 1 after the batch, then all broadcast together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from polyk import ops
from polyk.errors import ShapeError
from polyk.layers.base import Layer
from polyk.layers.spec import Shape
from polyk.shapes import axis_index

__all__ = [
    "Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract", "add",
    "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract",
]  # fmt: skip


class _Merge(Layer):
    """`op` from the first input to the last, element by element."""

    op = ""
    count: int | None = None  # how many inputs it takes; None: one or more
    supports_masking = True

    def build(self, input_shape: Any) -> None:
        many = all(isinstance(shape, (tuple, list)) for shape in input_shape)
        if not many or (self.count or len(input_shape)) != len(input_shape):
            raise self._unfit(input_shape)
        self._check([tuple(shape) for shape in input_shape])

    def _unfit(self, got: Any) -> ShapeError:
        what = f"{self.count} tensors" if self.count else "one tensor or more"
        return ShapeError(f"{self.where()}: expected a list of {what}; got inputs of shape {got}.")

    def _check(self, shapes: list[Shape]) -> None:
        """Raise for shapes that do not fit together."""
        rank = max(map(len, shapes))
        for sizes in zip(*(_widened(shape, rank) for shape in shapes), strict=True):
            if len(set(sizes) - {None, 1}) > 1:
                raise ShapeError(f"{self.where()}: shapes {shapes} do not broadcast together.")

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if not len(inputs):
            raise self._unfit(())
        ranks = {len(x.shape) for x in inputs}
        if len(ranks) > 1:
            inputs = [ops.reshape(x, _widened(x.shape, max(ranks))) for x in inputs]
        if mask is None or len(ranks) > 1:
            mask = [None] * len(inputs)
        return self.merge(inputs, [m if m is None else ops.expand_dims(m, -1) for m in mask])

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        """The result for inputs of one rank, and for each its mask (..., 1) or None."""
        return reduce(getattr(ops, self.op), inputs)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Where at least one input counts; None if one of them has no mask."""
        masks = _masks(self, inputs, previous_mask)
        return None if any(m is None for m in masks) else reduce(ops.logical_or, masks)


def _widened(shape: Sequence[Any], rank: int) -> tuple[Any, ...]:
    """`shape` with axes of size 1 after the batch."""
    return (*shape[:1], *(1,) * (rank - len(shape)), *shape[1:])


def _masks(layer: Layer, inputs: Any, masks: Any) -> list[Any]:
    """One mask, or None, for each input."""
    if masks is None:
        return [None] * len(inputs)
    if not isinstance(masks, (list, tuple)) or len(masks) != len(inputs):
        raise ValueError(f"{layer.where()}: expected {len(inputs)} masks in a list; got {masks!r}.")
    return list(masks)


class Add(_Merge):
    """The sum of the inputs."""

    op = "add"


class Subtract(_Merge):
    """The first of two inputs less the second."""

    op, count = "subtract", 2


class Multiply(_Merge):
    """The product of the inputs. What is masked counts as 1, and as 0 where all is masked."""

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        pairs = zip(inputs, masks, strict=True)
        y = reduce(ops.multiply, (x if m is None else ops.where(m, x, 1.0) for x, m in pairs))
        if any(m is None for m in masks):
            return y
        return ops.where(reduce(ops.logical_or, masks), y, 0.0)


class Average(_Merge):
    """The mean of the inputs."""

    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        return ops.divide(reduce(ops.add, inputs), float(len(inputs)))


class _Extreme(_Merge):
    def merge(self, inputs: list[Any], masks: list[Any]) -> Any:
        y, known = inputs[0], masks[0]
        for x, mask in zip(inputs[1:], masks[1:], strict=True):
            x = x if mask is None else ops.where(mask, x, y)
            y = y if known is None else ops.where(known, y, x)
            known = None if known is None or mask is None else ops.logical_or(known, mask)
            y = getattr(ops, self.op)(y, x)
        return y


class Maximum(_Extreme):
    """The largest of the inputs; what is masked does not count."""

    op = "maximum"


class Minimum(_Extreme):
    """The smallest of the inputs; what is masked does not count."""

    op = "minimum"


class Concatenate(_Merge):
    """The inputs one after another along `axis`; their other sizes are the same."""

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def _check(self, shapes: list[Shape]) -> None:
        rank = len(shapes[0])
        fits = all(len(s) == rank for s in shapes) and -rank <= self.axis < rank
        others = zip(*shapes, strict=True) if fits else []
        sizes = [set(d) - {None} for i, d in enumerate(others) if i != self.axis % rank]
        if not fits or any(len(d) > 1 for d in sizes):
            raise ShapeError(
                f"{self.where()}: inputs must have one shape but for axis {self.axis}; "
                f"got {shapes}."
            )

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return ops.concatenate(inputs, self.axis)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        masks = _masks(self, inputs, previous_mask)
        if all(m is None for m in masks):
            return None
        wide = [_full_mask(x, m) for x, m in zip(inputs, masks, strict=True)]
        return ops.any(ops.concatenate(wide, self.axis), -1)


def _full_mask(x: Any, mask: Any) -> Any:
    """`mask` in the shape of `x`; all True for None."""
    ones = ops.ones_like(x, "bool")
    if mask is None:
        return ones
    wide = ops.expand_dims(mask, -1) if len(mask.shape) < len(x.shape) else mask
    return ops.logical_and(wide, ones)


class Dot(_Merge):
    """The inner products of two inputs, sample by sample, over one axis of each.

    `axes` counts the batch as 0: ``Dot(axes=(1, 2))`` takes (N, a, b) and (N, c, a) to (N, b, c).
    Two inputs (N, a) give (N, 1). With `normalize` both are first brought to length 1 along the
    axis, and the products are cosines.
    """

    count = 2

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = (axes, axes) if isinstance(axes, int) else tuple(axes)
        if len(pair) != 2 or not all(isinstance(a, int) for a in pair) or 0 in pair:
            raise ValueError(f"Dot: axes must be an int or two, none the batch; got {axes!r}.")
        self.axes = axes if isinstance(axes, int) else pair
        self.normalize = normalize

    def _axes(self, shapes: Sequence[Sequence[Any]]) -> list[int]:
        pair = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return [axis_index(a, len(shape)) for a, shape in zip(pair, shapes, strict=True)]

    def _check(self, shapes: list[Shape]) -> None:
        a, b = (s[i] for s, i in zip(shapes, self._axes(shapes), strict=True))
        if None not in (a, b) and a != b:
            raise ShapeError(
                f"{self.where()}: axes {self.axes} of inputs {shapes} differ: {a} and {b}."
            )

    def call(self, inputs: Any, mask: Any = None) -> Any:
        (x, y), (i, j) = inputs, self._axes([x.shape for x in inputs])
        if self.normalize:
            x, y = ops.normalize(x, i), ops.normalize(y, j)
        x, y = ops.moveaxis(x, i, -1), ops.moveaxis(y, j, 1)
        (batch, *rows, size), columns = x.shape, y.shape[2:]
        x = ops.reshape(x, (batch, math.prod(rows), size))
        y = ops.reshape(y, (batch, size, math.prod(columns)))
        return ops.reshape(ops.matmul(x, y), (batch, *([*rows, *columns] or [1])))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None


def _functional(layer: type[_Merge]) -> Callable[..., Any]:
    """``layer(**options)(inputs)`` as a function."""

    def merge(inputs: Any, **options: Any) -> Any:
        return layer(**options)(inputs)

    merge.__name__ = layer.__name__.lower()
    merge.__doc__ = layer.__doc__
    return merge


add, subtract, multiply = map(_functional, (Add, Subtract, Multiply))
average, maximum, minimum = map(_functional, (Average, Maximum, Minimum))


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """The inputs one after another along `axis`."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Any, axes: int | Sequence[int] = -1, **kwargs: Any) -> Any:
    """The inner products of two inputs, sample by sample: `Dot`."""
    return Dot(axes, **kwargs)(inputs)
