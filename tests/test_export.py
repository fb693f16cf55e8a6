"""model.export and ``polyk export``: which formats there are, and what is said of others."""

from importlib import import_module

import pytest
from click.testing import CliRunner

import polyk
from polyk import layers
from polyk.cli import main
from polyk.errors import UnknownName
from polyk.export import FORMATS


@pytest.fixture
def saved(tmp_path):
    model = polyk.Sequential([layers.Input((4,)), layers.Dense(2)])
    model.save(tmp_path / "model.polyk")
    return tmp_path / "model.polyk"


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_writer(name):
    module, _, function = FORMATS[name].partition(":")
    assert callable(getattr(import_module(module), function))


def test_an_unknown_format_gets_a_hint(tmp_path):
    model = polyk.Sequential([layers.Input((4,)), layers.Dense(2)])
    with pytest.raises(UnknownName, match="'onx'. Did you mean 'onnx'"):
        model.export(tmp_path / "m", format="onx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [(), ("--format", "onnx"), ("--batch-size", "3")])
def test_the_command_exports_a_saved_model(saved, tmp_path, options):
    onnx = pytest.importorskip("onnx")
    target = tmp_path / "model.onnx"
    result = CliRunner().invoke(main, ["export", str(saved), str(target), *options])
    assert (result.exit_code, result.output) == (0, f"wrote {target} (onnx)\n")
    (batch, _) = onnx.load(target).graph.input[0].type.tensor_type.shape.dim
    assert (batch.dim_value, batch.dim_param) == ((3, "") if "3" in options else (0, "batch"))


def test_the_command_says_which_formats_there_are(saved, tmp_path):
    result = CliRunner().invoke(main, ["export", str(saved), str(tmp_path / "m"), "--format", "x"])
    assert result.exit_code == 1
    assert "no export format 'x'" in result.output and "onnx" in result.output
