"""Activation layers and EinsumDense against Keras."""

import numpy as np
import pytest
from against_keras import compare
from polyk_conformance.zoo import ZOO

import polyk
from polyk import layers

X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")


@pytest.mark.parametrize("specimen", [*ZOO["activation"], *ZOO["einsum"]], ids=str)
def test_a_layer_is_that_of_keras(float64, specimen):
    compare(specimen)


def test_softmax_gives_nothing_to_what_is_masked(backend):
    mask = np.array([[True, True, False, True]] * 3)
    found = polyk.to_numpy(layers.Softmax()(X, mask=mask))
    assert (found[..., 2] == 0).all()
    kept = np.exp(X[..., [0, 1, 3]])
    np.testing.assert_allclose(found[..., [0, 1, 3]], kept / kept.sum(-1, keepdims=True), rtol=1e-5)
    none = layers.Softmax()(X, mask=np.zeros((3, 4), bool))
    assert (polyk.to_numpy(none) == 0).all()


def test_the_slope_has_its_name_of_keras_2_too():
    assert layers.LeakyReLU(alpha=0.1).negative_slope == 0.1


def test_the_kernel_of_einsum_dense_is_scaled_by_the_axes_it_takes_in():
    layer = layers.EinsumDense("abc,cde->abde", (None, 20, 30))
    layer.build((None, 5, 50))
    limit = np.sqrt(6 / (50 + 20 * 30))
    kernel = layer.get_weights()[0]
    assert 0.95 * limit < abs(kernel).max() <= limit


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: layers.ReLU(max_value=-1), "max_value must not be negative"),
        (lambda: layers.ReLU(negative_slope=None), "negative_slope must not be negative"),
        (lambda: layers.LeakyReLU(-0.1), "negative_slope must not be negative"),
        (lambda: layers.EinsumDense("abc,cd", (3, 5)), "reads like 'abc,cd->abd'"),
        (lambda: layers.EinsumDense("ab,bc->ac", 5), "does not fit an input of 3 axes"),
        (lambda: layers.EinsumDense("abc,cd->abd", 5), "must have a size .* for each of b, d"),
        (lambda: layers.EinsumDense("abc,cd->abd", (2, 5)), "says 2 for 'b'"),
        (lambda: layers.EinsumDense("abc,cd->abd", (None, None)), "leave the kernel's shape"),
        (lambda: layers.EinsumDense("abc,cd->abd", (3, 5), bias_axes="z"), "letters of the output"),
    ],
)
def test_wrong_use_is_told(make, says):
    with pytest.raises(ValueError, match=says):
        make()(X)


def test_an_open_axis_cannot_have_slopes_of_its_own():
    with pytest.raises(ValueError, match="must be among shared_axes"):
        layers.PReLU().build((None, None, 4))
