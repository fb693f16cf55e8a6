"""The document of a run: plain data, as ``schema.json`` describes it."""

import os
import platform
import re
import sys
from collections import Counter
from importlib import metadata
from typing import Any

import polyk
from polyk import plugins
from polyk_conformance.report.describe import LEVELS
from polyk_conformance.report.probe import probe

STATUSES = ("passed", "failed", "known", "unsupported", "notrun")
SCHEMA = "polyk-conformance/1"


def document(collector: Any, backend: Any, run: dict[str, Any]) -> dict[str, Any]:
    results = collector.results
    return {
        "schema": SCHEMA, "kit": polyk.__version__, **run, "subject": subject(backend),
        "env": environment(backend), "levels": levels(results),
        "ops": ops_count(results), "results": results, "facts": facts(collector.facts),
        "notrun": notrun(collector, backend, run),
    }  # fmt: skip


def subject(backend: Any) -> dict[str, Any]:
    cls = type(backend)
    with polyk.use(backend):
        probed = probe()
    return {
        "backend": backend.name, "package": backend.package,
        "target": f"{cls.__module__}:{cls.__qualname__}", "devices": list(backend.devices()),
        "dtypes": list(backend.dtypes), "gaps": dict(backend.gaps),
        "autodiff": "core's tape" if tape(cls) else "the engine's own",
        "compiles": not backend.eager, "probed": probed,
    }  # fmt: skip


def tape(cls: type) -> bool:
    return cls.value_and_grad is polyk.Backend.value_and_grad


def environment(backend: Any) -> dict[str, Any]:
    known = plugins.installed().get(backend.name, [])
    names = {"numpy", "polyk", "hypothesis", "pytest", *(r for e in known for r in e.requires)}
    return {
        "python": platform.python_version(), "os": platform.platform(),
        "machine": machine(), "processors": os.cpu_count(),
        "packages": {name: version(name) for name in sorted(names)},
        "variables": {k: v for k, v in sorted(os.environ.items()) if k.startswith("POLYK_")},
    }  # fmt: skip


def machine() -> str:
    """The processor's own name, where the system tells it."""
    try:
        with open("/proc/cpuinfo") as file:
            found = re.search(r"model name\s*:\s*(.+)", file.read())
        return found[1] if found else platform.machine()
    except OSError:
        return platform.processor() or platform.machine()


def version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        found = getattr(sys.modules.get(name), "__version__", None)
        return str(found) if found else None


def used(result: dict[str, Any]) -> float:
    """The share of the budget that a check used; infinite numbers are words in JSON."""
    worst = result["worst"]
    return float(worst["used"]) if worst else 0.0


def levels(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each level and device: how many checks ended how, and the closest that passed."""
    rows = []
    places = dict.fromkeys((r["level"], r["device"]) for r in results)
    for level, device in sorted(places, key=lambda p: (LEVELS.index(p[0]), str(p[1]))):
        mine = [r for r in results if (r["level"], r["device"]) == (level, device)]
        counts = Counter(r["status"] for r in mine)
        best = max((r for r in mine if r["status"] == "passed"), key=used, default=None)
        rows.append(
            {"level": level, "device": device, **{s: counts[s] for s in STATUSES},
             "worst": used(best) if best else 0.0, "worst_check": best["id"] if best else None}
        )  # fmt: skip
    return rows


def ops_count(results: list[dict[str, Any]]) -> dict[str, int]:
    """How many comparisons were made for each op."""
    found: Counter[str] = Counter()
    for r in results:
        found[r["op"]] += r["comparisons"]
    return dict(sorted(found.items()))


def facts(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each edge once; those that are not as written first."""
    rows = {(f["case"], f["got"]): f for f in reversed(found)}.values()
    return sorted(rows, key=lambda f: (norm(f["want"]) == norm(f["got"]), f["case"]))


def norm(text: str) -> str:
    """Numbers compare by value: 1 is 1.0, and brackets and minus zeros do not count."""
    numbers = re.findall(r"-?(?:inf|nan|\d+\.?\d*(?:e-?\d+)?)|True|False", text)
    return " ".join(f"{float(n) + 0.0:.9g}" if n[0] not in "TF" else str(float(n == "True"))
                    for n in numbers)  # fmt: skip


def notrun(collector: Any, backend: Any, run: dict[str, Any]) -> list[dict[str, Any]]:
    """What nobody should take for passed."""
    reasons = Counter(
        str(r["reason"]).removeprefix("Skipped: ")
        for r in collector.results
        if r["status"] == "notrun" and "empty parameter set" not in str(r["reason"])
    )
    rows = [{"what": reason, "count": n} for reason, n in reasons.most_common()]
    if collector.deselected:
        rows.append({"what": "checks of other ops (--op)", "count": collector.deselected})
    tested = {r["device"] for r in collector.results}
    rows += [{"what": f"device {d}", "count": None} for d in backend.devices() if d not in tested]
    if run["profile"] not in ("full", "deep"):
        rows.append({"what": f"the other precisions: profile {run['profile']}", "count": None})
    return rows
