"""Loops and branches as ONNX graphs within the graph; recurrent layers as one operator."""

from __future__ import annotations

from abc import update_abstractmethods
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from polyk.contract import Backend
from polyk.contract.engine import Engine
from polyk.export.onnx import emit as e
from polyk.export.onnx.emit import emit_many, folded
from polyk.export.onnx.graph import Graph, Tensor, current, local
from polyk.export.onnx.nn import NN
from polyk.export.onnx.primitives import _tensor
from polyk.select import register


@contextmanager
def body() -> Iterator[Graph]:
    """A graph inside the current one, which is built in this block."""
    outer = local.graph = Graph(parent=current())
    try:
        yield outer
    finally:
        local.graph = outer.parent


def entry(shape: Any, dtype: str) -> Tensor:
    """A new input of the graph that is built."""
    graph = current()
    graph.inputs.append(Tensor(graph.name("input"), shape, dtype))
    return graph.inputs[-1]


def leave(values: list[Any]) -> None:
    """Make `values` the outputs of the graph, each computed in it and named once."""
    graph = current()
    for x in map(_tensor, values):
        made = graph.producer(x.name)
        if made is None or any(x.name == y.name for y in graph.outputs):
            x = Tensor(graph.add("Identity", [x.name], {"n": len(graph.outputs)})[0], x.shape,
                       x.dtype)  # fmt: skip
        graph.outputs.append(x)


class OnnxBackend(NN):
    """polyk's contract as a writer of ONNX graphs."""

    def cond(self, pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
        if not isinstance(pred, Tensor):
            return true_fn() if bool(pred) else false_fn()
        graphs = []
        for branch in (true_fn, false_fn):
            with body() as graph:
                leave(branch())
            graphs.append(graph)
        outputs = [(x.shape, x.dtype) for x in graphs[0].outputs]
        return emit_many("If", [pred], outputs, then_branch=graphs[0], else_branch=graphs[1])

    def while_loop(
        self, cond: Any, body_fn: Any, state: list[Any], maximum_iterations: int | None
    ) -> list[Any]:
        state = list(map(_tensor, state))
        with body() as graph:
            entry((), "int64"), entry((), "bool")
            new = body_fn(*[entry(x.shape, x.dtype) for x in state])
            leave([cond(*new), *new])
        limit = None if maximum_iterations is None else e.scalar_size(maximum_iterations)
        inputs = [limit, _tensor(cond(*state)), *state]
        return emit_many("Loop", inputs, [(x.shape, x.dtype) for x in state], body=graph)

    def scan(
        self, f: Any, init: list[Any], xs: list[Any], length: int, reverse: bool
    ) -> tuple[list[Any], list[Any]]:
        init, counted = list(map(_tensor, init)), not xs
        xs = list(map(_tensor, xs)) or [_tensor(self.arange(0, length, 1, "int32"))]
        with body() as graph:
            state = [entry(x.shape, x.dtype) for x in init]
            steps = [entry(x.shape[1:], x.dtype) for x in xs]
            last, ys = f(state, [] if counted else steps)
            leave([*last, *ys])
        ways = {
            f"scan_{side}_directions": (int(reverse),) * n
            for side, n in (("input", len(xs)), ("output", len(ys)))
            if reverse and n
        }
        outputs = [(x.shape, x.dtype) for x in init]
        outputs += [((length, *y.shape), y.dtype) for y in graph.outputs[len(init) :]]
        found = emit_many(
            "Scan", [*init, *xs], outputs, body=graph, num_scan_inputs=len(xs), **ways
        )
        return found[: len(init)], found[len(init) :]

    def lstm(self, x: Any, h: Any, c: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
        """Gates in ONNX's order: input, output, forget, cell."""
        units = h.shape[-1]
        i, f, g, o = np.arange(4 * units, dtype="int32").reshape(4, units)
        order = np.concatenate([i, o, f, g])
        w, r = (self._gates(k, order) for k in (kernel, recurrent))
        b = None
        if bias is not None:
            both = self.pad(self.take(bias, order, 0), ((0, 4 * units),))
            b = self.reshape(both, (1, 8 * units))
        ys, h, c = self._recurrent("LSTM", x, [w, r, b], [h, c])
        return ys, h, c

    def gru(self, x: Any, h: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
        units = h.shape[-1]
        w, r = (self._gates(k, None) for k in (kernel, recurrent))
        b = None if bias is None else self.reshape(bias, (1, 6 * units))
        ys, h = self._recurrent("GRU", x, [w, r, b], [h], linear_before_reset=1)
        return ys, h

    def _gates(self, kernel: Any, order: Any) -> Any:
        """A kernel as (1, gates * units, inputs)."""
        kernel = kernel if order is None else self.take(kernel, order, 1)
        return self.expand_dims(self.transpose(kernel, (1, 0)), 0)

    def _recurrent(
        self, onnx: str, x: Any, weights: list[Any], states: list[Any], **attrs: Any
    ) -> list[Any]:
        batch, steps, _ = x.shape
        units, dtype = states[0].shape[-1], e.dtype_of(x)
        first = [self.expand_dims(s, 0) for s in states]
        inputs = [self.swapaxes(x, 0, 1), *weights, None, *first]
        shapes = [(steps, 1, batch, units), *([(1, batch, units)] * len(states))]
        ys, *last = emit_many(
            onnx, inputs, [(s, dtype) for s in shapes], hidden_size=units, **attrs
        )
        ys = self.transpose(self.squeeze(ys, (1,)), (1, 0, 2))
        return [ys, *(self.squeeze(s, (0,)) for s in last)]


def _ops() -> Iterator[tuple[str, Callable[..., Any]]]:
    """What the classes above write of the contract."""
    engine = set(Engine.__dict__) - {"stop_gradient"}
    loops = {"cond", "while_loop", "scan"}
    for op in dir(Backend):
        written = getattr(OnnxBackend, op)
        own = callable(written) and written is not getattr(Backend, op)
        if own and op not in engine | loops and not op.startswith("_"):
            yield op, written


for _op, _method in list(_ops()):
    if _op not in ("asarray", "to_numpy"):
        setattr(OnnxBackend, _op, folded(_method))
BACKEND = update_abstractmethods(OnnxBackend)()  # type: ignore[type-abstract]  # tables fill it
register(BACKEND)
