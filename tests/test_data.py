"""The shipped digits, and MNIST files that are what they should be or not."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from polyk.data import load_digits, load_mnist


def test_digits_are_images_and_labels():
    for x, y in load_digits():
        assert x.shape == (len(y), 8, 8, 1)
        assert (x.dtype, y.dtype) == (np.float32, np.int32)
        assert (x.min(), x.max()) == (0, 1)
        assert set(y) == set(range(10))


def test_a_fifth_of_each_digit_is_held_out():
    (_, y_train), (_, y_test) = load_digits()
    assert (len(y_train), len(y_test)) == (1438, 359)
    assert np.ptp(np.bincount(y_test)) <= 2


def test_no_image_is_in_both_parts_twice_or_lost():
    (x_train, _), (x_test, _) = load_digits()
    images = np.concatenate([x_train, x_test]).reshape(-1, 64)
    assert len(np.unique(images, axis=0)) == 1797


def test_digits_are_the_same_each_time():
    for first, second in zip(load_digits(), load_digits(), strict=True):
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def idx(magic, *shape, values=None):
    if values is None:
        values = np.arange(np.prod(shape)).astype(np.uint8).tobytes()
    return struct.pack(f">{1 + len(shape)}I", magic, *shape) + values


@pytest.fixture
def folder(tmp_path):
    """A data set of 5 + 3 images."""
    for part, n in (("train", 5), ("t10k", 3)):
        for kind, data in (("images-idx3", idx(2051, n, 28, 28)), ("labels-idx1", idx(2049, n))):
            (tmp_path / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(data))
    return tmp_path


def test_mnist_files_are_read(folder):
    (x, y), (x_test, y_test) = load_mnist(folder)
    assert (x.shape, x_test.shape) == ((5, 28, 28, 1), (3, 28, 28, 1))
    assert (x.dtype, y.dtype) == (np.float32, np.int32)
    assert y.tolist() == [0, 1, 2, 3, 4]
    assert y_test.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(x.ravel()[:256], np.arange(256, dtype=np.float32) / 255)


def test_a_missing_file_is_named(folder):
    (folder / LABELS).unlink()
    with pytest.raises(FileNotFoundError, match=LABELS):
        load_mnist(folder)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        (IMAGES, idx(2049, 5, 28, 28), "magic number is 2049, not 2051"),
        (LABELS, idx(2051, 5), "magic number is 2051, not 2049"),
        (IMAGES, idx(2051, 5, 32, 32), r"claims the shape \(5, 32, 32\)"),
        (IMAGES, idx(2051, 1 << 31, 28, 28, values=b""), "claims the shape"),
        (IMAGES, idx(2051, 5, 28, 28, values=b"abc"), "should hold 3,920 values and holds 3"),
        (LABELS, idx(2049, 5, values=bytes(6)), "should hold 5 values and holds more"),
        (LABELS, idx(2049, 4), "5 images but 4 labels"),
        (LABELS, b"\0\0", "damaged"),
    ],
)
def test_a_file_that_is_not_what_it_claims_is_refused(folder, name, data, reason):
    (folder / name).write_bytes(gzip.compress(data))
    with pytest.raises(ValueError, match=reason):
        load_mnist(folder)


def test_a_file_that_is_not_gzip_is_damaged(folder):
    (folder / IMAGES).write_bytes(idx(2051, 5, 28, 28))
    with pytest.raises(ValueError, match=f"{IMAGES} is damaged"):
        load_mnist(folder)


@pytest.mark.parametrize("cut", [4, 11, 40])
def test_a_truncated_file_is_damaged(folder, cut):
    (folder / IMAGES).write_bytes((folder / IMAGES).read_bytes()[:-cut])
    with pytest.raises(ValueError, match=f"{IMAGES} is damaged"):
        load_mnist(folder)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_real_files(name):
    folder = Path(os.environ.get("POLYK_DATA", ""), name)
    if "POLYK_DATA" not in os.environ or not folder.is_dir():
        pytest.skip(f"POLYK_DATA names no folder with {name}/ in it")
    (x, y), (x_test, y_test) = load_mnist(folder)
    assert (x.shape, x_test.shape) == ((60000, 28, 28, 1), (10000, 28, 28, 1))
    assert (len(y), len(y_test)) == (60000, 10000)
    assert set(y) == set(y_test) == set(range(10))
