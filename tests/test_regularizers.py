"""Penalties: values against Keras, gradients against differences, configs."""

import numpy as np
import pytest
from reference import check_gradient, keras

import polyk
from polyk import regularizers

X = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]])
CASES = [
    ("L1", {}),
    ("L1", {"l1": 0.3}),
    ("L2", {}),
    ("L1L2", {"l1": 0.1, "l2": 0.2}),
    ("L1L2", {"l2": 0.2}),
    ("L1L2", {}),
    ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
]


@pytest.fixture(autouse=True)
def on_numpy():
    with polyk.use("numpy"):
        yield


@pytest.mark.parametrize(("name", "options"), CASES[:-1])  # Keras on NumPy fails on columns
def test_value(name, options):
    with keras() as k:
        x = X.astype("float32") if name == "OrthogonalRegularizer" else X  # Keras takes no other
        theirs = k.ops.convert_to_numpy(getattr(k.regularizers, name)(**options)(x))
    ours = getattr(regularizers, name)(**options)(X)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_gradient(name, options):
    check_gradient(getattr(regularizers, name)(**options), X)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_config_round_trip(name, options):
    config = regularizers.serialize(getattr(regularizers, name)(**options))
    again = regularizers.deserialize(config)
    assert regularizers.serialize(again) == config
    assert again(X) == getattr(regularizers, name)(**options)(X)


@pytest.mark.parametrize("name", ["l1", "l2", "l1_l2", "orthogonal_regularizer"])
def test_names_as_in_keras(name):
    assert type(regularizers.get(name)) is getattr(regularizers, name)


def test_columns_are_the_rows_of_the_transpose():
    rows, columns = (regularizers.OrthogonalRegularizer(mode=mode) for mode in ("rows", "columns"))
    assert columns(X) == rows(X.T)


def test_a_single_row_is_orthogonal_to_nothing():
    assert regularizers.OrthogonalRegularizer()(X[:1]) == 0


def test_a_wrong_name():
    with pytest.raises(polyk.UnknownName, match="Did you mean 'l2'"):
        regularizers.get("L22")


@pytest.mark.parametrize("factor", [-1, np.inf, np.nan, "a"])
def test_a_factor_is_finite_and_not_negative(factor):
    with pytest.raises(ValueError, match="l2 must be a finite number"):
        regularizers.L2(factor)


def test_the_orthogonal_one_takes_matrices():
    with pytest.raises(polyk.ShapeError, match=r"got shape \(3,\)"):
        regularizers.OrthogonalRegularizer()(np.ones(3))
