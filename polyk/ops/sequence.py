"""Whole sequences at once: LSTM, GRU, attention."""

import math
from typing import Any

from polyk import dtypes
from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor, cast, tensors

__all__ = ["dot_product_attention", "gru", "lstm"]


def lstm(
    x: Any, h: Any, c: Any, kernel: Any, recurrent_kernel: Any, bias: Any = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Long short-term memory over all steps: all outputs, and the last `h` and `c`.

    (N, steps, C), (N, units), (N, units), (C, 4 units), (units, 4 units), (4 units,) to
    (N, steps, units), (N, units), (N, units). The gates are input, forget, cell, output.
    """
    b, (x, h, c, kernel, recurrent_kernel, bias) = _alike(x, h, c, kernel, recurrent_kernel, bias)
    _check_recurrent("lstm", b, x, (h, c), kernel, recurrent_kernel, 4)
    return tuple(b.lstm(x, h, c, kernel, recurrent_kernel, bias))


def gru(
    x: Any, h: Any, kernel: Any, recurrent_kernel: Any, bias: Any = None
) -> tuple[Tensor, Tensor]:
    """Gated recurrent unit over all steps: all outputs, and the last.

    (N, steps, C), (N, units), (C, 3 units), (units, 3 units), (2, 3 units) to (N, steps, units),
    (N, units). The gates are update, reset, new; the reset gate acts after the product.
    """
    b, (x, h, kernel, recurrent_kernel, bias) = _alike(x, h, kernel, recurrent_kernel, bias)
    _check_recurrent("gru", b, x, (h,), kernel, recurrent_kernel, 3)
    return tuple(b.gru(x, h, kernel, recurrent_kernel, bias))


def _alike(*xs: Any) -> tuple[Any, list[Any]]:
    """Floats of one dtype; None stays None."""
    b, xs = tensors(*xs)  # type: ignore[assignment]
    dtype = dtypes.to_float(dtypes.promote_all(b.dtype(x) for x in xs if x is not None))
    return b, [None if x is None else cast(b, x, dtype) for x in xs]


def _check_recurrent(
    op: str, b: Any, x: Tensor, states: Any, kernel: Tensor, recurrent: Tensor, gates: int
) -> None:
    given = b.shape(x)
    units = b.shape(recurrent)[0]
    fits = len(given) == 3 and b.shape(kernel) == (given[-1], gates * units)
    fits = fits and all(b.shape(s) == (given[0], units) for s in states)
    if not fits or b.shape(recurrent)[1:] != (gates * units,) or given[1] == 0:
        raise ShapeError(
            f"{op}: x {given} (with one step or more), states {[b.shape(s) for s in states]}, "
            f"kernel {b.shape(kernel)} and recurrent_kernel {b.shape(recurrent)} do not fit."
        )


def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """``softmax(query key^T * scale + bias) value``, head by head: A. Vaswani et al., 2017.

    (N, T, heads, C), (N, S, heads or a divisor, C), (N, S, same, V) to (N, T, heads, V). `mask` is
    True where attention is allowed and broadcasts, as `bias`, to (N, heads, T, S); a query that
    may attend to nothing gets zeros. `scale` is ``1 / sqrt(C)``; the engine chooses the kernel.
    """
    if attn_logits_soft_cap is not None:
        raise ValueError("dot_product_attention: attn_logits_soft_cap must be None.")
    b, (query, key, value, bias) = _alike(query, key, value, bias)
    q, k, v = b.shape(query), b.shape(key), b.shape(value)
    if not (len(q) == len(k) == len(v) == 4 and q[3] == k[3] and k[:3] == v[:3] and q[0] == k[0]):
        raise ShapeError(
            f"dot_product_attention: query {q}, key {k} and value {v} do not fit; they are "
            "(N, T, heads, C), (N, S, heads, C), (N, S, heads, V)."
        )
    if q[2] != k[2]:
        if q[2] % k[2]:
            raise ShapeError(
                f"dot_product_attention: {q[2]} query heads cannot share {k[2]} key heads."
            )
        key, value = (b.repeat(x, q[2] // k[2], 2) for x in (key, value))
    if mask is not None:
        b, (query, mask) = tensors(query, mask)
        mask = cast(b, mask, "bool")
    scale = 1 / math.sqrt(q[3]) if scale is None else float(scale)
    return b.dot_product_attention(query, key, value, bias, mask, is_causal, scale)
