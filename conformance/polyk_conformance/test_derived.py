"""An override of a derived op gives what the default that it replaces gives."""

from functools import cache

import numpy as np
import pytest

import polyk
from polyk.contract import Backend
from polyk_conformance.cases import CASES
from polyk_conformance.cases.case import as_list, map_arrays
from polyk_conformance.checks import check

FAMILIES = ("Shaping", "Maths", "Linalg", "Conv", "NN")  # the classes that hold defaults
ENGINE_OWN = {"cond", "while_loop", "scan"}  # defaults that cannot be traced
METHOD = {"conv_transpose": "conv_input_grad"}


def is_derived(name):
    """Whether `name` is a method of the contract with a default."""
    family = next((c for c in Backend.__mro__ if name in vars(c)), object)
    return family.__name__ in FAMILIES and not name.startswith("_") and name not in ENGINE_OWN


def overrides(cls, name):
    return is_derived(name) and getattr(cls, name) is not getattr(Backend, name)


@cache
def without_overrides(cls):
    """A backend of class `cls` that has the contract's defaults instead of its own derived ops."""
    names = [name for name in dir(Backend) if overrides(cls, name)]
    defaults = {name: getattr(Backend, name) for name in names}
    return type(f"Derived{cls.__name__}", (cls,), defaults)()


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
