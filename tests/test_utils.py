"""Labels, sequences and images made ready, as the installed Keras does it."""

import numpy as np
import pytest
import reference

from polyk import errors, utils

rng = np.random.default_rng(0)


@pytest.fixture(scope="module")
def keras():
    with reference.keras() as module:
        yield module


@pytest.mark.parametrize("x", [[0, 2, 1], [[0], [3]], [[0, 1], [2, 0]]], ids=str)
def test_labels_become_rows(x, keras):
    got = utils.to_categorical(x, 4)
    np.testing.assert_array_equal(got, keras.utils.to_categorical(x, 4))


def test_labels_beyond_the_classes_are_refused():
    with pytest.raises(ValueError, match="labels run from 0 to 5; 3 classes"):
        utils.to_categorical([0, 5], 3)
    with pytest.raises(ValueError, match="from -1"):
        utils.to_categorical([-1, 1])


def test_rows_of_norm_one(keras):
    x = rng.normal(size=(3, 4))
    x[1] = 0
    np.testing.assert_allclose(utils.normalize(x), keras.utils.normalize(x))
    np.testing.assert_allclose(np.linalg.norm(utils.normalize(x, 0), axis=0), 1)


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("maxlen", [None, 2, 5])
def test_sequences_of_one_length(padding, truncating, maxlen, keras):
    options = {"maxlen": maxlen, "padding": padding, "truncating": truncating, "value": 9}
    rows = [[1, 2, 3], [4], [], [5, 6]]
    got = utils.pad_sequences(rows, **options)
    np.testing.assert_array_equal(got, keras.utils.pad_sequences(rows, **options))
    assert got.dtype == np.int32


def test_sequences_of_unlike_entries_are_refused():
    with pytest.raises(ValueError, match=r"shape \(3,\) among entries of \(2,\)"):
        utils.pad_sequences([[[1, 2]], [[1, 2, 3]]])
    with pytest.raises(ValueError, match="'pre' or 'post'; got 'left'"):
        utils.pad_sequences([[1]], padding="left")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_image_survives_its_file(channels, tmp_path):
    pytest.importorskip("PIL")
    x = rng.integers(0, 256, (5, 7, channels)).astype("float32")
    utils.save_img(tmp_path / "x.png", x, scale=False)
    mode = {1: "grayscale", 3: "rgb", 4: "rgba"}[channels]
    got = utils.img_to_array(utils.load_img(tmp_path / "x.png", color_mode=mode))
    np.testing.assert_array_equal(got, x)


def test_an_image_is_resized(tmp_path, keras):
    pytest.importorskip("PIL")
    utils.save_img(tmp_path / "x.png", rng.random((8, 6, 3)))
    for options in ({"target_size": (4, 3)}, {"target_size": (4, 4), "keep_aspect_ratio": True}):
        got = utils.img_to_array(utils.load_img(tmp_path / "x.png", **options))
        wanted = keras.utils.img_to_array(keras.utils.load_img(tmp_path / "x.png", **options))
        np.testing.assert_array_equal(got, wanted)


def test_channels_first_images():
    x = rng.random((3, 5, 7))
    img = pytest.importorskip("PIL") and utils.array_to_img(x, "channels_first")
    assert img.size == (7, 5)
    assert utils.img_to_array(img, "channels_first").shape == (3, 5, 7)


def test_what_is_no_image_is_refused():
    with pytest.raises(errors.ShapeError, match="1, 3 or 4 channels; got 2"):
        utils.array_to_img(np.zeros((4, 4, 2)))
    with pytest.raises(errors.ShapeError, match=r"got shape \(4, 4\)"):
        utils.array_to_img(np.zeros((4, 4)))
