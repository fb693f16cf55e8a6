"""The table: for every public op its calls and what they must give."""

from typing import Any

from polyk_conformance.cases import (
    control,
    conv,
    creation,
    elementwise,
    indexing,
    layout,
    linalg,
    matrices,
    nn,
    reductions,
    sequence,
    shaping,
    special,
    statistics,
)
from polyk_conformance.cases.case import Case, arrays_of, map_arrays

FAMILIES = (
    *(creation, elementwise, special, reductions, statistics, shaping, layout, indexing),
    *(linalg, matrices, conv, nn, sequence, control),
)
CASES: list[Case] = [case for family in FAMILIES for case in family.CASES]

PRECISIONS = ("float64", "float16")


def precise_cases() -> list[Case]:
    """Float32 cases once more in the other precisions, where their dtype follows the arguments."""
    return [
        case.but(label=f"{case.label}-{dtype}", args=recast(case.args, dtype))
        for case in CASES
        for dtype in PRECISIONS
        if type(case) is Case and callable(case.dtype) and not case.static and narrow(case)
    ]


def narrow(case: Case) -> bool:
    """Whether all floats are float32."""
    found = [a.dtype.name for a in arrays_of(case.args) if a.dtype.kind == "f"]
    return bool(found) and set(found) == {"float32"}


def recast(args: Any, dtype: str) -> Any:
    return map_arrays(lambda a: a.astype(dtype) if a.dtype.kind == "f" else a, args)
