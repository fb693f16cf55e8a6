"""model.export: a model as a file for runtimes that know nothing of polyk.

`FORMATS` says who writes each format, as ``module:function``, imported when it is asked for. The
function is called as ``write(model, filepath, input_signature, **options)``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from polyk.errors import UnknownName, did_you_mean

FORMATS: dict[str, str] = {
    "onnx": "polyk.export.onnx:write",
    "savedmodel": "polyk.export.native:savedmodel",
    "tf_saved_model": "polyk.export.native:savedmodel",
    "torch": "polyk.export.native:torch",
    "stablehlo": "polyk.export.native:stablehlo",
}


def export_model(
    model: Any, filepath: Any, format: str = "onnx", input_signature: Any = None, **options: Any
) -> None:
    """Write `model`, as it predicts, to `filepath` in one of the `FORMATS`.

    `input_signature` is for models that do not know their inputs: Specs, or shapes, nested as the
    inputs are, None where any size will do. `options` are those of the format.
    """
    if format not in FORMATS:
        known = ", ".join(FORMATS)
        raise UnknownName(
            f"no export format {format!r}.{did_you_mean(format, FORMATS)} There are: {known}."
        )
    module, _, function = FORMATS[format].partition(":")
    getattr(import_module(module), function)(model, filepath, input_signature, **options)
