"""Plant each mutant in turn and run the checks of its ops until one fails."""

import re
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from polyk_conformance import record

from mutants.table import MUTANTS
from polyk import dtypes

SETTINGS = Path(record.__file__).with_name("pytest.ini")
SPECIAL = re.compile(r"[^A-Za-z0-9_]+")


class Outcome(NamedTuple):
    """What killed a mutant, if anything, after how many checks and comparisons."""

    mutant: object
    killer: str | None
    checks: int
    examples: int
    words: str = ""


class Runner:
    """A pytest plugin that collects the kit as ever, and runs it in a way of its own."""

    def __init__(self, only=()):
        self.only = only
        self.outcomes = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        index = Index(session.items)
        for mutant in MUTANTS:
            if not self.only or mutant.id in self.only:
                self.outcomes.append(trial(mutant, index.of(mutant)))
        return True


class Index:
    """The checks by the words of their names."""

    def __init__(self, items):
        self.items = items
        self.words = [set(SPECIAL.split(i.name)) | set(op_of(i)) for i in items]

    def of(self, mutant):
        return [
            item
            for item, words in zip(self.items, self.words, strict=True)
            if not words.isdisjoint(mutant.ops)
            or any(part in item.nodeid for part in mutant.checks)
        ]


def op_of(item):
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return [getattr(params.get("case"), "op", "")]


def trial(mutant, items):
    """Run `items` against `mutant` until one fails."""
    examples = 0
    with mutant.alive() as backend, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for count, item in enumerate(items, 1):
            record.clear()
            error = failure(item, backend)
            examples += max(len(record.measures), 1)
            if error is not None:
                words = f"{type(error).__name__}: {error}".split("\n")[0]
                return Outcome(mutant, item.name, count, examples, words)
    return Outcome(mutant, None, len(items), examples)


def failure(item, backend):
    """What a check raises, or None; a check that needs more than a backend is passed over."""
    given = {**(item.callspec.params if hasattr(item, "callspec") else {})}
    if "backend" in given:
        given["backend"] = backend
    asked = set(item.fixturenames) - set(given)
    if asked - {"request", "float64"}:
        return None
    dtypes.set_floatx("float64" if "float64" in asked else "float32")
    given |= dict.fromkeys(asked & {"float64"})
    try:
        item.obj(**given)
    except KeyboardInterrupt:
        raise
    except pytest.skip.Exception:
        return None
    except BaseException as e:
        return e
    finally:
        dtypes.set_floatx("float32")
    return None


def run(only=(), profile="quick"):
    """The outcomes, and the seconds they took."""
    started = time.perf_counter()
    runner = Runner(only)
    status = pytest.main(
        [str(SETTINGS.parent), "--backend", "numpy", "--profile", profile,
         "-p", "no:cacheprovider", "-p", "no:terminal", "-p", "polyk_conformance.plugin",
         "-c", str(SETTINGS)],
        plugins=[runner],
    )  # fmt: skip
    assert status == 0, "the kit could not be collected"
    doubled = [i for i, n in Counter(m.id for m in MUTANTS).items() if n > 1]
    assert not doubled, doubled
    return runner.outcomes, time.perf_counter() - started
