"""A pytest plugin that notes how each check ended and how close it came."""

from collections import Counter
from typing import Any

import pytest

import polyk
from polyk import select
from polyk_conformance import record
from polyk_conformance.report import cases
from polyk_conformance.report.describe import describe

MAX_WRITTEN = 4  # failures of one op that are made small and written down; the rest are listed


class Collector:
    """`results` holds one dict for each check, as the schema has it; `facts` what was measured."""

    def __init__(self, each: Any = None) -> None:
        self.results: list[dict[str, Any]] = []
        self.facts: list[dict[str, Any]] = []
        self.deselected = 0
        self.total = 0
        self.errors: list[str] = []
        self.each = each or (lambda collector, result: None)
        self.written: Counter[str] = Counter()
        self.device: str | None = None

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.errors.append(str(report.longrepr))

    def pytest_deselected(self, items: Any) -> None:
        self.deselected += len(items)

    def pytest_collection_finish(self, session: Any) -> None:
        self.total = len(session.items)

    def pytest_runtest_setup(self, item: Any) -> None:
        record.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        report = yield
        if report.when == "call" or (report.when == "setup" and not report.passed):
            result = self.result(item, report, call)
            self.results.append(result)
            self.facts += [{**fact, "mode": result["mode"]} for fact in record.facts]
            self.each(self, result)
        return report

    def result(self, item: Any, report: Any, call: Any) -> dict[str, Any]:
        label = describe(item)
        backend = getattr(item, "funcargs", {}).get("backend")
        worst = max(record.measures, key=lambda m: m.gap.used, default=None)
        status, reason = outcome(report)
        found = {
            "id": item.name, "test": item.nodeid.rpartition("/")[2], **label._asdict(),
            "device": self.device_of(item, backend), "dtype": worst.dtype if worst else None,
            "status": status, "reason": reason, "comparisons": len(record.measures),
            "seconds": round(report.duration, 4), "worst": gap(worst), "failure": None,
        }  # fmt: skip
        if status == "failed":
            found["failure"] = self.failure(item, report, call, found, backend)
        return found

    def device_of(self, item: Any, backend: Any) -> str | None:
        """Where the check ran, or would have run; None for the kit's own."""
        if isinstance(backend, polyk.Backend):
            self.device = select.current_device() or backend.devices()[0]
        return self.device if "backend" in item.fixturenames else None

    def failure(
        self, item: Any, report: Any, call: Any, found: dict[str, Any], backend: Any
    ) -> dict[str, Any]:
        error = call.excinfo.value if call.excinfo else None
        message = f"{type(error).__name__}: {error}" if error else str(report.longrepr)
        case = record.current[-1] if record.current else None
        self.written[found["op"]] += 1
        written = {"case": None, "script": None}
        if backend is not None and self.written[found["op"]] <= MAX_WRITTEN:
            written = cases.written(case, found, error)
        return {"message": message[:2000], **written}


def outcome(report: Any) -> tuple[str, str | None]:
    """The status, and the reason if it did not pass."""
    if report.passed:
        return "passed", None
    if report.skipped:
        if hasattr(report, "wasxfail"):
            reason = report.wasxfail.removeprefix("reason: ")
            return ("known" if reason.startswith("known") else "unsupported"), reason
        longrepr = report.longrepr
        return "notrun", str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)
    return "failed", None


def gap(measure: Any) -> dict[str, Any] | None:
    """The comparison that came closest, with numbers that JSON can hold."""
    if measure is None:
        return None
    found = measure.gap._asdict()
    return {k: cases.number(v) if isinstance(v, float) else v for k, v in found.items()}
