"""Names of the element types and the table by which two of them join.

A dtype is a string everywhere in polyk: ``"float32"``, ``"int32"``, ``"bool"``.
"""

import math
from collections.abc import Iterable
from typing import Any

from polyk.errors import DTypeError, did_you_mean

FLOATS = ("float16", "bfloat16", "float32", "float64")
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTS = SIGNED + UNSIGNED
ALL = ("bool", *INTS, *FLOATS)
SCALARS = frozenset((bool, int, float))  # Python types that are weak in promotion

PYTHON = {d: float if d in FLOATS else bool if d == "bool" else int for d in ALL}

_BITS = {name: int(name.lstrip("abfintlou")) for name in INTS + FLOATS}
_floatx = "float32"


def floatx() -> str:
    """The dtype of weights and of Python floats: float32 unless `set_floatx` said otherwise."""
    return _floatx


def set_floatx(dtype: str) -> None:
    """Make `dtype` the default float: a model built afterwards computes in it."""
    global _floatx
    if dtype not in FLOATS:
        raise DTypeError(f"floatx must be one of {', '.join(FLOATS)}; got {dtype!r}.")
    _floatx = dtype


def _known(name: str) -> str:
    if name not in PYTHON:
        raise DTypeError(
            f"unknown dtype {name!r}.{did_you_mean(name, ALL)} Known: {', '.join(ALL)}."
        )
    return name


class _Names(dict[Any, str]):
    """An engine's dtype object -> its name, found once; and which of them are `floats`."""

    def __init__(self) -> None:
        self.floats: dict[Any, str] = {}

    def __missing__(self, dtype: Any) -> str:
        name = self[dtype] = standardize(dtype)
        if name in FLOATS:
            self.floats[dtype] = name
        return name


NAMES = _Names()


def standardize(dtype: Any) -> str:
    """The name of `dtype`, given as a name, a Python type, or any engine's dtype object."""
    if type(dtype) is str and dtype in PYTHON:
        return dtype
    if isinstance(dtype, type) and dtype in SCALARS:
        return {float: _floatx, int: "int32", bool: "bool"}[dtype]
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None) or str(dtype)
    if isinstance(dtype, type):  # numpy.float32, jax.numpy.float32
        name = dtype.__name__
    return _known(str(name).rpartition(".")[2].replace("bool_", "bool"))


def is_float(dtype: str) -> bool:
    return dtype in FLOATS


def promote(a: str, b: str) -> str:
    """The dtype in which tensors of dtypes `a` and `b` meet.

    A float wins over any int and keeps its width; two floats meet in the wider one (float16 and
    bfloat16 in float32); two ints meet as in NumPy; bool gives way to everything.
    """
    return _TABLE[a, b]


def _meet(a: str, b: str) -> str:
    if a == b or b == "bool":
        return a
    if a == "bool":
        return b
    if is_float(a) != is_float(b):
        return a if is_float(a) else b
    if is_float(a):
        return "float32" if _BITS[a] == _BITS[b] else max(a, b, key=_BITS.__getitem__)
    if (a in SIGNED) == (b in SIGNED):
        return max(a, b, key=_BITS.__getitem__)
    signed, unsigned = (a, b) if a in SIGNED else (b, a)
    bits = max(_BITS[signed], 2 * _BITS[unsigned])
    return f"int{bits}" if bits <= 64 else "float64"


_NARROW = frozenset(("bool", "int8", "int16", "uint8", "uint16"))
_TABLE = {(a, b): _meet(a, b) for a in ALL for b in ALL}


def promote_all(dtypes: Iterable[str]) -> str:
    """`promote` over any number of dtypes."""
    result = "bool"
    for dtype in dtypes:
        result = _TABLE[result, dtype]
    return result


def join_scalar(dtype: str, value: bool | float) -> str:
    """The dtype of a tensor of `dtype` combined with a Python scalar, which is weak."""
    if isinstance(value, float):
        return dtype if is_float(dtype) else _floatx
    if isinstance(value, bool) or dtype != "bool":
        return dtype
    return "int32"


def to_float(dtype: str) -> str:
    """The dtype in which a float function of a tensor of `dtype` is computed."""
    return dtype if is_float(dtype) else _floatx


def to_sum(dtype: str) -> str:
    """The dtype of a sum: small ints and bool accumulate in at least int32."""
    return "int32" if dtype in _NARROW else dtype


def bits(dtype: str) -> int:
    """The width of a dtype in memory."""
    return 8 if dtype == "bool" else _BITS[dtype]


def epsilon(dtype: str) -> float:
    """The distance from 1 to the next number of a float dtype."""
    return 2.0 ** {"float16": -10, "bfloat16": -7, "float32": -23, "float64": -52}[dtype]


def limits(dtype: str) -> tuple[float, float]:
    """The least and the largest finite value of a dtype."""
    if dtype in FLOATS:
        return -largest(dtype), largest(dtype)
    return (0, 1) if dtype == "bool" else (lowest(dtype), lowest(dtype) + 2 ** _BITS[dtype] - 1)


def largest(dtype: str) -> float:
    """The largest finite number of a float dtype."""
    digits, exponent = {"float16": (11, 16), "bfloat16": (8, 128), "float32": (24, 128),
                        "float64": (53, 1024)}[dtype]  # fmt: skip
    return (2.0 - 2.0 ** (1 - digits)) * 2.0 ** (exponent - 1)


def lowest(dtype: str) -> float:
    """The least value of a dtype: -inf for floats."""
    if dtype in FLOATS:
        return -math.inf
    return -(2 ** (_BITS[dtype] - 1)) if dtype in SIGNED else 0
