"""The results as one HTML file with nothing to fetch, and the JSON beside it."""

from __future__ import annotations

import json
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from polyk.bench import plots, table

HEADS = (
    "contender", "ms/step", "± %", "cpu ms", "of best", "first step s", "steps/s", "GFLOP/s",
    "% of peak", "MB",
)  # fmt: skip


def write(results: dict[str, Any], folder: str | Path) -> list[Path]:
    """Write ``bench.json`` and ``bench.html`` into `folder`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = {"bench.json": json.dumps(results, indent=1), "bench.html": page(results)}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def page(results: dict[str, Any]) -> str:
    template = resources.files("polyk.bench").joinpath("page.html").read_text(encoding="utf-8")
    lines = [line for line in table.remarks(results) if line]
    return Template(template).substitute(
        about=escape(lines[0]), banner="".join(map(_banner, lines[2:])),
        growth=plots.growth(results), machine=_machine(results["machine"]),
        workloads="".join(_workload(row, results) for row in results["workloads"]),
    )  # fmt: skip


def _banner(text: str) -> str:
    return f'<p class="banner">{escape(text)}</p>'


def _workload(row: dict[str, Any], results: dict[str, Any]) -> str:
    against = results["settings"]["against"]
    there = sorted((c for c in row["contenders"] if c["error"] is None), key=lambda c: c["wall_ms"])
    heads = [*HEADS, *(f"over {name}: wall" for name in against)]
    head = "".join(f"<th{' class=num' if i else ''}>{escape(h)}</th>" for i, h in enumerate(heads))
    body = "".join(_contender(c, against) for c in there)
    failed = "".join(f"<li>{escape(_name(c))}: {escape(c['error'])}</li>"
                     for c in row["contenders"] if c["error"] is not None)  # fmt: skip
    return (
        f'<h2 id="{escape(row["name"])}">{escape(row["title"])}</h2>'
        + (_banner(f"Void: {row['void']}") if row["void"] else "")
        + plots.bars(there)
        + f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'
        + (f"<p>Failed:</p><ul>{failed}</ul>" if failed else "")
    )


def _name(c: dict[str, Any]) -> str:
    return f"{c['name']}/{c['backend']}"


def _contender(c: dict[str, Any], against: list[str]) -> str:
    cells = "".join(f"<td class=num>{text}</td>" for text in table.numbers(c))
    over = "".join(_over(c["over"].get(name)) for name in against)
    return f"<tr><td>{escape(_name(c))}</td>{cells}{over}</tr>"


def _over(over: dict[str, Any] | None) -> str:
    if over is None:
        return "<td></td>"
    r = over["wall"]
    text = f"{r['ratio']:.2f} <span class=soft>{r['low']:.2f}–{r['high']:.2f}</span>"
    return f'<td class="num {r["verdict"]}">{text}</td>'


def _machine(machine: dict[str, Any]) -> str:
    return "".join(f"<dt>{escape(k)}</dt><dd>{escape(str(v))}</dd>" for k, v in machine.items())
