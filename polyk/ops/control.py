"""Control flow that compiles: cond, loops, scans, maps. And what a gradient is to see.

Values carried around may be nested dicts, lists and tuples of tensors.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from polyk import trees
from polyk.contract import Backend
from polyk.errors import UnsupportedOp
from polyk.ops.dispatch import Tensor, cast, many, one, tensors
from polyk.select import backend_of
from polyk.shapes import axis_index

__all__ = [
    "associative_scan",
    "cond",
    "custom_gradient",
    "fori_loop",
    "jvp",
    "map",
    "scan",
    "stop_gradient",
    "switch",
    "vectorize",
    "vectorized_map",
    "while_loop",
]


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


def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """`function` of each slice along the first axis of (nested) tensors, stacked."""
    return map(function, elements)


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None
) -> Callable[..., Any]:
    """A function of scalars as one of tensors, which broadcast: as numpy.vectorize.

    Arguments whose place is in `excluded` are passed as they are.
    """
    if signature is not None:
        raise UnsupportedOp("vectorize: no signature; write the batch axes out with ops.map.")
    fixed = set(excluded or ())

    def run(*args: Any) -> Any:
        from polyk.ops.layout import broadcast_arrays
        from polyk.ops.shaping import ravel, reshape

        moving = [i for i in range(len(args)) if i not in fixed]
        arrays = broadcast_arrays(*(args[i] for i in moving))
        shape = tuple(arrays[0].shape)

        def call(xs: tuple[Any, ...]) -> Any:
            given = list(args)
            for i, x in zip(moving, xs, strict=True):
                given[i] = x
            return pyfunc(*given)

        results = map(call, tuple(ravel(a) for a in arrays))
        return trees.map(lambda y: reshape(y, shape + tuple(y.shape)[1:]), results)

    run.__doc__ = pyfunc.__doc__
    return run


def associative_scan(
    f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """The running ``f(f(a, b), c)`` of an associative `f` along `axis`, in log(n) steps.

    `f` takes and returns (nested) tensors like `elems`, many at a time. Source: G. E. Blelloch,
    Prefix sums and their applications, 1990.
    """
    b, leaves = _flat(elems)
    a = axis_index(axis, len(b.shape(leaves[0])))
    leaves = [b.flip(x, (a,)) for x in leaves] if reverse else leaves

    def combine(x: list[Tensor], y: list[Tensor]) -> list[Tensor]:
        return _flat(f(trees.unflatten(elems, x), trees.unflatten(elems, y)))[1]

    done = _scanned(b, combine, leaves, a)
    return trees.unflatten(elems, [b.flip(x, (a,)) for x in done] if reverse else done)


def _scanned(b: Any, combine: Callable[..., list[Tensor]], xs: list[Tensor], axis: int) -> Any:
    """Combine neighbors, scan the half as many results, fill in what lies between."""
    n = b.shape(xs[0])[axis]
    if n < 2:
        return xs

    def part(values: list[Tensor], start: int, stop: int, step: int) -> list[Tensor]:
        spans = [slice(0, d, 1) for d in b.shape(values[0])[: axis + 1]]
        spans[axis] = slice(start, stop, step)
        return [
            b.getitem(v, (*spans, *(slice(0, d, 1) for d in b.shape(v)[axis + 1 :])))
            for v in values
        ]

    pairs = combine(part(xs, 0, n - n % 2, 2), part(xs, 1, n, 2))
    odd = _scanned(b, combine, pairs, axis)  # the results at 1, 3, 5...
    between = (n - 1) // 2
    even = part(xs, 0, 1, 1)
    if between:
        middle = combine(part(odd, 0, between, 1), part(xs, 2, n, 2))
        even = [b.concatenate([e, m], axis) for e, m in zip(even, middle, strict=True)]
    return [_woven(b, e, o, axis) for e, o in zip(even, odd, strict=True)]


def _woven(b: Any, even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """e0, o0, e1, o1, ..., with one of `even` more or as many."""
    n = b.shape(odd)[axis]
    shape = list(b.shape(odd))
    shape[axis] = 2 * n
    head, tail = b.split(even, [n], axis)
    both = b.reshape(b.stack([head, odd], axis + 1), tuple(shape))
    return b.concatenate([both, tail], axis)


def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """``fun(*primals)`` and its directional derivative; with `has_aux`, also the aux of `fun`."""
    from polyk.autodiff import jvp as pushed

    return pushed(fun, primals, tangents, has_aux)


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate ``f(*xs) -> (y, vjp)``: ``y`` is the value, ``vjp(upstream)`` the gradients.

    `vjp` returns one gradient for each of `xs` (a tuple, or alone for one). All are tensors.
    """

    def run(*xs: Any) -> Any:
        b, leaves = tensors(*xs)

        def clean(*values: Any) -> Any:
            y, back = f(*values)

            def pull(g: Any) -> tuple[Any, ...]:
                given = back(g)
                return tuple(given) if isinstance(given, (tuple, list)) else (given,)

            return one(y)[1], pull

        return b.custom_gradient(clean)(*leaves)

    run.__doc__ = f.__doc__
    return run
