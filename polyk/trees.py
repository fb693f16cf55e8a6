"""Nested dicts, lists and tuples of leaves, flattened and rebuilt."""

from collections.abc import Callable
from typing import Any

_NODES = (list, tuple, dict)


def flatten(tree: Any) -> list[Any]:
    """The leaves, depth first; dicts in the order of their sorted keys. None holds no leaf."""
    leaves: list[Any] = []
    _collect(tree, leaves)
    return leaves


def _collect(tree: Any, leaves: list[Any]) -> None:
    if not isinstance(tree, _NODES):
        if tree is not None:
            leaves.append(tree)
    elif isinstance(tree, dict):
        for key in sorted(tree):
            _collect(tree[key], leaves)
    else:
        for item in tree:
            _collect(item, leaves)


def unflatten(tree: Any, leaves: list[Any]) -> Any:
    """The structure of `tree` around other leaves."""
    supply = iter(leaves)
    return _build(tree, lambda _: next(supply))


def map(fn: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with `fn` applied to each leaf."""
    return _build(tree, fn)


def _build(tree: Any, fn: Callable[[Any], Any]) -> Any:
    if not isinstance(tree, _NODES):
        return None if tree is None else fn(tree)
    if isinstance(tree, dict):
        built = {key: _build(tree[key], fn) for key in sorted(tree)}
        return {key: built[key] for key in tree}
    items = [_build(item, fn) for item in tree]
    return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)


def structure(tree: Any) -> Any:
    """What is left of `tree` without its leaves: hashable, equal for trees of one structure."""
    if isinstance(tree, dict):
        return ("dict", *((key, structure(tree[key])) for key in sorted(tree)))
    if isinstance(tree, (list, tuple)):
        return (type(tree).__name__, *(structure(item) for item in tree))
    return tree is None
