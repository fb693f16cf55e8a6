"""Bidirectional and TimeDistributed beside Keras."""

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
