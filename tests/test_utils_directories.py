"""Data sets of files in folders and of windows of a series."""

import numpy as np
import pytest
import reference

import polyk
from polyk import layers, utils


@pytest.fixture
def texts(tmp_path):
    """Ten texts of two classes."""
    for name in ("neg", "pos"):
        (tmp_path / name).mkdir()
        for i in range(5):
            (tmp_path / name / f"{i}.txt").write_text(f"{name} text {i}")
    return tmp_path


def whole(data):
    """All batches, put together."""
    return [np.concatenate(part) for part in zip(*(data[i] for i in range(len(data))), strict=True)]


def test_texts_come_with_the_number_of_their_folder(texts):
    data = utils.text_dataset_from_directory(texts, batch_size=4, seed=1)
    x, y = whole(data)
    assert data.class_names == ["neg", "pos"]
    assert len(data) == 3
    assert all(text.startswith(data.class_names[k]) for text, k in zip(x, y, strict=True))
    assert len(set(x)) == 10


def test_the_two_subsets_share_no_file(texts):
    one, other = utils.text_dataset_from_directory(
        texts, validation_split=0.3, subset="both", seed=2
    )
    assert len(one.file_paths) == 7 and len(other.file_paths) == 3
    assert not set(one.file_paths) & set(other.file_paths)


@pytest.mark.parametrize(
    ("mode", "shape"), [("int", (10,)), ("categorical", (10, 2)), ("binary", (10, 1))]
)
def test_labels_have_the_form_asked_for(texts, mode, shape):
    _, y = whole(utils.text_dataset_from_directory(texts, label_mode=mode))
    assert y.shape == shape


def test_another_epoch_has_another_order(texts):
    data = utils.text_dataset_from_directory(texts, label_mode=None, seed=3)
    first = data[0].tolist()
    data.on_epoch_end()
    assert data[0].tolist() != first
    assert sorted(data[0]) == sorted(first)


def test_images_are_resized_arrays(tmp_path):
    pytest.importorskip("PIL")
    for name, value in (("dark", 0), ("light", 255)):
        (tmp_path / name).mkdir()
        utils.save_img(tmp_path / name / "a.png", np.full((6, 8, 3), value), scale=False)
    data = utils.image_dataset_from_directory(tmp_path, image_size=(4, 5), shuffle=False)
    x, y = data[0]
    assert x.shape == (2, 4, 5, 3)
    assert x[1].min() == 255 and y.tolist() == [0, 1]


@pytest.mark.parametrize(
    "options",
    [
        {"sequence_length": 4},
        {"sequence_length": 3, "sequence_stride": 2, "sampling_rate": 2},
        {"sequence_length": 3, "start_index": 5, "end_index": 15},
    ],
    ids=str,
)
def test_windows_are_those_of_keras(options):
    pytest.importorskip("tensorflow")
    series, options = np.arange(20.0), {"batch_size": 4, **options}
    with reference.keras() as keras:
        its = keras.utils.timeseries_dataset_from_array(series, series * 10, **options)
        want = [(x.numpy(), y.numpy()) for x, y in its]
    data = utils.timeseries_dataset_from_array(series, series * 10, **options)
    assert len(data) == len(want)
    for i, (x, y) in enumerate(want):
        np.testing.assert_array_equal(data[i][0], x)
        np.testing.assert_array_equal(data[i][1], y)


def test_a_model_fits_windows():
    data = utils.timeseries_dataset_from_array(np.arange(40.0), np.arange(40.0)[3:], 3)
    model = polyk.Sequential([layers.Input((3,)), layers.Dense(1)])
    model.compile("adam", "mse")
    assert len(model.fit(data, epochs=2, verbose=0).history["loss"]) == 2


def test_a_data_set_is_split_in_two():
    x, y = np.arange(10), np.arange(10) * 2
    left, right = utils.split_dataset((x, y), left_size=0.7, shuffle=True, seed=1)
    assert (len(left), len(right)) == (7, 3)
    found = [left[i] for i in range(7)] + [right[i] for i in range(3)]
    assert sorted(int(a) for a, _ in found) == list(range(10))
    assert all(b == 2 * a for a, b in found)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"validation_split": 0.2}, "both validation_split and subset"),
        ({"validation_split": 0.2, "subset": "training"}, "needs a seed"),
        ({"label_mode": "magic"}, "label_mode must be"),
        ({"class_names": ["a"]}, "class_names must be the folders"),
    ],
)
def test_wrong_use_is_told(texts, options, says):
    options = {"shuffle": "subset" in options, **options}
    with pytest.raises(ValueError, match=says):
        utils.text_dataset_from_directory(texts, **options)
