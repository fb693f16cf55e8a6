"""What all ops of the ONNX backend share: nodes, constants, sizes, and transpositions that move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from polyk import dtypes, trees
from polyk.contract import Backend
from polyk.errors import UnsupportedOp
from polyk.export.onnx.graph import Tensor, current, place
from polyk.export.onnx.sizes import Atom, Size, same, terms_of
from polyk.select import get_backend
from polyk.symbolic import SYMBOLIC, Spec

ARRAYS = (np.ndarray, np.generic)
Axes = tuple[int, ...]


def is_open(x: Any) -> bool:
    """Whether `x` is not known before the file runs."""
    return isinstance(x, (Tensor, Size))


def dtype_of(*xs: Any) -> str:
    """The dtype of the tensors among `xs`, which is one."""
    return next(dtypes.standardize(x.dtype) for x in xs if hasattr(x, "dtype"))


def operand(x: Any, dtype: str) -> str:
    """The name of `x`, a tensor, an array or a Python scalar that takes `dtype`."""
    if isinstance(x, Tensor):
        return x.name
    if isinstance(x, Size):
        (name,) = current().add("Cast", [scalar_size(x)], {"to": dtype})
        return name
    if not isinstance(x, ARRAYS):
        x = get_backend("numpy").asarray(x, dtype)
    return current().constant(x)


def emit(op: str, inputs: Sequence[Any], shape: Any, dtype: str, **attrs: Any) -> Tensor:
    """The output of a node."""
    (y,) = emit_many(op, inputs, [(shape, dtype)], **attrs)
    return y


def emit_many(
    op: str, inputs: Sequence[Any], outputs: Sequence[tuple[Any, str]], **attrs: Any
) -> list[Tensor]:
    """The outputs, each ``(shape, dtype)``, of a node. An input may be a name, or None."""
    dtype = next((dtype_of(x) for x in inputs if hasattr(x, "dtype")), outputs[0][1])
    names = [x if isinstance(x, str) else "" if x is None else operand(x, dtype) for x in inputs]
    found = current().add(op, names, attrs, len(outputs))
    return [Tensor(n, *like) for n, like in zip(found, outputs, strict=True)]


# Sizes as values: int64 vectors of length 1, and what is made of them.


def size(x: int) -> str:
    """A vector that holds one size."""
    graph = current()
    if not isinstance(x, Size):
        return graph.constant(np.array([x], np.int64))
    total = ""
    for atoms, n in sorted(terms_of(x).items(), key=repr):
        part = "" if n != 1 and atoms else graph.constant(np.array([n], np.int64))
        factors = [_atom(a) for a in atoms] + ([] if n == 1 and atoms else [part or size(n)])
        product = factors[0]
        for factor in factors[1:]:
            (product,) = graph.add("Mul", [product, factor], {})
        total = graph.add("Add", [total, product], {})[0] if total else product
    return total


def _atom(atom: Atom) -> str:
    graph = current()
    if atom[0] == "axis":
        _, source, at = atom
        return graph.add("Shape", [source], {"start": at, "end": at + 1})[0]
    kind, *parts = atom
    x, y = (size(Size(1, dict(p)) if any(a for a, _ in p) else dict(p)[()]) for p in parts)
    (rest,) = graph.add("Mod", [x, y], {})
    if kind == "%":
        return rest
    (even,) = graph.add("Sub", [x, rest], {})
    return graph.add("Div", [even, y], {})[0]


def scalar_size(x: int) -> str:
    """A size as an int64 scalar."""
    if not isinstance(x, Size):
        return current().constant(np.array(x, np.int64))
    return current().add("Squeeze", [size(x)], {})[0]


def ints(xs: Sequence[int]) -> str:
    """A vector of sizes."""
    if not any(isinstance(x, Size) for x in xs):
        return current().constant(np.array(xs, np.int64))
    return current().add("Concat", [size(x) for x in xs], {"axis": 0})[0]


# Transpositions.


def transposed(x: Tensor, axes: Axes) -> Tensor:
    """``transpose(x, axes)``, through what `x` is itself a transposition of."""
    if x.source is not None:
        x, inner = x.source
        axes = tuple(inner[a] for a in axes)
    if axes == tuple(range(len(axes))):
        return x
    y = emit("Transpose", [x], [x.shape[a] for a in axes], x.dtype, perm=axes)
    y.source = x, axes
    return y


def inverse(axes: Axes) -> Axes:
    return tuple(int(a) for a in np.argsort(axes))


def before(*xs: Any) -> tuple[list[Any], Axes] | None:
    """`xs`, which broadcast, as they were before the transposition that one of them went through.

    None if there is none, or another of them cannot follow.
    """
    axes = next((x.source[1] for x in xs if isinstance(x, Tensor) and x.source), None)
    if axes is None:
        return None
    found = [_before(x, axes) for x in xs]
    return None if any(x is NotImplemented for x in found) else (found, axes)


def _before(x: Any, axes: Axes) -> Any:
    if not hasattr(x, "shape") or len(x.shape) == 0:
        return x
    if isinstance(x, Tensor) and x.source and x.source[1] == axes:
        return x.source[0]
    if len(x.shape) > len(axes):
        return NotImplemented
    wide = (1,) * (len(axes) - len(x.shape)) + tuple(x.shape)
    if isinstance(x, ARRAYS):
        return np.transpose(np.reshape(x, wide), inverse(axes))
    if sum(not same(d, 1) for d in wide) > 1 or any(isinstance(d, Size) for d in wide):
        return NotImplemented
    return reshaped(x, tuple(wide[a] for a in inverse(axes)))


def moved(fn: Callable[..., Tensor], *xs: Any) -> Tensor:
    """`fn` of tensors that broadcast, element by element, before their transposition."""
    found = before(*xs)
    return fn(*xs) if found is None else transposed(fn(*found[0]), found[1])


def reshaped(x: Tensor, shape: Sequence[int]) -> Tensor:
    """`x` in a shape of as many elements; one open size needs no arithmetic in the file."""
    shape = [remembered(d, x.shape) for d in shape]
    if len(shape) == len(x.shape) and all(map(same, shape, x.shape)):
        return x
    wanted = [_copied(x, i, d) for i, d in enumerate(shape)]
    left = [i for i, d in enumerate(wanted) if isinstance(d, Size)]
    if left and 0 not in shape:
        wanted[left[0]] = -1
    zero = {"allowzero": 1} if 0 in shape else {}
    return emit("Reshape", [x, ints(list(shape) if zero else wanted)], shape, x.dtype, **zero)


def remembered(d: int, shape: Sequence[int] = ()) -> int:
    """The open size, of `shape` or of an input, for which `d` stands where that was forgotten."""
    if isinstance(d, Size):
        return d
    known = (*shape, *(n for x in current().top.inputs for n in x.shape))
    return next((n for n in known if isinstance(n, Size) and int(n) == d), d)


def _copied(x: Tensor, i: int, d: int) -> int:
    """0, which copies a size, where it is open and that of the input."""
    kept = isinstance(d, Size) and i < len(x.shape) and same(x.shape[i], d)
    return 0 if kept else d


def unsupported(op: str, reason: str) -> UnsupportedOp:
    return UnsupportedOp(f"{place()}: {op} cannot be exported to ONNX: {reason}")


class Emitter(Backend):
    """The engine side: tensors of the graph, and arrays for what is known while tracing."""

    name = "onnx"
    rank = 2
    tensor_types = (Tensor, *ARRAYS)
    host_types = ARRAYS
    dtypes = dtypes.ALL

    def asarray(self, x: Any, dtype: str | None = None) -> Any:
        if isinstance(x, Tensor):
            return x if dtype in (None, x.dtype) else self.cast(x, dtype)
        if isinstance(x, Size):
            return emit("Cast", [scalar_size(x)], (), dtype or "int32", to=dtype or "int32")
        return get_backend("numpy").asarray(x, dtype)

    def to_numpy(self, x: Any) -> Any:
        if isinstance(x, ARRAYS):
            return np.asarray(x)
        raise unsupported("reading values", "they are not known while the model is traced.")

    def dtype(self, x: Any) -> str:
        return dtypes.standardize(x.dtype)

    def is_concrete(self, x: Any) -> bool:
        return not isinstance(x, Tensor)

    def constant(self, x: Any) -> Any:
        return self.asarray(x)

    def copy(self, x: Any) -> Any:
        return x

    def _absent(self, op: str) -> UnsupportedOp:
        return unsupported(op, "no ONNX operator computes it.")


def folded(method: Callable[..., Any]) -> Callable[..., Any]:
    """`method`, and NumPy's where everything is known: constants are computed beforehand."""
    name = method.__name__

    def run(self: Emitter, *args: Any, **kwargs: Any) -> Any:
        if name == "full" or any(map(is_open, trees.flatten((args, kwargs)))) or _slices_open(args):
            return method(self, *args, **kwargs)
        return getattr(get_backend("numpy"), name)(*args, **kwargs)

    run.__name__, run.__doc__ = name, method.__doc__
    return run


def _slices_open(args: Any) -> bool:
    found = (s for s in trees.flatten(args) if isinstance(s, slice))
    return any(isinstance(v, Size) for s in found for v in (s.start, s.stop))


def shape_like(op: str, *args: Any) -> Spec:
    """Shape and dtype of ``op(*args)``, by the rules of shape inference."""
    result: Spec = getattr(SYMBOLIC, op)(*trees.map(_spec, args))
    return result


def _spec(x: Any) -> Any:
    return Spec(x.shape, dtypes.standardize(x.dtype)) if hasattr(x, "dtype") else x
