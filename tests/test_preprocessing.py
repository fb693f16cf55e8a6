"""Image generators of Keras 2, and where its functions are found."""

import numpy as np
import pytest

import polyk
from polyk import layers
from polyk.preprocessing.image import ImageDataGenerator
from polyk.preprocessing.sequence import pad_sequences

IMAGES = np.random.default_rng(0).uniform(0, 255, (10, 9, 9, 3)).astype("float32")


def test_functions_are_where_keras_2_has_them():
    assert pad_sequences is polyk.utils.pad_sequences
    assert polyk.preprocessing.image.load_img is polyk.utils.load_img


def test_without_options_batches_are_the_images():
    flow = ImageDataGenerator(rescale=0.5).flow(IMAGES, np.arange(10), 4, shuffle=False)
    assert len(flow) == 3
    np.testing.assert_array_equal(flow[1][0], IMAGES[4:8] * 0.5)
    assert flow[1][1].tolist() == [4, 5, 6, 7]


def test_a_mirror_is_a_mirror():
    generator = ImageDataGenerator(horizontal_flip=True)
    for seed in range(8):
        found = generator.random_transform(IMAGES[0], seed)
        assert any(np.array_equal(found, x) for x in (IMAGES[0], IMAGES[0][:, ::-1]))


def test_a_shift_moves_whole_pixels():
    generator = ImageDataGenerator(width_shift_range=3.0, fill_mode="constant", cval=-1.0)
    found = generator.random_transform(np.ones((5, 9, 1), "float32"), 1)[..., 0]
    assert (found == found[:1]).all()
    assert 0 < (found[0] < 0.5).sum() <= 4


def test_a_turn_keeps_the_middle():
    generator = ImageDataGenerator(rotation_range=90, shear_range=10, zoom_range=0.2)
    for seed in range(5):
        found = generator.random_transform(IMAGES[0], seed)
        np.testing.assert_allclose(found[4, 4], IMAGES[0][4, 4], rtol=1e-4)
        assert not np.array_equal(found, IMAGES[0])


def test_channels_may_come_first():
    options = {"rotation_range": 40, "horizontal_flip": True}
    last = ImageDataGenerator(**options).random_transform(IMAGES[0], 3)
    first = ImageDataGenerator(**options, data_format="channels_first")
    found = first.random_transform(IMAGES[0].transpose(2, 0, 1), 3)
    np.testing.assert_array_equal(found.transpose(1, 2, 0), last)


def test_features_are_standardized_by_what_was_learned():
    generator = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True)
    with pytest.raises(ValueError, match=r"need fit\(x\) first"):
        generator.standardize(IMAGES[0])
    generator.fit(IMAGES)
    (x,) = [generator.flow(IMAGES, batch_size=10, shuffle=False)[0]]
    np.testing.assert_allclose(x.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(x.std((0, 1, 2)), 1, rtol=1e-4)


def test_subsets_share_no_image():
    generator = ImageDataGenerator(validation_split=0.3)
    parts = [generator.flow(IMAGES, np.arange(10), subset=s) for s in ("training", "validation")]
    assert [sorted(p[0][1].tolist()) for p in parts] == [list(range(3, 10)), [0, 1, 2]]


def test_a_model_fits_a_flow(backend):
    generator = ImageDataGenerator(rotation_range=20, horizontal_flip=True, rescale=1 / 255)
    model = polyk.Sequential([layers.Input((9, 9, 3)), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(generator.flow(IMAGES, np.ones(10), batch_size=5), epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
