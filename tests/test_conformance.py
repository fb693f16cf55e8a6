"""``polyk conformance``: what it finds, what it writes, and what it makes of that afterwards."""

import json
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from polyk_conformance.report.badge import badge
from polyk_conformance.report.compare import compare
from polyk_conformance.report.page import page

BAD = """
import numpy as np
from polyk_numpy import NumPyBackend

class Bad(NumPyBackend):
    gaps = {"cumprod": "there is no scan on this machine"}

    def argmax(self, x, axis):
        return np.argmax(np.nan_to_num(x), axis).astype("i4")
"""
VOID = {"meta", "input", "br", "link", "img", "hr"}


class Tags(HTMLParser):
    """Complains of tags that do not close, and remembers what the page would fetch."""

    def __init__(self):
        super().__init__()
        self.open, self.fetched, self.ids = [], [], []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.fetched += [v for k, v in attrs if k in ("src", "href") and not v.startswith("#")]
        self.ids += [found["id"]] if "id" in found else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def polyk(tmp_path_factory):
    """Run the command in a folder that holds a defective backend; its status and output."""
    folder = tmp_path_factory.mktemp("kit")
    (folder / "bad.py").write_text(BAD)

    def run(*args):
        done = subprocess.run(
            [sys.executable, "-m", "polyk", "conformance", *map(str, args)], cwd=folder,
            capture_output=True, text=True,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def bad(polyk):
    """The status, the output and the report of a backend that is wrong about argmax."""
    status, output = polyk(
        "bad:Bad", "--op", "argmax", "--profile", "quick", "--report", "bad_report"
    )
    folder = polyk.folder / "bad_report"
    return status, output, json.loads((folder / "report.json").read_text()), folder


@pytest.fixture(scope="module")
def good(polyk):
    polyk("numpy", "--op", "argmax", "--profile", "quick", "--report", "good_report")
    return json.loads((polyk.folder / "good_report/report.json").read_text())


def test_a_defect_is_found_and_told_in_the_last_line(bad):
    status, output, report, _ = bad
    assert status == 1
    last = [line for line in output.splitlines() if line.startswith("conformance:")]
    assert len(last) == 1
    assert "failed; worst budget" in last[0]
    assert sum(level["failed"] for level in report["levels"]) > 0


def test_every_result_says_where_it_belongs(bad):
    for result in bad[2]["results"]:
        assert result["level"] in ("Core", "NN", "Autodiff", "Train", "Kit")
        assert result["status"] in ("passed", "failed", "known", "unsupported", "notrun")
        assert result["op"] == "argmax"


def test_a_failing_case_is_small_and_runs_again_anywhere(polyk, bad):
    failed = [r for r in bad[2]["results"] if r["failure"] and r["failure"]["script"]]
    assert "np.array([[" in failed[0]["failure"]["script"]
    assert len(failed[0]["failure"]["case"]["args"]["tuple"][0]["array"]) <= 4
    file = failed[0]["failure"]["file"]
    status, output = polyk("replay", file)
    assert (status, "argmax fails" in output) == (1, True)
    assert polyk("replay", file, "--backend", "numpy")[0] == 0


def test_the_page_is_one_well_formed_file(bad):
    tags = Tags()
    tags.feed((bad[3] / "index.html").read_text())
    assert tags.open == []
    assert tags.fetched == []
    assert {"levels", "failures", "matrix", "worst", "semantics", "notrun"} <= set(tags.ids)


def test_the_page_escapes_what_an_engine_says(bad):
    report = json.loads(json.dumps(bad[2]))
    report["subject"]["backend"] = "<script>x</script>"
    assert "<script>x" not in page(report)


def test_a_comparison_names_what_broke(good, bad):
    kinds = {d.kind for d in compare(good, bad[2])}
    assert "broken" in kinds
    assert {d.kind for d in compare(bad[2], good)} == {"mended"}
    assert compare(good, good) == []


def test_only_a_full_run_of_all_ops_earns_a_badge(good):
    assert badge(good) is None
    assert badge({**good, "profile": "full"}) is None
    assert badge({**good, "profile": "full", "selected": None}).startswith("<svg")


def test_a_declared_gap_must_raise_for_the_reason_given(polyk):
    status, output = polyk("bad:Bad", "--op", "cumprod", "--profile", "quick")
    assert status == 0, output
    row = next(line for line in output.splitlines() if line.startswith("Core"))
    assert row.split()[5] != "0"


KNOWN = """
[[known]]
match = "*argmax*"
reason = "NaN is skipped"
"""


def test_a_known_failure_that_passes_is_an_error(polyk, bad):
    failed = [r["test"] for r in bad[2]["results"] if r["failure"]]
    entries = [KNOWN.replace("*argmax*", test.partition("::")[2]) for test in failed]
    (polyk.folder / "known.toml").write_text("\n".join(entries))
    assert polyk("bad:Bad", "--op", "argmax", "--known", "known.toml")[0] == 0
    (polyk.folder / "known.toml").write_text(KNOWN.replace("*argmax*", "*argmax-ties*"))
    assert polyk("bad:Bad", "--op", "argmax", "--known", "known.toml")[0] == 1


def test_an_expired_known_failure_is_an_error(polyk):
    (polyk.folder / "old.toml").write_text(KNOWN + "expires = 2020-01-01\n")
    status, output = polyk("bad:Bad", "--op", "argmax", "--known", "old.toml")
    assert status == 1
    assert "expired on 2020-01-01" in output


def test_without_pytest_the_command_says_what_to_install(polyk):
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "from polyk.cli import main; main(['conformance', 'numpy'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'pip install "polyk[conformance]"' in done.stderr


def test_a_second_device_computes_too(polyk, monkeypatch):
    pytest.importorskip("jax")
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    status, output = polyk("jax", "--device", "cpu:1", "--op", "capabilities", "--profile", "quick")
    assert status == 0, output
    assert "on cpu:1; 0 failed" in output
