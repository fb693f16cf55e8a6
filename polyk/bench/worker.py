"""A process that measures one contender. It answers each line of JSON it is sent with one.

Frameworks that print do so to the standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from polyk.bench.suite import LOSSES, Job, load

WARM = 2  # untimed blocks

Run = Callable[[int, int], float]


def main() -> None:
    """Get ready, say so, then measure a block whenever told."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    given = json.loads(sys.stdin.readline())
    suite = load()
    task = suite.task(given["workload"])
    job = Job(given["workload"], task, given["backend"], given["device"], given["dtype"])
    run, ready = prepare(suite.contenders[given["contender"]].target, job)
    print(json.dumps(ready), file=answers)
    for _ in sys.stdin:
        print(json.dumps({**block(run, task.steps), "memory_mb": memory()}), file=answers)


def prepare(target: str, job: Job) -> tuple[Run, dict[str, Any]]:
    """The contender's run, warm, and what its start told: times, and the first losses."""
    job.data  # noqa: B018  # made before the clock starts
    clock = time.perf_counter
    begin = clock()
    module, _, name = target.partition(":")
    start = getattr(import_module(module), name)
    run: Run = start(job)
    loaded = clock()
    losses = [run(0, 1)]
    first = clock()
    losses += [run(i, 1) for i in range(1, LOSSES)]
    for _ in range(WARM):
        run(0, job.task.steps)
    return run, {
        "start_s": loaded - begin, "first_step_s": first - loaded, "losses": losses,
        "versions": versions(),
    }  # fmt: skip


def block(run: Run, steps: int) -> dict[str, float]:
    """Milliseconds a step, by the wall and by the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    run(0, steps)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall / steps * 1e3, "cpu": cpu / steps * 1e3}


def memory() -> float:
    """The most memory that the process had, in MB."""
    try:  # what getrusage counts on Linux includes the parent's
        lines = Path("/proc/self/status").read_text().splitlines()
        kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
        return int(kilobytes) / 1024
    except (OSError, StopIteration):
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / (1024**2 if sys.platform == "darwin" else 1024)


def versions() -> dict[str, str]:
    """Of the installed distributions whose modules are loaded under their own names."""
    found = {}
    for dist in metadata.distributions():
        name = dist.metadata["Name"]
        if name in sys.modules:
            found[name] = dist.version
    return found


if __name__ == "__main__":
    main()
