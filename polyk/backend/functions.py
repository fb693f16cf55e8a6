"""Placeholders, functions, gradients, loops: Keras 1's way to write a function, over graphs.

A placeholder is an Input with its batch axis. What is computed from it is recorded, and `function`
runs the record on whatever backend is in use; `gradients` records the derivative of a record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from polyk import autodiff, compilation, config, ops
from polyk.graph import Graph, GraphTensor, record
from polyk.ops.dispatch import Tensor
from polyk.weights import Weight

__all__ = ["foldl", "foldr", "function", "gradients", "map_fn", "placeholder", "rnn", "switch"]


def placeholder(
    shape: Sequence[int | None] | None = None,
    ndim: int | None = None,
    dtype: Any = None,
    sparse: bool = False,
    name: str | None = None,
) -> GraphTensor:
    """A place for a tensor of `shape` (with the batch), or of `ndim` axes of any size."""
    if sparse:
        raise NotImplementedError("K.placeholder(sparse=True): there are no sparse tensors.")
    if shape is None and ndim is None:
        raise ValueError("K.placeholder needs a shape, such as (None, 28, 28, 1), or ndim.")
    sizes = (None,) * (ndim or 0) if shape is None else tuple(shape)
    return GraphTensor(sizes, dtype or config.floatx(), name or "placeholder")


def function(
    inputs: Sequence[Any], outputs: Any, updates: Any = None, **kwargs: Any
) -> Callable[[Sequence[Any]], Any]:
    """A compiled function from a list of arrays to NumPy arrays, by what leads to them.

    >>> x = K.placeholder((None, 3))
    >>> K.function([x], [K.sum(x, axis=1)])([np.ones((2, 3))])
    [array([3., 3.], dtype=float32)]
    """
    if updates:
        raise NotImplementedError(
            "K.function(updates=...): an update takes place where it is written. Put K.update into "
            "a Python function, and compile that: polyk.compile(fn, state=[...])."
        )
    several = isinstance(outputs, (list, tuple))
    graph = Graph(list(inputs), list(outputs) if several else [outputs])
    run = compilation.compile(lambda *xs: graph.run(xs), state=[*graph.layers, *graph.weights])

    def call(values: Sequence[Any]) -> Any:
        if len(values) != len(inputs):
            raise ValueError(f"the function takes {len(inputs)} inputs; got {len(values)}.")
        tensors = [ops.convert_to_tensor(v, p.dtype) for v, p in zip(values, inputs, strict=True)]
        found = [ops.convert_to_numpy(y) for y in run(*tensors)]
        return found if several else found[0]

    return call


def gradients(loss: Any, variables: Any) -> Any:
    """The derivatives of the sum of `loss` by `variables`: tensors of its graph, or its weights.

    A list as long as `variables` (or one tensor for one variable).
    """
    if not isinstance(loss, GraphTensor):
        raise TypeError(
            "K.gradients differentiates what is computed from a placeholder or an Input. For "
            "tensors that have values: polyk.grad(fn)(x), or polyk.value_and_grad(fn, weights=...)."
        )
    single = not isinstance(variables, (list, tuple))
    wanted = [variables] if single else list(variables)
    places = [v for v in wanted if isinstance(v, GraphTensor)]
    weights = [v for v in wanted if isinstance(v, Weight)]
    leaves = _leaves([loss, *places])

    def slopes(*values: Any) -> list[Tensor]:
        at = Graph(leaves, places).run(values)

        def total(*cut: tuple[Any, Any]) -> Tensor:
            inputs = [*zip(leaves, values, strict=True), *cut]  # a place overrides what makes it
            graph = Graph([p for p, _ in inputs], [loss])
            return ops.sum(graph.run([v for _, v in inputs])[0])

        by_weight = iter(_slopes(total, weights) if weights else ())
        by_place = (
            autodiff.grad(lambda x, p=p: total((p, x)))(v) for p, v in zip(places, at, strict=True)
        )
        return [next(by_weight if isinstance(v, Weight) else by_place) for v in wanted]

    found = record("gradients", slopes, leaves, {}, lambda *specs: _shapes(wanted, leaves, specs))
    if found:
        found[0].node.inner = Graph(leaves, [loss])
    return found[0] if single else found


def _slopes(fn: Callable[[], Tensor], weights: list[Weight]) -> Any:
    return autodiff.value_and_grad(fn, weights=weights)()[1]


def _leaves(ends: Sequence[GraphTensor]) -> list[GraphTensor]:
    """The tensors without a node that lead to `ends`."""
    found: dict[int, GraphTensor] = {}
    todo, seen = list(ends), set()
    while todo:
        t = todo.pop()
        if id(t) in seen:
            continue
        seen.add(id(t))
        if t.node is None:
            found[id(t)] = t
        else:
            todo.extend(t.node.inputs)
    return list(found.values())


def _shapes(wanted: Sequence[Any], leaves: Sequence[Any], specs: Sequence[Any]) -> list[Any]:
    places = iter(Graph(leaves, [v for v in wanted if isinstance(v, GraphTensor)]).run(specs))
    return [v.value if isinstance(v, Weight) else next(places) for v in wanted]


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """Element-wise choice, or one of two branches (values or functions) by a scalar."""

    def value(x: Any) -> Any:
        return x() if callable(x) else x

    if ops.ndim(condition) == 0:
        return ops.cond(condition, lambda: value(then_expression), lambda: value(else_expression))
    then, other = value(then_expression), value(else_expression)
    condition = ops.cast(condition, "bool")
    for _ in range(ops.ndim(then) - ops.ndim(condition)):
        condition = ops.expand_dims(condition, -1)
    return ops.where(condition, then, other)


def map_fn(fn: Callable[[Any], Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """`fn` of each slice along the first axis, stacked."""
    return ops.map(fn, elems)


def foldl(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None
) -> Any:
    """``fn(... fn(fn(initializer, elems[0]), elems[1]) ...)``; without one, elems[0] is first."""
    if initializer is None:
        initializer, elems = elems[0], elems[1:]
    return ops.scan(lambda carry, x: (fn(carry, x), None), initializer, elems)[0]


def foldr(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None
) -> Any:
    """As `foldl`, from the last element to the first."""
    return foldl(fn, ops.flip(elems, 0), initializer)


def rnn(
    step_function: Callable[[Any, list[Any]], tuple[Any, list[Any]]],
    inputs: Any,
    initial_states: list[Any],
    go_backwards: bool = False,
    mask: Any = None,
    constants: Any = None,
    unroll: bool = False,
    input_length: int | None = None,
) -> tuple[Any, Any, list[Any]]:
    """``output, states = step_function(x, states)`` over the time axis of `inputs` (N, T, ...).

    Returns the last output, all outputs (N, T, ...), and the last states. Where `mask` (N, T) is
    False the states stay, and the output before is repeated (zeros at first).
    """
    initial_states = [ops.convert_to_tensor(s) for s in initial_states]
    extra = [ops.convert_to_tensor(c) for c in constants or []]
    steps = ops.swapaxes(inputs, 0, 1)
    probe, _ = step_function(steps[0], [*initial_states, *extra])
    kept = None if mask is None else ops.swapaxes(ops.cast(mask, "bool"), 0, 1)

    def choose(keep: Any, new: Any, old: Any) -> Any:
        return ops.where(ops.reshape(keep, (-1, *[1] * (ops.ndim(new) - 1))), new, old)

    def step(carry: Any, item: Any) -> tuple[Any, Any]:
        before, states = carry
        x, keep = item if kept is not None else (item, None)
        output, new = step_function(x, [*states, *extra])
        if keep is not None:
            output = choose(keep, output, before)
            new = [choose(keep, n, s) for n, s in zip(new, states, strict=True)]
        return (output, list(new)), output

    first = (ops.zeros_like(probe), list(initial_states))
    items = steps if kept is None else (steps, kept)
    (last, states), outputs = ops.scan(step, first, items, reverse=go_backwards)
    outputs = ops.flip(outputs, 0) if go_backwards else outputs
    return last, ops.swapaxes(outputs, 0, 1), states
