"""Activations that reach 0 and 1: sparse_plus, sparse_sigmoid, sparsemax."""

from typing import Any

from polyk.ops.dispatch import Tensor, floating
from polyk.shapes import axis_index

__all__ = ["sparse_plus", "sparse_sigmoid", "sparsemax"]


def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, `x` from 1 on, ``(x + 1) ** 2 / 4`` between."""
    b, x = floating(x)
    return b.sparse_plus(x)


def sparse_sigmoid(x: Any) -> Tensor:
    """0 up to -1, 1 from 1 on, ``(x + 1) / 2`` between; the derivative of `sparse_plus`."""
    b, x = floating(x)
    return b.sparse_sigmoid(x)


def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The point of the probability simplex nearest to `x` along `axis`.

    Source: A. Martins and R. Astudillo, From softmax to sparsemax, 2016.
    """
    b, x = floating(x)
    return b.sparsemax(x, axis_index(axis, len(b.shape(x))))
