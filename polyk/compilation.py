"""polyk.compile: a function of tensors, or a step that also changes weights, made fast.

On JAX it is traced by `jax.jit`, on TensorFlow by `tf.function`, on PyTorch run as it is (or by
`torch.compile` with ``jit="full"``), on NumPy run as it is. A traced function runs its Python once
for every new combination of argument shapes: prints and other side effects happen then only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from polyk import trees
from polyk.contract import Backend
from polyk.ops.dispatch import one, tensors
from polyk.select import current, use
from polyk.weights import Weight, frame


def compile(
    fn: Callable[..., Any], state: Sequence[Any] | None = None, jit: str | None = None
) -> Callable[..., Any]:
    """`fn` compiled for the backend in use, or for that of `state`.

    Arguments and results may be nested dicts, lists and tuples of tensors. `state` lists what `fn`
    changes: models, optimizers, metrics, weights; their updates take effect after each call.
    `jit` "full" asks for `torch.compile` on PyTorch and XLA on TensorFlow.
    """
    if state is not None:
        return _Step(fn, state, jit)
    cache: dict[Any, tuple[Callable[..., Any], list[Any]]] = {}

    def run(*args: Any) -> Any:
        b, leaves = tensors(*trees.flatten(args))
        key = (b.name, trees.structure(args), _shapes(b, leaves))
        if key not in cache:
            cache[key] = _flat(fn, args, b, jit)
        flat, shell = cache[key]
        with use(b):
            result = list(flat(*leaves))
        return trees.unflatten(shell[0], result)

    return run


def _shapes(b: Backend, leaves: list[Any]) -> Any:
    """What a traced function depends on, the structure of its result too."""
    return None if b.eager else tuple([tuple(getattr(x, "shape", ())) for x in leaves])


def _flat(
    fn: Callable[..., Any], args: Any, b: Backend, jit: str | None
) -> tuple[Callable[..., Any], list[Any]]:
    """`fn` from tensors to a list of tensors, compiled, and where the shape of its result goes."""
    shell: list[Any] = []

    def flat(*leaves: Any) -> list[Any]:
        result = fn(*trees.unflatten(args, list(leaves)))
        shell[:] = [trees.map(lambda _: 0, result)]
        return tensors(*trees.flatten(result))[1]

    return b.compile(flat, jit=jit), shell


def state_weights(state: Sequence[Any]) -> list[Weight]:
    """Every weight of `state`, once each."""
    found: dict[Weight, None] = {}
    for item in state:
        for w in [item] if isinstance(item, Weight) else item.state:
            found.setdefault(w)
    return list(found)


class _Grown(Exception):
    """Raised in tracing, out of the engine: `weights` are state that nobody had listed."""

    def __init__(self, weights: list[Weight]) -> None:
        super().__init__("new state")
        self.weights = weights


class _Step:
    """A compiled function with state."""

    def __init__(self, fn: Callable[..., Any], state: Sequence[Any], jit: str | None) -> None:
        self.fn, self.state, self.jit = fn, state, jit
        self.cache: dict[Any, Callable[..., Any]] = {}
        self.weights: list[Weight] = []  # looking for them takes longer than a small step

    def __call__(self, *args: Any) -> Any:
        weights = self.weights = self.weights or state_weights(self.state)
        b = self._backend(weights)
        if b.eager and self.jit != "full":
            with use(b):
                return self.fn(*trees.map(lambda x: one(x)[1], args))
        shapes = _shapes(b, trees.flatten(args))
        key = (b.name, tuple(map(id, weights)), trees.structure(args), shapes)
        if key not in self.cache:
            self.cache[key] = self._trace(b, list(weights), args)
        try:
            return self.cache[key](*args)
        except _Grown as found:  # slots, metrics: made when the function first ran
            weights.extend(found.weights)
            return self(*args)

    def _backend(self, weights: list[Weight]) -> Backend:
        b = next((w.backend for w in weights if w.backend is not None), None) or current()
        for w in weights:
            if w.backend is None:
                w.initialize(b)
            elif w.backend is not b:
                raise ValueError(
                    f"weight {w.path!r} lives on {w.backend.name!r}, others on {b.name!r}. "
                    f"Move the model: model.to({b.name!r})."
                )
        return b

    def _trace(self, b: Backend, weights: list[Weight], args: Any) -> Callable[..., Any]:
        shell: list[Any] = []
        known = set(weights)

        def pure(values: list[Any], inputs: list[Any]) -> tuple[list[Any], list[Any]]:
            with frame(dict(zip(weights, values, strict=True))) as inside:
                result = self.fn(*trees.unflatten(args, inputs))
            if len(inside) > len(weights):
                raise _Grown([w for w in inside if w not in known])
            shell[:] = [trees.map(lambda _: 0, result)]
            return [inside[w] for w in weights], tensors(*trees.flatten(result))[1]

        def write(cells: list[Any]) -> None:
            for w, cell in zip(weights, cells, strict=True):
                w.cell = cell

        step = b.compile_step(pure, lambda: [w.cell for w in weights], write)

        def run(*args: Any) -> Any:
            with use(b):
                leaves = [x if isinstance(x, b.tensor_types) else b.asarray(x)
                          for x in trees.flatten(args)]  # fmt: skip
                outputs = step(leaves)
            return trees.unflatten(shell[0], list(outputs))

        return run
