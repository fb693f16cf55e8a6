"""What a backend claims, checked both ways: it computes where it says, and on nothing else.

What is claimed is tested by every other module; what is not claimed must raise, and never be
computed by NumPy in silence.
"""

import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from unittest import mock

import pytest

import polyk
from polyk import ops, plugins
from polyk_conformance.cases.case import as_list
from polyk_conformance.checks import tensors
from polyk_conformance.report.probe import probe
from polyk_conformance.test_values import first_of_each_op

HOST = {"convert_to_numpy"}  # whose results are host data


class LeftTheEngineError(AssertionError):
    """An op read the values of a float tensor."""


def guarded(door, tensor_of):
    """`door`, shut to floats. Whole numbers may be read: to check an index, to take a branch."""

    def open_to_ints(*args, **kwargs):
        if ops.dtype(tensor_of(args)).startswith(("float", "bfloat")):
            raise LeftTheEngineError("the op handed a float tensor to NumPy")
        return door(*args, **kwargs)

    return open_to_ints


@contextmanager
def no_way_out(backend):
    """Make every door from the backend's float tensors to NumPy raise."""
    with ExitStack() as stack:
        cls = type(backend)
        guard = guarded(cls.to_numpy, lambda args: args[-1])
        stack.enter_context(mock.patch.object(cls, "to_numpy", guard))
        for tensor_type in backend.tensor_types:
            for name in ("__array__", "__dlpack__", "numpy", "tolist"):
                door = getattr(tensor_type, name, None)
                with suppress(AttributeError, TypeError):  # a class of C that cannot be patched
                    guard = guarded(door, lambda args: args[0])
                    if door is not None:
                        stack.enter_context(mock.patch.object(tensor_type, name, guard))
        yield


@pytest.mark.parametrize("case", first_of_each_op(1), ids=str)
def test_an_op_stays_on_its_engine(backend, case):
    """It hands no float tensor to NumPy on the way, and gives tensors of the engine."""
    if case.op in HOST:
        pytest.skip("gives host data by design")
    given = tensors(case.args)
    with nullcontext() if backend.host_types else no_way_out(backend):
        results = as_list(case.call(*given))
    for result in results:
        if not isinstance(result, (bool, int, str, tuple)):
            assert isinstance(result, backend.tensor_types), type(result)


LOAD = """
import importlib, json, sys
name, own, others = json.loads(sys.argv[1])
for module in own:
    importlib.import_module(module)
before = set(sys.modules)
import polyk
polyk.get_backend(name)
new = {m.partition(".")[0] for m in set(sys.modules) - before}
print(json.dumps(sorted(new & set(others))))
"""


def test_loading_it_imports_no_other_framework(backend):
    """Beyond what its own framework imports: TensorFlow, say, imports JAX where it finds it."""
    needs = {n: entries[0].requires for n, entries in plugins.installed().items()}
    own = [r.replace("-", "_") for r in needs.get(backend.name, ())]
    others = sorted({r for n, rs in needs.items() if n != backend.name for r in rs} - {"numpy"})
    cls = type(backend)
    target = backend.name if backend.name in needs else f"{cls.__module__}:{cls.__qualname__}"
    call = [sys.executable, "-c", LOAD, json.dumps([target, own, others])]
    done = subprocess.run(call, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.strip().rpartition("\n")[2]) == []


def test_it_computes_float32_in_float32(backend):
    """TF32 and its like are faster and have three digits: nobody should get them unasked."""
    found = probe()
    assert found["matmul_input"] == "float32", found
    assert found["keeps_float64"] is True or "float64" not in backend.dtypes


def test_every_device_computes(backend):
    for name in backend.devices():
        with polyk.device(name):
            x = ops.ones((2, 3))
            y = ops.matmul(x, ops.transpose(x))
            assert [backend.device(t) for t in (x, y)] == [name, name]
            assert polyk.to_numpy(y).tolist() == [[3, 3], [3, 3]]
