"""Activations: values against Keras, gradients against differences, names."""

import numpy as np
import pytest
from reference import check_gradient, keras

import polyk
from polyk import activations, ops

X = np.array([[-4.0, -1.3, -0.7, -0.2], [0.3, 0.6, 1.7, 7.0]])
CASES = [
    *((name, {}) for name in sorted({f.__name__ for f in activations.REGISTRY.table.values()})
      if name not in ("threshold", "hard_sigmoid_keras2")),
    ("threshold", {"threshold": 0.5, "default_value": -2.0}),
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 6.0}),
    ("relu", {"max_value": 1.0, "threshold": 0.5}),
    ("relu", {"negative_slope": 0.1, "max_value": 1.0, "threshold": 0.5}),
    ("leaky_relu", {"negative_slope": 0.3}),
    ("elu", {"alpha": 0.5}),
    ("celu", {"alpha": 0.5}),
    ("gelu", {"approximate": True}),
    ("softmax", {"axis": 0}),
    ("log_softmax", {"axis": 0}),
    ("sparsemax", {"axis": 0}),
    ("glu", {"axis": 0}),
    ("hard_shrink", {"threshold": 0.65}),
    ("soft_shrink", {"threshold": 0.65}),
    ("squareplus", {"b": 2}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def on_numpy():
    with polyk.use("numpy"):
        yield


@pytest.mark.parametrize(("name", "options"), [c for c in CASES if c[0] != "sparsemax"])
def test_value(name, options):
    with keras() as k:
        theirs = k.ops.convert_to_numpy(k.activations.get(name)(X, **options))
    ours = activations.get(name)(X, **options)
    np.testing.assert_allclose(ours, theirs, rtol=2e-6, atol=1e-7)


def test_the_hard_sigmoid_of_keras_2():
    found = activations.get("hard_sigmoid_keras2")(X)
    np.testing.assert_allclose(polyk.to_numpy(found), np.clip(0.2 * X + 0.5, 0, 1))


@pytest.mark.parametrize(("name", "options"), CASES)
def test_gradient(name, options):
    weights = np.cos(np.arange(X.size)).reshape(X.shape)

    def total(x):
        y = activations.get(name)(x, **options)
        return ops.sum(ops.multiply(y, weights[: ops.shape(y)[0], : ops.shape(y)[1]]))

    check_gradient(total, X)


@pytest.mark.parametrize("name", sorted(activations.REGISTRY.table))
def test_a_name_round_trips(name):
    function = activations.get(name)
    assert activations.get(activations.serialize(function)) is function


def test_sparsemax_is_the_nearest_distribution():  # of which Keras's sums to 1.2
    np.testing.assert_allclose(activations.sparsemax(X), [[0, 0, 0.25, 0.75], [0, 0, 0, 1]])


def test_none_is_linear():
    x = object()
    assert activations.get(None)(x) is x


def test_nan_stays_nan_in_every_relu():
    for options in ({}, {"threshold": 1.0}, {"negative_slope": 0.1}, {"max_value": 6.0}):
        assert np.isnan(activations.relu(np.array([np.nan]), **options))


def test_a_wrong_name():
    with pytest.raises(polyk.UnknownName, match="Did you mean 'relu'"):
        activations.get("relo")
