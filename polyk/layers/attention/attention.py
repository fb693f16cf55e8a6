"""Attention over one sequence of vectors, without heads."""

from __future__ import annotations

from typing import Any

from polyk import ops, random
from polyk.errors import ShapeError
from polyk.layers.attention.masks import all_of, causal, masked_softmax
from polyk.layers.base import Layer


class Attention(Layer):
    """Averages of values, weighted by how well query and key agree: M. Luong et al., 2015.

    ``[query, value]`` or ``[query, value, key]``, (N, T, C), (N, S, V), (N, S, C), to (N, T, V).
    `score_mode` is "dot", or "concat" for ``sum(tanh(query + key))``; `use_scale` learns a factor.
    `mask` holds those of query and value; a query that may attend to nothing gets zeros. With
    `return_attention_scores` the weights (N, T, S) come second.
    """

    supports_masking = True

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(f"score_mode must be 'dot' or 'concat'; got {score_mode!r}.")
        self.use_scale, self.score_mode = use_scale, score_mode
        self.dropout, self.seed = dropout, seed
        self.seed_generator = random.SeedGenerator(seed)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        self.scale = self.add_weight("scale", (), "ones") if self.use_scale else None
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight("concat_score_weight", (), "ones")

    def _check(self, inputs: Any) -> None:
        if not isinstance(inputs, (list, tuple)) or len(inputs) not in (2, 3):
            raise ShapeError(
                f"{self.where()}: expected [query, value] or [query, value, key], got {inputs!r}."
            )

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check(inputs)
        query, value, key = (*inputs, inputs[1])[:3]
        of_query, of_value = (None, None) if mask is None else tuple(mask)[:2]
        scores = self._scores(query, key)
        ahead = causal(scores, *ops.shape(scores)[-2:]) if use_causal_mask else None
        seen = None if of_value is None else ops.expand_dims(of_value, -2)
        weights = masked_softmax(scores, all_of(seen, ahead))
        dropped = weights
        if training and self.dropout:
            dropped = ops.dropout(weights, self.dropout, seed=self.seed_generator)
        result = ops.matmul(dropped, value)
        if of_query is not None:
            kept = ops.cast(ops.expand_dims(of_query, -1), "bool")
            result = ops.where(kept, result, 0.0)
        return (result, weights) if return_attention_scores else result

    def _scores(self, query: Any, key: Any) -> Any:
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return ops.multiply(scores, self.scale) if self.use_scale else scores
        sums = self._sums(query, key)
        sums = ops.multiply(sums, self.scale) if self.use_scale else sums
        return ops.multiply(ops.sum(ops.tanh(sums), -1), self.concat_score_weight)

    def _sums(self, query: Any, key: Any) -> Any:
        """(N, T, S, C): each query with each key."""
        return ops.add(ops.expand_dims(query, -2), ops.expand_dims(key, -3))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None if previous_mask is None else previous_mask[0]


class AdditiveAttention(Attention):
    """As `Attention`, by ``sum(scale * tanh(query + key))``: D. Bahdanau et al., 2015."""

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        self.scale = None
        if self.use_scale:
            self.scale = self.add_weight("scale", (input_shape[0][-1],), "glorot_uniform")

    def _scores(self, query: Any, key: Any) -> Any:
        powers = ops.tanh(self._sums(query, key))
        return ops.sum(ops.multiply(powers, self.scale) if self.use_scale else powers, -1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]
        return config
