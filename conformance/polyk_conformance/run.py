"""Run the kit from a program, and show it on a terminal: what ``polyk conformance`` does."""

import datetime
import json
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import polyk
from polyk_conformance.report.badge import badge
from polyk_conformance.report.collect import Collector
from polyk_conformance.report.compare import compare, load
from polyk_conformance.report.document import document
from polyk_conformance.report.page import figure, page
from polyk_conformance.report.replay import replay

SETTINGS = Path(__file__).with_name("pytest.ini")
SHOWN = 12  # failures named in the terminal


def run(
    name: str, device: str | None = None, profile: str = "ci", op: str | None = None,
    seed: int | None = None, known: str | None = None, console: Console | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The document of one run against the backend `name`."""
    console = console or Console(quiet=True)
    backend = polyk.get_backend(name)
    if profile == "deep" and seed is None:
        seed = time.time_ns() % 2**32
    started, clock = datetime.datetime.now(datetime.UTC), time.perf_counter()
    with bar(console) as progress:
        task = progress.add_task(name, total=None, failed="")
        collector = Collector(lambda c, r: advance(progress, task, c, r))
        options = {"--device": device, "--profile": profile, "--op": op, "--known": known,
                   "--hypothesis-seed": seed}  # fmt: skip
        asked = [f"{k}={v}" for k, v in options.items() if v is not None]
        status = pytest.main(
            [str(SETTINGS.parent), "--backend", name, *asked, "-c", str(SETTINGS),
             "-p", "polyk_conformance.plugin", "-p", "no:cacheprovider", "-p", "no:terminal"],
            plugins=[collector],
        )  # fmt: skip
    if status not in (0, 1):
        raise RuntimeError("the checks could not be run.\n" + "\n".join(collector.errors))
    about = {"profile": profile, "seed": seed, "started": started.isoformat(), "selected": op,
             "seconds": round(time.perf_counter() - clock, 2)}  # fmt: skip
    return document(collector, backend, about)


def bar(console: Console) -> Progress:
    parts = [TextColumn("{task.description}"), BarColumn(None), MofNCompleteColumn()]
    parts += [TimeElapsedColumn(), TextColumn("[red]{task.fields[failed]}")]
    return Progress(*parts, console=console, transient=True, refresh_per_second=5)


def advance(progress: Progress, task: Any, collector: Collector, result: dict[str, Any]) -> None:
    failed = sum(r["status"] == "failed" for r in collector.results[-1:])
    seen = progress.tasks[0].fields.get("count", 0) + failed
    words = f"{seen} failed" if seen else ""
    progress.update(task, advance=1, total=collector.total, failed=words, count=seen,
                    description=escape(f"{result['op'][:24]:24}"))  # fmt: skip


def summary(found: dict[str, Any], console: Console) -> None:
    """The verdict in some twenty-five lines; the last one is the figure."""
    s = found["subject"]
    console.print(f"\n{escape(s['backend'])} ({escape(s['package'])}), profile {found['profile']}, "
                  f"{found['seconds']:.0f} s")  # fmt: skip
    if found["profile"] not in ("full", "deep") or found["selected"]:
        console.print("[dim]Not a conformance claim: only --profile full is.[/]")
    table = Table("LEVEL", "DEVICE", "PASSED", "FAILED", "KNOWN", "UNSUPPORTED", "NOT RUN",
                  "BUDGET",                   box=None, pad_edge=False)  # fmt: skip
    for column in table.columns[2:]:
        column.justify = "right"
    for row in found["levels"]:
        failed = f"[red]{row['failed']}[/]" if row["failed"] else "0"
        rest = (str(row[k]) for k in ("known", "unsupported", "notrun"))
        table.add_row(row["level"], row["device"] or "", str(row["passed"]), failed, *rest,
                      f"{row['worst']:.2f}")  # fmt: skip
    console.print(table)
    failed = [r for r in found["results"] if r["failure"]]
    for r in failed[:SHOWN]:
        words = " ".join([r["op"], r["stratum"], r["mode"] + ":", *r["failure"]["message"].split()])
        console.print(f"[red]failed[/] {escape(words)}", no_wrap=True, overflow="ellipsis")
    if len(failed) > SHOWN:
        console.print(f"... and {len(failed) - SHOWN} more: --report DIR shows them all")
    console.print(f"conformance: {escape(figure(found))}", soft_wrap=True)


def write(found: dict[str, Any], folder: str) -> list[Path]:
    """The report in `folder`: the page, the document, the cases that failed, a badge if earned."""
    place = Path(folder)
    (place / "cases").mkdir(parents=True, exist_ok=True)
    for n, r in enumerate(r for r in found["results"] if r["failure"] and r["failure"]["case"]):
        path = place / "cases" / f"{n:03}-{r['op']}.json"
        path.write_text(json.dumps(r["failure"]["case"], indent=1))
        r["failure"]["file"] = str(path)
    files = {"index.html": page(found), "report.json": json.dumps(found, indent=1),
             "badge.svg": badge(found)}  # fmt: skip
    for name, text in files.items():
        if text is not None:
            (place / name).write_text(text)
    return [place / name for name, text in files.items() if text is not None]


def show_comparison(first: str, second: str, console: Console) -> bool:
    """Print what changed; whether nothing broke."""
    found = compare(load(first), load(second))
    for d in found:
        tone = "red" if d.kind in ("broken", "new") else "yellow" if d.kind == "closer" else "green"
        console.print(f"[{tone}]{d.kind:8}[/] {escape(d.check)}  {escape(d.words)}", soft_wrap=True)
    if not found:
        console.print("No difference.")
    return not any(d.kind in ("broken", "new") for d in found)


def show_replay(path: str, backend: str | None, console: Console) -> bool:
    passed, words = replay(path, backend)
    console.print(escape(words), soft_wrap=True)
    return passed
