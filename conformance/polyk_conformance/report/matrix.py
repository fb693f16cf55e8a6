"""The matrix of the page: a row for each op, a column for each mode and dtype."""

from html import escape
from typing import Any

from polyk_conformance.report.describe import LEVELS
from polyk_conformance.report.document import used

MODES = ("eager", "compiled", "gradient", "tape", "second", "layer", "optimizer", "training")
DTYPES = ("float32", "float64", "float16", "bfloat16", "other")
GROUPS = {"Core": "Core", "NN": "Neural networks", "Autodiff": "Gradients", "Train": "Training"}


def column(result: dict[str, Any]) -> tuple[str, str]:
    dtype = result["dtype"]
    return result["mode"], dtype if dtype in DTYPES else "other"


def shown(document: dict[str, Any]) -> list[tuple[str, str]]:
    """The columns in which anything was run."""
    seen = {column(r) for r in document["results"] if r["level"] != "Kit"}
    return sorted(seen, key=lambda c: (MODES.index(c[0]), DTYPES.index(c[1])))


def columns(document: dict[str, Any]) -> str:
    return "".join(f"<th>{mode}<br>{dtype}</th>" for mode, dtype in shown(document))


def matrix(document: dict[str, Any]) -> str:
    cells: dict[str, dict[tuple[str, str], list[Any]]] = {}
    levels: dict[str, str] = {}
    for r in document["results"]:
        if r["level"] == "Kit":
            continue
        cells.setdefault(r["op"], {}).setdefault(column(r), []).append(r)
        best = min(levels.get(r["op"], r["level"]), r["level"], key=LEVELS.index)
        levels[r["op"]] = best
    wide, rows = shown(document), []
    for level, title in GROUPS.items():
        mine = sorted(op for op in cells if levels[op] == level)
        if mine:
            rows.append(f'<tr class="group"><th colspan="{len(wide) + 1}">{title}</th></tr>')
        for op in mine:
            body = "".join(cell(cells[op].get(c, [])) for c in wide)
            rows.append(f'<tr data-op="{escape(op)}"><td>{escape(op)}</td>{body}</tr>')
    return "".join(rows)


def cell(results: list[dict[str, Any]]) -> str:
    ran = [r for r in results if r["status"] != "notrun"]
    if not ran:
        return '<td class="c"></td>'
    failed = [r for r in ran if r["status"] == "failed"]
    if failed:
        title = escape("; ".join(r["stratum"] or r["id"] for r in failed[:8]))
        return f'<td class="c fail" title="{title}">{len(failed)} of {len(ran)}</td>'
    if all(r["status"] in ("known", "unsupported") for r in ran):
        return (
            f'<td class="c known" title="{escape(str(ran[0]["reason"]))}">{ran[0]["status"]}</td>'
        )
    worst = max(ran, key=used)
    share, tests = used(worst), sum(r["comparisons"] for r in ran)
    title = escape(f"{tests} comparisons; closest: {worst['stratum'] or worst['id']}")
    shade = 0.12 + 0.7 * min(share, 1.0)
    words = f"{share:.2f}" if share else "exact"
    style = f"background: rgba(var(--cell), {shade:.2f})"
    return f'<td class="c" style="{style}" title="{title}">{words}</td>'
