"""Matrix and tensor products."""

from collections.abc import Sequence
from typing import Any

from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor, binary, many, pair
from polyk.shapes import axis_index, dot_general

__all__ = ["cross", "dot", "einsum", "inner", "matmul", "outer", "tensordot"]


@binary
def matmul(x1: Any, x2: Any) -> Tensor:
    """The matrix product; leading axes broadcast, a vector counts as one row or column."""
    b, x, y = _two(x1, x2, "matmul")
    row, column = len(b.shape(x)) == 1, len(b.shape(y)) == 1
    if row or column:
        x = b.expand_dims(x, 0) if row else x
        y = b.expand_dims(y, 1) if column else y
    dot_general(b.shape(x), b.shape(y))
    z = b.matmul(x, y)
    if not (row or column):
        return z
    rank = len(b.shape(z))
    return b.squeeze(z, ((rank - 2,) if row else ()) + ((rank - 1,) if column else ()))


def _two(x1: Any, x2: Any, op: str) -> tuple[Any, Tensor, Tensor]:
    b, x, y = pair(x1, x2)
    if isinstance(x, (bool, int, float)) or isinstance(y, (bool, int, float)):
        raise ShapeError(f"{op} does not take scalars; use multiply.")
    if not (x.shape and y.shape) or not (len(x.shape) and len(y.shape)):
        raise ShapeError(f"{op}: got shapes {b.shape(x)} and {b.shape(y)}; a scalar has no rows.")
    return b, x, y


def dot(x1: Any, x2: Any) -> Tensor:
    """NumPy's dot: the last axis of `x1` against the second last (or only one) of `x2`."""
    b, (x, y) = many([x1, x2])
    rx, ry = len(b.shape(x)), len(b.shape(y))
    if not rx or not ry:
        return b.multiply(x, y)
    return tensordot(x, y, ([-1], [-2 if ry > 1 else -1]))


def tensordot(x1: Any, x2: Any, axes: int | Sequence[Any] = 2) -> Tensor:
    """Summed over the last `axes` of `x1` and the first of `x2`, or over two lists of axes."""
    b, (x, y) = many([x1, x2])
    sx, sy = b.shape(x), b.shape(y)
    if isinstance(axes, int):
        ax, ay = list(range(len(sx) - axes, len(sx))), list(range(axes))
    else:
        ax, ay = ([axis_index(a, len(s)) for a in ((v,) if isinstance(v, int) else v)]
                  for v, s in zip(axes, (sx, sy), strict=True))  # fmt: skip
    if len(ax) != len(ay) or any(sx[i] != sy[j] for i, j in zip(ax, ay, strict=True)):
        raise ShapeError(f"tensordot: shapes {sx} and {sy} do not fit along axes {axes}.")
    return b.tensordot(x, y, tuple(ax), tuple(ay))


def inner(x1: Any, x2: Any) -> Tensor:
    """Summed over the last axis of both."""
    b, (x, y) = many([x1, x2])
    return b.multiply(x, y) if not b.shape(x) or not b.shape(y) else tensordot(x, y, ([-1], [-1]))


def outer(x1: Any, x2: Any) -> Tensor:
    """Every product of an element of `x1` and one of `x2`, both taken flat."""
    from polyk.ops.shaping import ravel

    b, (x, y) = many([x1, x2])
    return b.outer(ravel(x), ravel(y))


def cross(x1: Any, x2: Any, axis: int = -1) -> Tensor:
    """The cross product of 3-vectors along `axis`."""
    from polyk.ops.shaping import moveaxis

    b, (x, y) = many([x1, x2])
    x, y = moveaxis(x, axis, -1), moveaxis(y, axis, -1)
    if b.shape(x)[-1] != 3 or b.shape(y)[-1] != 3:
        raise ShapeError(f"cross needs vectors of 3; got {b.shape(x)} and {b.shape(y)}.")
    return moveaxis(b.cross(x, y), -1, axis)


def einsum(subscripts: str, *operands: Any) -> Tensor:
    """Einstein summation: ``einsum("bij,bjk->bik", x, y)``. Broadcasting by ``...`` is allowed."""
    b, xs = many(list(operands))
    inputs, output = _subscripts(subscripts, [b.shape(x) for x in xs])
    sizes: dict[str, int] = {}
    for term, x in zip(inputs, xs, strict=True):
        if len(term) != len(b.shape(x)):
            raise ShapeError(f"einsum {subscripts!r}: {term!r} does not fit shape {b.shape(x)}.")
        for c, d in zip(term, b.shape(x), strict=True):
            if sizes.setdefault(c, d) != d and 1 not in (d, sizes[c]):
                raise ShapeError(f"einsum {subscripts!r}: axis {c!r} is both {sizes[c]} and {d}.")
            sizes[c] = max(sizes[c], d)
    wanted = [tuple(sizes[c] for c in term) for term in inputs]
    xs = [x if b.shape(x) == full else b.broadcast_to(x, full)
          for x, full in zip(xs, wanted, strict=True)]  # fmt: skip
    return b.einsum(inputs, output, *xs)


def _subscripts(text: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """The terms with every ``...`` spelled out, and the output term."""
    left, arrow, right = text.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ShapeError(f"einsum {text!r} names {len(terms)} tensors; got {len(shapes)}.")
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in text]
    extra = [len(s) - len(t.replace("...", "")) for t, s in zip(terms, shapes, strict=True)]
    most = max((e for e, t in zip(extra, terms, strict=True) if "..." in t), default=0)
    dots = "".join(spare[:most])
    terms = [
        t.replace("...", dots[most - e :] if e > 0 else "")
        for t, e in zip(terms, extra, strict=True)
    ]
    if not arrow:
        letters = sorted(set("".join(terms)) - set(dots))
        right = dots + "".join(c for c in letters if "".join(terms).count(c) == 1)
    right = right.replace("...", dots)
    if set(right) - set("".join(terms)) or len(set(right)) != len(right):
        raise ShapeError(f"einsum {text!r}: the output must name input axes, each once.")
    return terms, right
