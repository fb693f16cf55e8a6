"""What a training step costs in Python, counted in calls, which are the same on every machine."""

import sys

import numpy as np
import pytest

import polyk
from polyk import layers, plugins

STEPS = 20
MOST = {"numpy": 1150, "torch": 950}  # calls a step, of Python functions and of built-in ones


@pytest.mark.parametrize("backend", MOST)
def test_a_step_takes_few_calls(backend):
    if plugins.installed()[backend][0].missing:
        pytest.skip(f"{backend} is not installed")
    assert calls_of_a_step(backend) <= MOST[backend]


def calls_of_a_step(backend):
    """What a step more adds to the calls of `fit`, on a model of one Dense layer."""
    model = polyk.Sequential([layers.Input((4,)), layers.Dense(3)], backend=backend, seed=0)
    model.compile("adam", polyk.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.ones((STEPS * 8, 4), np.float32), np.zeros(STEPS * 8, np.int32)

    def fit(steps):
        n = steps * 8
        model.fit(x[:n], y[:n], batch_size=8, shuffle=False, verbose=0)

    fit(STEPS)
    return (count(fit, STEPS) - count(fit, STEPS // 2)) / (STEPS - STEPS // 2)


def count(fn, *args):
    """Function calls while ``fn(*args)`` runs."""
    n = 0

    def see(frame, event, arg):
        nonlocal n
        n += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        fn(*args)
    finally:
        sys.setprofile(before)
    return n
