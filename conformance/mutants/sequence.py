"""Recurrent layers and attention."""

import numpy as np

from mutants.mutant import REAL, plant


def gates(order):
    """An LSTM that takes its gates in another order."""

    def cell(z, c):
        parts = np.split(z, 4, axis=1)
        return REAL.lstm_cell(np.concatenate([parts[i] for i in order], 1), c)

    return cell


def raw_output(z, c):
    h, c = REAL.lstm_cell(z, c)
    return h / np.tanh(c) * c, c


def updated(x, s, h):
    """A GRU whose update gate keeps what it should replace."""
    new = REAL.gru_cell(x, s, h)
    units = h.shape[-1]
    z = 1 / (1 + np.exp(-(x[:, :units] + s[:, :units])))
    fresh = (new - z * h) / (1 - z)
    return (1 - z) * h + z * fresh


def unreset(x, s, h):
    units = h.shape[-1]
    open_gate = s.copy()
    open_gate[:, units : 2 * units] += 30
    return REAL.gru_cell(x, open_gate, h)


def attended(**wrong):
    """Attention with some of its arguments replaced."""

    def attention(query, key, value, bias, mask, causal, scale):
        given = {"bias": bias, "mask": mask, "causal": causal, "scale": scale} | wrong
        return REAL.dot_product_attention(query, key, value, **given)

    return attention


def sequence(change):
    """`lstm` with its three results changed."""
    return lambda *args: change(*REAL.lstm(*args))


plant(
    "lstm-gates",
    "the input and forget gates are swapped",
    "lstm LSTM",
    lstm_cell=gates((1, 0, 2, 3)),
)
plant("lstm-order", "the gates are i, f, o, g", "lstm LSTM", lstm_cell=gates((0, 1, 3, 2)))
plant("lstm-output", "the output is not squashed", "lstm LSTM", lstm_cell=raw_output)
plant(
    "lstm-states", "the last states are swapped", "lstm", lstm=sequence(lambda ys, h, c: (ys, c, h))
)
plant(
    "lstm-stale",
    "the last state is that of the first step",
    "lstm",
    lstm=sequence(lambda ys, h, c: (ys, ys[:, 0], c)),
)
plant("gru-update", "the update gate is inverted", "gru GRU", gru_cell=updated)
plant("gru-reset", "the reset gate is always open", "gru GRU", gru_cell=unreset)
plant(
    "gru-bias",
    "the state's bias is left out",
    "gru GRU",
    gru=lambda x, h, k, r, b: REAL.gru(x, h, k, r, None if b is None else b * [[1], [0]]),
)
plant(
    "attention-ahead",
    "causal attention sees what is to come",
    "dot_product_attention",
    dot_product_attention=attended(causal=False),
)
plant(
    "attention-scale",
    "the scores are not scaled",
    "dot_product_attention",
    dot_product_attention=attended(scale=1.0),
)
plant(
    "attention-mask",
    "attention ignores its mask",
    "dot_product_attention",
    dot_product_attention=attended(mask=None),
)
plant(
    "attention-bias",
    "attention ignores its bias",
    "dot_product_attention",
    dot_product_attention=attended(bias=None),
)
plant(
    "masked_softmax-sum",
    "what is masked takes part in the sum",
    "dot_product_attention",
    masked_softmax=lambda x, mask, axis: (
        REAL.softmax(x, axis)
        if mask is None
        else np.where(mask, REAL.softmax(x, axis), x.dtype.type(0))
    ),
)
