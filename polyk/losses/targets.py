"""Whether targets fit predictions, found out before anything broadcasts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import ops
from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor, floating

Shape = Sequence[int | None]


def align(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """`x` and `y` with a last axis of size 1 added to, or taken from, the one that has it."""
    a, b = ops.shape(x), ops.shape(y)
    if len(a) == len(b) + 1 and a[-1] == 1:
        return (x, ops.expand_dims(y, -1)) if len(b) == 1 else (ops.squeeze(x, -1), y)
    if len(b) == len(a) + 1 and b[-1] == 1:
        return (ops.expand_dims(x, -1), y) if len(a) == 1 else (x, ops.squeeze(y, -1))
    return x, y


def same_shape(x: Shape, y: Shape) -> bool:
    """Whether two shapes agree where both are known."""
    sizes = zip(x, y, strict=False)
    return len(x) == len(y) and all(a == b or a is None or b is None for a, b in sizes)


def misfit(y_true: Shape, y_pred: Shape) -> ShapeError:
    """The error for targets of one shape and predictions of another."""
    text = (
        f"targets of shape {tuple(y_true)} do not fit predictions of shape {tuple(y_pred)}: this "
        "loss compares them element by element, so they must have one shape"
    )
    if any(same_shape(y_true, (*y_pred[:-1], *last)) for last in ((), (1,))) and y_pred[-1] != 1:
        text += "; for integer labels use sparse_categorical_crossentropy"
    return ShapeError(f"{text}.")


def fit(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Both in one shape; raises where more than a last axis of size 1 is missing."""
    given, wanted = ops.shape(y_true), ops.shape(y_pred)
    if given == wanted:
        return y_true, y_pred
    y_true, y_pred = align(y_true, y_pred)
    if not same_shape(ops.shape(y_true), ops.shape(y_pred)):
        raise misfit(given, wanted)
    return y_true, y_pred


def prepare(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """As `fit`, both as float tensors of one dtype, that of the predictions."""
    b, y_pred = floating(y_pred)
    return fit(ops.cast(y_true, b.dtype(y_pred)), y_pred)


def labels(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Class numbers without the axis of size 1 that they may have in the place of the classes."""
    y_true = ops.cast(y_true, "int32")
    shape = ops.shape(y_true)
    extra = len(shape) == ops.ndim(y_pred) and shape[axis] == 1
    return ops.squeeze(y_true, axis) if extra else y_true


def check_labels(y_true: Any, output_shape: Shape, axis: int, ignore_class: int | None) -> None:
    """Raise unless the NumPy array `y_true` holds a class number for each prediction."""
    import numpy as np

    given, wanted = tuple(y_true.shape), tuple(output_shape)
    a = axis % len(wanted)
    classes, samples = wanted[a], (*wanted[:a], *wanted[a + 1 :])
    if not same_shape(given, samples) and not same_shape(given, (*samples[:a], 1, *samples[a:])):
        hint = "; for one-hot targets use categorical_crossentropy"
        raise ShapeError(
            f"labels of shape {given} do not fit predictions of shape {wanted}: this loss takes "
            f"one integer for each row of {classes} classes, so labels of shape {samples}"
            f"{hint if same_shape(given, wanted) else ''}."
        )
    if classes is None:
        return
    good = (y_true >= 0) & (y_true < classes) & (y_true == np.floor(y_true))
    if ignore_class is not None:
        good |= y_true == ignore_class
    if not good.all():
        at = tuple(int(i[0]) for i in np.nonzero(~good))
        place = at[0] if len(at) == 1 else at
        hint = " For one output and labels 0 and 1 use binary_crossentropy." * (classes == 1)
        raise IndexError(
            f"label {y_true[at]} at index {place} is no class of predictions of shape {wanted}: "
            f"labels are whole numbers from 0 to {classes - 1}.{hint}"
        )


def kind_of(output_shape: Shape, y_shape: Shape) -> str:
    """What targets of `y_shape` are to predictions: "binary", "sparse" or "categorical"."""
    if output_shape[-1] == 1:
        return "binary"
    if len(y_shape) < len(output_shape) or y_shape[-1] == 1:
        return "sparse"
    return "categorical"
