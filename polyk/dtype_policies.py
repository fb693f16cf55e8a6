"""Dtype policies: in which dtype a layer computes, and in which it keeps its weights."""

from __future__ import annotations

from typing import Any

from polyk import dtypes

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class DTypePolicy:
    """A dtype for computing and one for weights, by one name.

    ``"float32"``, or another dtype, stands for both. ``"mixed_bfloat16"`` and ``"mixed_float16"``
    compute in half precision and keep float32 weights, whose gradients are float32 as well.

    >>> policy = polyk.DTypePolicy("mixed_bfloat16")
    >>> policy.compute_dtype, policy.variable_dtype
    ('bfloat16', 'float32')
    """

    def __init__(self, name: str | None = None) -> None:
        name = name or dtypes.floatx()
        if name not in _MIXED:
            name = dtypes.standardize(name)
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The dtype of what a layer computes, and to which its float inputs are cast."""
        return _MIXED.get(self._name, self._name)

    @property
    def variable_dtype(self) -> str:
        """The dtype of a layer's weights."""
        return "float32" if self._name in _MIXED else self._name

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self._name

    def __hash__(self) -> int:
        return hash(self._name)

    def get_config(self) -> dict[str, Any]:
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        return cls(**config)


_chosen: DTypePolicy | None = None


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given none: floatx unless `set_dtype_policy` said else."""
    return _chosen or DTypePolicy()


def set_dtype_policy(policy: Any) -> None:
    """Make `policy`, or the one of that name, that of the layers made from now on.

    None goes back to floatx.
    """
    global _chosen
    _chosen = None if policy is None else get(policy)


def get(identifier: Any) -> DTypePolicy:
    """A policy from its name, a dtype, its config or itself; None is the one in force."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return DTypePolicy.from_config(identifier.get("config", identifier))
    name = identifier if identifier in _MIXED else dtypes.standardize(identifier)
    return DTypePolicy(name)


FloatDTypePolicy = DTypePolicy
