"""From the tensors of an open file to the weights of a model: all of them, or none."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from polyk.errors import LoadError, did_you_mean
from polyk.saving.safetensors import Entry, Reader, checksum
from polyk.weights import Weight


def compare(expected: Mapping[str, Weight], entries: Mapping[str, Entry], path: object) -> None:
    """Raise unless names, shapes and dtypes of weights and of tensors are the same."""
    missing = [name for name in expected if name not in entries]
    extra = [name for name in entries if name not in expected]
    if missing or extra:
        told = [f"it lacks {_list(missing)}"] if missing else []
        told += [f"the model has no {_list(extra)}"] if extra else []
        near = did_you_mean(missing[0], extra) if missing else ""
        raise LoadError(path, f"its tensors are not those of the model: {'; '.join(told)}.{near}")
    for name, weight in expected.items():
        problem = misfit(weight, entries[name])
        if problem:
            raise LoadError(path, problem, name)


def misfit(weight: Weight, entry: Entry) -> str:
    """How a tensor differs from the weight it is for; "" if not."""
    if weight.shape != entry.shape:
        return f"has shape {entry.shape}; the model's has {weight.shape}"
    if weight.dtype != entry.dtype:
        return f"is {entry.dtype}; the model's is {weight.dtype}"
    return ""


def _list(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:5]))
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def read_all(file: Reader, names: Any, checksums: Mapping[str, Any] | None) -> dict[str, Any]:
    """The arrays called `names`, each checked; warns of numbers that are none."""
    import numpy as np

    arrays, broken = {}, []
    for name in names:
        array = arrays[name] = file.read(name)
        if checksums is not None and checksums[name] != checksum(array):
            raise file.fail("damaged: its checksum is not as written", name)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            broken.append(name)
    if broken:
        warnings.warn(
            f"{file.path} holds NaN or infinity in {_list(broken)}.", UserWarning, stacklevel=4
        )
    return arrays


def fill(expected: Mapping[str, Weight], arrays: dict[str, Any], model: Any) -> None:
    """Put the arrays into the weights; takes them out of `arrays` on the way, to free them."""
    with model._scope():
        for name, weight in expected.items():
            weight.restore(arrays.pop(name), model.backend)
