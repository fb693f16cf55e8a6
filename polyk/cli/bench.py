"""``polyk bench``: the same models on every backend, beside the frameworks' own code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console

if TYPE_CHECKING:
    from polyk.bench.suite import Suite


def _names(ctx: click.Context, param: click.Parameter, value: str | None) -> list[str]:
    """A list separated by commas; sizes stay with their workload (``mlp:batch=8,width=32``)."""
    found: list[str] = []
    for part in (value or "").split(","):
        if "=" in part and ":" not in part and found:
            found[-1] += f",{part}"
        elif part.strip():
            found.append(part.strip())
    return found


@click.command()
@click.option("--backends", metavar="A,B", callback=_names, help="Default: every one installed.")
@click.option("--workloads", metavar="A,B", callback=_names, default="training", show_default=True,
              help="Workloads or groups (--list); sizes as in mlp:batch=32,width=256.")  # fmt: skip
@click.option("--against", metavar="A,B", callback=_names, default="native", show_default=True,
              help="Contenders beside polyk: native, keras.")  # fmt: skip
@click.option("--device", metavar="D", help="Run on this device of the backends.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float32",
              show_default=True)  # fmt: skip
@click.option("--rounds", type=click.IntRange(2), default=9, show_default=True)
@click.option("--quick", is_flag=True, help="Four small workloads, about a minute.")
@click.option("--growth", is_flag=True, help="Time over batch, depth and width.")
@click.option("--report", type=click.Path(file_okay=False), metavar="DIR",
              help="Write bench.html to open, and bench.json.")  # fmt: skip
@click.option("--list", "list_", is_flag=True, help="List workloads and contenders.")
def command(
    backends: list[str], workloads: list[str], against: list[str], device: str | None,
    threads: int, dtype: str, rounds: int, quick: bool, growth: bool, report: str | None,
    list_: bool,
) -> None:  # fmt: skip
    """Compare polyk with the frameworks' own code, and backends with one another.

    Every contender does the same steps on the same data from the same weights; the exit status is 1
    if one fails or computes other losses than the rest.
    """
    from polyk.bench import page, runner, suite, table
    from polyk.plugins import find, hooks

    found = suite.load()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    if list_:
        _list(found, console)
        return
    if quick or growth:
        workloads = ["quick"] if quick else [g for g in found.groups if g.startswith("growth-")]
    names = found.expand(workloads)
    chosen = [find(name).name for name in backends] or _installed(found)
    settings = runner.Settings(chosen, against, device, dtype, threads, rounds)
    results = runner.run(found, names, settings, lambda line: click.echo(line, err=True))
    for path in page.write(results, report) if report else []:
        click.echo(f"wrote {path}", err=True)
    table.show(results, console)
    hooks().polyk_benchmark_report(results=results)
    sys.exit(any(w["void"] or any(c["error"] for c in w["contenders"])
                 for w in results["workloads"]))  # fmt: skip


def _installed(found: Suite) -> list[str]:
    return [c.backend for c in found.contenders.values() if c.name == "polyk"]


def _list(found: Suite, console: Console) -> None:
    for name, workload in found.workloads.items():
        console.print(f"{name:14} {workload.title}")
    for name, members in found.groups.items():
        console.print(f"{name:14} {', '.join(members)}")
    console.print("contenders:", ", ".join(found.contenders))
