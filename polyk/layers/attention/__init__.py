"""Attention: over single vectors, and in several heads."""

from polyk.layers.attention.attention import AdditiveAttention, Attention
from polyk.layers.attention.heads import (
    GroupedQueryAttention,
    GroupQueryAttention,
    MultiHeadAttention,
)

__all__ = [
    "AdditiveAttention",
    "Attention",
    "GroupQueryAttention",
    "GroupedQueryAttention",
    "MultiHeadAttention",
]
