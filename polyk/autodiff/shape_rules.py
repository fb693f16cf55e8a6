"""Rules for ops that move elements: shapes, indexing, gathering and scattering."""

from __future__ import annotations

import math
from typing import Any

from polyk.autodiff.rules import fit, rule

rule("reshape", lambda b, g, y, x, shape: b.reshape(g, b.shape(x)))
rule(
    "transpose",
    lambda b, g, y, x, axes: b.transpose(g, tuple(sorted(range(len(axes)), key=axes.__getitem__))),
)
rule("broadcast_to", lambda b, g, y, x, shape: fit(b, g, x))
rule("flip", lambda b, g, y, x, axis: b.flip(g, axis))


def _pad(b: Any, g: Any, y: Any, x: Any, pads: Any, value: float = 0) -> Any:
    spans = zip(pads, b.shape(x), strict=True)
    return b.getitem(g, tuple(slice(lo, lo + n, 1) for (lo, _), n in spans))


rule("pad", _pad)


def _getitem(b: Any, g: Any, y: Any, x: Any, index: tuple[int | slice, ...]) -> Any:
    """Put `g` back in place: zeros between the steps, then zeros around."""
    shape = b.shape(x)
    sizes = [len(range(*i.indices(d))) if isinstance(i, slice) else 1
             for i, d in zip(index, shape, strict=True)]  # fmt: skip
    g, pads = b.reshape(g, tuple(sizes)), []
    for axis, (i, d, n) in enumerate(zip(index, shape, sizes, strict=True)):
        start, step = (i.indices(d)[0], i.step or 1) if isinstance(i, slice) else (i, 1)
        if step > 1 and n > 1:
            g = b._stretch(g, axis, step)
            n = (n - 1) * step + 1
        pads.append((start, d - start - n))
    return b.pad(g, tuple(pads)) if any(p != (0, 0) for p in pads) else g


rule("getitem", _getitem)


def _take(b: Any, g: Any, y: Any, x: Any, indices: Any, axis: int) -> Any:
    shape, n = b.shape(x), b.shape(x)[axis]
    lead, rank = axis, len(b.shape(indices))
    order = (*range(lead, lead + rank), *range(lead), *range(lead + rank, len(b.shape(g))))
    rest = (*shape[:axis], *shape[axis + 1 :])
    updates = b.reshape(b.transpose(g, order), (math.prod(b.shape(indices)), *rest))
    indices = b.where(b.less(indices, 0), b.add(indices, n), indices)
    zeros = b.full((n, *rest), 0.0, b.dtype(g))
    total = b.scatter_add(zeros, b.reshape(indices, (-1 if rank else 1, 1)), updates)
    return b.transpose(total, (*range(1, axis + 1), 0, *range(axis + 1, len(shape))))


rule("take", _take)


def _take_along_axis(b: Any, g: Any, y: Any, x: Any, indices: Any, axis: int) -> Any:
    shape = b.shape(x)
    places = b.reshape(b._places(shape, indices, axis), (math.prod(b.shape(indices)), 1))
    zeros = b.full((math.prod(shape),), 0.0, b.dtype(g))
    updates = b.reshape(g, (math.prod(b.shape(g)),))
    return b.reshape(b.scatter_add(zeros, places, updates), shape)


rule("take_along_axis", _take_along_axis)


def _picked(b: Any, g: Any, x: Any, indices: Any) -> Any:
    """`g` at the places that `indices` (n, k) name."""
    shape, k = b.shape(x), b.shape(indices)[1]
    flat, stride = None, 1
    for i in reversed(range(k)):
        column = b.getitem(indices, (slice(0, b.shape(indices)[0], 1), i))
        part = b.multiply(column, stride)
        flat = part if flat is None else b.add(flat, part)
        stride *= shape[i]
    return b.take(b.reshape(g, (stride, *shape[k:])), flat, 0)


rule(
    "scatter_add",
    lambda b, g, y, x, i, u: g,
    None,
    lambda b, g, y, x, i, u: _picked(b, g, x, i),
)


def _scatter_won(b: Any, g: Any, y: Any, x: Any, i: Any, u: Any) -> Any:
    """The gradient reaches an update only where it is the one that stayed."""
    n = b.shape(i)[0]
    order = b.reshape(b.arange(0, n, 1, "int32"), (n,) + (1,) * (len(b.shape(u)) - 1))
    order = b.broadcast_to(order, b.shape(u))
    last = _picked(b, b.scatter_update(b.full(b.shape(x), -1, "int32"), i, order), x, i)
    return b.where(b.equal(last, order), _picked(b, g, x, i), 0.0)


rule(
    "scatter_update",
    lambda b, g, y, x, i, u: b.scatter_update(g, i, b.full(b.shape(u), 0.0, b.dtype(g))),
    None,
    _scatter_won,
)
