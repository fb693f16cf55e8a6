"""Recurrent layers: beside Keras in float64, then what masks, states and dropout do."""

import numpy as np
import pytest
from twins import Twins, normal

from polyk import layers

X = normal(3, 5, 4)
STATE = normal(3, 2, seed=7)
LEFT = np.array([[0, 0, 1, 1, 1], [0, 0, 0, 0, 1], [1, 1, 1, 1, 1]], bool)
MASKS = {
    "left": LEFT,
    "right": LEFT[:, ::-1].copy(),
    "holes": np.array([[1, 0, 1, 0, 1], [0, 1, 0, 1, 0], [1, 1, 0, 1, 1]], bool),
    "nothing": np.array([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [1, 1, 1, 0, 0]], bool),
}
FAMILIES = {
    "SimpleRNN": [{}, {"activation": "relu"}, {"use_bias": False}],
    "LSTM": [{}, {"recurrent_activation": "hard_sigmoid"}, {"use_bias": False}],
    "GRU": [{}, {"reset_after": False}, {"activation": "relu"}, {"use_bias": False},
            {"reset_after": False, "use_bias": False}],
}  # fmt: skip
OPTIONS = [
    {}, {"return_sequences": True}, {"return_state": True}, {"go_backwards": True},
    {"return_sequences": True, "return_state": True, "go_backwards": True},
    {"unroll": True, "return_sequences": True},
]  # fmt: skip
KINDS = [(name, kwargs) for name, rows in FAMILIES.items() for kwargs in rows]
CELLS = {
    "cells": lambda of: [of.LSTMCell(3), of.GRUCell(2), of.SimpleRNNCell(2)],
    "one-state": lambda of: of.GRUCell(2),
    "stack": lambda of: of.StackedRNNCells([of.GRUCell(3), of.LSTMCell(2)]),
}


def label(value):
    return "-".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else value


def check(twins):
    twins.check_names()
    twins.check_outputs()
    twins.check_gradients()


@pytest.mark.parametrize(("name", "kwargs"), KINDS, ids=label)
@pytest.mark.parametrize("options", OPTIONS, ids=label)
def test_a_layer_beside_keras(name, kwargs, options):
    check(Twins(lambda of: getattr(of, name)(2, **kwargs, **options), X))


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("options", OPTIONS, ids=label)
def test_a_masked_layer_beside_keras(name, mask, options):
    check(
        Twins(
            lambda of: getattr(of, name)(2, **options),
            X,
            MASKS[mask],
            call=lambda layer, x, m: layer(x, mask=m),
        )
    )


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("mask", MASKS)
def test_outputs_of_masked_steps_can_be_zero(name, mask):
    twins = Twins(
        lambda of: getattr(of, name)(2, return_sequences=True, zero_output_for_mask=True),
        X,
        MASKS[mask],
        call=lambda layer, x, m: layer(x, mask=m),
    )
    check(twins)


@pytest.mark.parametrize("name", FAMILIES)
def test_states_can_be_given(name):
    many = 2 if name == "LSTM" else 1
    twins = Twins(
        lambda of: getattr(of, name)(2, return_state=True, return_sequences=True),
        X,
        *[STATE] * many,
        call=lambda layer, x, *states: layer(x, initial_state=list(states)),
    )
    check(twins)


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("options", OPTIONS, ids=label)
@pytest.mark.parametrize("mask", [None, "right"])
def test_cells_beside_keras(cells, options, mask):
    kwargs = {} if mask is None else {"mask": MASKS[mask]}
    check(
        Twins(
            lambda of: of.RNN(CELLS[cells](of), **options),
            X,
            call=lambda layer, x: layer(x, **kwargs),
        )
    )


@pytest.mark.parametrize("name", ["SimpleRNNCell", "LSTMCell", "GRUCell"])
def test_a_cell_beside_keras(name):
    states = [STATE] * (2 if name == "LSTMCell" else 1)
    check(
        Twins(
            lambda of: getattr(of, name)(2),
            X[:, 0],
            *states,
            call=lambda cell, x, *states: cell(x, list(states)),
        )
    )


@pytest.mark.parametrize(
    "options",
    [
        {}, {"strides": 2, "padding": "same"}, {"dilation_rate": 2, "return_sequences": True},
        {"data_format": "channels_first", "return_state": True}, {"use_bias": False},
        {"go_backwards": True, "recurrent_activation": "hard_sigmoid"},
    ],
    ids=label,
)  # fmt: skip
def test_a_convolutional_lstm_beside_keras(options):
    x = normal(2, 3, 6, 7, 2)
    if "data_format" in options:
        x = x.transpose(0, 1, 4, 2, 3)
    check(Twins(lambda of: of.ConvLSTM2D(2, (3, 2), **options), x))


@pytest.mark.parametrize("rank", [1, 3])
def test_a_convolutional_lstm_of_another_rank_beside_keras(rank):
    x = normal(2, 2, *[4] * rank, 2)
    check(Twins(lambda of: getattr(of, f"ConvLSTM{rank}D")(2, 2, padding="same"), x))


def test_a_masked_convolutional_lstm_skips_steps():
    """Keras 3.15 cannot: its mask does not broadcast to images."""
    layer, x = layers.ConvLSTM1D(2, 3), normal(1, 5, 4, 2).astype("float32")
    mask = MASKS["holes"][:1]
    np.testing.assert_allclose(layer(x, mask=mask), layer(x[:, mask[0]]), rtol=1e-6)
