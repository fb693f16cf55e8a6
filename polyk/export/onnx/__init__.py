"""ONNX: the model run on a backend that writes a graph instead of computing.

`sizes` are ints that know which axis they come from, `graph` what is built, `emit` how;
`primitives`, `nn` and `loops` are the contract, `trace` runs a model, `finish` tidies up, `proto`
writes the file. No layer knows of any of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from polyk import trees
from polyk.export.onnx.proto import save, to_proto
from polyk.export.onnx.signature import signature
from polyk.export.onnx.trace import trace


def write(
    model: Any, filepath: Any, input_signature: Any = None, external_data: bool | None = None
) -> None:
    """Write `model` to an ONNX file (opset 18).

    `external_data` puts the weights into a second file beside it, ``NAME.data``: by default where
    they take more than the 2 GiB that one file holds. Raises UnsupportedOp, with the layer and the
    op, for what ONNX cannot do.
    """
    save(convert(model, input_signature), Path(filepath), external_data)


def convert(model: Any, input_signature: Any = None) -> Any:
    """The ``onnx.ModelProto`` of a model."""
    inputs, names = signature(model, input_signature)
    if not model._claimed:
        with model._scope():
            model._claim((inputs,))

    def output_names(result: Any) -> list[str]:
        return list(model._output_names(len(trees.flatten(result))))

    return to_proto(trace(model, inputs, names, output_names), model.name)
