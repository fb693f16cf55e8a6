"""What the ``polyk`` command prints, and how it ends."""

import io
import json
import re
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import COMPLETE
from rich.console import Console

from polyk.cli import COMMANDS, main
from polyk.cli.demo import draw


@pytest.fixture
def polyk(monkeypatch):
    """Run the command and return the result; other POLYK_ variables do not reach it."""
    monkeypatch.delenv("POLYK_DATA", raising=False)

    def run(*args):
        return CliRunner().invoke(main, args)

    return run


def rows(result):
    return {row["name"]: row for row in json.loads(result.stdout)}


def test_help_lists_every_command(polyk):
    result = polyk("--help")
    assert result.exit_code == 0
    assert all(f"  {name}  " in result.stdout for name in COMMANDS)


def test_an_unknown_command_gets_a_hint(polyk):
    result = polyk("backend")
    assert result.exit_code == 2
    assert "no command 'backend'. Did you mean 'backends'?" in result.stderr


def test_backends_are_listed_with_their_package(site, polyk):
    site.install("polyk-x", "x = xmod:B", version="0.3")
    result = polyk("backends")
    lines = {line.strip("* ").partition(" ")[0]: line for line in result.stdout.splitlines()}
    assert result.exit_code == 0
    assert {"jax", "numpy", "tensorflow", "torch", "x"} < set(lines)
    assert "polyk-x 0.3" in lines["x"]


def test_the_selected_backend_is_marked(site, polyk, monkeypatch):
    monkeypatch.setenv("POLYK_BACKEND", "jax")
    marked = [line for line in polyk("backends").stdout.splitlines() if line.startswith("*")]
    assert [line.split()[1] for line in marked] == ["jax"]


def test_a_target_in_the_environment_is_listed_too(site, polyk, monkeypatch):
    monkeypatch.setenv("POLYK_BACKEND", "mine:Backend")
    assert rows(polyk("backends", "--json"))["mine:Backend"]["selected"]


def test_a_wrong_name_in_the_environment_is_an_error(site, polyk, monkeypatch):
    monkeypatch.setenv("POLYK_BACKEND", "torhc")
    result = polyk("backends")
    assert result.exit_code == 1
    assert "POLYK_BACKEND: no backend named 'torhc'. Did you mean 'torch'?" in result.stderr


def test_what_is_not_installed_comes_with_the_command(site, polyk):
    site.install("polyk-x", "x = xmod:B", requires=['frame; extra == "x"'])
    row = rows(polyk("backends", "--json"))["x"]
    assert row["status"] == "not installed"
    assert row["detail"] == 'pip install "polyk-x[x]"'
    assert row["detail"] in polyk("backends").stdout


def test_a_conflict_shows_both_providers(site, polyk):
    site.install("dup-a", "dup = dup_a:B")
    site.install("dup-b", "dup = dup_b:B")
    listed = [row for row in json.loads(polyk("backends", "--json").stdout) if row["name"] == "dup"]
    assert sorted(row["package"] for row in listed) == ["dup-a 1.0", "dup-b 1.0"]
    assert {row["status"] for row in listed} == {"conflict"}


def test_unknown_variables_are_reported(site, polyk, monkeypatch):
    monkeypatch.setenv("POLYK_BACKENDS", "jax")
    result = polyk("backends")
    assert result.exit_code == 0
    assert result.stderr == "unknown variable POLYK_BACKENDS. Did you mean 'POLYK_BACKEND'?\n"


CHECKED = {
    "fine": (COMPLETE, "ok", "cpu"),
    "raises": ("raise RuntimeError('boom')", "broken", "BrokenBackend: backend 'x' (polyk-x 1.0)"),
    "dies": ("import os; os._exit(3)", "broken", "exit status 3."),
    "exits": ("raise SystemExit('no license')", "broken", "exit status 1. no license"),
    "chatters": ("print('loading')\n" + COMPLETE, "ok", "cpu"),
}


@pytest.mark.parametrize(("source", "status", "detail"), CHECKED.values(), ids=CHECKED)
def test_check_loads_in_a_process_of_its_own(site, polyk, source, status, detail):
    source += "\nif 'Complete' in globals(): Complete.devices = lambda self: ['cpu']\n"
    site.install("polyk-x", "x = xmod:Complete", xmod=source)
    result = polyk("backends", "x", "--check", "--json")
    assert rows(result)["x"]["status"] == status
    assert rows(result)["x"]["detail"].startswith(detail)
    assert result.exit_code == (status == "broken")
    assert "xmod" not in sys.modules


def test_check_gives_up_on_a_backend_that_hangs(site, polyk, monkeypatch):
    monkeypatch.setattr("polyk.cli.backends.TIMEOUT", 0.01)
    site.install("polyk-x", "x = xmod:B", xmod="while True: pass")
    row = rows(polyk("backends", "x", "--check", "--json"))["x"]
    assert (row["status"], row["detail"]) == ("broken", "no answer within 0.01 s")


def test_the_demo_learns_the_digits_and_says_what_it_used(polyk):
    result = polyk("demo", "--backend", "numpy")
    assert result.exit_code == 0, result.output
    accuracy = re.search(r"Test accuracy ([\d.]+)% on 359 held-out digits", result.stdout)
    assert float(accuracy[1]) >= 97
    assert "Backend numpy (polyk" in result.stdout
    assert "polyk demo --backend torch" in result.stdout


def test_the_demo_draws_its_curves(polyk, tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "curves.png"
    result = polyk("demo", "--backend", "numpy", "--epochs", "1", "--plot", str(picture))
    assert result.exit_code == 0, result.output
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_plotting_without_matplotlib_says_what_to_type(polyk, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = polyk("demo", "--plot", "curves.png")
    assert result.exit_code == 2
    assert 'pip install "polyk[plot]"' in result.stderr


def test_the_demo_names_an_unknown_backend(polyk):
    result = polyk("demo", "--backend", "torhc")
    assert result.exit_code == 1
    assert "Error: no backend named 'torhc'. Did you mean 'torch'?" in result.stderr


def test_digits_are_drawn_in_half_blocks_above_their_predictions():
    image = np.zeros((2, 4, 1))
    image[0, 1] = image[1, 2] = image[:, 3] = 1
    console = Console(file=io.StringIO(), width=40)
    console.print(draw([image, image], [3, 3], [3, 5], color=False))
    first, *_, last = console.file.getvalue().rstrip().splitlines()
    assert first.split() == ["▀▄█", "▀▄█"]
    assert last.split() == ["3", "5,", "not", "3"]
