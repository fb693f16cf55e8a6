"""What a case is: a call of one op, what it must give and in which dtype."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Self

import numpy as np

from polyk import ops

FLOATX = "float32"


@dataclass(frozen=True, eq=False)
class Case:
    """``ops.<op>(*args, **kwargs)``; `reference` gives the same from float64 arguments.

    `op` may be dotted: "image.resize". `dtype` is that of the result (one for each, if there are
    several), or a rule that finds it from the arguments. `smooth` names the arguments with respect
    to which gradients are checked.
    """

    op: str
    label: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    reference: Callable[..., Any]
    dtype: Any
    smooth: tuple[int, ...] = ()
    static: bool = False  # whether the result depends on values in more than its values

    def __str__(self) -> str:
        return f"{self.op}-{self.label}"

    def but(self, **changes: Any) -> Self:
        return replace(self, **changes)

    def call(self, *args: Any) -> Any:
        return attrgetter(self.op)(ops)(*args, **self.kwargs)

    def want(self) -> list[Any]:
        """The results: arrays where exact, `Bounded` where rounding is allowed."""
        with np.errstate(all="ignore"):
            return as_list(self.reference(*map_arrays(widen, self.args), **self.kwargs))

    def dtypes(self, count: int) -> list[str]:
        found = self.dtype(self.args) if callable(self.dtype) else self.dtype
        return list(found) if isinstance(found, tuple) else [found] * count


def as_list(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (list, tuple)) else [result]


def map_arrays(fn: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with `fn` applied to its NumPy arrays and nothing else."""
    if isinstance(tree, np.ndarray):
        return fn(tree)
    if isinstance(tree, (list, tuple)):
        return type(tree)(map_arrays(fn, item) for item in tree)
    return tree


def arrays_of(tree: Any) -> list[Any]:
    found: list[Any] = []
    map_arrays(found.append, tree)
    return found


def widen(x: Any) -> Any:
    return x.astype(np.float64) if x.dtype.kind == "f" else x


def table(op: str, reference: Any, dtype: Any, *rows: Any, smooth: Any = (), **options: Any) -> Any:
    """One case for each row ``(label, args...)``; a dict at the end holds its keywords."""
    cases = []
    for label, *args in rows:
        kwargs = args.pop() if args and isinstance(args[-1], dict) else {}
        cases.append(Case(op, label, tuple(args), kwargs, reference, dtype, smooth, **options))
    return cases


def alias(cases: list[Case], op: str, name: str) -> list[Case]:
    """The first case of `op` under its other name."""
    first = next(c for c in cases if c.op == op)
    return [first.but(op=name, smooth=())]


# Values.


def floats(
    *shape: int, seed: int = 0, lo: float = -2.0, hi: float = 2.0, dtype: str = FLOATX
) -> Any:
    """Uniform numbers, the same in every run."""
    return np.random.default_rng(seed).uniform(lo, hi, shape).astype(dtype)


def doubles(*shape: int, **options: Any) -> Any:
    return floats(*shape, dtype="float64", **options)


def ints(*shape: int, seed: int = 0, lo: int = -5, hi: int = 6, dtype: str = "int32") -> Any:
    return np.random.default_rng(seed).integers(lo, hi, shape).astype(dtype)


def bools(*shape: int, seed: int = 0) -> Any:
    return ints(*shape, seed=seed, lo=0, hi=2, dtype="bool")


def array(values: Any, dtype: str = FLOATX) -> Any:
    return np.array(values, dtype)


# Rules for the dtype of a result, independent of the table in polyk.dtypes.


def join(a: Any, b: Any) -> str:
    """Where two dtypes, or a dtype and the type of a Python scalar, meet."""
    if a in (bool, int, float):
        a, b = b, a
    floating = str(a).startswith(("float", "bfloat"))
    if b in (bool, int, float):
        kinds = {"bool": 0, bool: 0, int: 1, float: 2}
        if floating or kinds[b] <= kinds.get(a, 1):
            return a
        return FLOATX if b is float else "int32"
    if a == b:
        return a
    if floating != str(b).startswith(("float", "bfloat")):
        return a if floating else b
    if {a, b} == {"float16", "bfloat16"}:
        return "float32"
    if "bfloat16" in (a, b):
        return b if a == "bfloat16" else a
    return np.promote_types(a, b).name


def kinds(args: Any) -> list[Any]:
    return [a.dtype.name if isinstance(a, np.ndarray) else type(a) for a in args]


def first(args: Any) -> str:
    """That of the first tensor."""
    return arrays_of(args)[0].dtype.name


def joined(args: Any) -> str:
    """Where all tensors and Python scalars meet."""
    flat = [k for a in args for k in kinds(a if isinstance(a, (list, tuple)) else [a])]
    found = flat[0]
    for other in flat[1:]:
        found = join(found, other)
    return {bool: "bool", int: "int32", float: FLOATX}.get(found, found)


def floated(args: Any) -> str:
    """As `joined`, with ints and bools in floatx."""
    found = joined(args)
    return found if found.startswith(("float", "bfloat")) else FLOATX


def counted(args: Any) -> str:
    """As `joined`, with bools as int32."""
    found = joined(args)
    return "int32" if found == "bool" else found


def summed(args: Any) -> str:
    """That of the first tensor, small ints and bools as int32."""
    found = first(args)
    return "int32" if found in ("bool", "int8", "int16", "uint8", "uint16") else found
