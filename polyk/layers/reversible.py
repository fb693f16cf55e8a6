"""ReversibleEmbedding: words to vectors, and vectors back to scores of words."""

from __future__ import annotations

from typing import Any

from polyk import dtypes, ops
from polyk.layers.core import Embedding

__all__ = ["ReversibleEmbedding"]


class ReversibleEmbedding(Embedding):
    """An `Embedding` that, called with ``reverse=True``, gives (..., output_dim) the scores
    (..., input_dim).

    By the same table with `tie_weights`, else by one of its own. `logit_soft_cap` c makes scores
    ``c * tanh(score / c)``; `reverse_dtype` is that of the product. Source: O. Press, L. Wolf,
    Using the output embedding to improve language models, 2017.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: str | None = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            input_dim, output_dim, embeddings_initializer, embeddings_regularizer,
            embeddings_constraint, mask_zero, **kwargs,
        )  # fmt: skip
        self.tie_weights, self.reverse_dtype = tie_weights, reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            shape = (self.output_dim, self.input_dim)
            initializer = self.embeddings_initializer
            self.reverse_embeddings = self.add_weight("reverse_embeddings", shape, initializer)

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if not reverse:
            return super().call(inputs)
        kernel = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        if self.reverse_dtype is not None:
            inputs, kernel = (ops.cast(x, self.reverse_dtype) for x in (inputs, kernel))
        scores = ops.matmul(inputs, kernel)
        cap = self.logit_soft_cap
        return scores if cap is None else ops.multiply(ops.tanh(ops.divide(scores, cap)), cap)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        if ops.dtype(inputs) in dtypes.FLOATS:  # vectors on their way back
            return None
        return super().compute_mask(inputs, previous_mask)
