"""Two documents side by side: what broke, what was mended, whose budget doubled."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from polyk_conformance.report.document import SCHEMA, used

DOUBLED = 2.0  # how much more of its budget a check may use before it is told
NOTABLE = 0.05  # shares below this are noise


class Difference(NamedTuple):
    """What changed from the first document to the second."""

    kind: str  # broken, mended, closer, gone, new
    check: str
    words: str


def load(path: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(path).read_text())
    if document.get("schema") != SCHEMA:
        raise ValueError(f"{path} is not a report of schema {SCHEMA}.")
    return document


def compare(a: dict[str, Any], b: dict[str, Any]) -> list[Difference]:
    """The differences, the worst kind first."""
    old, new = by_name(a), by_name(b)
    found = []
    for name, result in new.items():
        before = old.get(name)
        if before is None:
            if result["status"] == "failed":
                found.append(Difference("new", name, "fails, and was not there before"))
        elif (before["status"], result["status"]) != ("passed", "passed"):
            if before["status"] != result["status"]:
                kind = "broken" if result["status"] == "failed" else "mended"
                kind = kind if "failed" in (before["status"], result["status"]) else "changed"
                found.append(Difference(kind, name, f"{before['status']} -> {result['status']}"))
        elif used(result) > max(NOTABLE, DOUBLED * used(before)):
            shares = f"{used(before):.2f} -> {used(result):.2f} of its budget"
            found.append(Difference("closer", name, shares))
    found += [Difference("gone", name, "no longer run") for name in old if name not in new]
    order = ["broken", "new", "changed", "closer", "mended", "gone"]
    return sorted(found, key=lambda d: (order.index(d.kind), d.check))


def by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Checks by file and name, without the name of the backend."""
    backend = document["subject"]["backend"]
    found = {}
    for r in document["results"]:
        if r["level"] != "Kit":
            found[r["test"].replace(f"[{backend}-", "[").replace(f"[{backend}]", "")] = r
    return found
