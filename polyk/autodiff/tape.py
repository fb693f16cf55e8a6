"""Reverse-mode differentiation for any backend: record ops on a tape, walk it back.

The tape is a backend: its tensors wrap the tensors of another one (an engine, or an outer tape, so
gradients of gradients need nothing more). Recording costs one node an op; walking back frees the
nodes as it goes.
"""

from __future__ import annotations

import threading
from abc import update_abstractmethods
from collections.abc import Callable
from functools import partial
from typing import Any

from polyk.autodiff import linalg_rules, nn_rules, shape_rules  # noqa: F401  add their rules
from polyk.autodiff.recurrent import gru_steps, lstm_steps
from polyk.autodiff.rules import CONSTANT, JOINT, RULES, SEVERAL
from polyk.contract import Backend
from polyk.ops.operators import Operators
from polyk.select import current, register


class Tape:
    """Nodes in the order of computation. A higher level is an inner derivative."""

    __slots__ = ("engine", "level", "nodes")

    def __init__(self, engine: Backend, level: int) -> None:
        self.engine, self.level = engine, level
        self.nodes: list[Any] = []

    def add(self, value: Any, node: Any) -> TapeTensor:
        self.nodes.append(node)
        return TapeTensor(value, self, len(self.nodes) - 1)


class TapeTensor(Operators):
    """A tensor whose history is being recorded."""

    __slots__ = ("index", "tape", "value")
    __array_ufunc__ = None  # NumPy must not take it for an object array

    def __init__(self, value: Any, tape: Tape, index: int) -> None:
        self.value, self.tape, self.index = value, tape, index

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.value.shape)

    @property
    def dtype(self) -> str:
        """The name: dtype objects of two engines, met in one table, may not bear comparison."""
        return self.tape.engine.names[self.value.dtype]

    def __repr__(self) -> str:
        return f"<recorded {self.value!r}>"


class _Stack(threading.local):
    def __init__(self) -> None:
        self.tapes: list[Tape] = []


_stack = _Stack()


def _top(args: Any) -> Tape | None:
    """The innermost tape that recorded one of `args`."""
    top = None
    for a in args:
        if type(a) is TapeTensor and (top is None or a.tape.level > top.level):
            top = a.tape
    return top


def _strip(x: Any, tape: Tape) -> Any:
    return x.value if type(x) is TapeTensor and x.tape is tape else x


def _lift(args: Any, tape: Tape) -> tuple[Backend, list[Any], list[tuple[int, int]]]:
    """`args` without `tape`, before the backend underneath; and which were on it, and where.

    That backend is the engine, or the tapes of outer levels.
    """
    b, values, parents = tape.engine, list(args), []
    for i, a in enumerate(args):
        if type(a) is TapeTensor:
            if a.tape is tape:
                parents.append((i, a.index))
                a = values[i] = a.value
            if type(a) is TapeTensor:
                b = TAPE
    return b, values, parents


class TapeBackend(Backend):
    """Computes with the backend underneath and notes how each result came about."""

    name = "tape"
    rank = 2
    tensor_types = (TapeTensor,)

    def _engine(self) -> Backend:
        return _stack.tapes[-1].engine if _stack.tapes else current()

    def asarray(self, x: Any, dtype: str | None = None) -> Any:
        if type(x) is TapeTensor:
            return x if dtype in (None, self.dtype(x)) else self.cast(x, dtype)
        return self._engine().asarray(x, dtype)

    def constant(self, x: Any) -> Any:
        return self._engine().constant(x)

    def to_numpy(self, x: Any) -> Any:
        while type(x) is TapeTensor:
            x = x.value
        return self._engine().to_numpy(x)

    def is_concrete(self, x: Any) -> bool:
        while type(x) is TapeTensor:
            x = x.value
        return self._engine().is_concrete(x)

    def full(self, shape: Any, value: Any, dtype: str) -> Any:
        if type(value) is TapeTensor:
            return self.broadcast_to(self.cast(value, dtype), shape)
        return self._engine().full(shape, value, dtype)

    def arange(self, start: float, stop: float, step: float, dtype: str) -> Any:
        return self._engine().arange(start, stop, step, dtype)

    def shape(self, x: Any) -> Any:
        return tuple(x.shape)

    def dtype(self, x: Any) -> str:
        while type(x) is TapeTensor:
            x = x.value
        return self._engine().dtype(x)

    def concatenate(self, xs: Any, axis: int) -> Any:
        tape = _top(xs)
        if tape is None:
            return self._engine().concatenate(xs, axis)
        b, values, parents = _lift(xs, tape)
        out = b.concatenate(values, axis)
        edges = [0]
        for v in values:
            edges.append(edges[-1] + b.shape(v)[axis])

        def back(b: Backend, g: Any, i: int) -> Any:
            return b.getitem(g, b._span(g, axis, edges[i], edges[i + 1]))

        return tape.add(out, (parents, back))

    def lstm(self, x: Any, h: Any, c: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
        sums = self.swapaxes(self.linear(x, kernel, bias), 0, 1)
        states = custom_gradient(lstm_steps, (sums, h, c, recurrent))
        steps = self.shape(sums)[0]
        ys, _ = self.split(states, [steps], 0)
        h, c = (self._step(states, i) for i in (steps - 1, steps))
        return self.swapaxes(ys, 0, 1), h, c

    def gru(self, x: Any, h: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
        if bias is None:
            bias = self._engine().full((2, self.shape(kernel)[1]), 0.0, self.dtype(x))
        first, second = self.unstack(bias, 0)
        sums = self.swapaxes(self.linear(x, kernel, first), 0, 1)
        ys = custom_gradient(gru_steps, (sums, h, recurrent, second))
        return self.swapaxes(ys, 0, 1), self._step(ys, self.shape(sums)[0] - 1)

    def _step(self, x: Any, i: int) -> Any:
        return self.getitem(x, (i, *(slice(0, d, 1) for d in self.shape(x)[1:])))

    def value_and_grad(self, fn: Any) -> Any:
        return value_and_grad(self._engine(), fn)

    def custom_gradient(self, fn: Any) -> Any:
        return lambda *xs: custom_gradient(fn, xs)


def _recorded(op: str) -> Callable[..., Any]:
    rules = RULES[op]

    def method(self: TapeBackend, *args: Any, **kwargs: Any) -> Any:
        tape = _top(args)
        if tape is None:
            return getattr(self._engine(), op)(*args, **kwargs)
        b, values, parents = _lift(args, tape)
        out = getattr(b, op)(*values, **kwargs)

        def back(b: Backend, g: Any, i: int) -> Any:
            rule = rules[i] if i < len(rules) else None
            return None if rule is None else rule(b, g, out, *values, **kwargs)

        return tape.add(out, (parents, back))

    method.__name__ = op
    return method


def _recorded_several(op: str) -> Callable[..., Any]:
    """Each result is a node of its own, with the part of the gradient that comes through it."""
    rule = SEVERAL[op]

    def method(self: TapeBackend, x: Any, *args: Any) -> Any:
        tape = _top((x,))
        if tape is None:
            return getattr(self._engine(), op)(x, *args)
        b, (value,), _ = _lift((x,), tape)
        outs = getattr(b, op)(value, *args)

        def back(which: int, b: Backend, g: Any, i: int) -> Any:
            return rule(b, which, g, outs, value, *args)

        nodes = [([(0, x.index)], partial(back, k)) for k in range(len(outs))]
        return tuple(tape.add(y, node) for y, node in zip(outs, nodes, strict=True))

    method.__name__ = op
    return method


def _recorded_jointly(op: str) -> Callable[..., Any]:
    """As `_recorded`, for an op with several results and one rule for all its arguments."""
    rule = JOINT[op]

    def method(self: TapeBackend, *args: Any) -> Any:
        tape = _top(args)
        if tape is None:
            return getattr(self._engine(), op)(*args)
        b, values, parents = _lift(args, tape)
        out, *rest = results = getattr(b, op)(*values)
        parts: list[Any] = []

        def back(b: Backend, g: Any, i: int) -> Any:
            if not parts:
                parts.extend(rule(b, g, results, *values))
            return parts[i]

        return tape.add(out, (parents, back)), *rest

    method.__name__ = op
    return method


def _constant(op: str) -> Callable[..., Any]:
    def method(self: TapeBackend, *args: Any, **kwargs: Any) -> Any:
        tape = _top(args)
        while tape is not None:
            args = tuple(_strip(a, tape) for a in args)
            tape = _top(args)
        return getattr(self._engine(), op)(*args, **kwargs)

    method.__name__ = op
    return method


for _op in RULES:
    setattr(TapeBackend, _op, _recorded(_op))
for _op in SEVERAL:
    setattr(TapeBackend, _op, _recorded_several(_op))
for _op in JOINT:
    setattr(TapeBackend, _op, _recorded_jointly(_op))
for _op in CONSTANT:
    setattr(TapeBackend, _op, _constant(_op))
TAPE = update_abstractmethods(TapeBackend)()  # type: ignore[type-abstract]  # filled in above
register(TAPE)


def value_and_grad(engine: Backend, fn: Callable[..., Any]) -> Callable[..., Any]:
    """`Backend.value_and_grad` by the tape: `fn(xs) -> (scalar, aux)`."""

    def run(xs: list[Any]) -> Any:
        tape = Tape(engine, len(_stack.tapes) + 1)
        _stack.tapes.append(tape)
        try:
            inputs = [tape.add(x, None) for x in xs]
            loss, aux = fn(inputs)
            grads = _walk_back(tape, loss, len(xs))
        finally:
            _stack.tapes.pop()
        b = TAPE if any(type(x) is TapeTensor for x in xs) else engine
        grads = [b.full(b.shape(x), 0.0, b.dtype(x)) if g is None else g
                 for g, x in zip(grads, xs, strict=True)]  # fmt: skip
        return (_strip(loss, tape), [_strip(a, tape) for a in aux]), grads

    return run


def _walk_back(tape: Tape, loss: Any, count: int) -> list[Any]:
    """Gradients of the scalar `loss` at the first `count` nodes; None where it does not depend."""
    if _top((loss,)) is not tape:
        return [None] * count
    b = TAPE if tape.level > 1 else tape.engine
    nodes = tape.nodes
    grads: list[Any] = [None] * (loss.index + 1)
    grads[loss.index] = b.full(b.shape(loss.value), 1.0, b.dtype(loss.value))
    for i in range(loss.index, count - 1, -1):
        g, (parents, back) = grads[i], nodes[i]
        nodes[i] = grads[i] = None
        if g is None:
            continue
        for argument, parent in parents:
            part = back(b, g, argument)
            if part is not None:
                have = grads[parent]
                grads[parent] = part if have is None else b.add(have, part)
    return grads[:count] + [None] * (count - len(grads))


def custom_gradient(fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Run ``fn(*xs) -> (y, vjp)`` on `args`; walking back calls ``vjp(g)``."""
    tape = _top(args)
    if tape is None:
        return fn(*args)[0]
    b, values, parents = _lift(args, tape)
    out, vjp = fn(*values)
    if b is TAPE:  # an outer derivative takes the custom rule as well
        out = custom_gradient(fn, tuple(values))
    parts: list[Any] = []

    def back(b: Backend, g: Any, i: int) -> Any:
        if not parts:
            given = vjp(g)
            parts.extend(given if isinstance(given, (tuple, list)) else (given,))
        return parts[i]

    return tape.add(out, (parents, back))
