"""Every public op in an ONNX file: that it gives what NumPy gives, and what the docs say of it."""

import re
from pathlib import Path

import numpy as np
import pytest
from polyk_conformance.cases import CASES
from polyk_conformance.cases.case import arrays_of, as_list, map_arrays

import polyk
from polyk.errors import UnsupportedOp
from polyk.symbolic import Spec

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
runtime.set_default_logger_severity(4)
DOCS = Path(__file__).parents[1] / "docs/export.md"


class Op(polyk.Model):
    """A model that is one call of an op."""

    def __init__(self, case):
        super().__init__(autocast=False)
        self.case = case

    def call(self, xs):
        supply = iter(xs if isinstance(xs, list) else [xs])
        return as_list(self.case.call(*map_arrays(lambda _: next(supply), self.case.args)))


def first_case(op):
    """One whose result follows from shapes, and whose data are finite and not empty."""
    fit = [c for c in CASES if c.op == op and not c.static and c.dtype and arrays_of(c.args)]
    plain = [c for c in fit if all(a.size and np.isfinite(a).all() for a in arrays_of(c.args))]
    return (plain or [None])[0]


CHOSEN = {op: first_case(op) for op in sorted({c.op for c in CASES})}


def export(case):
    from polyk.export.onnx import convert

    with polyk.use("numpy"):
        return convert(Op(case), [Spec(a.shape, a.dtype.name) for a in arrays_of(case.args)])


@pytest.mark.parametrize("op", [op for op, case in CHOSEN.items() if case])
def test_an_op_gives_the_same_in_onnxruntime(op):
    case = CHOSEN[op]
    try:
        proto = export(case)
    except UnsupportedOp:
        assert said()[op] == "no"
        return
    session = runtime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [i.name for i in proto.graph.input]
    got = session.run(None, dict(zip(names, arrays_of(case.args), strict=True)))
    with polyk.use("numpy"):
        want = [polyk.to_numpy(x) for x in as_list(case.call(*case.args))]
    for g, w in zip(got, want, strict=True):
        assert (g.shape, g.dtype) == (w.shape, w.dtype)
        exact = w.dtype.kind != "f"
        scale = 0 if exact else 2e-5 * max(1.0, np.abs(w[np.isfinite(w)]).max(initial=0))
        np.testing.assert_allclose(g, w, rtol=0, atol=scale)
    assert said()[op] == operators(proto)


def operators(proto):
    """The operators that a file needs, as the docs list them."""
    found, graphs = set(), [proto.graph]
    while graphs:
        for node in graphs.pop().node:
            found.add(node.op_type)
            graphs += [a.g for a in node.attribute if a.HasField("g")]
    return ", ".join(sorted(found))


def said():
    """The table of ops in the docs."""
    return dict(re.findall(r"^\| `([\w.]+)` \| (.*?) \|$", DOCS.read_text(), re.M))


if __name__ == "__main__":  # prints the table
    for op, case in CHOSEN.items():
        if case:
            try:
                print(f"| `{op}` | {operators(export(case))} |")
            except UnsupportedOp:
                print(f"| `{op}` | no |")
