"""Constraints against Keras, and their configs."""

import json

import numpy as np
import pytest
from reference import keras

import polyk
from polyk import constraints

W = np.array([[1.0, -2.0, 0.0], [0.25, 3.0, 0.0], [-0.1, 0.2, 0.0]])
CASES = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 1, "axis": 1}),
    ("MaxNorm", {"axis": [0, 1]}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": (0, 1)}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 2.0, "rate": 0.3, "axis": 1}),
]


@pytest.fixture(autouse=True)
def on_numpy():
    with polyk.use("numpy"):
        yield


@pytest.mark.parametrize(("name", "options"), CASES)
def test_value(name, options):
    with keras() as k:
        theirs = k.ops.convert_to_numpy(getattr(k.constraints, name)(**options)(W))
    np.testing.assert_allclose(getattr(constraints, name)(**options)(W), theirs, rtol=1e-6)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_config_round_trip(name, options):
    config = constraints.serialize(getattr(constraints, name)(**options))
    with keras() as k:
        theirs = getattr(k.constraints, name)(**options).get_config()
    assert config["config"] == json.loads(json.dumps(theirs))
    assert constraints.serialize(constraints.deserialize(config)) == config


@pytest.mark.parametrize("name", ["max_norm", "non_neg", "unit_norm", "min_max_norm"])
def test_names_as_in_keras(name):
    assert type(constraints.get(name)) is getattr(constraints, name)


def test_a_wrong_name():
    with pytest.raises(polyk.UnknownName, match="Did you mean 'max_norm'"):
        constraints.get("max_nrm")


def test_none_stays_none():
    assert constraints.get(None) is None
