"""What there is to measure: workloads, and those who do the work. Plugins add to both."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from polyk import dtypes, layers, models, plugins, select
from polyk.errors import UnknownName, did_you_mean
from polyk.random import set_random_seed

NAMES = SimpleNamespace(layers=layers, Model=models.Model, Sequential=models.Sequential)
LOSSES = 5  # the first steps, whose losses every contender must agree on


@dataclass(frozen=True)
class Task:
    """The work of one step, at concrete sizes.

    `kind` is "train", "infer", or "op" and "gradient" of the function `op`. `data` gives the
    arrays of n samples, ``(x, y)``; for an op its operands. `model` takes anything that has
    Keras's names (polyk, keras) and gives a model that ends in logits. `macs` counts the
    multiply-adds in matrix products of one sample, forward.
    """

    kind: str
    data: Callable[[np.random.Generator, int], tuple[Any, ...]]
    model: Callable[[Any], Any] | None = None
    batch: int = 1
    steps: int = 10  # of a timed block
    macs: float = 0
    optimizer: str = "Adam"
    hyper: Mapping[str, float] = field(default_factory=lambda: {"learning_rate": 1e-3})
    op: str = ""

    @property
    def flops(self) -> float:
        """Of one step. A gradient costs what forward costs, once for each operand."""
        return 2 * self.macs * self.batch * (3 if self.kind in ("train", "gradient") else 1)


@dataclass(frozen=True)
class Workload:
    """A named task; sizes in the name change it: ``mlp:batch=32,width=256``."""

    name: str
    title: str
    make: Callable[..., Task]


@dataclass(frozen=True)
class Contender:
    """Who does the work on a backend.

    `target` ("module:function") is imported in the process that measures it. The function takes a
    `Job`, gets everything ready and returns ``run(first, count)``, which does steps ``first`` to
    ``first + count`` of the job, waits for the device, and returns a number that tells what was
    computed: the loss of the last step, or the mean of the last result.
    """

    name: str
    backend: str
    target: str
    workloads: Collection[str] | None = None  # None: all

    @property
    def key(self) -> str:
        return f"{self.name}/{self.backend}"

    def takes(self, workload: str) -> bool:
        return self.workloads is None or workload.partition(":")[0] in self.workloads


@dataclass(frozen=True)
class Job:
    """What a contender is given: the task, where to do it, and the same numbers for everybody."""

    workload: str
    task: Task
    backend: str
    device: str | None = None
    dtype: str = "float32"

    @cached_property
    def data(self) -> tuple[Any, ...]:
        """The arrays of all steps; floats in the job's dtype."""
        n = self.task.batch * max(self.task.steps, LOSSES)
        arrays = self.task.data(np.random.default_rng(0), n)
        return tuple(a.astype(self.dtype) if a.dtype.kind == "f" else a for a in arrays)

    def model(self, names: Any) -> Any:
        assert self.task.model is not None
        return self.task.model(names)

    def weights(self) -> list[Any]:
        """The initial weights, which are the same on every backend: polyk's, as NumPy arrays."""
        return [w for row in self.named_weights().values() for w in row]

    def named_weights(self) -> dict[str, list[Any]]:
        """The initial weights by the name of the layer that has them."""
        dtypes.set_floatx(self.dtype)
        with select.use("numpy"):
            set_random_seed(0)
            rows = self.model(NAMES).layers
            return {layer.name: [np.array(w) for w in layer.get_weights()] for layer in rows}

    def over_batches(self, step: Callable[..., Any]) -> Callable[[int, int], float]:
        """The usual loop: ``step(x, y)`` for each batch, and the last loss as a number."""
        data, batch = self.data, self.task.batch

        def run(first: int, count: int) -> float:
            last: Any = None
            for i in range(first * batch, (first + count) * batch, batch):
                last = step(*(a[i : i + batch] for a in data))
            return float(last)

        return run


class Suite:
    """What a run can choose from."""

    def __init__(self) -> None:
        self.workloads: dict[str, Workload] = {}
        self.contenders: dict[str, Contender] = {}
        self.groups: dict[str, tuple[str, ...]] = {}  # a name for several workloads
        self.environment: dict[str, str] = {}

    def add_workload(self, name: str, make: Callable[..., Task], title: str = "") -> None:
        """Offer ``make(**sizes)``, a `Task`, under `name`."""
        self.workloads[name] = Workload(name, title or name, make)

    def add_contender(
        self, name: str, backend: str, target: str, workloads: Collection[str] | None = None
    ) -> None:
        """Offer `name` on `backend`; see `Contender`."""
        new = Contender(name, backend, target, workloads)
        self.contenders[new.key] = new

    def limit_threads(self, variable: str, value: str) -> None:
        """Set an environment variable in measuring processes; ``{n}`` is the number of threads.

        ``{many}`` is "true" or "false", whether there is more than one.
        """
        self.environment[variable] = value

    def task(self, name: str) -> Task:
        """The task of a workload's name, with the sizes it gives."""
        plain, _, sizes = name.partition(":")
        find(plain, self.workloads, "workload", self.groups)
        pairs = [size.partition("=") for size in sizes.split(",") if size]
        try:
            return self.workloads[plain].make(**{key: int(value) for key, _, value in pairs})
        except (TypeError, ValueError) as e:
            raise UnknownName(f"workload {name!r}: sizes are written {plain}:batch=32. {e}") from e

    def expand(self, names: Iterable[str]) -> list[str]:
        """Names of workloads, each group by its members; every one is known and can be made."""
        flat = [w for name in names for w in self.groups.get(name, (name,))]
        for name in flat:
            self.task(name)
        return list(dict.fromkeys(flat))

    def title(self, name: str) -> str:
        plain, _, sizes = name.partition(":")
        return self.workloads[plain].title + (f" ({sizes.replace(',', ', ')})" if sizes else "")

    def choose(self, names: Iterable[str], backends: Iterable[str]) -> list[Contender]:
        """Contenders by name on each backend, polyk first."""
        known = {c.name for c in self.contenders.values()}
        return [
            self.contenders[key]
            for backend in backends
            for name in ("polyk", *names)
            if find(name, known, "contender")
            and (key := f"{name}/{backend}") in self.contenders
        ]  # fmt: skip


def find(name: str, known: Collection[str], what: str, more: Collection[str] = ()) -> str:
    """`name`, if it is known."""
    if name not in known:
        there = [*sorted(known), *more]
        near = did_you_mean(name, there)
        raise UnknownName(f"no {what} named {name!r}.{near} There are: {', '.join(there)}.")
    return name


def load() -> Suite:
    """polyk's own workloads on every installed backend, and what plugins add."""
    from polyk.bench import workloads

    suite = Suite()
    workloads.add_to(suite)
    for name, entries in plugins.installed().items():
        if not any(entry.missing for entry in entries):
            suite.add_contender("polyk", name, "polyk.bench.contender:start")
    for library in ("OMP", "OPENBLAS", "MKL"):
        suite.limit_threads(f"{library}_NUM_THREADS", "{n}")
    plugins.hooks().polyk_benchmark_cases(suite=suite)
    return suite
