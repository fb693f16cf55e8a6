"""Reshaping layers against Keras, and what they refuse."""

import numpy as np
import pytest
from against_keras import compare
from polyk_conformance.zoo import ZOO

from polyk import layers

IMAGE = np.ones((2, 3, 4, 5), "float32")


# On torch, Keras has another cubic kernel than on its other backends, and no Lanczos.
ELSEWHERE = {"Bicubic", "lanczos3"}


@pytest.mark.parametrize(
    "specimen",
    [s for s in ZOO["reshaping"] if s.options.get("interpolation") not in ELSEWHERE],
    ids=str,
)
def test_a_layer_is_that_of_keras(float64, specimen):
    compare(specimen)


def test_flatten_gives_scalars_an_axis():
    assert layers.Flatten()(np.ones((3,), "float32")).shape == (3, 1)


def test_reshape_settles_its_open_size_for_any_batch():
    x = layers.Input((6, 4))
    y = layers.Reshape((-1, 8))(x)
    assert y.shape == (None, 3, 8)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: layers.Reshape((7, -1)), r"cannot reshape \(3, 4, 5\) \(size 60\) to \(7, -1\)"),
        (lambda: layers.Reshape((-1, -1)), "may have one -1"),
        (lambda: layers.Permute((0, 1)), "dims must be 1, 2"),
        (lambda: layers.Permute((2, 1)), "expected an input of 3 axes"),
        (lambda: layers.RepeatVector(0), "n must be a positive int"),
        (
            lambda: layers.Cropping2D((2, 2)),
            "leaves nothing of an input",
        ),
        (lambda: layers.Cropping2D(((1, 1), (1, 1), (1, 1))), "2 ints or 2 pairs"),
        (lambda: layers.Cropping1D((1, -1)), "cropping must be"),
        (lambda: layers.ZeroPadding2D(-1), "none negative; got -1"),
        (lambda: layers.ZeroPadding1D((1, 2, 3)), "an int, a pair"),
        (lambda: layers.UpSampling1D(1.5), "size must be a positive int"),
        (lambda: layers.UpSampling2D(2, interpolation="magic"), "interpolation must be 'nearest'"),
    ],
)
def test_wrong_use_is_told(make, says):
    with pytest.raises(ValueError, match=says):
        make()(IMAGE)
