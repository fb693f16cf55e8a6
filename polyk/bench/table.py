"""The results in a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

TONES = {"slower": "red", "faster": "green", "unclear": "yellow"}


def show(results: dict[str, Any], console: Console) -> None:
    """A table for each workload, and in words what there is to know of the run."""
    against = results["settings"]["against"]
    for row in results["workloads"]:
        console.print(f"\n[bold]{row['name']}[/]  {row['title']}")
        if row["void"]:
            console.print(f"[red]VOID[/]: {row['void']}")
        console.print(table(row, against))
    for line in remarks(results):
        console.print(line, markup=False)


def table(row: dict[str, Any], against: list[str]) -> Table:
    """One line for each contender, the fastest first."""
    found = Table(box=None, pad_edge=False)
    heads = ["ms/step", "± %", "cpu ms", "of best", "first s", "steps/s", "GFLOP/s", "peak %", "MB"]
    found.add_column("")
    for head in heads + [f"over {name}: wall, cpu" for name in against]:
        found.add_column(head, justify="right", no_wrap=True)
    for c in sorted(row["contenders"], key=lambda c: c.get("wall_ms", float("inf"))):
        name = f"{c['name']}/{c['backend']}"
        if c["error"] is not None:
            found.add_row(name, f"[red]failed[/] {c['error'][:60]}")
            continue
        over = [versus(c["over"].get(name)) for name in against]
        found.add_row(name, *numbers(c), *over)
    return found


def numbers(c: dict[str, Any]) -> list[str]:
    """A contender's figures, in the order of the heads."""
    best = "–" if c["wall_over_best"] is None else f"{c['wall_over_best']:.2f}"
    return [
        f"{c['wall_ms']:.4g}", f"{50 * c['wall_spread']:.0f}", f"{c['cpu_ms']:.4g}", best,
        f"{c['first_step_s']:.2f}", f"{c['steps_per_s']:.4g}", f"{c['gflops']:.1f}",
        f"{100 * c['peak_share']:.0f}", f"{c['memory_mb']:.0f}",
    ]  # fmt: skip


def versus(over: dict[str, Any] | None) -> str:
    """Two ratios, in the color of their verdicts."""
    if over is None:
        return ""
    return ", ".join(_tinted(over[clock]) for clock in ("wall", "cpu"))


def _tinted(r: dict[str, Any]) -> str:
    tone = TONES.get(r["verdict"])
    text = f"{r['ratio']:.2f}{'?' if r['verdict'] == 'unclear' else ''}"
    return f"[{tone}]{text}[/]" if tone else text


def remarks(results: dict[str, Any]) -> list[str]:
    """The machine, and what to be careful about."""
    m, s = results["machine"], results["settings"]
    lines = [
        "",
        f"{m['processor']}, {m['cores']} cores, {s['threads']} thread(s), {s['dtype']}, "
        f"{s['rounds']} rounds; GEMM peak {m['gemm_gflops']:.0f} GFLOP/s.",
        "Medians; a red ratio is slower by more than noise, a green one faster, ? unclear.",
    ]
    noisy = [row["name"] for row in results["workloads"] if row["noisy"]]
    if noisy:
        lines.append(f"TOO NOISY to conclude from wall time: {', '.join(noisy)}. Trust cpu ratios.")
    if m["load"][0] > m["cores"] - s["threads"]:
        lines.append(f"Others were using the machine: the load was {m['load'][0]} at the start.")
    void = [row["name"] for row in results["workloads"] if row["void"]]
    if void:
        lines.append(f"VOID, for the contenders disagree: {', '.join(void)}.")
    return lines
