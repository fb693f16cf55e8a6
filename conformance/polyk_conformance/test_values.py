"""Values, dtypes and shapes of every op against the oracle."""

import pytest

import polyk
from polyk import ops, symbolic
from polyk_conformance.cases import CASES
from polyk_conformance.cases.case import arrays_of, as_list, map_arrays
from polyk_conformance.checks import check, run, tensors

each_case = pytest.mark.parametrize("case", CASES, ids=str)


@each_case
def test_an_op_gives_what_the_oracle_says(backend, case):
    check(case, run(case))


