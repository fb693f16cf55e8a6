"""rearrange: reshape and transpose by a pattern of names. Source: A. Rogozhnikov, Einops, 2022."""

import math
from typing import Any

from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor, one

__all__ = ["rearrange"]


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """Axes named, split, moved and merged: ``rearrange(x, "b (h p) c -> b h (p c)", p=2)``.

    Names in parentheses share one axis; of their sizes all but one are given.
    """
    b, x = one(tensor)
    left, arrow, right = pattern.partition("->")
    groups, wanted = _groups(left), _groups(right)
    names = [n for group in groups for n in group]
    flat = [n for group in wanted for n in group]
    if not arrow or sorted(names) != sorted(flat) or len(set(names)) != len(names):
        raise ShapeError(f"rearrange {pattern!r}: both sides must hold the same names, each once.")
    sizes = _sizes(groups, b.shape(x), axes_lengths, pattern)
    x = b.reshape(x, tuple(sizes[n] for n in names))
    x = b.transpose(x, tuple(names.index(n) for n in flat))
    return b.reshape(x, tuple(math.prod(sizes[n] for n in group) for group in wanted))


def _groups(side: str) -> list[list[str]]:
    """One list of names for each axis: "b (h p) 1" -> [["b"], ["h", "p"], []]."""
    groups: list[list[str]] = []
    inside = False
    for word in side.replace("(", " ( ").replace(")", " ) ").split():
        if word in "()":
            inside = word == "("
            groups += [[]] if inside else []
        elif word == "1":
            groups += [] if inside else [[]]
        elif inside:
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def _sizes(
    groups: list[list[str]], shape: tuple[int, ...], given: dict[str, int], pattern: str
) -> dict[str, int]:
    if len(groups) != len(shape):
        raise ShapeError(f"rearrange {pattern!r} names {len(groups)} axes; got shape {shape}.")
    sizes = dict(given)
    for group, size in zip(groups, shape, strict=True):
        unknown = [n for n in group if n not in sizes]
        known = math.prod(sizes[n] for n in group if n in sizes)
        if len(unknown) > 1 or (size % max(known, 1) if unknown else size != known):
            raise ShapeError(f"rearrange {pattern!r}: an axis of {size} does not split into "
                             f"({' '.join(group)}) with {given}.")  # fmt: skip
        sizes.update(dict.fromkeys(unknown, size // max(known, 1)))
    return sizes
