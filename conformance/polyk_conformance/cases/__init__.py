"""The table: for every public op its calls and what they must give."""

from polyk_conformance.cases import conv, elementwise, indexing, linalg, nn, reductions, shaping
from polyk_conformance.cases.case import Case

FAMILIES = (elementwise, reductions, shaping, indexing, linalg, conv, nn)
CASES: list[Case] = [case for family in FAMILIES for case in family.CASES]
