"""Control flow that compiles: cond, loops, scan. And stop_gradient.

Values carried around may be nested dicts, lists and tuples of tensors.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from polyk import trees
from polyk.contract import Backend
from polyk.ops.dispatch import Tensor, cast, many, one, tensors
from polyk.select import backend_of

__all__ = ["cond", "fori_loop", "map", "scan", "stop_gradient", "switch", "while_loop"]


def stop_gradient(variable: Any) -> Any:
    """The same values, seen as constants by every gradient. Nested containers are allowed."""

    def stop(x: Any) -> Tensor:
        b, x = one(x)
        return b.stop_gradient(x)

    return trees.map(stop, variable)


def _flat(tree: Any) -> tuple[Any, list[Tensor]]:
    return tensors(*trees.flatten(tree))


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """``true_fn()`` if the scalar `pred` holds, else ``false_fn()``; both of one structure."""
    b, pred = one(pred)
    return _structured(b.cond, cast(b, pred, "bool"), true_fn, false_fn)


def _structured(run: Callable[..., Any], pred: Tensor, *branches: Callable[[], Any]) -> Any:
    """Run backend branches that return flat lists; give back what the users' return."""
    shapes: list[Any] = []

    def flat(fn: Callable[[], Any]) -> Callable[[], list[Tensor]]:
        def call() -> list[Tensor]:
            result = fn()
            shapes.append(result)
            return _flat(result)[1]

        return call

    leaves = run(pred, *(flat(fn) for fn in branches))
    return trees.unflatten(shapes[-1], list(leaves))


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """Repeat ``loop_vars = body(*loop_vars)`` while ``cond(*loop_vars)`` holds."""
    single = not isinstance(loop_vars, (list, tuple))
    state = (loop_vars,) if single else loop_vars
    b, leaves = _flat(state)

    def flat_body(*xs: Tensor) -> list[Tensor]:
        new = body(*trees.unflatten(state, list(xs)))
        return _flat((new,) if single else new)[1]

    def flat_cond(*xs: Tensor) -> Tensor:
        return one(cond(*trees.unflatten(state, list(xs))))[1]

    result = trees.unflatten(
        state, list(b.while_loop(flat_cond, flat_body, leaves, maximum_iterations))
    )
    return result[0] if single else result


def fori_loop(lower: int, upper: int, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """``for i in range(lower, upper): val = body_fun(i, val)``; `i` is an int32 scalar."""
    from polyk.ops.elementwise import add
    from polyk.ops.logic import less

    b, _ = _flat(init_val)
    start = b.asarray(lower, "int32")
    _, result = while_loop(
        lambda i, _: less(i, upper), lambda i, v: (add(i, 1), body_fun(i, v)), (start, init_val)
    )
    return result


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """``carry, y = f(carry, x)`` for each x along the first axis; the last carry, ys stacked.

    ``unroll=True`` writes the steps out where a loop would be compiled; a number is a hint that
    changes nothing.
    """
    b, leaves = _flat((init, xs))
    carry, flat_xs = leaves[: (n := len(trees.flatten(init)))], leaves[n:]
    lengths = {b.shape(x)[0] for x in flat_xs} | ({length} if length is not None else set())
    if len(lengths) != 1:
        raise ValueError(f"scan: xs and length disagree about how many steps there are: {lengths}.")
    seen: list[Any] = []

    def step(state: list[Tensor], x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        item = None if xs is None else trees.unflatten(xs, x)
        new, y = f(trees.unflatten(init, state), item)
        seen.append(y)
        return _flat(new)[1], (_flat(y)[1] if trees.flatten(y) else [])

    loop = partial(Backend.scan, b) if unroll is True else b.scan
    last, ys = loop(step, carry, flat_xs, lengths.pop(), reverse)
    stacked = trees.unflatten(seen[-1], [_stacked(y) for y in ys]) if seen and ys else None
    return trees.unflatten(init, list(last)), stacked


def _stacked(y: Any) -> Tensor:
    """The steps of a loop in Python, which may belong to a tape that the loop saw nothing of."""
    if isinstance(y, list):
        b, y = many(y)
        return b.stack(y, 0)
    return y


def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """``f`` of each slice along the first axis, stacked."""
    b = backend_of(*trees.flatten(xs))
    return scan(lambda c, x: (c, f(x)), b.full((), 0, "int32"), xs)[1]


def switch(index: Any, branches: list[Callable[..., Any]], *operands: Any) -> Any:
    """``branches[index](*operands)``, the index held within range."""
    from polyk.ops.logic import less_equal

    if len(branches) == 1:
        return branches[0](*operands)
    return cond(
        less_equal(index, 0),
        lambda: branches[0](*operands),
        lambda: switch(one(index)[1] - 1, branches[1:], *operands),
    )
