"""Weights, and the frames that shadow them while a step is traced or differentiated.

A `Weight` holds one tensor of state: a kernel, a running mean, an optimizer's moment, a counter. To
layers it reads as the tensor itself. A frame is a dict from weights to values that one thread puts
in their place for a while; writing a weight inside a frame stays in the frame. So the same code
runs eagerly, under a gradient tape and inside a compiled step, and never sees the difference.
"""

from __future__ import annotations

import inspect
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from polyk import dtypes, random, trees
from polyk.autodiff.api import scalar_loss
from polyk.contract import Backend
from polyk.errors import ShapeError
from polyk.masks import local as masks_local
from polyk.masks import mask_of, set_masks
from polyk.ops.dispatch import cast, tensors
from polyk.ops.operators import Operators
from polyk.select import ENGINES, HANDLES, backend_of, current, get_backend, use
from polyk.symbolic import Spec


class _Local(threading.local):
    def __init__(self) -> None:
        self.frame: Any = None
        self.postponed = False
        self.autocast: str | None = None  # the dtype in which the layer being called reads weights


_local = _Local()
_uids = itertools.count()


class Weight(Operators):
    """A named tensor of state; accepted wherever a tensor is.

    Its first value is computed when first needed, by `initializer` from the stream `key`, on the
    host, so that every backend starts from the same bits.
    """

    def __hash__(self) -> int:  # not the built-in one: torch.compile can trace this
        return self.uid

    def __init__(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str | None = None,
        initializer: Callable[..., Any] | None = None,
        trainable: bool = True,
        regularizer: Callable[..., Any] | None = None,
        constraint: Callable[..., Any] | None = None,
        autocast: bool = False,
    ) -> None:
        self.name = self.path = name
        self.uid = next(_uids)
        self.shape = tuple(int(d) for d in shape)
        self.dtype = dtypes.standardize(dtype or dtypes.floatx())
        self.initializer, self.trainable = initializer, trainable
        self.regularizer, self.constraint = regularizer, constraint
        self.autocast = autocast and self.dtype in dtypes.FLOATS
        self.key: random.Key | None = None
        self.backend: Backend | None = None
        self.cell: Any = None

    def __repr__(self) -> str:
        return f"<Weight {self.path!r} {self.shape} {self.dtype}>"

    def __eq__(self, other: object) -> Any:
        return self is other

    def __ne__(self, other: object) -> Any:
        return self is not other

    @property
    def value(self) -> Any:
        """The tensor: the frame's, else the stored one; in the dtype of a mixed layer's call."""
        frame = _local.frame
        value = None if frame is None else frame.get(self)
        if value is None:
            if self.backend is None:
                self.initialize()
            value = self.backend.read_cell(self.cell)  # type: ignore[union-attr]
        if _local.autocast is None or not self.autocast:
            return value
        return cast(backend_of(value), value, _local.autocast)

    def assign(self, value: Any) -> None:
        """Replace the value, in the frame if there is one."""
        if _local.frame is None and self.backend is None:
            self.backend = current()
        b = ENGINES.get(type(value)) or backend_of(value)
        if b.rank == 0 and self.backend is not None:
            b = self.backend
        value = value if isinstance(value, b.tensor_types) else b.asarray(value)
        if b.shape(value) != self.shape:
            raise ShapeError(f"weight {self.path!r} has shape {self.shape}; got {b.shape(value)}.")
        if b.dtype(value) != self.dtype:
            value = b.cast(value, self.dtype)
        if _local.frame is not None:
            _local.frame[self] = value
        elif self.cell is None:
            self.cell = self.backend.new_cell(b.copy(value))  # type: ignore[union-attr]
        else:
            self.cell = self.backend.write_cell(self.cell, value)  # type: ignore[union-attr]

    def assign_add(self, value: Any) -> None:
        """Add `value` to the weight."""
        self.assign(self + value)

    def assign_sub(self, value: Any) -> None:
        """Subtract `value` from the weight."""
        self.assign(self - value)

    def initialize(self, backend: Backend | None = None) -> None:
        """Compute the first value and place it on `backend` (the one in use)."""
        if _local.postponed:
            return
        backend = backend or current()
        value = backend.constant(self._first_value())
        self.backend, self.cell = backend, backend.new_cell(cast(backend, value, self.dtype))

    def _first_value(self) -> Any:
        import numpy as np

        dtype = "float32" if self.dtype == "bfloat16" else self.dtype  # which NumPy lacks
        if self.initializer is None:
            return np.zeros(self.shape, dtype)
        host = get_backend("numpy")
        seed = self.key or random.next_key()
        with use(host):
            if "seed" in inspect.signature(self.initializer).parameters:
                return host.to_numpy(self.initializer(self.shape, dtype=dtype, seed=seed))
            return np.asarray(self.initializer(self.shape, dtype=dtype), dtype)

    def numpy(self) -> Any:
        """A copy of the value on the host."""
        import numpy as np

        value = self.value
        return np.array(self.backend.to_numpy(value))  # type: ignore[union-attr]

    def restore(self, array: Any, backend: Backend) -> None:
        """Take an array of the right shape and dtype for the value, on `backend` if it is new."""
        if self.backend is None:
            self.backend, self.cell = backend, backend.new_cell(backend.constant(array))
        else:
            self.assign(array)

    def to(self, backend: Backend) -> None:
        """Move the value to another backend (or another device of this one)."""
        if self.backend is None:
            self.initialize(backend)
        else:
            self.cell = backend.new_cell(backend.asarray(self.numpy()))
            self.backend = backend


class Variable(Weight):
    """A weight as Keras makes one: from a first value, or from an initializer and a shape.

    >>> steps = polyk.Variable(0, dtype="int32", trainable=False)
    >>> steps.assign_add(1)
    """

    def __init__(
        self,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: str | None = None,
        trainable: bool = True,
        autocast: bool = False,
        name: str | None = None,
        constraint: Callable[..., Any] | None = None,
    ) -> None:
        first = None
        if not callable(initializer):
            b, (first,) = tensors(initializer)
            first = cast(b, first, dtypes.standardize(dtype or dtypes.floatx()))
            shape = b.shape(first)
        elif shape is None:
            raise ValueError("a Variable made by an initializer needs a shape.")
        make = initializer if first is None else None
        super().__init__(name or "variable", shape or (), dtype, make, trainable, None, constraint,
                         autocast)  # fmt: skip
        if first is not None:
            self.assign(first)


HANDLES[Weight] = HANDLES[Variable] = lambda w: w.value


class WeightAttribute:
    """The attribute of a layer that holds a weight: reads and writes its value.

    Installed on the layer's class; on objects that keep something else under the name it does
    nothing.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, obj: Any, cls: type | None = None) -> Any:
        if obj is None:
            return self
        weight = obj._own_weights.get(self.name)
        if weight is not None:
            return weight.value
        try:
            return obj.__dict__[self.name]
        except KeyError:
            raise AttributeError(
                f"{type(obj).__name__!r} object has no attribute {self.name!r}"
            ) from None

    def __set__(self, obj: Any, value: Any) -> None:
        weight = obj._own_weights.get(self.name)
        if weight is None:
            obj.__dict__[self.name] = value
        else:
            weight.assign(value)


class frame:
    """Let `values` (weight -> tensor) stand in for stored values in this thread: a with block."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __enter__(self) -> Any:
        self.before, _local.frame = _local.frame, self.values
        return self.values

    def __exit__(self, *exc: object) -> None:
        _local.frame = self.before


def current_frame() -> Any:
    """The innermost frame of this thread, or None."""
    return _local.frame


def only_shapes() -> bool:
    """Whether shapes are being inferred, and weights are read as Specs."""
    return isinstance(_local.frame, _Shapes)


def in_frame() -> bool:
    """Whether a frame holds this thread's writes, so that nothing may change in place."""
    return _local.frame is not None


def set_autocast(dtype: str | None) -> str | None:
    """Let weights that a layer made be read in `dtype` in this thread; gives what held before."""
    before, _local.autocast = _local.autocast, dtype
    return before


class _Shapes(dict[Weight, Any]):
    """The frame of shape inference: every weight is its Spec, and writing changes nothing."""

    def get(self, weight: Weight, default: Any = None) -> Any:
        return Spec(weight.shape, weight.dtype)

    def __setitem__(self, weight: Weight, value: Any) -> None:
        pass


@contextmanager
def postponed() -> Iterator[None]:
    """Models built in this block have weights without values: nothing is allocated for them."""
    before, _local.postponed = _local.postponed, True
    try:
        yield
    finally:
        _local.postponed = before


def values_postponed() -> bool:
    """Whether a file is being made into a model."""
    return _local.postponed


def shapes_only() -> Any:
    """A frame in which weights have shapes and no values."""
    return frame(_Shapes())


def value_and_grad(
    fn: Callable[..., Any], weights: list[Weight], has_aux: bool = False
) -> Callable[..., Any]:
    """`polyk.value_and_grad` with respect to weights; what `fn` writes to other weights is kept."""

    def run(*args: Any) -> Any:
        if only_shapes():
            return fn(*args), [Spec(w.shape, w.dtype) for w in weights]
        values = [w.value for w in weights]
        written: list[Weight] = []
        shell: list[Any] = []

        def pure(xs: list[Any]) -> tuple[Any, list[Any]]:
            before = dict(zip(weights, xs, strict=True))
            if _local.frame:
                before = {**_local.frame, **before}
            with frame(before.copy()) as inside:
                result = fn(*args)
            loss, aux = result if has_aux else (result, None)
            changed = [(w, v) for w, v in inside.items() if before.get(w) is not v]
            written[:] = [w for w, _ in changed]
            masks = [mask_of(x) for x in trees.flatten(aux)] if masks_local.table else None
            shell[:] = [(aux, masks)]
            out = tensors(*trees.flatten(shell))[1]
            return scalar_loss(loss), [*out, *(v for _, v in changed)]

        (loss, out), grads = _engine(weights).value_and_grad(pure)(values)
        kept = len(out) - len(written)
        for w, v in zip(written, out[kept:], strict=True):
            w.assign(v)
        aux, masks = trees.unflatten(shell[0], list(out[:kept]))
        if masks is not None:
            set_masks(aux, masks)
        return ((loss, aux) if has_aux else loss), grads

    return run


def _engine(weights: Sequence[Weight]) -> Backend:
    """The backend that all of `weights` live on."""
    backends = {w.backend.name: w.backend for w in weights if w.backend is not None}
    if len(backends) > 1:
        raise ValueError(f"these weights live on several backends: {', '.join(sorted(backends))}.")
    return next(iter(backends.values()), None) or current()
