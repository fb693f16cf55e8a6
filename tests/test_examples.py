"""Every example runs on every installed backend and says something."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import AVAILABLE

FOLDER = Path(__file__).parents[1] / "examples"
ALL_AT_ONCE = {"four_curves.py", "two_backends.py"}  # these use every backend themselves
NAMES = sorted(path.name for path in FOLDER.glob("*.py"))


@pytest.fixture
def example(monkeypatch, tmp_path):
    """Run an example in an empty folder and return what it printed."""

    def run(name, backend="numpy", *args):
        monkeypatch.setenv("POLYK_BACKEND", backend)
        done = subprocess.run(
            [sys.executable, FOLDER / name, *args], capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.parametrize("backend", AVAILABLE)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ALL_AT_ONCE])
def test_an_example_runs_on_the_backend_of_the_variable(example, tmp_path, name, backend):
    assert backend in example(name, backend)
    assert not list(tmp_path.iterdir())


def test_the_list_of_what_uses_every_backend_is_right():
    assert set(NAMES) >= ALL_AT_ONCE


def test_one_model_predicts_the_same_on_every_backend(example):
    found = dict(
        re.findall(r"predicting on (\w+): largest difference (\S+)", example("two_backends.py"))
    )
    assert sorted(found) == sorted(AVAILABLE)
    assert max(map(float, found.values())) < 1e-5


def test_four_curves_start_from_the_same_weights_and_stay_together(example, tmp_path):
    matplotlib = find_spec("matplotlib") is not None
    text = example("four_curves.py", "numpy", "--float64", *["curves.png"] * matplotlib)
    lines = [line for line in text.splitlines() if "weights" in line]
    assert sorted(line.split()[0] for line in lines) == sorted(AVAILABLE)
    for line in lines:
        assert "first weights identical: True" in line
        assert float(line.split()[-1]) < 1e-8
    if matplotlib:
        assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_what_the_memory_learned_holds_for_longer_sequences(example):
    right = re.findall(r"length +(\d+): (\S+)% of the bits", example("copy_task.py"))
    assert [int(length) for length, _ in right] == [4, 8, 12]
    assert all(float(share) > 99 for _, share in right)
