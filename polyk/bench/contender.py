"""polyk as a contender: what a user would type, on any backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from polyk import dtypes, losses, ops, optimizers, random, select
from polyk.autodiff import value_and_grad
from polyk.bench.suite import NAMES, Job


def start(job: Job) -> Callable[[int, int], float]:
    """Get the model or the operands ready on the job's backend."""
    dtypes.set_floatx(job.dtype)
    select.set_backend(job.backend)
    if job.device:
        select.device(job.device)
    return {"train": _train, "infer": _infer}.get(job.task.kind, _op)(job)


def _model(job: Job) -> Any:
    random.set_random_seed(0)
    return job.model(NAMES)


def _train(job: Job) -> Callable[[int, int], float]:
    model, batch, (x, y) = _model(job), job.task.batch, job.data
    optimizer = getattr(optimizers, job.task.optimizer)(**job.task.hyper)
    model.compile(optimizer, losses.SparseCategoricalCrossentropy(from_logits=True))

    def run(first: int, count: int) -> float:
        part = slice(first * batch, (first + count) * batch)
        seen = model.fit(x[part], y[part], batch_size=batch, shuffle=False, verbose=0)
        return float(seen.history["loss"][-1])

    return run


def _infer(job: Job) -> Callable[[int, int], float]:
    model = _model(job)
    return job.over_batches(lambda x: model.predict_on_batch(x)[0, 0])


def _op(job: Job) -> Callable[[int, int], float]:
    operands = [ops.convert_to_tensor(a) for a in job.data]
    fn = getattr(ops, job.task.op)
    if job.task.kind == "gradient":
        both = value_and_grad(lambda xs: ops.sum(fn(*xs)))

        def call() -> Any:
            return both(operands)[1][-1]
    else:

        def call() -> Any:
            return fn(*operands)

    def run(first: int, count: int) -> float:
        for _ in range(count - 1):
            call()
        return float(select.to_numpy(call()).mean())

    return run
