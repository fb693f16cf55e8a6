"""Every op of the table: values, dtypes and shapes, eager, compiled and inferred."""

import numpy as np
import pytest

import polyk
from polyk import layers, ops, symbolic
from polyk_conformance.cases import CASES
from polyk_conformance.cases.case import Case, arrays_of, as_list, map_arrays
from polyk_conformance.checks import check, run, tensors


def first_of_each_op(count: int) -> list[Case]:
    """A few cases for each op, those whose call can be traced."""
    chosen: dict[str, list[Case]] = {}
    for case in CASES:
        if arrays_of(case.args) and not case.static and case.dtype:
            chosen.setdefault(case.op, []).append(case)
    return [case for cases in chosen.values() for case in cases[:count]]


each_case = pytest.mark.parametrize("case", CASES, ids=str)


def test_no_public_op_is_missing_from_the_table():
    public = {n for n, f in vars(ops).items() if callable(f) and not n.startswith("_")}
    public |= {f"image.{name}" for name in ops.image.__all__}
    assert public == {case.op for case in CASES}


def test_no_two_cases_have_one_name():
    names = [str(case) for case in CASES]
    assert sorted(names) == sorted(set(names))


@each_case
def test_an_op_gives_what_the_oracle_says(backend, case):
    check(case, run(case))


def test_an_op_keeps_its_bound_in_another_precision(backend, precise):
    floats = {a.dtype.name for a in arrays_of(precise.args) if a.dtype.kind == "f"}
    if not floats <= set(backend.dtypes):
        pytest.skip(f"{backend.name} has no {' or '.join(floats)}")
    check(precise, run(precise))


@pytest.mark.parametrize("case", first_of_each_op(4), ids=str)
def test_an_op_leaves_its_arguments_as_they_were(backend, case):
    given = tensors(case.args)
    before = [polyk.to_numpy(tensor).copy() for tensor in leaves(given)]
    case.call(*given)
    for tensor, array in zip(leaves(given), before, strict=True):
        np.testing.assert_array_equal(polyk.to_numpy(tensor), array)


@pytest.mark.parametrize("case", first_of_each_op(1), ids=str)
def test_an_op_takes_host_data(backend, case):
    host = map_arrays(np.copy, case.args)
    check(case, as_list(case.call(*host)))
    for changed, array in zip(arrays_of(host), arrays_of(case.args), strict=True):
        np.testing.assert_array_equal(changed, array)


@pytest.mark.parametrize("case", first_of_each_op(1), ids=str)
def test_an_op_takes_weights(backend, case):
    owner = layers.Layer()

    def weight(array):
        made = owner.add_weight(f"w{len(owner.weights)}", array.shape, dtype=array.dtype.name)
        made.assign(array)
        return made

    check(case, as_list(case.call(*map_arrays(weight, case.args))))


@pytest.mark.conformance(mode="compiled")
@pytest.mark.parametrize("case", first_of_each_op(1), ids=str)
def test_compiled_is_eager(backend, case):
    given = tensors(case.args)

    @polyk.compile
    def compiled(*found):
        supply = iter(found)
        return case.call(*replace(given, supply))

    check(case, as_list(compiled(*leaves(given))))


@pytest.mark.parametrize(
    "case", [c for c in CASES if not c.static and c.dtype and c.op not in ("cond", "while_loop")],
    ids=str,
)  # fmt: skip
def test_an_inferred_shape_is_the_real_one(case):
    with polyk.use(symbolic.SYMBOLIC):
        specs = map_arrays(lambda x: symbolic.Spec(x.shape, x.dtype.name), case.args)
        found = as_list(symbolic.infer(case.call, *specs))
    wants = case.want()
    shapes = [tuple(np.shape(w)) for w in wants]
    assert [spec.shape for spec in found] == shapes
    assert [spec.dtype for spec in found] == case.dtypes(len(wants))


def leaves(tree):
    found = []
    map_tensors(found.append, tree)
    return found


def replace(tree, supply):
    return map_tensors(lambda _: next(supply), tree)


def map_tensors(fn, tree):
    if ops.is_tensor(tree):
        return fn(tree)
    return type(tree)(map_tensors(fn, t) for t in tree) if isinstance(tree, (list, tuple)) else tree
