"""Weights of Keras 1 and 2 in HDF5: a group for each layer, its arrays in the order of its weights.

Keras 1 and Theano laid some arrays out in other ways; `adapted` turns them into today's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from polyk.errors import LoadError
from polyk.models.model import Model
from polyk.models.sequential import Sequential
from polyk.saving.hdf5 import View
from polyk.saving.keras_order import ordered_layers, weights_of
from polyk.weights import Weight

GATES = {"LSTM": (0, 2, 1, 3), "ConvLSTM2D": (0, 2, 1, 3), "GRU": (0, 1, 2)}  # in Keras 1's order
FLIPPED = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTM2D")


class Writer:
    """Which Keras wrote the weights, on which backend."""

    def __init__(self, file: View, group: str) -> None:
        told = file.groups[""] | file.groups[group]
        version = str(told.get("keras_version") or "1")
        self.version = int(version.split(".")[0]) if version[0].isdigit() else 1
        self.theano = told.get("backend") == "theano"


def read(file: View, model: Any, group: str) -> dict[Weight, Any]:
    """The arrays for all weights of `model`, from the layers in `group`; nothing is set yet."""
    writer = Writer(file, group)
    found: dict[Weight, Any] = {}
    for layer, paths in _matched(file, model, _saved(file, group)):
        weights = weights_of(layer)
        stored = sum(math.prod(file.entries[p].shape) for p in paths)
        if stored > 2 * sum(math.prod(w.shape) for w in weights):
            raise file.fail(f"holds {stored:,} numbers, more than layer {layer.name!r}", paths[0])
        arrays = adapted(layer, [file.read(p) for p in paths], writer)
        if len(arrays) != len(weights):
            raise file.fail(
                f"layer {layer.name!r} has {len(weights)} weights; the file has {len(arrays)}"
            )
        found |= dict(zip(weights, arrays, strict=True))
    return found


def _saved(file: View, group: str) -> dict[str, list[str]]:
    """Layer -> paths of its arrays, for the layers that have some, in the order of the file."""
    found = {}
    for name in file.texts(group, "layer_names"):
        place = f"{group}/{name}" if group else name
        if place not in file.groups:
            raise file.fail("is listed and is not there", place)
        paths = [f"{place}/{weight}" for weight in file.texts(place, "weight_names")]
        missing = [path for path in paths if path not in file.entries]
        if missing:
            raise file.fail("is listed and is not there", missing[0])
        if paths:
            found[name] = paths
    return found


def _matched(file: View, model: Any, saved: Mapping[str, list[str]]) -> list[tuple[Any, list[str]]]:
    """Layers of the model with their arrays: by name if the names are the same, else by order."""
    layers = [x for x in ordered_layers(model) if x.weights]
    if len(layers) != len(saved):
        layers = [x for x in _flat(model) if x.weights]  # Keras 1 took Sequentials apart
    names = [layer.name for layer in layers]
    if set(names) == set(saved):
        return [(layer, saved[layer.name]) for layer in layers]
    if len(layers) != len(saved):
        raise LoadError(
            file.path,
            f"has {len(saved)} layers with weights, the model has {len(layers)}: "
            f"{', '.join(list(saved)[:5])}...; {', '.join(names[:5])}...",
        )
    return list(zip(layers, saved.values(), strict=True))


def _flat(model: Any) -> list[Any]:
    found = []
    for layer in ordered_layers(model):
        found += _flat(layer) if isinstance(layer, Sequential) else [layer]
    return found


# What the arrays of one layer must become.


def adapted(layer: Any, arrays: list[Any], writer: Writer) -> list[Any]:
    """`arrays` of a layer in the layout of its weights."""
    kind = type(layer).__name__
    if kind == "TimeDistributed":
        return adapted(layer.layer, arrays, writer)
    if kind == "Bidirectional":
        half = len(arrays) // 2
        return [
            *adapted(layer.forward_layer, arrays[:half], writer),
            *adapted(layer.backward_layer, arrays[half:], writer),
        ]
    if isinstance(layer, Model):
        return _of_model(layer, arrays, writer)
    if writer.version < 2 and kind in FROM_KERAS_1:
        arrays = FROM_KERAS_1[kind](layer, arrays)
    if kind in ("LSTM", "GRU"):
        arrays = _from_cudnn(kind, arrays)
    if writer.theano and kind in FLIPPED:
        kernels = 2 if kind == "ConvLSTM2D" else 1
        arrays = [*map(_flip, arrays[:kernels]), *arrays[kernels:]]
    return arrays


def _of_model(model: Any, arrays: list[Any], writer: Writer) -> list[Any]:
    """The arrays of a model within: all trainable ones, then the others."""
    weights = weights_of(model)
    if len(weights) != len(arrays):
        return arrays
    by_weight = dict(zip(weights, arrays, strict=True))
    for layer in ordered_layers(model):
        inner = weights_of(layer)
        by_weight |= zip(inner, adapted(layer, [by_weight[w] for w in inner], writer), strict=True)
    return [by_weight[w] for w in weights]


def _flip(kernel: Any) -> Any:
    """Theano convolves where others correlate: the kernel turned around in space."""
    return kernel[(slice(None, None, -1),) * (kernel.ndim - 2)]


def _joined(kind: str) -> Callable[[Any, list[Any]], list[Any]]:
    """Arrays for each gate (kernel, recurrent kernel, bias) into one for all gates."""

    def join(layer: Any, arrays: list[Any]) -> list[Any]:
        import numpy as np

        if len(arrays) != 3 * len(GATES[kind]):
            return arrays
        made = [np.concatenate([arrays[3 * g + i] for g in GATES[kind]], -1) for i in range(3)]
        if kind == "ConvLSTM2D" and layer.data_format == "channels_first":
            made[:2] = [a.transpose(2, 3, 1, 0) for a in made[:2]]
        return made

    return join


def _moved(first: tuple[int, ...] | None, last: tuple[int, ...] | None) -> Any:
    """The kernel with its axes moved, if the layer has channels first, or last."""

    def move(layer: Any, arrays: list[Any]) -> list[Any]:
        axes = first if layer.data_format == "channels_first" else last
        if axes is None or not arrays or arrays[0].ndim != len(axes):
            return arrays
        return [arrays[0].transpose(axes), *arrays[1:]]

    return move


def _line(layer: Any, arrays: list[Any]) -> list[Any]:
    """Keras 1 had 2-D kernels for 1-D convolutions, of TensorFlow or of Theano."""
    kernel = arrays[0]
    if kernel.ndim != 4:
        return arrays
    size = layer.kernel_size[0] if isinstance(layer.kernel_size, tuple) else layer.kernel_size
    if kernel.shape[:2] != (size, 1) or kernel.shape[3] != layer.filters:
        kernel = kernel.transpose(2, 3, 1, 0)
    return [kernel[:, 0], *arrays[1:]]


FROM_KERAS_1: dict[str, Callable[[Any, list[Any]], list[Any]]] = {
    "Conv1D": _line,
    "Conv2D": _moved((2, 3, 1, 0), None),
    "Conv3D": _moved((2, 3, 4, 1, 0), None),
    "Conv2DTranspose": _moved((2, 3, 0, 1), (0, 1, 3, 2)),
    "LSTM": _joined("LSTM"),
    "GRU": _joined("GRU"),
    "ConvLSTM2D": _joined("ConvLSTM2D"),
}


def _from_cudnn(kind: str, arrays: list[Any]) -> list[Any]:
    """cuDNN's layout, told by its double bias: kernels column by column, two biases in a row."""
    import numpy as np

    gates = 4 if kind == "LSTM" else 3
    if len(arrays) != 3 or arrays[2].shape != (2 * gates * arrays[1].shape[0],):
        return arrays
    kernel, recurrent, bias = arrays
    inputs = [k.T.reshape(k.shape, order="F") for k in np.split(kernel, gates, 1)]
    states = [k.T for k in np.split(recurrent, gates, 1)]
    bias = bias.reshape(2, -1) if kind == "GRU" else bias.reshape(2, -1).sum(0)
    return [np.concatenate(inputs, 1), np.concatenate(states, 1), bias]
