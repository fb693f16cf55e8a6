"""What summary() shows: layers, shapes, parameters, connections, models inside."""

import numpy as np
import pytest

import polyk
from polyk import layers, ops


def lines(model, **kwargs):
    """The rows of the table and the totals, each a list of cells."""
    found = []
    model.summary(print_fn=found.append, **kwargs)
    rows = [line for line in found[0].splitlines() if line.startswith(("│", "┃", " "))]
    return [[cell.strip() for cell in row.strip("│┃").replace("┃", "│").split("│")] for row in rows]


def net():
    inner = polyk.Sequential([layers.Input((6,)), layers.Dense(3, name="hidden")], name="inner")
    a, b = layers.Input((6,), name="a"), layers.Input((6,), name="b")
    both = ops.concatenate([inner(a), inner(b)], -1)
    model = polyk.Model([a, b], layers.Dense(1, name="end")(both), name="net")
    inner.trainable = False
    return model


def test_a_graph_shows_what_feeds_each_row():
    rows = lines(net())
    assert rows[0] == ["Layer (type)", "Output shape", "Param #", "Connected to"]
    assert rows[1:6] == [
        ["a (InputLayer)", "(None, 6)", "0", "-"],
        ["b (InputLayer)", "(None, 6)", "0", "-"],
        ["inner (Sequential)", "(None, 3)", "21", "a, b"],
        ["concatenate (op)", "(None, 6)", "0", "inner, inner"],
        ["end (Dense)", "(None, 1)", "7", "concatenate"],
    ]


def test_totals_tell_frozen_weights_apart():
    totals = [row[0] for row in lines(net())[-3:]]
    assert totals == [
        "Total params: 28 (112.00 B)",
        "Trainable params: 7 (28.00 B)",
        "Non-trainable params: 21 (84.00 B)",
    ]


def test_the_optimizer_counts_once_it_has_state():
    model = polyk.Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    assert lines(model)[-1][0].startswith("Optimizer params: ")


def test_models_inside_can_be_opened_and_shown_frozen():
    rows = lines(net(), expand_nested=True, show_trainable=True)
    assert rows[0][-1] == "Trainable"
    assert rows[3][0::4] == ["inner (Sequential)", "N"]
    assert rows[4][0::4] == ["└ hidden (Dense)", "N"]
    assert rows[6][0::4] == ["end (Dense)", "Y"]


def test_part_of_a_table():
    rows = lines(net(), layer_range=("b", "concatenate"))
    assert [row[0] for row in rows[1:4]] == ["b (InputLayer)", "inner (Sequential)",
                                             "concatenate (op)"]  # fmt: skip
    with pytest.raises(ValueError, match="layer_range must name two layers"):
        net().summary(layer_range=("b", "c"))


def test_a_model_of_code_alone_shows_its_layers():
    class Net(polyk.Model):
        def __init__(self):
            super().__init__()
            self.hidden = layers.Dense(3, name="hidden")

        def call(self, x):
            return self.hidden(x)

    model = Net()
    with pytest.raises(ValueError, match="has no weights yet: call it, fit it, or build"):
        model.summary()
    model(np.ones((1, 2), "float32"))
    assert lines(model)[1] == ["hidden (Dense)", "?", "9"]
    assert repr(model) == f"<Net name={model.name}, built=True>"
