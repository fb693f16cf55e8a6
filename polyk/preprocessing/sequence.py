"""Sequences of different lengths as one array."""

from polyk.utils.arrays import pad_sequences as pad_sequences

__all__ = ["pad_sequences"]
