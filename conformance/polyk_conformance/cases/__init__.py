"""The table: for every public op its calls and what they must give."""

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
from polyk_conformance.cases.case import Case

FAMILIES = (
    *(creation, elementwise, special, reductions, statistics, shaping, layout, indexing),
    *(linalg, matrices, conv, nn, sequence, control),
)
CASES: list[Case] = [case for family in FAMILIES for case in family.CASES]
