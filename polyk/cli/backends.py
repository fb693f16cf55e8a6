"""``polyk backends``: what is installed, what it needs, who provides it. Imports no framework."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table

from polyk import plugins, select
from polyk.errors import BackendError, did_you_mean

VARIABLES = ("POLYK_BACKEND", "POLYK_DATA", "POLYK_DEVICE", "POLYK_PLUGINS", "POLYK_STRICT")
TIMEOUT = 120  # seconds for one backend to load

_load = """
import json, sys, polyk
try:
    print(json.dumps([True, " ".join(polyk.get_backend(sys.argv[1]).devices())]))
except polyk.PolykError as e:
    print(json.dumps([False, f"{type(e).__name__}: {e}"]))
"""


class Row(NamedTuple):
    """One line of the table."""

    name: str
    selected: bool
    status: str  # installed, not installed, conflict; when checked: ok or broken
    detail: str  # the devices found, what is broken, or what to type
    needs: list[str]
    package: str
    target: str


@click.command()
@click.argument("names", nargs=-1)
@click.option("--check", is_flag=True, help="Load each backend, in a process of its own.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(names: tuple[str, ...], check: bool, as_json: bool) -> None:
    """List the installed backends, or those NAMED; * marks the one in use."""
    chosen, complaints = _chosen()
    if names:
        known = [plugins.find(name) for name in names]
    else:
        known = [entry for entries in plugins.installed().values() for entry in entries]
        known += [chosen] if chosen and chosen not in known else []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(lambda entry: _row(entry, entry == chosen, check), known))
    if as_json:
        click.echo(json.dumps([row._asdict() for row in rows], indent=2))
    else:
        _print(rows)
    for line in complaints + _unknown_variables():
        click.echo(line, err=True)
    if complaints or any(row.status == "broken" for row in rows):
        sys.exit(1)


def _chosen() -> tuple[plugins.Entry | None, list[str]]:
    try:
        return plugins.find(select.chosen_name()), []
    except BackendError as e:
        return None, [f"POLYK_BACKEND: {e}"]


def _row(entry: plugins.Entry, selected: bool, check: bool) -> Row:
    if len(plugins.installed().get(entry.name, ())) > 1:
        status, detail = "conflict", f"POLYK_BACKEND={entry.target}"
    elif entry.missing:
        status, detail = "not installed", entry.command
    elif check:
        status, detail = _check(entry.target)
    else:
        status, detail = "installed", ""
    needs = [_version(requirement) for requirement in entry.requires]
    return Row(entry.name, selected, status, detail, needs, entry.package, entry.target)


def _check(target: str) -> tuple[str, str]:
    """Load a backend in a new process, where a crash or a hang hurts nothing else."""
    call = [sys.executable, "-c", _load, target]
    try:
        done = subprocess.run(call, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return "broken", f"no answer within {TIMEOUT} s"
    try:
        ok, detail = json.loads(done.stdout.strip().rpartition("\n")[2])
    except ValueError:
        last = done.stderr.strip().rpartition("\n")[2]
        return "broken", f"exit status {done.returncode}. {last}".strip()
    return ("ok" if ok else "broken"), detail


def _version(requirement: str) -> str:
    try:
        return f"{requirement} {metadata.version(requirement)}"
    except metadata.PackageNotFoundError:
        return requirement


def _print(rows: list[Row]) -> None:
    table = Table("", "NAME", "STATUS", "NEEDS", "PROVIDED BY", "", box=None, pad_edge=False)
    for row in rows:
        mark = "*" if row.selected else ""
        table.add_row(mark, row.name, row.status, ", ".join(row.needs), row.package, row.detail)
    for column in table.columns[:5]:
        column.no_wrap = True
    console = Console(width=None if sys.stdout.isatty() else 200, markup=False, highlight=False)
    console.print(table)


def _unknown_variables() -> list[str]:
    unknown = [v for v in os.environ if v.startswith("POLYK_") and v not in VARIABLES]
    return [f"unknown variable {v}.{did_you_mean(v, VARIABLES)}" for v in sorted(unknown)]
