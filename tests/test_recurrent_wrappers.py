"""Bidirectional and TimeDistributed beside Keras."""

from importlib import import_module

import numpy as np
import pytest
from test_recurrent import LEFT, STATE, X, check, label
from twins import Twins, normal

import polyk
from polyk import layers


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize("options", [{}, {"return_sequences": True}, {"return_state": True}],
                         ids=label)  # fmt: skip
@pytest.mark.parametrize("masked", [False, True])
def test_bidirectional_beside_keras(merge_mode, options, masked):
    kwargs = {"mask": LEFT} if masked else {}
    check(
        Twins(
            lambda of: of.Bidirectional(of.LSTM(2, **options), merge_mode),
            X,
            call=lambda layer, x: layer(x, **kwargs),
        )
    )


def test_the_two_directions_may_differ():
    check(
        Twins(
            lambda of: of.Bidirectional(
                of.GRU(2), backward_layer=of.SimpleRNN(3, go_backwards=True)
            ),
            X,
        )
    )


def test_bidirectional_takes_the_states_of_both():
    check(
        Twins(
            lambda of: of.Bidirectional(of.LSTM(2)),
            X,
            *(STATE * k for k in range(1, 5)),
            call=lambda layer, x, *states: layer(x, initial_state=list(states)),
        )
    )


def test_two_layers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="go_backwards"):
        layers.Bidirectional(layers.GRU(2), backward_layer=layers.GRU(2))
    with pytest.raises(ValueError, match="same return_state"):
        layers.Bidirectional(
            layers.GRU(2), backward_layer=layers.GRU(2, go_backwards=True, return_state=True)
        )
    with pytest.raises(ValueError, match="merge_mode"):
        layers.Bidirectional(layers.GRU(2), "max")


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda of: of.Dense(2), (3, 5, 4)),
        (lambda of: of.Flatten(), (2, 3, 2, 2)),
        (lambda of: of.LSTM(2), (2, 3, 4, 3)),
        (lambda of: of.TimeDistributed(of.Dense(2)), (2, 3, 4, 3)),
    ],
    ids=["Dense", "Flatten", "LSTM", "nested"],
)
def test_time_distributed_beside_keras(make, shape):
    check(Twins(lambda of: of.TimeDistributed(make(of)), normal(*shape)))


def test_time_distributed_hands_each_step_its_mask():
    mask = np.array([[[1, 1, 0, 0], [0, 1, 1, 1]], [[0, 0, 0, 1], [1, 1, 1, 1]]], bool)
    check(
        Twins(
            lambda of: of.TimeDistributed(of.GRU(2)),
            normal(2, 2, 4, 3),
            call=lambda layer, x: layer(x, mask=mask),
        )
    )


def test_time_distributed_refuses_what_has_no_steps():
    with pytest.raises(polyk.errors.ShapeError, match="3 axes or more"):
        layers.TimeDistributed(layers.Dense(2))(np.ones((2, 3), "float32"))
    with pytest.raises(polyk.errors.ShapeError, match="mask whose shape begins"):
        layers.TimeDistributed(layers.GRU(2))(
            np.ones((2, 3, 4, 5), "float32"), mask=np.ones((3, 2, 4), bool)
        )


# Masks that come with the data.

WORDS = np.array([[1, 2, 3, 0, 0], [4, 0, 0, 0, 0], [5, 1, 2, 4, 3], [0, 0, 0, 0, 0]], "int32")
READERS = {
    "layers": lambda of: [of.LSTM(3, return_sequences=True), of.GRU(2)],
    "both-ways": lambda of: [
        of.Bidirectional(of.GRU(2, return_sequences=True)), of.SimpleRNN(2, return_sequences=True),
    ],
    "cells": lambda of: [of.RNN([of.GRUCell(3), of.LSTMCell(2)])],
    "each-step": lambda of: [of.TimeDistributed(of.Dense(3)), of.LSTM(2)],
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_the_mask_of_an_embedding_reaches_every_layer_as_in_keras(name):
    def make(of):
        inputs = of.Input((None,), dtype="int32")
        x = of.Embedding(6, 4, mask_zero=True)(inputs)
        for layer in READERS[name](of):
            x = layer(x)
        return polyk.Model(inputs, x) if of is layers else import_module("keras").Model(inputs, x)

    twins = Twins(make, WORDS)
    twins.check_outputs()
    twins.check_gradients()


def test_padding_changes_nothing_that_attention_gives():
    inputs = layers.Input((None,), dtype="int32")
    x = layers.Embedding(6, 4, mask_zero=True)(inputs)
    x = layers.MultiHeadAttention(2, 3)(x, x)
    x = layers.Attention()([x, x])
    model = polyk.Model(inputs, layers.LSTM(2)(x), seed=0)
    for row in WORDS[:2]:
        words = row[row > 0]
        np.testing.assert_allclose(model(row[None]), model(words[None]), rtol=1e-5, atol=1e-7)
