"""What importing and using polyk brings into the process, and what it does not."""

import pytest

from polyk.plugins import installed

FRAMEWORKS = {"numpy": "numpy", "torch": "torch", "jax": "jax", "tensorflow": "tensorflow"}


def test_import_polyk_adds_only_the_module_polyk(python):
    code = "import sys; before = set(sys.modules); import polyk; print(*set(sys.modules) - before)"
    assert python(code).split() == ["polyk"]


def test_listing_backends_imports_no_framework_and_no_numpy(python):
    code = """
import sys
from polyk.cli import main
main(["backends"], standalone_mode=False)
print(*sys.modules)
"""
    *table, modules = python(code).splitlines()
    assert len(table) > len(FRAMEWORKS)
    assert not set(FRAMEWORKS.values()) & set(modules.split())


def present():
    return [name for name in FRAMEWORKS if not installed()[name][0].missing]


@pytest.mark.parametrize("name", present())
def test_a_backend_imports_no_other_framework(python, name):
    """What the framework's own import brings does not count: TensorFlow's tries to import JAX."""
    code = """
import importlib, sys
importlib.import_module(sys.argv[2])
before = set(sys.modules)
import polyk
with polyk.use(sys.argv[1]):
    x = polyk.ops.ones((2, 3))
    polyk.ops.matmul(x, polyk.ops.transpose(x))
print(*set(sys.modules) - before)
"""
    modules = set(python(code, name, FRAMEWORKS[name]).split())
    assert f"polyk_{name}" in modules
    assert not modules & (set(FRAMEWORKS.values()) - {"numpy"})
