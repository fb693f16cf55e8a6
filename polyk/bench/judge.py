"""From measurements to conclusions, and to the refusal to conclude.

A ratio is the median of the ratios round by round, for what disturbs a round disturbs neighbors
alike; its interval is that of the median by order statistics (95 %, the full range below six
rounds). Contenders that did not compute the same losses are not compared.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

AGREE = 2e-3  # how far apart the first losses may be, relative
MATTERS = 0.05  # a difference that is smaller is none
NOISY = 0.15  # a spread of the same work that is larger leaves nothing to conclude from wall time

CLOCKS = ("wall", "cpu")


def conclude(row: dict[str, Any], peak: float) -> dict[str, Any]:
    """A workload's measurements with what follows from them."""
    there = [c for c in row["contenders"] if c["error"] is None]
    void = disagreement(there)
    for c in there:
        figures(c, row, peak)
    noise = {clock: statistics.median(c[f"{clock}_spread"] for c in there) if there else 0.0
             for clock in CLOCKS}  # fmt: skip
    for c in there:
        for clock in CLOCKS:
            best = min(d[f"{clock}_ms"] for d in there)
            c[f"{clock}_over_best"] = None if void else c[f"{clock}_ms"] / best
        c["over"] = {} if void else comparisons(c, there)
    return {**row, "void": void, "noise": noise, "noisy": noise["wall"] > NOISY}


def disagreement(contenders: Sequence[dict[str, Any]]) -> str | None:
    """Why the contenders cannot be compared: whose first losses are not those of the others."""
    curves = [c["losses"] for c in contenders]
    for step, values in enumerate(zip(*curves, strict=True)):
        middle = statistics.median_low(values)
        bound = AGREE * max(abs(middle), 1e-3)
        wrong = [c for c, v in zip(contenders, values, strict=True)
                 if not (math.isfinite(v) and abs(v - middle) <= bound)]  # fmt: skip
        if wrong:
            listed = ", ".join(
                f"{c['name']}/{c['backend']} {c['losses'][step]:.6g}" for c in contenders
            )
            return f"the contenders disagree at step {step + 1}: {listed}"
    return None


def figures(c: dict[str, Any], row: dict[str, Any], peak: float) -> None:
    """The numbers of one contender."""
    for clock in CLOCKS:
        c[f"{clock}_ms"] = statistics.median(c[clock])
        c[f"{clock}_spread"] = spread(c[clock])
    c["steps_per_s"] = 1e3 / c["wall_ms"]
    c["gflops"] = row["flops"] * c["steps_per_s"] / 1e9
    c["peak_share"] = c["gflops"] / peak


def comparisons(c: dict[str, Any], others: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """polyk over each other contender on its backend."""
    if c["name"] != "polyk":
        return {}
    return {d["name"]: {clock: ratio(c[clock], d[clock]) for clock in CLOCKS}
            for d in others if d["backend"] == c["backend"] and d is not c}  # fmt: skip


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, Any]:
    """The median of the ratios, its interval, and in a word what that says."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    low, high = interval(ratios)
    return {"ratio": statistics.median(ratios), "low": low, "high": high,
            "verdict": verdict(low, high)}  # fmt: skip


def verdict(low: float, high: float) -> str:
    if low > 1:
        return "slower" if high > 1 + MATTERS else "same"
    if high < 1:
        return "faster" if low < 1 - MATTERS else "same"
    return "same" if high < 1 + 2 * MATTERS and low > 1 - 2 * MATTERS else "unclear"


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the median of sorted `values`."""
    n, k, tail = len(values), 0, 0.0
    while k < n // 2 and (tail := tail + math.comb(n, k) / 2**n) <= 0.025:
        k += 1
    k = max(k - 1, 0)
    return values[k], values[n - 1 - k]


def spread(values: Sequence[float]) -> float:
    """The interquartile range over the median."""
    if len(values) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / middle
