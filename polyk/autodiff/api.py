"""value_and_grad, grad, vjp and jvp: the same line on every backend.

Arguments and results may be nested dicts, lists and tuples of tensors. Gradients have the shape
and dtype of what they belong to; what the result does not depend on gets zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from polyk import dtypes, trees
from polyk.errors import DTypeError, ShapeError
from polyk.ops.dispatch import one, tensors

Argnums = int | Sequence[int]


def value_and_grad(
    fn: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    weights: Sequence[Any] | None = None,
) -> Callable[..., Any]:
    """A function that returns ``(fn(*args), gradients)``.

    `fn` returns a scalar, or with `has_aux` a pair ``(scalar, anything)``. The gradients are those
    of the arguments `argnums`, in their structure; given `weights` (as ``model.trainable_weights``)
    those of the weights instead, a list. What `fn` writes to weights is kept.

    >>> loss, grads = polyk.value_and_grad(lambda p: ops.sum(p["w"] ** 2))({"w": w})
    """
    if weights is not None:
        from polyk.weights import value_and_grad as of_weights

        return of_weights(fn, list(weights), has_aux)

    def run(*args: Any) -> Any:
        chosen = [args[i] for i in ((argnums,) if isinstance(argnums, int) else argnums)]
        b, leaves = tensors(*trees.flatten(chosen))
        _check_floats(b, leaves)
        shell: list[Any] = []

        def flat(xs: list[Any]) -> tuple[Any, list[Any]]:
            new = dict(zip(_positions(argnums), trees.unflatten(chosen, xs), strict=True))
            result = fn(*(new.get(i, a) for i, a in enumerate(args)))
            loss, aux = result if has_aux else (result, None)
            shell.append(aux)
            return scalar_loss(loss), tensors(*trees.flatten(aux))[1] if has_aux else []

        (loss, aux), grads = b.value_and_grad(flat)(leaves)
        grads = trees.unflatten(chosen, list(grads))
        value = (loss, trees.unflatten(shell[-1], list(aux))) if has_aux else loss
        return value, grads[0] if isinstance(argnums, int) else tuple(grads)

    return run


def _positions(argnums: Argnums) -> list[int]:
    return [argnums] if isinstance(argnums, int) else list(argnums)


def _check_floats(b: Any, leaves: list[Any]) -> None:
    for x in leaves:
        if b.dtype(x) not in dtypes.FLOATS:
            raise DTypeError(f"a gradient is taken with respect to floats; got {b.dtype(x)}.")


def scalar_loss(loss: Any) -> Any:
    """`loss` as a tensor, if it is one float."""
    b, loss = one(loss)
    if b.shape(loss) != ():
        raise ShapeError(f"a gradient is taken of a scalar; the function gave {b.shape(loss)}.")
    if b.dtype(loss) not in dtypes.FLOATS:
        raise DTypeError(f"a gradient is taken of a float; the function gave {b.dtype(loss)}.")
    return loss


def grad(fn: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As `value_and_grad`, but only the gradients (with `has_aux`: and the aux)."""
    both = value_and_grad(fn, argnums, has_aux)

    def run(*args: Any) -> Any:
        value, grads = both(*args)
        return (grads, value[1]) if has_aux else grads

    return run


def vjp(fn: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """``fn(*primals)`` and the map from a cotangent of its result to those of the primals."""
    result = fn(*primals)

    def pull(cotangent: Any) -> tuple[Any, ...]:
        from polyk import ops

        def against(*args: Any) -> Any:
            outs, cots = trees.flatten(fn(*args)), trees.flatten(cotangent)
            parts = [ops.sum(ops.multiply(y, c)) for y, c in zip(outs, cots, strict=True)]
            total = parts[0]
            for part in parts[1:]:
                total = ops.add(total, part)
            return total

        return grad(against, tuple(range(len(primals))))(*primals)  # type: ignore[no-any-return]

    return result, pull


def jvp(
    fn: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> Any:
    """``fn(*primals)`` and how it changes as the primals move along `tangents`.

    With `has_aux` `fn` returns a pair, and the aux comes third. Derived from reverse mode: the
    pull-back is linear in its cotangent, and its own pull-back is the push-forward.
    """
    from polyk import ops

    kept: list[Any] = []

    def values(*args: Any) -> Any:
        result = fn(*args)
        kept[:] = [result[1]] if has_aux else []
        return result[0] if has_aux else result

    result = values(*primals)
    aux = list(kept)
    zeros = trees.map(ops.zeros_like, result)
    _, push = vjp(lambda cotangent: vjp(values, *primals)[1](cotangent), zeros)
    return (result, push(tuple(tangents))[0], *aux)
