"""Schedules of the learning rate: Keras's values, on the device, and what is refused."""

import numpy as np
import pytest
from reference import keras

import polyk
from polyk import ops, optimizers
from polyk.optimizers import schedules

CASES = [
    ("ExponentialDecay", {"decay_steps": 10, "decay_rate": 0.5}),
    ("ExponentialDecay", {"decay_steps": 10, "decay_rate": 0.5, "staircase": True}),
    ("InverseTimeDecay", {"decay_steps": 4, "decay_rate": 0.5}),
    ("InverseTimeDecay", {"decay_steps": 4, "decay_rate": 0.5, "staircase": True}),
    ("PolynomialDecay", {"decay_steps": 20}),
    ("PolynomialDecay", {"decay_steps": 10, "end_learning_rate": 0.25, "power": 2.0}),
    ("PolynomialDecay", {"decay_steps": 8, "power": 0.5, "cycle": True}),
    ("CosineDecay", {"decay_steps": 20, "alpha": 0.125}),
    ("CosineDecay", {"decay_steps": 20, "warmup_target": 2.0, "warmup_steps": 10, "alpha": 0.25}),
    ("CosineDecay", {"decay_steps": 20, "warmup_target": 2.0}),
    ("CosineDecayRestarts", {"first_decay_steps": 5}),
    ("CosineDecayRestarts", {"first_decay_steps": 5, "t_mul": 1.0, "m_mul": 0.5, "alpha": 0.25}),
    ("CosineDecayRestarts", {"first_decay_steps": 5, "t_mul": 1.5, "m_mul": 0.5}),
]
PIECES = {"boundaries": [5, 10, 20], "values": [1.0, 0.5, 0.25, 0.125]}
CASES = [(kind, {"initial_learning_rate": 0.5, **o}) for kind, o in CASES]
CASES.append(("PiecewiseConstantDecay", PIECES))


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_rates_are_those_of_keras(kind, options, float64):
    """To the precision of float32, through which Keras's go."""
    ours = getattr(schedules, kind)(**options)
    with keras() as k:
        theirs = getattr(k.optimizers.schedules, kind)(**options)
        expected = [float(theirs(t)) for t in range(45)]
        assert ours.get_config() == theirs.get_config()
    with polyk.use("numpy"):
        found = [float(ours(t)) for t in range(45)]
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-7)
    assert len(set(found)) > 3


@pytest.mark.parametrize(("kind", "options"), CASES)
def test_config_round_trip(kind, options):
    schedule = getattr(schedules, kind)(**options)
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    optimizer = optimizers.get(optimizers.serialize(optimizers.SGD(schedule)))
    assert optimizer.learning_rate == pytest.approx(float(schedule(0)))


class Halves(schedules.LearningRateSchedule):
    def __init__(self, first):
        self.first = first

    def __call__(self, step):
        return ops.divide(self.first, ops.add(ops.cast(step, "float32"), 1.0))


@pytest.mark.parametrize("schedule", [Halves(2.0), schedules.InverseTimeDecay(2.0, 1, 1.0)])
def test_a_compiled_step_asks_the_schedule(backend, schedule):
    w = polyk.weights.Weight("w", ())
    optimizer = optimizers.SGD(schedule)
    optimizer.build([w])
    step = polyk.compile(lambda g: optimizer.apply([g]), state=[w, optimizer])
    for n in range(3):
        assert optimizer.learning_rate == pytest.approx(2 / (n + 1))
        step(ops.convert_to_tensor(-1.0))
    assert w.numpy() == pytest.approx(2 + 1 + 2 / 3)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: schedules.CosineDecay(1.0, 0), ValueError, "decay_steps must be positive"),
        (lambda: schedules.CosineDecayRestarts(1.0, 0), ValueError, "first_decay_steps must be"),
        (lambda: schedules.PiecewiseConstantDecay([1], [1.0]), ValueError, "one more than"),
        (lambda: schedules.LearningRateSchedule()(0), NotImplementedError, "define __call__"),
        (lambda: schedules.deserialize("CosineDcay"), LookupError, "Did you mean 'CosineDecay'"),
    ],
)
def test_wrong_use_is_told(make, error, says):
    with pytest.raises(error, match=says):
        make()
