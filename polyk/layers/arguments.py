"""Arguments that many layers take, checked and brought into one form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import config, constraints, initializers, regularizers
from polyk.layers.base import Layer

Sizes = int | Sequence[int]


def keep_options(
    layer: Layer, weight: str, initializer: Any, regularizer: Any = None, constraint: Any = None
) -> None:
    """Keep how `weight` is made under ``<weight>_initializer`` etc., where `add_weight` looks."""
    setattr(layer, f"{weight}_initializer", initializers.get(initializer))
    setattr(layer, f"{weight}_regularizer", regularizers.get(regularizer))
    setattr(layer, f"{weight}_constraint", constraints.get(constraint))


def one_of(value: Any, name: str, known: Sequence[str]) -> str:
    """`value`, in whatever case it came, if it is among `known`."""
    if not isinstance(value, str) or value.lower() not in known:
        listed = " or ".join(map(repr, known))
        raise ValueError(f"{name} must be {listed}; got {value!r}.")
    return value.lower()


def known_format(data_format: str | None) -> str:
    """Where the channels are: as `polyk.config.image_data_format` says unless it is given."""
    known = ("channels_last", "channels_first")
    return one_of(data_format or config.image_data_format(), "data_format", known)


def channel_axis(layer: Any) -> int:
    """The axis of the channels of a layer that has a `data_format`."""
    return 1 if layer.data_format == "channels_first" else -1


def pairs(value: Any, rank: int, name: str) -> tuple[Any, ...]:
    """(before, after) for each spatial axis, from an int, an int for each, or such pairs.

    Of one axis it is the pair itself, and two ints are that pair.
    """
    given = (value,) * rank if isinstance(value, int) else (value,) if rank == 1 else tuple(value)
    result = tuple((p, p) if isinstance(p, int) else tuple(p) for p in given)
    wrong = len(result) != rank or any(len(p) != 2 for p in result)
    if wrong or not all(isinstance(n, int) and n >= 0 for p in result for n in p):
        ints = f"{rank} ints or {rank} pairs" if rank > 1 else "a pair"
        raise ValueError(
            f"{name} must be an int, {ints} (before, after), none negative; got {value!r}."
        )
    return result[0] if rank == 1 else result


def rate_of(value: float, layer: Layer) -> float:
    """A fraction of what is dropped: at least 0 and below 1."""
    if not 0 <= value < 1:
        raise ValueError(f"{type(layer).__name__}: rate must be in [0, 1); got {value}.")
    return value


class OneLayout(Layer):
    """A layer of a family with a `data_format` that, as in Keras, has no choice of one."""

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["data_format"]
        return config
