"""Run a case on the backend in use and compare what comes with what must."""

import numpy as np

import polyk
from polyk import ops
from polyk_conformance import record
from polyk_conformance.bounded import Bounded, Gap, budget
from polyk_conformance.cases.case import as_list, map_arrays


def tensors(tree):
    """`tree` with its arrays as tensors of the backend in use, each with memory of its own."""
    return map_arrays(lambda x: ops.convert_to_tensor(x.copy()), tree)


def run(case):
    """The results of a case, in a list."""
    record.begin(case)
    return as_list(case.call(*tensors(case.args)))


def check(case, results):
    """Every result has the dtype, the shape and the values that it must have."""
    record.begin(case)
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
        gap = budget(got, want)
        record.note(dtype, gap)
        assert gap.used <= 1, f"{gap.used:.3g} times what rounding allows, {gap}"
    else:
        want = np.asarray(want.v if isinstance(want, Bounded) else want)
        assert got.shape == want.shape, f"shape {got.shape}, not {want.shape}"
        np.testing.assert_array_equal(got, want.astype(got.dtype), strict=True)
        record.note(dtype, Gap(0.0))


def assert_close(name, gots, wants, share=1e-11):
    """Float64 arrays that differ by at most `share` of the largest element."""
    record.begin(name)
    assert len(gots) == len(wants)
    for got, want in zip(map(polyk.to_numpy, gots), map(polyk.to_numpy, wants), strict=True):
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        assert np.array_equal(np.isnan(got), np.isnan(want))
        if got.size and got.dtype.kind == "f":
            i = int(np.nanargmax(abs(got - want)))
            record.share(got.flat[i], want.flat[i], share * np.nanmax(abs(want)) + 1e-30)
        else:
            np.testing.assert_array_equal(got, want)
