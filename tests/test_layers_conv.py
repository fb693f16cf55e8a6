"""Convolution layers against Keras, and what they refuse."""

import numpy as np
import pytest
from against_keras import compare
from polyk_conformance.zoo import ZOO

from polyk import layers, ops

IMAGE = np.ones((1, 5, 5, 4), "float32")


@pytest.mark.parametrize("specimen", ZOO["conv"], ids=str)
def test_a_layer_is_that_of_keras(float64, specimen):
    compare(specimen)


def test_causal_padding_hides_the_future():
    layer = layers.Conv1D(1, 3, padding="causal", kernel_initializer="ones")
    x = np.zeros((1, 6, 1), "float32")
    x[0, 3] = 1
    assert layer(x)[0, :, 0].tolist() == [0, 0, 0, 1, 1, 1]


def test_an_override_of_the_convolution_is_used():
    class Centered(layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            kernel = ops.subtract(kernel, ops.mean(kernel, (0, 1, 2), keepdims=True))
            return super().convolution_op(inputs, kernel)

    np.testing.assert_allclose(Centered(2, 3)(IMAGE), 0, atol=1e-6)


def test_the_options_of_a_kernel_reach_it():
    layer = layers.SeparableConv2D(
        2, 3, depthwise_initializer="ones", pointwise_regularizer="l2", bias_constraint="non_neg"
    )
    layer.build((None, 5, 5, 4))
    depthwise, pointwise, bias = layer.weights
    assert depthwise.numpy().min() == 1
    assert depthwise.regularizer is None
    assert pointwise.regularizer is layer.pointwise_regularizer
    assert bias.constraint is layer.bias_constraint


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: layers.Conv2D(3, 3, padding="full"), "'valid' or 'same'; got 'full'"),
        (lambda: layers.Conv2D(3, 3, padding="causal"), "'valid' or 'same'; got 'causal'"),
        (lambda: layers.Conv2D(3, 3, data_format="last"), "data_format must be"),
        (lambda: layers.Conv2D(3, (3, 3, 3)), "kernel_size"),
        (lambda: layers.Conv2D(3, 3, strides=0), "strides"),
        (lambda: layers.Conv2D(0, 3), "filters must be a positive int; got 0"),
        (lambda: layers.Conv2D(5, 3, groups=2), "multiple of groups"),
        (lambda: layers.Conv2D(6, 3, groups=3), "4 channels cannot be cut into 3 groups"),
        (lambda: layers.Conv1D(4, 3), "Conv1D 'conv1d.*': expected an input of 3 axes"),
        (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "depth_multiplier"),
        (lambda: layers.Conv2DTranspose(2, 3, output_padding=1), "output_padding must be below"),
        (lambda: layers.Conv2DTranspose(2, 3, 2, output_padding=(1, 1, 1)), "output_padding"),
    ],
)
def test_wrong_use_is_told(make, says):
    with pytest.raises(ValueError, match=says):
        make()(IMAGE)


def test_channels_must_be_known():
    with pytest.raises(ValueError, match=r"channels \(axis -1\) must be known"):
        layers.Conv2D(2, 3).build((None, 5, 5, None))
