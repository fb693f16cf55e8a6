"""From a model's steps to what `fit` calls for each batch: compiled, several at a time if asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from polyk import ops, trees
from polyk.compilation import compile as compile_fn
from polyk.masks import keep_masks
from polyk.models.steps import judge, learn, quiet
from polyk.weights import current_frame, frame

QUIET: dict[str, Callable[..., Any]] = {"train": quiet(learn), "test": quiet(judge)}


def reports(model: Any, kind: str) -> bool:
    """Whether the logs come from a step of the user's, not from the metrics of `compile`."""
    return bool(model._overrides(f"{kind}_step", "compute_metrics", "get_metrics_result"))


def make(model: Any, kind: str) -> Callable[[Any], Any]:
    """The step "train", "test" or "predict" as a function of one batch."""
    step = _plain(model, kind)
    if getattr(model, "run_eagerly", False):
        return step
    return compile_fn(step, state=_state(model, kind), jit=_jit(model))


def make_many(model: Any, kind: str) -> Callable[[list[Any]], Any]:
    """The same as a function of a list of batches; on engines that trace, one call for them all."""
    one = make(model, kind)
    if getattr(model, "run_eagerly", False) or (model.backend.eager and _jit(model) is None):
        return lambda batches: [one(data) for data in batches][-1]
    scanned = compile_fn(_scan(_plain(model, kind)), state=_state(model, kind), jit=_jit(model))

    def many(batches: list[Any]) -> Any:
        import numpy as np

        flat = [trees.flatten(data) for data in batches]
        alike = len({tuple((type(a), tuple(a.shape)) for a in row) for row in flat}) == 1
        if len(flat) == 1 or not alike or not isinstance(flat[0][0], np.ndarray):
            return [one(data) for data in batches][-1]
        stacked = [np.stack(column) for column in zip(*flat, strict=True)]
        return scanned(trees.unflatten(batches[0], stacked))

    return many


def _state(model: Any, kind: str) -> list[Any]:
    return [model] if kind == "predict" else model._holders()


def _jit(model: Any) -> str | None:
    return "full" if getattr(model, "jit_compile", None) in ("full", True) else None


def _plain(model: Any, kind: str) -> Callable[[Any], Any]:
    """The step; masks are known until its end, where what layers charged is dropped."""
    step = _chosen(model, kind)

    def run(data: Any) -> Any:
        try:
            with keep_masks():
                return step(data)
        finally:
            model._drop_charges()

    return run


def _chosen(model: Any, kind: str) -> Callable[[Any], Any]:
    if kind == "predict":
        return model.predict_step  # type: ignore[no-any-return]
    if not reports(model, kind):
        step = QUIET[kind]
        return lambda data: step(model, data)
    own = getattr(model, f"{kind}_step")

    def checked(data: Any) -> Any:
        logs = own(data)
        if not isinstance(logs, dict):
            raise TypeError(
                f"{type(model).__name__}.{kind}_step must return a dict of logs, such as "
                f'{{"loss": loss}}; it returned {type(logs).__name__}.'
            )
        return logs

    return checked


def _scan(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`step` over the leading axis of the batches' leaves, the state carried along."""

    def run(stacked: Any) -> Any:
        outer = current_frame()
        weights = list(outer)

        def body(values: Any, data: Any) -> Any:
            with frame(dict(zip(weights, values, strict=True))) as inside:
                logs = step(data)
            outer.update((w, v) for w, v in inside.items() if w not in weights)  # seen first here
            return [inside[w] for w in weights], logs

        values, logs = ops.scan(body, [w.value for w in weights], stacked)
        for w, value in zip(weights, values, strict=True):
            w.assign(value)
        return trees.map(lambda v: v[-1], logs)

    return run
