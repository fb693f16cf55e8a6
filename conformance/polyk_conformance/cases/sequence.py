"""Recurrent layers over all steps, and attention."""

import numpy as np

from polyk_conformance import oracle
from polyk_conformance.bounded import Bounded, exp, tanh, where, wrap
from polyk_conformance.cases.case import array, bools, floated, floats, table


def times(x, kernel):
    """The product of rounded rows and an exact matrix."""
    size = abs(kernel)
    return Bounded(x.v @ kernel, x.e @ size + (len(kernel) + 2) * (abs(x.v) @ size))


def parts(x, n):
    size = x.shape[-1] // n
    return [x[..., i * size : (i + 1) * size] for i in range(n)]


def rows_of(states):
    """(N, steps, units) from the states of the steps."""
    return Bounded(*(np.stack([getattr(s, name) for s in states], 1) for name in "ve"))


def lstm(x, h, c, kernel, recurrent, bias=None):
    h, c, outputs = wrap(h), wrap(c), []
    for t in range(x.shape[1]):
        z = times(wrap(x[:, t]), kernel) + times(h, recurrent)
        i, f, g, o = parts(z if bias is None else z + bias, 4)
        c = oracle.sigmoid(f) * c + oracle.sigmoid(i) * tanh(g)
        h = oracle.sigmoid(o) * tanh(c)
        outputs.append(h)
    return rows_of(outputs), h, c


def gru(x, h, kernel, recurrent, bias=None):
    h, outputs = wrap(h), []
    first, second = (0.0, 0.0) if bias is None else bias
    for t in range(x.shape[1]):
        x_z, x_r, x_h = parts(times(wrap(x[:, t]), kernel) + first, 3)
        h_z, h_r, h_h = parts(times(h, recurrent) + second, 3)
        z, r = oracle.sigmoid(x_z + h_z), oracle.sigmoid(x_r + h_r)
        new = tanh(x_h + r * h_h)
        h = new + z * (h - new)
        outputs.append(h)
    return rows_of(outputs), h


def product(equation, x, y, terms):
    """An einsum of two rounded operands."""
    x, y = wrap(x), wrap(y)
    v = np.einsum(equation, x.v, y.v)
    carried = np.einsum(equation, x.e, abs(y.v)) + np.einsum(equation, abs(x.v), y.e)
    return Bounded(v, carried + (terms + 2) * np.einsum(equation, abs(x.v), abs(y.v)))


def attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False):
    targets, sources, size = query.shape[1], key.shape[1], query.shape[-1]
    groups = query.shape[2] // key.shape[2]
    key, value = (np.repeat(a, groups, 2) for a in (key, value))
    scores = product("bthc,bshc->bhts", query, key, size)
    scores = scores * Bounded(scale or size**-0.5, scale or size**-0.5)
    scores = scores if bias is None else scores + bias
    allowed = np.ones(scores.shape, bool) if mask is None else np.broadcast_to(mask, scores.shape)
    if is_causal:
        allowed = allowed & np.tri(targets, sources, dtype=bool)
    held = where(allowed, scores, -1e30)
    powers = exp(held - held.v.max(3, keepdims=True))
    weights = where(allowed, powers / powers.sum(3, True), 0.0)
    return product("bhts,bshc->bthc", weights, value, sources)


def weights_of(gates, width, units, *bias, dtype="float32"):
    shapes = [(width, gates * units), (units, gates * units), *bias]
    return [floats(*s, seed=i, lo=-0.7, hi=0.7, dtype=dtype) for i, s in enumerate(shapes)]


X, STATE = floats(3, 5, 4, seed=1), [floats(3, 2, seed=s, lo=-1, hi=1) for s in (2, 3)]
OF_LSTM, OF_GRU = weights_of(4, 4, 2, (8,)), weights_of(3, 4, 2, (2, 6))
Q, K, V = (floats(2, *s, seed=i) for i, s in enumerate([(3, 4, 5), (6, 4, 5), (6, 4, 2)]))
MASK = bools(2, 1, 3, 6, seed=5)
NOTHING = MASK * array([[[[1], [0], [1]]]], "bool")  # the second query sees nothing
SQUARE = [floats(2, 4, 2, 3, seed=s) for s in (7, 8, 9)]


def _doubles(arrays):
    return [a.astype("float64") for a in arrays]


CASES = [
    *table(
        "lstm", lstm, floated, ("bias", X, *STATE, *OF_LSTM), ("bare", X, *STATE, *OF_LSTM[:2]),
        ("one-step", X[:, :1], *STATE, *OF_LSTM), ("one-row", X[:1], STATE[0][:1], STATE[1][:1],
        *OF_LSTM), ("doubles", *_doubles([X, *STATE, *OF_LSTM])), ("wide", X * 9, *STATE, *OF_LSTM),
    ),
    *table("lstm", lstm, floated, ("smooth", X, *STATE, *OF_LSTM), smooth=(0, 1, 2, 3, 4, 5)),
    *table(
        "gru", gru, floated, ("bias", X, STATE[0], *OF_GRU), ("bare", X, STATE[0], *OF_GRU[:2]),
        ("one-step", X[:, :1], STATE[0], *OF_GRU), ("wide", X * 9, STATE[0], *OF_GRU),
        ("doubles", *_doubles([X, STATE[0], *OF_GRU])),
    ),
    *table("gru", gru, floated, ("smooth", X, STATE[0], *OF_GRU), smooth=(0, 1, 2, 3, 4)),
    *table(
        "dot_product_attention", attention, floated, ("plain", Q, K, V),
        ("bias", Q, K, V, floats(4, 3, 6, seed=4)), ("mask", Q, K, V, None, MASK),
        ("nothing-allowed", Q, K, V, None, NOTHING), ("causal", Q, K, V, {"is_causal": True}),
        ("causal-mask", Q, K, V, None, NOTHING, {"is_causal": True}),
        ("scale", Q, K, V, {"scale": 2.0}), ("all", Q, K, V, floats(2, 1, 3, 6), NOTHING),
        ("grouped", Q, K[:, :, :2], V[:, :, :2]), ("doubles", *_doubles([Q, K, V])),
    ),
    *table("dot_product_attention", attention, floated, ("smooth", *SQUARE, {"is_causal": True}),
           smooth=(0, 1, 2)),
    *table("dot_product_attention", attention, floated,
           ("smooth-mask", Q, K, V, floats(4, 3, 6, seed=4), NOTHING), smooth=(0, 1, 2, 3)),
]  # fmt: skip
