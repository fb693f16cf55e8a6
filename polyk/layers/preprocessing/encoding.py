"""Category numbers as rows: one of many, which of many, how often each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import ops
from polyk.layers.arguments import one_of
from polyk.layers.base import Layer
from polyk.layers.core import positive

__all__ = ["CategoryEncoding"]

MODES = ("int", "one_hot", "multi_hot", "count")


def mode_of(output_mode: str, known: Sequence[str] = MODES) -> str:
    """The name of an output mode, which Keras 2 may have called otherwise."""
    old = {"binary": "multi_hot", "tf-idf": "tf_idf"}
    return one_of(old.get(output_mode, output_mode), "output_mode", known)


def only_dense(layer: Layer, **flags: bool) -> None:
    """Refuse `sparse` and `ragged` outputs."""
    for name, flag in flags.items():
        if flag:
            raise ValueError(f"{type(layer).__name__}: {name}=True is not supported: tensors of "
                             f"polyk are dense. Leave {name} out.")  # fmt: skip


def encoded(indices: Any, mode: str, depth: int, dtype: str, count_weights: Any = None) -> Any:
    """Category numbers (..., k) as "int" (themselves), "one_hot" (..., k, depth), "multi_hot" or
    "count" (..., depth); "one_hot" of (..., 1) is (..., depth)."""
    if mode == "int":
        return indices
    if mode == "one_hot":
        if ops.ndim(indices) > 1 and ops.shape(indices)[-1] == 1:
            indices = ops.squeeze(indices, -1)
        return ops.one_hot(indices, depth, dtype=dtype)
    if mode == "multi_hot":
        return ops.multi_hot(indices, depth, dtype=dtype)
    rows = ops.one_hot(indices, depth, dtype=dtype)
    if count_weights is not None:
        rows = ops.multiply(rows, ops.expand_dims(ops.cast(count_weights, dtype), -1))
    return ops.sum(rows, axis=1 if ops.ndim(indices) > 1 else 0)


class CategoryEncoding(Layer):
    """Category numbers below `num_tokens` as rows: (N, k) to (N, num_tokens).

    `output_mode` "multi_hot" says which of them occur, "count" how often, or by which sum of
    `count_weights` (N, k); "one_hot" makes a row of each: (N, 1) to (N, num_tokens).
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        only_dense(self, sparse=sparse)
        if num_tokens is None:
            raise ValueError("CategoryEncoding: give num_tokens, or take IntegerLookup, which "
                             "learns how many there are.")  # fmt: skip
        self.num_tokens = positive(num_tokens, "num_tokens", self)
        self.output_mode = mode_of(output_mode, MODES[1:])
        self.sparse = sparse

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(f"{self.where()}: count_weights belong to output_mode='count'; this "
                             f"is {self.output_mode!r}.")  # fmt: skip
        indices = ops.cast(inputs, "int32")
        return encoded(indices, self.output_mode, self.num_tokens, self.compute_dtype,
                       count_weights)  # fmt: skip
