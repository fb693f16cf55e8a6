"""A finished graph as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from polyk.errors import need
from polyk.export.onnx.graph import Graph, Node, Tensor
from polyk.export.onnx.sizes import Size
from polyk.saving import atomic

OPSET, IR = 18, 8
LIMIT = 2**31 - 2**20  # protobuf holds 2 GiB, with room for the nodes


def package() -> Any:
    return need("onnx", 'model.export(format="onnx")', "polyk[onnx]")


def to_proto(graph: Graph, name: str) -> Any:
    """The ModelProto of a finished graph."""
    onnx = package()
    return onnx.helper.make_model(
        _graph(onnx, graph, name),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="polyk",
    )


def _graph(onnx: Any, graph: Graph, name: str) -> Any:
    arrays = {**graph.weights, **graph.values}
    return onnx.helper.make_graph(
        [_node(onnx, n) for n in graph.nodes],
        name,
        [_value(onnx, x) for x in graph.inputs],
        [_value(onnx, x) for x in graph.outputs],
        [onnx.numpy_helper.from_array(_host(a), n) for n, a in arrays.items()],
    )


def _host(x: Any) -> Any:
    return x if isinstance(x, np.ndarray) else x.numpy()


def _node(onnx: Any, node: Node) -> Any:
    attrs = {k: _attr(onnx, k, v) for k, v in node.attrs.items()}
    if node.op == "Identity":
        attrs = {}
    return onnx.helper.make_node(node.op, node.inputs, node.outputs, node.outputs[0], **attrs)


def _attr(onnx: Any, key: str, value: Any) -> Any:
    if isinstance(value, Graph):
        return _graph(onnx, value, key)
    return _dtype(onnx, value) if key == "to" else value


def _dtype(onnx: Any, dtype: str) -> int:
    name = {"float32": "FLOAT", "float64": "DOUBLE"}.get(dtype, dtype.upper())
    number: int = getattr(onnx.TensorProto, name)
    return number


def _value(onnx: Any, x: Tensor) -> Any:
    shape = [_axis(d) for d in x.shape]
    return onnx.helper.make_tensor_value_info(x.name, _dtype(onnx, x.dtype), shape)


def _axis(d: int) -> int | str | None:
    """A name where the size is that of an axis of an input, nothing where it is computed."""
    if not isinstance(d, Size):
        return int(d)
    terms = list(d.terms.items())
    (atoms, n), alone = terms[0], len(terms) == 1
    if not (alone and n == 1 and len(atoms) == 1 and atoms[0][0] == "axis"):
        return None
    _, source, at = atoms[0]
    return f"{source}_{at}" if at else "batch"


def save(model: Any, path: Path, external: bool | None) -> None:
    """Write a ModelProto; `external` puts the weights into a file beside it, ``NAME.data``."""
    onnx = package()
    size = sum(len(t.raw_data) for t in model.graph.initializer)
    if external is None:
        external = size > LIMIT
    if not external and size > LIMIT:
        raise ValueError(
            f"the weights take {size / 2**30:.1f} GiB, more than one ONNX file holds: "
            "export with external_data=True."
        )
    if external:
        beside = path.with_name(path.name + ".data")
        beside.unlink(missing_ok=True)
        onnx.save_model(
            model, path, save_as_external_data=True, location=beside.name, size_threshold=1024
        )
    else:
        atomic.write(path, [model.SerializeToString()])
