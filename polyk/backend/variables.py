"""Variables of Keras 1: weights, which a compiled or differentiated function may change."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from polyk import config, ops, random
from polyk.graph import GraphTensor
from polyk.weights import Variable, Weight

__all__ = [
    "batch_get_value",
    "batch_set_value",
    "clear_session",
    "count_params",
    "get_uid",
    "get_value",
    "get_variable_shape",
    "is_keras_tensor",
    "is_placeholder",
    "is_sparse",
    "is_variable",
    "moving_average_update",
    "name_scope",
    "normalize_data_format",
    "random_normal_variable",
    "random_uniform_variable",
    "reset_uids",
    "set_value",
    "to_dense",
    "update",
    "update_add",
    "update_sub",
    "variable",
]

T = TypeVar("T")
_uids: defaultdict[str, int] = defaultdict(int)


def variable(
    value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None
) -> Variable:
    """A weight with the first value `value`, in floatx unless `dtype` says otherwise."""
    return Variable(value, dtype=dtype, name=name, constraint=constraint)


def random_uniform_variable(
    shape: Any,
    low: float,
    high: float,
    dtype: Any = None,
    name: str | None = None,
    seed: Any = None,
) -> Weight:
    """A variable of uniform numbers in [low, high)."""
    return variable(random.uniform(shape, low, high, dtype, seed), dtype, name)


def random_normal_variable(
    shape: Any,
    mean: float,
    scale: float,
    dtype: Any = None,
    name: str | None = None,
    seed: Any = None,
) -> Weight:
    """A variable of normal numbers."""
    return variable(random.normal(shape, mean, scale, dtype, seed), dtype, name)


def get_value(x: Any) -> Any:
    """The value of a variable as a NumPy array."""
    return ops.convert_to_numpy(x)


def batch_get_value(ops: Iterable[Any]) -> list[Any]:
    """The values of several variables."""
    return [get_value(x) for x in ops]


def set_value(x: Weight, value: Any) -> None:
    """Give a variable a new value."""
    x.assign(ops.convert_to_tensor(value, x.dtype))


def batch_set_value(tuples: Iterable[tuple[Weight, Any]]) -> None:
    """Give several variables new values."""
    for x, value in tuples:
        set_value(x, value)


def update(x: Weight, new_x: Any) -> Weight:
    """Assign `new_x` to `x`, at once: there is no list of updates to run later."""
    x.assign(new_x)
    return x


def update_add(x: Weight, increment: Any) -> Weight:
    """Add to `x`."""
    x.assign_add(increment)
    return x


def update_sub(x: Weight, decrement: Any) -> Weight:
    """Subtract from `x`."""
    x.assign_sub(decrement)
    return x


def moving_average_update(x: Weight, value: Any, momentum: float) -> Weight:
    """``x = momentum * x + (1 - momentum) * value``."""
    return update(x, ops.add(ops.multiply(x, momentum), ops.multiply(value, 1.0 - momentum)))


def get_variable_shape(x: Any) -> tuple[int, ...]:
    """The shape of a variable."""
    return tuple(x.shape)


def count_params(x: Any) -> int:
    """The number of elements of a variable."""
    return math.prod(x.shape)


def is_variable(x: Any) -> bool:
    """Whether `x` is a variable."""
    return isinstance(x, Weight)


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a tensor of a graph: an Input, a placeholder, or made from one."""
    return isinstance(x, GraphTensor)


def is_placeholder(x: Any) -> bool:
    """Whether `x` is a tensor of a graph that nothing computes."""
    return isinstance(x, GraphTensor) and x.node is None


def is_sparse(tensor: Any) -> bool:
    """False: there are no sparse tensors."""
    return False


def to_dense(tensor: T) -> T:
    """`tensor` itself: there are no sparse tensors."""
    return tensor


def normalize_data_format(value: str | None) -> str:
    """`value`, or the default layout of images if it is None."""
    if value not in (None, "channels_first", "channels_last"):
        raise ValueError(f"data_format must be channels_first or channels_last; got {value!r}.")
    return value or config.image_data_format()


def name_scope(name: str, *args: Any) -> AbstractContextManager[None]:
    """A block that has no effect: names are for graphs that are drawn."""
    return nullcontext()


def get_uid(prefix: str = "") -> int:
    """1, 2, ... for each prefix."""
    _uids[prefix] += 1
    return _uids[prefix]


def reset_uids() -> None:
    """Let `get_uid` begin again at 1."""
    _uids.clear()


def clear_session() -> None:
    """Let the names of layers begin again. Nothing else is global: models die with their names."""
    from polyk.layers.base import reset_names

    reset_uids()
    reset_names()
