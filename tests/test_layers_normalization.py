"""Normalization layers against Keras; statistics, masks, half floats, errors."""

import numpy as np
import pytest
import reference
from against_keras import compare
from polyk_conformance.zoo import ZOO

import polyk
from polyk import layers, ops

X = np.random.default_rng(0).normal(size=(4, 5, 6)).astype("float32")


# On torch, Keras takes every single axis for the last one, and fails.
ELSEWHERE = "LayerNormalization(axis=1)"


@pytest.mark.parametrize(
    "specimen", [s for s in ZOO["normalization"] if not str(s).startswith(ELSEWHERE)], ids=str
)
def test_a_layer_is_that_of_keras(float64, specimen):
    compare(specimen)


@pytest.mark.parametrize(
    "specimen", [s for s in ZOO["normalization"] if s.layer == "BatchNormalization"], ids=str
)
def test_batch_normalization_trains_as_in_keras(float64, specimen):
    compare(specimen, state=True, training=True)


def test_a_mask_leaves_steps_out_of_the_statistics(backend):
    mask = np.random.default_rng(1).random((4, 5)) < 0.6
    layer = layers.BatchNormalization(momentum=0.0, epsilon=0.0)
    y = polyk.to_numpy(layer(X, training=True, mask=mask))
    kept = X[mask]
    np.testing.assert_allclose(layer.moving_mean, kept.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, kept.var(0), rtol=1e-4)
    np.testing.assert_allclose(y, (X - kept.mean(0)) / kept.std(0), rtol=1e-3, atol=1e-5)


def test_a_batch_that_is_all_masked_leaves_no_nan():
    layer = layers.BatchNormalization()
    y = layer(X, training=True, mask=np.zeros((4, 5), bool))
    assert np.isfinite(y).all()
    assert np.isfinite(np.concatenate(layer.get_weights())).all()


@pytest.mark.parametrize("name", ["BatchNormalization", "LayerNormalization", "RMSNormalization"])
def test_half_floats_do_not_overflow(name):
    x = (X * 1000).astype("float16")
    y = getattr(layers, name)(dtype="float16")(x, training=True)
    assert y.dtype == np.float16
    assert np.isfinite(y).all()


def test_rms_scaling_divides_by_the_deviation_alone():
    y = layers.LayerNormalization(rms_scaling=True, epsilon=0.0)(X)
    np.testing.assert_allclose(y, X / X.std(-1, keepdims=True), rtol=1e-5)


def test_the_unit_of_zeros_is_zeros_with_a_finite_slope():
    layer = layers.UnitNormalization()
    x = np.zeros((2, 3), "float64")
    value, slope = polyk.value_and_grad(lambda x: ops.sum(layer(x)))(x)
    assert value == 0
    assert np.isfinite(slope).all()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: layers.BatchNormalization(renorm=True), "renorm=True is not supported"),
        (lambda: layers.BatchNormalization(synchronized=True), "synchronized=True is not"),
        (lambda: layers.BatchNormalization(axis=3), "axis 3 is out of range"),
        (lambda: layers.GroupNormalization(0), "groups must be a positive int, or -1"),
        (lambda: layers.GroupNormalization(4), "6 channels cannot be cut into 4 groups"),
        (lambda: layers.LayerNormalization(axis=5), "axis 5 is out of range"),
    ],
)
def test_wrong_use_is_told(make, says):
    with pytest.raises(ValueError, match=says):
        make()(X)


def test_a_mask_has_one_axis_less():
    with pytest.raises(ValueError, match="a mask has one axis less than the input"):
        layers.BatchNormalization()(X, training=True, mask=np.ones((4, 5, 6), bool))


@pytest.mark.parametrize("name", ["Batch", "Layer", "Group"])
def test_the_axis_must_be_known(name):
    with pytest.raises(ValueError, match="must be known"):
        getattr(layers, f"{name}Normalization")().build((None, 3, None))


def test_the_gradient_of_batch_normalization_has_a_gradient(backend, float64):
    x, along = X.astype("float64"), np.cos(np.arange(X.size)).reshape(X.shape)
    gamma = np.linspace(0.5, 1.5, 6)

    def fused(x):
        return ops.normalize_batch(x, gamma)[0]

    def composed(x):
        mean, variance = ops.moments(x, (0, 1))
        return ops.batch_normalization(x, mean, variance, -1, scale=gamma)

    def bend(normalize):
        def slope(x):
            first = polyk.grad(lambda x: ops.sum(normalize(x) ** 3))(x)
            return ops.sum(ops.multiply(first, along))

        return polyk.to_numpy(polyk.grad(slope)(ops.convert_to_tensor(x)))

    np.testing.assert_allclose(bend(fused), bend(composed), rtol=1e-9, atol=1e-9)


def test_mixed_precision_keeps_its_statistics_in_full(backend):
    layer = layers.BatchNormalization(dtype="mixed_float16", momentum=0.999)
    y = layer(X, training=True)
    assert ops.dtype(y) == "float16"
    assert [w.dtype for w in layer.weights] == ["float32"] * 4
    np.testing.assert_allclose(layer.moving_mean, 0.001 * X.mean((0, 1)), rtol=2e-3, atol=1e-6)


def test_spectral_normalization_divides_by_the_largest_singular_value(backend):
    inner = layers.Dense(3, kernel_initializer="random_normal")
    layer = layers.SpectralNormalization(inner, power_iterations=50)
    layer.build((None, 6))
    before = inner.get_weights()[0]
    y = polyk.to_numpy(layer(X[0], training=True))
    want = before / np.linalg.svd(before, compute_uv=False)[0]
    np.testing.assert_allclose(inner.get_weights()[0], want, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(y, X[0] @ want, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(polyk.to_numpy(layer(X[0])), y)


def test_spectral_normalization_steps_as_in_keras(float64):
    values = [np.random.default_rng(i).normal(size=s) for i, s in enumerate([(6, 3), (1, 3), (3,)])]

    def step(layers, x):
        layer = layers.SpectralNormalization(layers.Dense(3, dtype="float64"), dtype="float64")
        layer.build((4, 6))
        layer.set_weights(values)
        return [layer(x, training=True), *layer.get_weights()]

    with reference.keras() as keras:
        x = X[:, 0].astype("float64")
        wanted = [keras.ops.convert_to_numpy(v) for v in step(keras.layers, x)]
    for found, want in zip(step(layers, x), wanted, strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-9)


def test_a_kernel_of_zeros_stays_one():
    layer = layers.SpectralNormalization(layers.Dense(3, kernel_initializer="zeros"))
    assert not layer(X, training=True).any()
    assert np.isfinite(np.concatenate([w.ravel() for w in layer.get_weights()])).all()


def test_a_model_with_spectral_normalization_trains(backend):
    model = polyk.Sequential(
        [layers.Input((6,)), layers.SpectralNormalization(layers.Dense(1))], seed=0
    )
    model.compile(polyk.optimizers.SGD(0.1), "mse")
    x = np.random.default_rng(0).normal(size=(32, 6)).astype("float32")
    history = model.fit(x, x[:, :1], epochs=20, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]


def test_a_layer_without_a_kernel_is_refused():
    with pytest.raises(ValueError, match="neither a kernel nor embeddings"):
        layers.SpectralNormalization(layers.Flatten())(X)
