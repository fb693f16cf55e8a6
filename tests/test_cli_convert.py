"""``polyk convert``."""

import numpy as np
import pytest
from click.testing import CliRunner

import polyk
from polyk import layers
from polyk.cli import main

pytest.importorskip("h5py")


@pytest.fixture
def source(tmp_path):
    model = polyk.Sequential([layers.Input((3,)), layers.Dense(2, name="d")])
    model.save(tmp_path / "old.h5")
    return tmp_path / "old.h5", model


def convert(*args):
    return CliRunner().invoke(main, ["convert", *map(str, args)])


@pytest.mark.parametrize("name", ["m.polyk", "m.keras", "m.h5"])
def test_a_model_is_written_in_the_form_of_the_suffix(tmp_path, source, name):
    path, model = source
    result = convert(path, tmp_path / name)
    assert result.exit_code == 0, result.output
    assert "8 parameters" in result.output
    found = polyk.load_model(tmp_path / name)
    np.testing.assert_array_equal(found.get_weights()[0], model.get_weights()[0])


@pytest.mark.parametrize("name", ["m.safetensors", "m.weights.h5"])
def test_weights_alone(tmp_path, source, name):
    path, model = source
    assert convert(path, tmp_path / name).exit_code == 0
    other = polyk.models.clone_model(model)
    other.load_weights(tmp_path / name)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])


def test_an_unknown_suffix_is_told(tmp_path, source):
    result = convert(source[0], tmp_path / "m.onnx2")
    assert result.exit_code == 2
    assert "end it in one of .polyk" in result.output


def test_a_file_that_is_there_stays_unless_forced(tmp_path, source):
    (tmp_path / "m.polyk").write_text("mine")
    assert "--force" in convert(source[0], tmp_path / "m.polyk").output
    assert (tmp_path / "m.polyk").read_text() == "mine"
    assert convert(source[0], tmp_path / "m.polyk", "--force").exit_code == 0


def test_a_file_that_cannot_be_read_is_told_in_one_line(tmp_path):
    (tmp_path / "m.h5").write_text("no")
    result = convert(tmp_path / "m.h5", tmp_path / "m.polyk")
    assert result.exit_code == 1
    assert "is no HDF5 file" in result.output
