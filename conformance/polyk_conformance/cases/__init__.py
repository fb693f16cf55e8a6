"""The table: for every public op its calls and what they must give."""

from polyk_conformance.cases import (
    control,
    conv,
    creation,
    elementwise,
    indexing,
    linalg,
    nn,
    reductions,
    sequence,
    shaping,
)
from polyk_conformance.cases.case import Case

FAMILIES = (
    creation,
    elementwise,
    reductions,
    shaping,
    indexing,
    linalg,
    conv,
    nn,
    sequence,
    control,
)
CASES: list[Case] = [case for family in FAMILIES for case in family.CASES]
