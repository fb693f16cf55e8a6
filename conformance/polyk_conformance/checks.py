"""Run a case on the backend in use and compare what comes with what must."""

import numpy as np

import polyk
from polyk import ops
from polyk_conformance.bounded import Bounded, budget
from polyk_conformance.cases.case import as_list, map_arrays


def tensors(tree):
    """`tree` with its arrays as tensors of the backend in use, each with memory of its own."""
    return map_arrays(lambda x: ops.convert_to_tensor(x.copy()), tree)


def run(case):
    """The results of a case, in a list."""
    return as_list(case.call(*tensors(case.args)))


def check(case, results):
    """Every result has the dtype, the shape and the values that it must have."""
    wants = case.want()
    assert len(results) == len(wants), f"{len(results)} results, not {len(wants)}"
    for got, want, dtype in zip(results, wants, case.dtypes(len(wants)), strict=True):
        assert_matches(got, want, dtype)


def assert_matches(got, want, dtype):
    """`got` is a tensor of `dtype` within what `want` allows; Python values must be equal."""
    if isinstance(got, np.ndarray):
        got = ops.convert_to_tensor(got)
    if not ops.is_tensor(got):
        assert type(got) is type(want), f"{type(got).__name__}, not {type(want).__name__}"
        assert got == want
        return
    assert ops.dtype(got) == dtype, f"dtype {ops.dtype(got)}, not {dtype}"
    got = polyk.to_numpy(got)
    if isinstance(want, Bounded) and dtype.startswith(("float", "bfloat")):
        assert got.shape == want.shape, f"shape {got.shape}, not {want.shape}"
        used, words = budget(got, want)
        assert used <= 1, f"{used:.3g} times what rounding allows, {words}"
    else:
        want = np.asarray(want.v if isinstance(want, Bounded) else want)
        assert got.shape == want.shape, f"shape {got.shape}, not {want.shape}"
        np.testing.assert_array_equal(got, want.astype(got.dtype), strict=True)
