"""What dtypes are and where they meet, under the names that Keras 3 keeps in its backend module."""

from __future__ import annotations

from typing import Any

from polyk import dtypes
from polyk.dtypes import standardize as standardize_dtype

__all__ = ["is_float_dtype", "is_int_dtype", "result_type", "standardize_dtype"]


def is_float_dtype(dtype: Any) -> bool:
    """Whether `dtype`, by name or as an engine's object, is a float."""
    return standardize_dtype(dtype) in dtypes.FLOATS


def is_int_dtype(dtype: Any) -> bool:
    """Whether `dtype` is an int, signed or not; bool is none."""
    return standardize_dtype(dtype) not in (*dtypes.FLOATS, "bool")


def result_type(*given: Any) -> str:
    """The dtype in which tensors of these dtypes meet; the Python types int, float, bool are weak.

    >>> K.result_type("int32", "float16"), K.result_type("float16", float)
    ('float16', 'float16')
    """
    strong = [standardize_dtype(d) for d in given if d not in dtypes.SCALARS]
    if not strong:
        return dtypes.promote_all(map(standardize_dtype, given))
    result = dtypes.promote_all(strong)
    for weak in (d for d in given if d in dtypes.SCALARS):
        result = dtypes.join_scalar(result, weak())
    return result
