"""An override of a derived op gives what the default that it replaces gives."""

import numpy as np
import pytest

import polyk
from polyk_conformance.cases import CASES
from polyk_conformance.cases.case import as_list, map_arrays
from polyk_conformance.checks import check
from polyk_conformance.reference import is_derived, overrides, without_overrides

METHOD = {"conv_transpose": "conv_input_grad", "lu_factor": "lu"}


OPS = sorted({case.op for case in CASES if is_derived(METHOD.get(case.op, case.op))})


@pytest.mark.parametrize("op", OPS)
def test_a_derived_default_passes_where_its_override_does(backend, op):
    if not overrides(type(backend), METHOD.get(op, op)):
        pytest.skip("this backend has the default")
    if op in backend.gaps:
        pytest.skip("a declared gap")
    count = 8 if backend.eager else 2  # an engine that traces compiles each step of a default
    with polyk.use(without_overrides(type(backend))):
        for case in [c for c in CASES if c.op == op][:count]:
            check(case, as_list(case.call(*map_arrays(np.copy, case.args))))
