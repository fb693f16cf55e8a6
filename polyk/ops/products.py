"""Matrix and tensor products."""

import math
from collections.abc import Sequence
from typing import Any

from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor, binary, cast, floating_pair, many, one, pair
from polyk.shapes import axis_index, dot_general

__all__ = [
    "correlate",
    "cross",
    "dot",
    "einsum",
    "inner",
    "kron",
    "matmul",
    "outer",
    "tensordot",
    "vander",
    "vdot",
    "vecdot",
]


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


def vdot(x1: Any, x2: Any) -> Tensor:
    """The sum of products of two flat tensors."""
    b, (x, y) = many([x1, x2])
    sizes = [math.prod(b.shape(v)) for v in (x, y)]
    if sizes[0] != sizes[1]:
        raise ShapeError(f"vdot needs two tensors of one size; got {sizes[0]} and {sizes[1]}.")
    return dot(b.reshape(x, (sizes[0],)), b.reshape(y, (sizes[1],)))


def vecdot(x1: Any, x2: Any, axis: int = -1) -> Tensor:
    """The sum of products along `axis`; the other axes broadcast."""
    from polyk.ops.elementwise import multiply
    from polyk.ops.reductions import sum

    return sum(multiply(x1, x2), axis)


def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """The cross product of vectors of 2 or 3 along `axisa` and `axisb`, its own along `axisc`.

    `axis` stands for all three. A vector of 2 has a third coordinate of 0; two of them give the
    third coordinate alone.
    """
    from polyk.ops.shaping import moveaxis

    if axis is not None:
        axisa = axisb = axisc = axis
    b, (x, y) = many([x1, x2])
    x, y = moveaxis(x, axisa, -1), moveaxis(y, axisb, -1)
    sizes = b.shape(x)[-1], b.shape(y)[-1]
    if not set(sizes) <= {2, 3}:
        raise ShapeError(f"cross needs vectors of 2 or 3; got {b.shape(x)} and {b.shape(y)}.")
    x, y = (v if n == 3 else b.pad(v, ((0, 0),) * (len(b.shape(v)) - 1) + ((0, 1),))
            for v, n in zip((x, y), sizes, strict=True))  # fmt: skip
    z = b.cross(x, y)
    return b.unstack(z, len(b.shape(z)) - 1)[2] if sizes == (2, 2) else moveaxis(z, -1, axisc)


def kron(x1: Any, x2: Any) -> Tensor:
    """The Kronecker product: each element of `x1` times the whole of `x2`."""
    b, (x, y) = many([x1, x2])
    rank = max(len(b.shape(x)), len(b.shape(y)))
    x, y = (b.reshape(v, (1,) * (rank - len(b.shape(v))) + b.shape(v)) for v in (x, y))
    return b.kron(x, y)


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """(n, N): the powers of the vector `x` in columns, the highest first unless `increasing`."""
    b, x = one(x)
    if len(b.shape(x)) != 1:
        raise ShapeError(f"vander needs a vector; got shape {b.shape(x)}.")
    x = cast(b, x, "int32") if b.dtype(x) == "bool" else x
    return b.vander(x, b.shape(x)[0] if N is None else N, increasing)


def correlate(x1: Any, x2: Any, mode: str = "valid") -> Tensor:
    """The sliding products of two vectors, the second not turned around.

    Mode "full" has ``n + m - 1`` places, "same" as many as the longer, "valid" only those where one
    lies within the other.
    """
    b, x, y = floating_pair(*many([x1, x2])[1])
    n, m = (b.shape(v)[0] if len(b.shape(v)) == 1 else 0 for v in (x, y))
    if not n or not m or mode not in ("full", "same", "valid"):
        raise ValueError(
            f"correlate needs two vectors and mode 'full', 'same' or 'valid'; got {b.shape(x)}, "
            f"{b.shape(y)} and {mode!r}."
        )
    if m > n:
        return b.flip(correlate(y, x, mode), (0,))
    pads = {"full": (m - 1, m - 1), "same": (m // 2, m - 1 - m // 2), "valid": (0, 0)}[mode]
    signal, kernel = b.reshape(x, (1, n, 1)), b.reshape(y, (m, 1, 1))
    z = b.conv(signal, kernel, (1,), (pads,), (1,), 1)
    return b.reshape(z, (n + sum(pads) - m + 1,))


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
