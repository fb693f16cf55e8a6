"""The table: for every public op its calls and what they must give."""

from typing import Any

import numpy as np

from polyk_conformance.cases import (
    control,
    conv,
    creation,
    elementwise,
    extras,
    image,
    indexing,
    layout,
    linalg,
    matrices,
    nn,
    reductions,
    sequence,
    shaping,
    signal,
    special,
    statistics,
)
from polyk_conformance.cases.case import Case, arrays_of, map_arrays

FAMILIES = (
    *(creation, elementwise, special, reductions, statistics, shaping, layout, indexing),
    *(linalg, matrices, conv, extras, image, signal, nn, sequence, control),
)
CASES: list[Case] = [case for family in FAMILIES for case in family.CASES]

PRECISIONS = ("float64", "float16")
SINGLE = {"histogram", "nan_to_num", "nextafter", "view"}  # their references speak of float32
HALF = {  # what float16 has no room for: 1 - 1e-7, exp(12), singular values
    "binary_crossentropy-sure", "categorical_crossentropy-certain", "silu-points", "swish-points",
    "norm-matrix-nuc", "norm-matrix-2", "norm-matrix--2", "norm-smooth-2", "norm-smooth-nuc",
}  # fmt: skip


def precise_cases() -> list[Case]:
    """Float32 cases once more in the other precisions, where their dtype follows the arguments."""
    return [
        case.but(label=f"{case.label}-{dtype}", args=recast(case.args, dtype))
        for case in CASES
        for dtype in PRECISIONS
        if type(case) is Case and callable(case.dtype) and not case.static and narrow(case)
        if case.op not in SINGLE and not (dtype == "float16" and str(case) in HALF)
    ]


def narrow(case: Case) -> bool:
    """Whether all floats are float32."""
    found = {a.dtype.name for a in arrays_of(case.args) if a.dtype.kind == "f"}
    return found == {"float32"} and not any(isinstance(a, np.generic) for a in case.args)


def recast(args: Any, dtype: str) -> Any:
    return map_arrays(lambda a: a.astype(dtype) if a.dtype.kind == "f" else a, args)
