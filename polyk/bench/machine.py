"""The machine: what it is, how fast it multiplies matrices, and whether others use it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyk import __version__

if TYPE_CHECKING:
    from polyk.bench.runner import Settings

_peak = """
import sys, time, numpy as np
n, threads = 1024, int(sys.argv[2])
a = np.ones((n, n), sys.argv[1])
best = 1e9
for _ in range(40):
    wall, cpu = time.perf_counter(), time.process_time()
    a @ a
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    best = min(best, wall, cpu / threads)
print(2e-9 * n**3 / best)
"""


def describe(settings: Settings) -> dict[str, Any]:
    """The machine as it is now."""
    return {
        "polyk": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": load(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "gemm_gflops": gemm_peak(settings),
    }


def load() -> list[float]:
    """How many processes want to run: over 1, 5 and 15 minutes; zeros where nobody counts them."""
    found = os.getloadavg() if hasattr(os, "getloadavg") else (0.0, 0.0, 0.0)
    return [round(x, 2) for x in found]


def gemm_peak(settings: Settings) -> float:
    """GFLOP/s of NumPy's product of two large square matrices, the best of 40.

    What others take of the processor does not count.
    """
    libraries = ("OMP", "OPENBLAS", "MKL")
    limits = {f"{name}_NUM_THREADS": str(settings.threads) for name in libraries}
    done = subprocess.run(
        [sys.executable, "-c", _peak, settings.dtype, str(settings.threads)],
        capture_output=True, text=True, check=True, env={**os.environ, **limits},
    )  # fmt: skip
    return float(done.stdout)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor()
