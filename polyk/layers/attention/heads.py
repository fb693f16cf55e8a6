"""Attention of several heads: MultiHeadAttention and GroupQueryAttention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from polyk import ops, random
from polyk.errors import ShapeError
from polyk.layers.arguments import keep_options
from polyk.layers.attention.masks import all_of, causal, distances, masked_softmax
from polyk.layers.base import Layer
from polyk.layers.core import positive
from polyk.layers.einsum_dense import EinsumDense


class _Heads(Layer):
    """Projections to heads, attention of each, and a projection back.

    Subclasses say how many heads there are for queries and for keys, and how wide they are.
    """

    supports_masking = True
    heads: int
    key_heads: int
    size: int
    value_size: int

    def __init__(
        self,
        *,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if sliding_window is not None:
            positive(sliding_window, "sliding_window", self)
        self.dropout, self.use_bias, self.use_gate = dropout, use_bias, use_gate
        self.sliding_window, self.flash_attention = sliding_window, flash_attention
        keep_options(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        keep_options(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self.seed, self.seed_generator = seed, random.SeedGenerator(seed)

    # Projections.

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:  # type: ignore[override]
        key_shape = key_shape or value_shape
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ShapeError(
                f"{self.where()}: value {value_shape} and key {key_shape} must agree in all axes "
                "but the last."
            )
        self.query_dense = self._to_heads("query", self.heads, self.size, query_shape)
        self.key_dense = self._to_heads("key", self.key_heads, self.size, key_shape)
        if self.use_gate:
            self.gate_dense = self._to_heads(
                "gate", self.heads, self.value_size, query_shape, activation="sigmoid"
            )
        self.value_dense = self._to_heads("value", self.key_heads, self.value_size, value_shape)
        self.output_dense = self._from_heads(query_shape)

    def _to_heads(
        self, name: str, heads: int, size: int, shape: Any, activation: Any = None
    ) -> EinsumDense:
        return self._dense(
            name, "...x,xhd->...hd", (heads, size), "hd", shape, activation=activation
        )

    def _from_heads(self, query_shape: Any) -> EinsumDense:
        shape = (*query_shape[:-1], self.heads, self.value_size)
        sizes = self.output_sizes() or (query_shape[-1],)
        letters = "uvwxyz"[: len(sizes)]
        equation = f"...hd,hd{letters}->...{letters}"
        return self._dense("attention_output", equation, sizes, letters, shape)

    def output_sizes(self) -> tuple[int, ...] | None:
        """The last sizes of the output, if they are not those of the query."""
        return None

    def _dense(
        self, name: str, equation: str, sizes: Any, bias_axes: str, shape: Any, **kwargs: Any
    ) -> EinsumDense:
        kinds = ("initializer", "regularizer", "constraint")
        options = [f"{w}_{kind}" for w in ("kernel", "bias") for kind in kinds]
        kwargs.update({option: getattr(self, option) for option in options})
        dtype = self.dtype_policy
        axes = bias_axes if self.use_bias else None
        layer = EinsumDense(equation, sizes, bias_axes=axes, name=name, dtype=dtype, **kwargs)
        layer.supports_masking = True
        layer.build(shape)
        return layer

    # Attention.

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        key = value if key is None else key
        mask = all_of(
            None if query_mask is None else ops.expand_dims(query_mask, -1),
            None if value_mask is None else ops.expand_dims(value_mask, -2),
            None if key_mask is None else ops.expand_dims(key_mask, -2),
            self._window(query, value),
            attention_mask,
        )
        heads = self.query_dense(query), self.key_dense(key), self.value_dense(value)
        result, scores = self._compute_attention(
            *heads, mask, training, return_attention_scores, use_causal_mask
        )
        if self.use_gate:
            result = ops.multiply(result, self.gate_dense(query))
        result = self.output_dense(result)
        return (result, scores) if return_attention_scores else result

    def _window(self, query: Any, value: Any) -> Any:
        """What is less than `sliding_window` steps away, on both sides."""
        if self.sliding_window is None:
            return None
        away = ops.abs(distances(query, ops.shape(query)[1], ops.shape(value)[1]))
        return ops.less(away, self.sliding_window)

    def _compute_attention(
        self, query: Any, key: Any, value: Any, attention_mask: Any, training: bool,
        return_attention_scores: bool, use_causal_mask: bool,
    ) -> tuple[Any, Any]:  # fmt: skip
        """(N, T, heads, size) of each, and a mask (N, T, S) or (N, heads, T, S)."""
        scale = 1 / math.sqrt(self.size)
        if attention_mask is not None and len(ops.shape(attention_mask)) == 3:
            attention_mask = ops.expand_dims(attention_mask, 1)
        if not (return_attention_scores or (training and self.dropout)):
            result = ops.dot_product_attention(
                query, key, value, mask=attention_mask, scale=scale, is_causal=use_causal_mask
            )
            return result, None
        groups = self.heads // self.key_heads
        if groups > 1:
            key, value = ops.repeat(key, groups, 2), ops.repeat(value, groups, 2)
        query, key, value = (ops.swapaxes(x, 1, 2) for x in (query, key, value))
        scores = ops.matmul(ops.multiply(query, scale), ops.swapaxes(key, 2, 3))
        ahead = causal(scores, *ops.shape(scores)[2:]) if use_causal_mask else None
        weights = masked_softmax(scores, all_of(attention_mask, ahead))
        dropped = weights
        if training and self.dropout:
            dropped = ops.dropout(weights, self.dropout, seed=self.seed_generator)
        return ops.swapaxes(ops.matmul(dropped, value), 1, 2), weights


class MultiHeadAttention(_Heads):
    """Every head attends in a projection of its own: A. Vaswani et al., 2017.

    query (N, T, C), value and key (N, S, ...) to (N, T, C), or to `output_shape` instead of C.
    Masks (N, T) and (N, S) leave steps out; `attention_mask` (N, T, S) or (N, heads, T, S) pairs of
    them, `use_causal_mask` what comes later, `sliding_window` what is that far away. A query that
    may attend to nothing gets zeros from every head. With `return_attention_scores` the weights
    (N, heads, T, S) come second. `attention_axes` are the axes attended over, if there are more
    than one; the engine chooses the kernel, whatever `flash_attention`.
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dropout=dropout, use_bias=use_bias, **kwargs)
        self.num_heads = self.heads = self.key_heads = positive(num_heads, "num_heads", self)
        self.key_dim = self.size = positive(key_dim, "key_dim", self)
        self.value_dim = self.value_size = positive(value_dim or key_dim, "value_dim", self)
        self.output_shape = (output_shape,) if isinstance(output_shape, int) else output_shape
        axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self.attention_axes = None if axes is None else tuple(axes)

    def output_sizes(self) -> tuple[int, ...] | None:
        return tuple(self.output_shape) if self.output_shape else None

    def _compute_attention(
        self, query: Any, key: Any, value: Any, attention_mask: Any, training: bool,
        return_attention_scores: bool, use_causal_mask: bool,
    ) -> tuple[Any, Any]:  # fmt: skip
        rank = len(ops.shape(query))
        if rank == 4:
            return super()._compute_attention(
                query,
                key,
                value,
                attention_mask,
                training,
                return_attention_scores,
                use_causal_mask,
            )
        axes = self.attention_axes or tuple(range(1, rank - 2))
        axes = tuple(a % (rank - 1) for a in axes)
        others = tuple(a for a in range(rank - 2) if a not in axes)
        order = (*others, *axes, rank - 2, rank - 1)
        shapes = [[ops.shape(x)[a] for a in order] for x in (query, key)]
        outer, of_query = shapes[0][: len(others)], shapes[0][len(others) : -2]
        of_key = shapes[1][len(others) : -2]
        if attention_mask is not None:
            attention_mask = self._spread(attention_mask, outer, of_query, of_key)
        rows = math.prod(outer)
        q, k, v = (
            ops.reshape(ops.transpose(x, order), (rows, -1, *ops.shape(x)[-2:]))
            for x in (query, key, value)
        )
        result, weights = super()._compute_attention(
            q, k, v, attention_mask, training, return_attention_scores, use_causal_mask
        )
        result = ops.reshape(result, (*outer, *of_query, self.heads, self.value_size))
        back = sorted(range(rank), key=order.__getitem__)
        if weights is not None:
            weights = ops.reshape(weights, (*outer, self.heads, *of_query, *of_key))
        return ops.transpose(result, back), weights

    def _spread(self, mask: Any, outer: Any, of_query: Any, of_key: Any) -> Any:
        """A mask (N, ..., query axes, key axes) as (all rows, 1 or heads, T, S)."""
        inner = len(of_query) + len(of_key)
        missing = len(outer) + 1 + inner - len(ops.shape(mask))
        shape = ops.shape(mask)
        shape = (*shape[:-inner], *(1 for _ in range(missing)), *shape[-inner:])
        heads = shape[len(outer)]
        mask = ops.broadcast_to(ops.reshape(mask, shape), (*outer, heads, *of_query, *of_key))
        sizes = (math.prod(outer), heads, math.prod(of_query), math.prod(of_key))
        return ops.reshape(mask, sizes)


class GroupQueryAttention(_Heads):
    """Attention in which groups of query heads share a key head: J. Ainslie et al., 2023.

    query (N, T, C), value and key (N, S, ...) to (N, T, C); masks as in `MultiHeadAttention`.
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(dropout=dropout, use_bias=use_bias, **kwargs)
        self.head_dim = self.size = self.value_size = positive(head_dim, "head_dim", self)
        self.num_query_heads = self.heads = positive(num_query_heads, "num_query_heads", self)
        self.num_key_value_heads = self.key_heads = positive(
            num_key_value_heads, "num_key_value_heads", self
        )
        if self.heads % self.key_heads:
            raise ValueError(
                f"{self.where()}: num_query_heads ({self.heads}) must be a multiple of "
                f"num_key_value_heads ({self.key_heads})."
            )


GroupedQueryAttention = GroupQueryAttention
