"""Noise layers: what they do in training, the same everywhere, and nothing elsewhere."""

import numpy as np
import pytest
import reference
from polyk_conformance.zoo import ZOO

import polyk
from polyk import layers

ONES = np.ones((4, 10, 10, 16), "float32")


@pytest.mark.parametrize("specimen", ZOO["regularization"], ids=str)
def test_out_of_training_nothing_happens(specimen):
    x = specimen.inputs()
    np.testing.assert_array_equal(specimen.make(layers)(x), x)


@pytest.mark.parametrize("specimen", ZOO["regularization"], ids=str)
def test_each_call_in_training_is_another(specimen):
    layer, x = specimen.make(layers), specimen.inputs()
    first, second = layer(x, training=True), layer(x, training=True)
    assert not np.array_equal(first, x)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("specimen", ZOO["regularization"], ids=str)
def test_a_gradient_passes_through_the_noise(specimen):
    layer, x = specimen.make(layers, dtype="float64"), specimen.inputs("float64")
    slope = polyk.grad(lambda x: polyk.ops.sum(layer(x, training=True)))(x)
    assert np.isfinite(slope).all()
    assert slope.any()


def test_a_noise_shape_shares_its_axes_of_size_1():
    y = layers.Dropout(0.5, noise_shape=(None, 1, 1, None), seed=1)(ONES, training=True)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    assert 0.2 < (y == 0).mean() < 0.8


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_spatial_dropout_drops_whole_channels(data_format):
    layer = layers.SpatialDropout2D(0.5, data_format, seed=1)
    y = layer(ONES, training=True)
    axes = (1, 2) if data_format == "channels_last" else (2, 3)
    assert set(y.std(axes).ravel()) == {0.0}
    assert set(np.unique(y)) == {0.0, 2.0}


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(0).normal(size=(200, 500)).astype("float32")
    y = layers.AlphaDropout(0.3, seed=1)(x, training=True)
    assert abs(y.mean()) < 0.01
    assert abs(y.std() - 1) < 0.01


def test_gaussian_dropout_has_the_variance_of_dropout():
    y = layers.GaussianDropout(0.4, seed=1)(ONES, training=True)
    assert abs(y.mean() - 1) < 0.03
    assert abs(y.var() - 0.4 / 0.6) < 0.05


def test_gaussian_noise_is_added():
    y = layers.GaussianNoise(2.5, seed=1)(ONES, training=True)
    assert abs(y.mean() - 1) < 0.1
    assert abs(y.std() - 2.5) < 0.1


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: layers.Dropout(1.0), r"rate must be in \[0, 1\); got 1.0"),
        (lambda: layers.GaussianDropout(-0.1), "GaussianDropout: rate"),
        (lambda: layers.Dropout(0.5, noise_shape=(0, 1)), "noise_shape must hold positive ints"),
        (lambda: layers.Dropout(0.5, noise_shape="ab"), "noise_shape must hold positive ints"),
        (lambda: layers.GaussianNoise(-1), "stddev must not be negative"),
        (lambda: layers.SpatialDropout1D(0.5)(ONES), "expected an input of 3 axes"),
    ],
)
def test_wrong_use_is_told(make, says):
    with pytest.raises(ValueError, match=says):
        make()


def test_activity_regularization_adds_its_penalty_to_the_loss():
    layer = layers.ActivityRegularization(l1=0.5, l2=0.1)
    x = np.array([[1.0, -2.0], [0.0, 3.0]], "float32")
    np.testing.assert_array_equal(layer(x), x)
    with reference.keras() as keras:
        theirs = keras.layers.ActivityRegularization(l1=0.5, l2=0.1)
        theirs(x)
        want = float(theirs.losses[0])
    np.testing.assert_allclose(float(layer.losses[0]), want, rtol=1e-6)


def test_activity_regularization_has_a_config():
    config = layers.ActivityRegularization(l1=0.5).get_config()
    assert config["l1"] == 0.5
    assert layers.ActivityRegularization.from_config(config).get_config() == config
