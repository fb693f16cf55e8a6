"""Merging layers against Keras: broadcasting, masks, functional forms, errors."""

import numpy as np
import pytest
import reference
from against_keras import compare
from polyk_conformance.zoo import ZOO

import polyk
from polyk import layers

A, B = (np.random.default_rng(i).normal(size=(2, 3, 4)).astype("float32") for i in (1, 2))
LEFT = np.array([[True, True, False], [True, False, False]])
RIGHT = np.array([[True, False, False], [True, True, False]])


@pytest.mark.parametrize("specimen", ZOO["merging"], ids=str)
def test_a_layer_is_that_of_keras(float64, specimen):
    compare(specimen)


@pytest.mark.parametrize(
    "name", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]
)
def test_the_functional_form_is_the_layer(name):
    layer, function = getattr(layers, name), getattr(layers, name.lower())
    np.testing.assert_array_equal(function([A, B]), layer()([A, B]))


def test_the_functional_forms_take_the_arguments_of_the_layers():
    np.testing.assert_array_equal(layers.concatenate([A, B], axis=1), np.concatenate([A, B], 1))
    assert layers.dot([A, B], axes=2, normalize=True).shape == (2, 3, 3)
    assert layers.add([layers.Input((4,)), layers.Input((4,))], name="sum").name == "sum"


def test_what_is_masked_everywhere_is_masked():
    mask = layers.Add().compute_mask([A, B], [LEFT, RIGHT])
    np.testing.assert_array_equal(mask, LEFT | RIGHT)
    assert layers.Add().compute_mask([A, B], [LEFT, None]) is None
    assert layers.Add().compute_mask([A, B], None) is None
    assert layers.Dot(2).compute_mask([A, B], [LEFT, RIGHT]) is None


def test_what_is_masked_counts_as_one_in_a_product():
    found = layers.Multiply()([A, B], mask=[LEFT, RIGHT])
    left, right = LEFT[..., None], RIGHT[..., None]
    want = np.where(left, A, 1) * np.where(right, B, 1) * (left | right)
    np.testing.assert_allclose(found, want)


def test_what_is_masked_does_not_win():
    found = layers.Maximum()([A, B], mask=[LEFT, RIGHT])
    left, right = LEFT[..., None], RIGHT[..., None]
    want = np.maximum(np.where(left, A, -np.inf), np.where(right, B, -np.inf))
    np.testing.assert_array_equal(found[np.isfinite(want)], want[np.isfinite(want)])


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_masks_are_concatenated_with_their_inputs(axis):
    found = layers.Concatenate(axis).compute_mask([A, B], [LEFT, None])
    ones = np.ones_like(LEFT)
    want = np.concatenate([LEFT, ones], 1) if axis == 1 else LEFT | ones
    np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize(
    ("make", "inputs", "says"),
    [
        (lambda: layers.Add(), A, "expected a list of one tensor or more"),
        (lambda: layers.Add(), [], "expected a list of one tensor or more"),
        (lambda: layers.Subtract(), [A, B, A], "expected a list of 2 tensors"),
        (lambda: layers.Add(), [A, B[:, :2]], "do not broadcast together"),
        (lambda: layers.Concatenate(), [A, B[:, :2]], "one shape but for axis -1"),
        (lambda: layers.Concatenate(5), [A, B], "one shape but for axis 5"),
        (lambda: layers.Dot(1), [A, B[:, :2]], "differ: 3 and 2"),
        (lambda: layers.Dot(0), [A, B], "none the batch"),
        (lambda: layers.Dot((1, 2, 3)), [A, B], "an int or two"),
        (lambda: layers.Dot(3), [A, B], "axis 3 is out of range"),
    ],
)
def test_wrong_use_is_told(make, inputs, says):
    with pytest.raises(ValueError, match=says):
        make()(inputs)


def test_masks_and_inputs_must_match():
    with pytest.raises(ValueError, match="expected 2 masks in a list"):
        layers.Add().compute_mask([A, B], [LEFT])


@pytest.mark.parametrize("name", ["Add", "Multiply", "Maximum", "Average", "Concatenate"])
def test_masks_travel_through_a_merge_as_in_keras(float64, name):
    x, y = A.astype("float64") * LEFT[..., None], B.astype("float64") * RIGHT[..., None]

    def model(library):
        entries = [library.layers.Input((3, 4)) for _ in range(2)]
        masked = [library.layers.Masking()(entry) for entry in entries]
        merged = getattr(library.layers, name)()(masked)
        return library.Model(entries, library.layers.GlobalAveragePooling1D()(merged))

    with reference.keras() as keras:
        want = keras.ops.convert_to_numpy(model(keras)([x, y]))
    np.testing.assert_allclose(model(polyk)([x, y]), want, rtol=1e-6)
