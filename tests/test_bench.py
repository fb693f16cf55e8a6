"""polyk bench: it compares only what is comparable, and says what it cannot conclude."""

import json
from importlib import resources

import jsonschema
import pytest
from click.testing import CliRunner

from polyk.bench import judge, page, suite
from polyk.cli import main
from polyk.errors import UnknownName

PLUGIN = """
import json, os
import numpy as np
import polyk
from polyk.bench.suite import Task

def small():
    def data(rng, n):
        return rng.standard_normal((n, 4), dtype=np.float32), rng.integers(0, 3, n)
    def model(k):
        return k.Sequential([k.layers.Input((4,)), k.layers.Dense(3)])
    return Task("train", data, model, batch=8, steps=2, macs=12)

@polyk.hookimpl
def polyk_benchmark_cases(suite):
    suite.add_workload("small", small, "one small layer")
    suite.add_contender("honest", "numpy", "polyk.bench.contender:start", ["small"])
    suite.add_contender("cheat", "numpy", "fake:cheat", ["small"])
    suite.add_contender("broken", "numpy", "fake:broken", ["small"])

@polyk.hookimpl
def polyk_benchmark_report(results):
    print("reported", len(results["workloads"]))

def cheat(job):
    return lambda first, count: 0.5

def broken(job):
    raise RuntimeError("no such luck")
"""


@pytest.fixture
def bench(site):
    """Run the command against contenders of a plugin."""
    site.plugin("fake", PLUGIN)

    def run(*args):
        return CliRunner().invoke(main, ["bench", "--backends", "numpy", "--rounds", "2", *args])

    return run


def small(bench, tmp_path, against):
    result = bench("--workloads", "small", "--against", against, "--report", str(tmp_path))
    return result, json.loads((tmp_path / "bench.json").read_text())


def test_contenders_of_a_plugin_do_workloads_of_a_plugin(bench, tmp_path):
    result, found = small(bench, tmp_path, "honest")
    assert result.exit_code == 0, result.output
    (row,) = found["workloads"]
    assert [(c["name"], c["error"]) for c in row["contenders"]] == [
        ("polyk", None), ("honest", None),
    ]  # fmt: skip
    assert row["contenders"][0]["losses"] == row["contenders"][1]["losses"]
    assert set(row["contenders"][0]["over"]) == {"honest"}
    assert "reported 1" in result.stdout


def test_results_are_as_the_schema_says(bench, tmp_path):
    _, found = small(bench, tmp_path, "honest,broken")
    schema = json.loads(resources.files("polyk.bench").joinpath("schema.json").read_text())
    jsonschema.validate(found, schema)
    assert [c["error"] is None for c in found["workloads"][0]["contenders"]] == [True, True, False]


def test_a_contender_with_other_losses_makes_the_comparison_void(bench, tmp_path):
    result, found = small(bench, tmp_path, "cheat")
    assert result.exit_code == 1
    assert "VOID: the contenders disagree at step 1: polyk/numpy 1." in result.stdout
    assert "cheat/numpy 0.5" in result.stdout
    assert all(c["over"] == {} for c in found["workloads"][0]["contenders"])


def test_a_contender_that_fails_is_named_and_the_others_go_on(bench, tmp_path):
    result, found = small(bench, tmp_path, "broken")
    assert result.exit_code == 1
    assert "RuntimeError: no such luck" in result.stdout
    assert found["workloads"][0]["contenders"][0]["steps_per_s"] > 0


def test_the_page_has_nothing_to_fetch(bench, tmp_path):
    small(bench, tmp_path, "honest")
    text = (tmp_path / "bench.html").read_text()
    assert "honest/numpy" in text and "<svg" in text
    assert "src=" not in text and "href=" not in text


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--workloads", "smal"], "no workload named 'smal'. Did you mean 'small'?"),
        (["--workloads", "trainning"], "Did you mean 'training'?"),
        (["--against", "honets"], "no contender named 'honets'. Did you mean 'honest'?"),
        (["--backends", "nunpy"], "no backend named 'nunpy'. Did you mean 'numpy'?"),
        (["--workloads", "small:depth=3"], "workload 'small:depth=3': sizes are written"),
    ],
)
def test_unknown_names_get_a_hint(bench, args, message):
    result = bench(*args)
    assert result.exit_code == 1
    assert message in result.stderr


def test_sizes_stay_with_their_workload(site):
    found = suite.load()
    task = found.task("mlp:batch=8,width=32")
    assert task.batch == 8
    assert task.macs == 784 * 32 + 32 * 32 + 320
    with pytest.raises(UnknownName, match="sizes are written mlp:batch=32"):
        found.task("mlp:size=8")


def test_every_group_is_of_known_workloads(site):
    found = suite.load()
    for group in found.groups:
        assert found.expand([group])


# What is concluded from measurements.


def contender(name, wall, losses=(1.0, 0.5)):
    return {"name": name, "backend": "x", "error": None, "wall": wall, "cpu": wall,
            "losses": list(losses), "first_step_s": 0.0, "memory_mb": 1.0}  # fmt: skip


def concluded(*contenders):
    row = {"name": "w", "title": "w", "flops": 2e9, "contenders": [*contenders]}
    return judge.conclude(row, 100.0)


def test_a_ratio_is_of_neighbors_in_time():
    ours, theirs = [10, 20, 40, 10, 20, 40, 10], [5, 10, 20, 5, 10, 20, 5]
    over = judge.ratio(ours, theirs)
    assert over["ratio"] == over["low"] == over["high"] == 2
    assert over["verdict"] == "slower"


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(1.1, 1.2, "slower"), (0.7, 0.9, "faster"), (0.98, 1.03, "same"), (0.8, 1.3, "unclear")],
)
def test_the_verdict_follows_from_the_interval(low, high, word):
    assert judge.verdict(low, high) == word


def test_the_interval_of_a_few_rounds_is_their_range():
    assert judge.interval([1, 2, 3, 4, 5]) == (1, 5)
    assert judge.interval([1, 2, 3, 4, 5, 6, 7, 8, 9]) == (2, 8)


def test_a_spread_of_the_same_work_is_noise():
    assert not concluded(contender("polyk", [10, 10.1, 10, 10.2]))["noisy"]
    assert concluded(contender("polyk", [10, 14, 9, 20]))["noisy"]


def test_losses_that_are_not_numbers_are_no_agreement():
    nan = float("nan")
    row = concluded(contender("polyk", [1, 1], [nan, nan]), contender("x", [1, 1], [nan, nan]))
    assert "disagree at step 1" in row["void"]


def test_rounding_is_no_disagreement():
    assert judge.disagreement([contender("a", [1]), contender("b", [1], (1.0001, 0.5))]) is None


def test_figures_follow_from_the_median():
    (c,) = concluded(contender("polyk", [10, 20, 30]))["contenders"]
    assert (c["wall_ms"], c["steps_per_s"], c["gflops"], c["peak_share"]) == (20, 50, 100, 1)


def test_growth_is_drawn_over_its_size():
    rows = [
        {**concluded(contender("polyk", [t, t])), "name": f"mlp:batch={n}", "kind": "train"}
        for n, t in ((1, 1), (2, 2), (4, 4))
    ]
    assert "mlp over batch" in page.plots.growth({"workloads": rows})
