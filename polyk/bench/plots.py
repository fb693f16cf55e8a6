"""Plots as inline SVG, in the colors of the page."""

from __future__ import annotations

import math
from html import escape
from typing import Any

WIDTH, ROW, LEFT = 640, 22, 150


def bars(contenders: list[dict[str, Any]]) -> str:
    """Milliseconds a step, a bar each, with the range of the rounds."""
    if not contenders:
        return ""
    scale = (WIDTH - LEFT - 80) / max(max(c["wall"]) for c in contenders)
    rows = "".join(_bar(c, i * ROW, scale) for i, c in enumerate(contenders))
    return _svg(rows, len(contenders) * ROW, "Time of a step")


def _bar(c: dict[str, Any], y: float, scale: float) -> str:
    low, high, end = (LEFT + scale * v for v in (min(c["wall"]), max(c["wall"]), c["wall_ms"]))
    middle = y + ROW / 2
    return (
        f'<text x="{LEFT - 8}" y="{middle + 4}" text-anchor="end">'
        f"{escape(c['name'])}/{escape(c['backend'])}</text>"
        f'<rect class="{_tone(c["name"])}" x="{LEFT}" y="{y + 4}" width="{end - LEFT:.1f}" '
        f'height="{ROW - 8}" rx="2"/>'
        f'<path class="range" d="M{low:.1f} {middle}H{high:.1f}"/>'
        f'<text x="{high + 6:.1f}" y="{middle + 4}">{c["wall_ms"]:.3g} ms</text>'
    )


def _tone(name: str) -> str:
    return name if name in ("polyk", "native", "keras") else "other"


def growth(results: dict[str, Any]) -> str:
    """Time of a step over each size that the workloads' names vary; both axes logarithmic."""
    curves: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for row in results["workloads"]:
        workload, _, size = row["name"].partition(":")
        axis, _, value = size.partition("=")
        if value.isdigit():
            for c in row["contenders"]:
                if c["error"] is None:
                    lines = curves.setdefault(f"{workload} over {axis}", {})
                    point = (float(value), c["wall_ms"])
                    lines.setdefault(f"{c['name']}/{c['backend']}", []).append(point)
    several = {title: lines for title, lines in curves.items()
               if any(len(points) > 2 for points in lines.values())}  # fmt: skip
    return "".join(f"<h2>{escape(title)}</h2>{_lines(lines)}" for title, lines in several.items())


def _lines(curves: dict[str, list[tuple[float, float]]]) -> str:
    height, right = 320, 160
    points = [p for line in curves.values() for p in line]
    logs = [[math.log(p[i]) for p in points] for i in (0, 1)]
    spans = [max(max(v) - min(v), 1e-9) for v in logs]

    def place(p: tuple[float, float]) -> tuple[float, float]:
        x = 50 + (math.log(p[0]) - min(logs[0])) / spans[0] * (WIDTH - 50 - right)
        return x, height - 30 - (math.log(p[1]) - min(logs[1])) / spans[1] * (height - 50)

    drawn = "".join(
        f'<text x="{place(p)[0]:.0f}" y="{height - 8}" text-anchor="middle">{p[0]:g}</text>'
        for p in {p[0]: p for p in points}.values()
    )
    ends = (min(p[1] for p in points), max(p[1] for p in points))
    for value in ends:
        y = place((points[0][0], value))[1]
        drawn += f'<text x="44" y="{y + 4:.0f}" text-anchor="end">{value:.3g}</text>'
    labels = _apart({name: place(line[-1])[1] for name, line in curves.items()})
    for name, line in curves.items():
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, line))
        tone = _tone(name.partition("/")[0])
        drawn += f'<polyline class="line {tone}" points="{path}"/>'
        drawn += f'<text x="{WIDTH - right + 8}" y="{labels[name] + 4:.0f}">{escape(name)}</text>'
    return _svg(drawn, height, "Milliseconds a step") + '<p class="soft">Milliseconds a step.</p>'


def _apart(heights: dict[str, float]) -> dict[str, float]:
    """The heights of labels, moved so that none covers another."""
    placed, last = {}, -math.inf
    for name in sorted(heights, key=heights.__getitem__):
        last = placed[name] = max(heights[name], last + 15)
    return placed


def _svg(inside: str, height: float, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">'
        f"<title>{title}</title>{inside}</svg>"
    )
