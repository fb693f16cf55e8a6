"""Layers on images: with settled draws against Keras, and the draws by what they do."""

import numpy as np
import pytest
import reference

import polyk
from polyk import layers, ops
from polyk.errors import ShapeError

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (3, 8, 10, 3))
SHARES = IMAGES / 255
FIRST = {"data_format": "channels_first"}


def same(name, options, images, floatx="float64", atol=1e-4):
    with reference.keras() as keras:
        keras.config.set_floatx(floatx)
        want = keras.ops.convert_to_numpy(getattr(keras.layers, name)(**options)(images))
    found = polyk.to_numpy(getattr(layers, name)(**options)(images))
    assert found.shape == want.shape
    np.testing.assert_allclose(found, want, rtol=1e-6, atol=atol)


@pytest.mark.parametrize("fill", ["reflect", "constant", "nearest"])
@pytest.mark.parametrize("sampling", ["nearest", "bilinear"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("RandomRotation", {"factor": (0.13, 0.13)}),
        ("RandomZoom", {"height_factor": (0.23, 0.23), "width_factor": (-0.3, -0.3)}),
        ("RandomTranslation", {"height_factor": (0.2, 0.2), "width_factor": (-0.31, -0.31)}),
    ],
)
def test_a_settled_movement_is_that_of_keras(name, options, fill, sampling):
    """In float32: in float64 Keras's rotation fails on TensorFlow."""
    options = {**options, "fill_mode": fill, "interpolation": sampling, "fill_value": 2.0}
    for images in (IMAGES, IMAGES[0]):
        same(name, options, images.astype("float32"), "float32", 5e-3)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("AutoContrast", {}),
        ("CenterCrop", {"height": 5, "width": 4}),
        ("CenterCrop", {"height": 8, "width": 10}),
        ("RandomBrightness", {"factor": (0.2, 0.2)}),
        ("RandomColorDegeneration", {"factor": (0.4, 0.4)}),
        ("RandomContrast", {"factor": (0.0, 0.0)}),
        ("RandomCrop", {"height": 8, "width": 10}),
        ("RandomErasing", {"factor": (1, 1), "scale": (1, 1), "fill_value": 7.0}),
        ("RandomGaussianBlur", {"factor": (1, 1), "kernel_size": 5, "sigma": (0.7, 0.7)}),
        ("RandomGrayscale", {"factor": 1.0}),
        ("RandomInvert", {"factor": (1, 1)}),
        ("RandomPosterization", {"factor": (3, 3)}),
        ("RandomSharpness", {"factor": (0.8, 0.8)}),
        ("Resizing", {"height": 5, "width": 14, "interpolation": "nearest"}),
        ("Solarization", {}),
    ],
)
def test_a_settled_change_is_that_of_keras(float64, name, options):
    same(name, options, IMAGES)
    same(name, options, IMAGES[0])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("RandomSharpness", {"factor": (0.1, 0.1), **FIRST}),
        ("RandomGrayscale", {"factor": 0.0, **FIRST}),
    ],
)
def test_channels_come_first_as_in_keras(float64, name, options):
    same(name, options, IMAGES.transpose(0, 3, 1, 2))


def test_channels_that_come_first_are_moved_alike():
    first = layers.RandomRotation(0.2, seed=1, **FIRST)(IMAGES.transpose(0, 3, 1, 2))
    last = layers.RandomRotation(0.2, seed=1)(IMAGES)
    np.testing.assert_array_equal(polyk.to_numpy(first).transpose(0, 2, 3, 1), last)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("RandomSaturation", {"factor": (0.4, 0.4)}),
        ("RandomPosterization", {"factor": (5, 5)}),
        ("AutoContrast", {}),
    ],
)
def test_pixels_may_be_shares(float64, name, options):
    same(name, {**options, "value_range": (0, 1)}, SHARES)


@pytest.mark.filterwarnings("ignore:Tensor.T is deprecated")  # of Keras on torch
def test_equalization_is_that_of_keras_for_one_image(float64):
    """Keras takes one histogram of the whole batch; here an image does not depend on others."""
    for image in IMAGES:
        same("Equalization", {}, image[None])
    each = np.concatenate([polyk.to_numpy(layers.Equalization()(x[None])) for x in IMAGES])
    np.testing.assert_array_equal(polyk.to_numpy(layers.Equalization()(IMAGES)), each)


def test_one_number_of_contrast_goes_both_ways():
    """As Keras's documents say; its code goes from 1 up."""
    layer = layers.RandomContrast(0.9, value_range=(-1e9, 1e9), seed=1)
    gain = polyk.to_numpy(layer(np.repeat(IMAGES[:1], 200, 0))).std((1, 2, 3)) / IMAGES[0].std()
    assert gain.min() < 0.3 and gain.max() > 1.7


def test_a_crop_is_a_part_of_its_own_image():
    rows, columns = np.meshgrid(np.arange(9.0), np.arange(7.0), indexing="ij")
    images = np.stack([np.stack([rows, columns, rows * 0 + n], -1) for n in range(40)])
    found = polyk.to_numpy(layers.RandomCrop(4, 3, seed=2)(images))
    assert found.shape == (40, 4, 3, 3)
    assert (found[:, 1:, :, 0] - found[:, :-1, :, 0] == 1).all()
    assert (found[:, :, 1:, 1] - found[:, :, :-1, 1] == 1).all()
    assert (found[..., 2] == np.arange(40.0)[:, None, None]).all()
    assert set(found[:, 0, 0, 0]) == set(range(6)) and set(found[:, 0, 0, 1]) == set(range(5))


def test_half_of_the_images_are_mirrored():
    images = np.repeat(np.arange(6.0).reshape(1, 1, 6, 1), 400, 0)
    found = polyk.to_numpy(layers.RandomFlip("horizontal", seed=3)(images))[:, 0, :, 0]
    mirrored = (found == np.arange(6.0)[::-1]).all(1)
    assert ((found == np.arange(6.0)).all(1) | mirrored).all()
    assert 160 < mirrored.sum() < 240


def test_a_shear_slants_to_both_sides():
    images = np.zeros((100, 11, 11, 1))
    images[:, :, 5] = 1.0
    layer = layers.RandomShear(x_factor=(0.5, 0.5), seed=4, fill_mode="constant")
    found = polyk.to_numpy(layer(images))[..., 0]
    assert set(found[:, 6].argmax(1)) <= {2, 8}
    assert len(set(found[:, 6].argmax(1))) == 2


def test_hue_turns_and_lightness_stays():
    images = np.tile([[[[0.8, 0.2, 0.2]]]], (50, 2, 2, 1))
    found = polyk.to_numpy(layers.RandomHue(0.9, value_range=(0, 1), seed=5)(images))
    np.testing.assert_allclose(found.max(-1), 0.8, atol=1e-5)
    np.testing.assert_allclose(found.min(-1), 0.2, atol=1e-5)
    assert found.std(0).max() > 0.1


def test_mixed_labels_follow_the_images(backend):
    images = np.eye(4)[:, None, None, :] * np.ones((4, 6, 6, 4))
    for make in (layers.MixUp(1.0, seed=6), layers.CutMix(seed=7)):
        found = make({"images": images, "labels": np.eye(4)})
        shares = polyk.to_numpy(found["images"]).mean((1, 2))
        np.testing.assert_allclose(polyk.to_numpy(found["labels"]), shares, atol=1e-5)
        np.testing.assert_allclose(shares.sum(1), 1.0, atol=1e-5)


def test_shares_of_mixup_are_beta():
    layer = layers.MixUp(0.5, seed=8)
    share = polyk.to_numpy(layer.share(ops.zeros((20000, 1, 1, 1)), 0.5)).ravel()
    assert abs(share.mean() - 0.5) < 0.01
    assert abs(share.var() - 0.125) < 0.005  # 1 / (4 * (2 alpha + 1))


def test_nothing_happens_outside_of_training():
    layer = layers.RandomRotation(0.3, seed=9)
    np.testing.assert_array_equal(layer(IMAGES, training=False), IMAGES.astype("float32"))


def test_ints_become_floats_but_in_resizing():
    images = IMAGES.astype("uint8")
    assert polyk.to_numpy(layers.RandomBrightness((0.5, 0.5))(images)).dtype == "float32"
    assert polyk.to_numpy(layers.RandomBrightness((0.5, 0.5))(images)).max() == 255
    assert polyk.to_numpy(layers.Resizing(4, 4)(images)).dtype == "uint8"


def test_draws_are_the_same_bits_compiled_on_every_backend(backend):
    layer = layers.RandomBrightness(0.5, seed=10)
    run = polyk.compile(lambda x: layer(x), state=[layer])
    found = polyk.to_numpy(run(ops.zeros((4, 2, 2, 1)) + 100.0))
    with polyk.use("numpy"):
        want = polyk.to_numpy(layers.RandomBrightness(0.5, seed=10)(np.full((4, 2, 2, 1), 100.0)))
    np.testing.assert_array_equal(found, want)


def test_augmentation_stands_before_a_model_in_fit(backend):
    model = polyk.Sequential(
        [
            layers.Input((8, 10, 3)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip("horizontal", seed=1),
            layers.RandomRotation(0.1, seed=2),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(IMAGES, np.array([0, 1, 0]), batch_size=3, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    first, second = (model.predict(IMAGES, verbose=0) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_pipeline_is_its_layers(backend):
    layer = layers.Pipeline([layers.Rescaling(2.0), layers.RandomFlip("vertical", seed=1)])
    again = layers.Pipeline.from_config(layer.get_config())
    found = polyk.to_numpy(layer(IMAGES))
    np.testing.assert_array_equal(polyk.to_numpy(again(IMAGES)), found)
    np.testing.assert_allclose(np.sort(found, 1), np.sort(IMAGES * 2, 1), rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: layers.RandomRotation(1.5), ValueError, "factor must be a number, or two, within"),
        (lambda: layers.RandomFlip("sideways"), ValueError, "mode must be 'horizontal'"),
        (lambda: layers.RandomZoom(0.2, fill_mode="magic"), ValueError, "fill_mode must be"),
        (lambda: layers.RandomBrightness(0.1, value_range=3), ValueError, "two numbers"),
        (lambda: layers.RandomGaussianBlur(kernel_size=4), ValueError, "must be odd; got 4"),
        (lambda: layers.MixUp(1.5), ValueError, "at most 1; got 1.5"),
        (lambda: layers.Resizing(0, 3), ValueError, "height must be a positive int"),
        (lambda: layers.RandomFlip()(np.ones((3, 3))), ShapeError, "images have three axes"),
        (
            lambda: layers.RandomFlip()({"images": IMAGES, "bounding_boxes": IMAGES}),
            ValueError,
            "must hold 'images', and may hold 'labels'",
        ),
    ],
)
def test_wrong_use_is_told(make, error, says):
    with pytest.raises(error, match=says):
        make()
