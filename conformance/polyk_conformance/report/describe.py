"""Which op, stratum, level and mode a check counts under, from its parameters and marks."""

import re
from typing import Any, NamedTuple

from polyk_conformance.cases import CASES, conv, nn
from polyk_conformance.cases.case import Case

LEVELS = ("Core", "NN", "Autodiff", "Train", "Kit")
NN_OPS = frozenset(case.op for case in (*conv.CASES, *nn.CASES))
OPS = frozenset(case.op for case in CASES)


class Label(NamedTuple):
    """Where a check belongs in the report."""

    op: str
    stratum: str
    check: str
    level: str
    mode: str


def describe(item: Any) -> Label:
    params = getattr(getattr(item, "callspec", None), "params", {})
    marks: dict[str, str] = {}
    for mark in reversed(list(item.iter_markers("conformance"))):
        marks.update(mark.kwargs)
    op, stratum = subject(item, params)
    level = marks.get("level") or ("NN" if op in NN_OPS else "Core")
    if "backend" not in item.fixturenames:
        level = "Kit"
    check = getattr(item, "originalname", item.name).removeprefix("test_").replace("_", " ")
    return Label(op, stratum, check, level, marks.get("mode", "eager"))


def subject(item: Any, params: dict[str, Any]) -> tuple[str, str]:
    """The op, and what kind of call: from a case, an op's name, or the words of a label."""
    case = params.get("case") or params.get("precise")
    if isinstance(case, Case):
        return case.op, case.label
    rest = {k: v for k, v in params.items() if k not in ("backend", "how", "run", "op")}
    label = ", ".join(str(v) for v in rest.values() if isinstance(v, (str, int)))
    if isinstance(params.get("op"), str):
        return params["op"], label or "drawn"
    words = [w for w in re.split(r"[^A-Za-z0-9_]+", f"{label} {item.name}") if w in OPS]
    if "name" in params:
        return str(params["name"]).partition("-")[0], str(params["name"])
    return (words[0] if words else item.module.__name__.rpartition("test_")[2]), label
