"""Run a recorded case again, on the same backend or on another."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import polyk
from polyk import ops
from polyk_conformance.bounded import Bounded
from polyk_conformance.cases.case import as_list
from polyk_conformance.checks import assert_matches, tensors
from polyk_conformance.report.cases import decode

SETTINGS = Path(__file__).parents[1] / "pytest.ini"


def replay(path: str, backend: str | None = None) -> tuple[bool, str]:
    """Whether the case passes now, and the words to say so."""
    data = json.loads(Path(path).read_text())
    if data.get("schema") != "polyk-conformance-case/1":
        raise ValueError(f"{path} is not a case that the kit wrote.")
    name = backend or data["backend"]
    if data.get("args") is None:
        return by_test(data["test"], name)
    with polyk.use(name), np.errstate(all="ignore"):
        args, kwargs = decode(data["args"]), {k: decode(v) for k, v in data["kwargs"].items()}
        given = tensors(args)
        try:
            if data["mode"] == "compiled":
                found = polyk.compile(lambda *xs: call(data["op"], xs, kwargs))(*given)
            else:
                found = call(data["op"], given, kwargs)
            for got, want in zip(as_list(found), data["want"], strict=True):
                assert_matches(got, wanted(want), want["dtype"])
        except Exception as e:
            return False, f"{name}: {data['op']} fails\n  {type(e).__name__}: {e}"
    return True, f"{name}: {data['op']} gives what is wanted"


def call(op: str, args: Any, kwargs: Any) -> Any:
    return getattr(ops, op)(*args, **kwargs)


def wanted(data: Any) -> Any:
    value = decode(data["value"])
    return value if data["error"] is None else Bounded(value, decode(data["error"]))


def by_test(test: str, backend: str) -> tuple[bool, str]:
    """A case that only its test can run."""
    file, _, name = test.partition("::")
    name = re.sub(r"\[[^-\]]*", f"[{backend}", name, count=1)
    target = f"{SETTINGS.with_name(file)}::{name}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", target, "--backend", backend,
         "-p", "no:cacheprovider", "-p", "polyk_conformance.plugin", "-c", str(SETTINGS)],
        capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode == 0, done.stdout.strip()
