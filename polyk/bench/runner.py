"""Runs contenders against one another: each in a process of its own, in turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from polyk.bench import judge, machine
from polyk.bench.suite import Contender, Suite

TIMEOUT = 600  # seconds for one answer

Say = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """What a run was asked for."""

    backends: Sequence[str]
    against: Sequence[str]
    device: str | None = None
    dtype: str = "float32"
    threads: int = 1
    rounds: int = 7


class Died(Exception):
    """A process ended, or hung, before it answered."""


class Worker:
    """A contender's process."""

    def __init__(self, contender: Contender, workload: str, settings: Settings, suite: Suite):
        self.contender = contender
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed by close()
        n = settings.threads
        limits = {k: v.format(n=n, many=str(n > 1).lower()) for k, v in suite.environment.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "polyk.bench.worker"], stdin=subprocess.PIPE, text=True,
            stdout=subprocess.PIPE, stderr=self.errors, env={**os.environ, **limits},
        )  # fmt: skip
        self.given = {
            "workload": workload, "contender": contender.key, "backend": contender.backend,
            "device": settings.device, "dtype": settings.dtype,
        }  # fmt: skip

    def ask(self, message: Any = "go") -> dict[str, Any]:
        """Send a line, wait for the answer."""
        assert self.process.stdin and self.process.stdout
        killer = threading.Timer(TIMEOUT, self.process.kill)
        killer.start()
        try:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
            answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            self.process.kill()
            self.process.wait()
            self.errors.seek(0)
            lines = self.errors.read().strip().splitlines() or ["no answer"]
            raise Died(lines[-1]) from None
        finally:
            killer.cancel()
        return answer

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()
        self.process.terminate()
        self.process.wait()
        self.errors.close()


def run(suite: Suite, names: Sequence[str], settings: Settings, say: Say) -> dict[str, Any]:
    """Measure the workloads; the results as plain data, as ``schema.json`` describes them."""
    before = machine.describe(settings)
    contenders = suite.choose(settings.against, settings.backends)
    rows = []
    for name in names:
        chosen = [c for c in contenders if c.takes(name)]
        say(f"{name}: {', '.join(c.key for c in chosen)}")
        rows.append(measure(suite, name, chosen, settings))
    return {
        "format": 1, "machine": before,
        "settings": {**vars(settings)},
        "workloads": [judge.conclude(row, before["gemm_gflops"]) for row in rows],
    }  # fmt: skip


def measure(
    suite: Suite, name: str, contenders: Sequence[Contender], settings: Settings
) -> dict[str, Any]:
    """All contenders at one workload: one after another into readiness, then in turns."""
    task = suite.task(name)
    workers: list[Worker] = []
    rows: dict[str, dict[str, Any]] = {}
    try:
        for contender in contenders:
            row = rows[contender.key] = {"name": contender.name, "backend": contender.backend,
                                         "error": None, "wall": [], "cpu": []}  # fmt: skip
            worker = Worker(contender, name, settings, suite)
            workers.append(worker)
            attempt(worker, row, worker.given)
        load = machine.load()[0]
        for i in range(settings.rounds):
            for worker in workers[:: -1 if i % 2 else 1]:
                row = rows[worker.contender.key]
                if row["error"] is None:
                    attempt(worker, row, "go")
    finally:
        for worker in workers:
            worker.close()
    return {
        "name": name, "title": suite.title(name), "kind": task.kind, "batch": task.batch,
        "steps": task.steps, "flops": task.flops, "load": load, "contenders": [*rows.values()],
    }  # fmt: skip


def attempt(worker: Worker, row: dict[str, Any], message: Any) -> None:
    """Let a worker answer, and write down what it says or why it did not."""
    try:
        answer = worker.ask(message)
    except Died as e:
        row["error"] = str(e)
        return
    for clock in ("wall", "cpu"):
        if clock in answer:
            row[clock].append(answer.pop(clock))
    row.update(answer)
