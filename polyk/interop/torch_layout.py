"""PyTorch's state dicts: names and layouts of `torch.nn`, read and written with NumPy alone."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from polyk import layers
from polyk.interop.units import Arrays, Group, Rule, Transfer, Unit, dump, load, on_host, renamed
from polyk.layers.conv import _Conv, _ConvTranspose, _DepthwiseConv
from polyk.models.model import Model
from polyk.saving.exchange import open_weights

_RECURRENT = re.compile(r"(weight_ih|weight_hh|bias_ih|bias_hh)(_l\d+(?:_reverse)?)?")


def load_state_dict(
    model: Model, source: Any, names: Mapping[str, str] | None = None, partial: bool = False
) -> Transfer:
    """Set the weights of `model` from a torch `state_dict`, or from a safetensors file of one.

    Each layer takes the next module of its kind; `names` (path of a layer -> prefix of a module)
    says otherwise. A Dense after a Flatten of channels-last images gets its rows in the order of
    torch's. All is checked before a weight is set; `partial` leaves what does not fit.
    """
    return load(model, _groups(_arrays(source)), RULES, names, partial)


def state_dict(model: Model, like: Any = None) -> Arrays:
    """The weights as NumPy arrays in torch's layout, under the names of `like`, or ours dotted."""
    return dump(model, None if like is None else _groups(_arrays(like)), RULES, ".")


def _arrays(source: Any) -> Arrays:
    if isinstance(source, (str, os.PathLike)):
        with open_weights(source) as file:
            return {name: file.read(name) for name in file.entries}
    return {name: on_host(x) for name, x in source.items()}


def _groups(arrays: Arrays) -> list[Group]:
    attention = {n.rpartition(".")[0] for n in arrays if "in_proj_weight" in n or "q_proj_w" in n}
    found: dict[str, Group] = {}
    for full, array in arrays.items():
        prefix, _, name = full.rpartition(".")
        if name == "num_batches_tracked":
            continue
        outer, _, last = prefix.rpartition(".")
        if last == "out_proj" and outer in attention:
            prefix, name = outer, f"out_proj.{name}"
        if recurrent := _RECURRENT.fullmatch(name):
            name, prefix = recurrent[1], prefix + (recurrent[2] or "")
        group = found.setdefault(prefix, Group(prefix, {}, {}))
        group.arrays[name], group.names[name] = array, full
    return list(found.values())


# Each way: kernels are (in, out) here and (out, in) there, the axes of space first here.


def _last(w: Any) -> Any:
    return w.transpose(*range(2, w.ndim), 1, 0)


def _first(w: Any) -> Any:
    return w.transpose(w.ndim - 1, w.ndim - 2, *range(w.ndim - 2))


def _permuted(unit: Unit, kernel: Any, back: bool) -> Any:
    """The rows of a Dense after a Flatten: (C, H, W) there, (H, W, C) here."""
    shape = _flattened(unit.layer)
    if shape is None or kernel.ndim != 2:
        return kernel
    *space, channels = shape
    first = (*space, channels) if back else (channels, *space)
    rows = kernel.reshape(*first, -1)
    rank = len(first)
    order = (rank - 1, *range(rank - 1)) if back else (*range(1, rank), 0)
    return rows.transpose(*order, rank).reshape(kernel.shape)


def _flattened(layer: Any) -> Any:
    """The channels-last shape that a Flatten before `layer` flattened; None without one."""
    nodes = layer.__dict__.get("_nodes")
    tensor = nodes[0].inputs[0] if nodes else None
    while tensor is not None and tensor.node is not None and len(tensor.node.inputs) == 1:
        before, kind = tensor.node.inputs[0], tensor.node.owner
        if isinstance(kind, layers.Flatten):
            channels_last = kind.data_format == "channels_last" and len(before.shape) > 2
            return before.shape[1:] if channels_last and _is_image(before) else None
        if not isinstance(kind, (layers.Dropout, layers.Activation)):
            return None
        tensor = before
    return None


def _is_image(tensor: Any) -> bool:
    """Whether torch would have the channels first: two axes of space, or out of a convolution."""
    if len(tensor.shape) > 3:
        return True
    while tensor.node is not None and len(tensor.node.inputs) == 1:
        if hasattr(tensor.node.owner, "kernel_size") or hasattr(tensor.node.owner, "pool_size"):
            return True
        tensor = tensor.node.inputs[0]
    return False


_PLAIN = renamed(kernel=("weight", lambda w: w.T, lambda w: w.T), bias="bias")


def _read_dense(unit: Unit, theirs: Arrays) -> Arrays | None:
    ours = _PLAIN.read(unit, theirs)
    return ours and {**ours, "kernel": _permuted(unit, ours["kernel"], False)}


def _write_dense(unit: Unit, ours: Arrays) -> Arrays:
    return _PLAIN.write(unit, {**ours, "kernel": _permuted(unit, ours["kernel"], True)})


def _read_depthwise(unit: Unit, theirs: Arrays) -> Arrays | None:
    shape, found = unit.weights["kernel"].shape, dict(theirs)
    weight = found.pop("weight", None)
    if weight is None or weight.ndim != len(shape) or weight.shape[1] != 1:
        return None
    split = weight.reshape(-1, shape[-1], *weight.shape[2:])
    return {**found, "kernel": split.transpose(*range(2, split.ndim), 0, 1)}


def _write_depthwise(unit: Unit, ours: Arrays) -> Arrays:
    kernel = _first(ours.pop("kernel")).swapaxes(0, 1)  # (C, m, space)
    return {"weight": kernel.reshape(-1, 1, *kernel.shape[2:]), **ours}


def _recurrent(gates: Any, both: bool) -> Rule:
    """A cell whose gates come in another order; `both` biases are kept, or their sum."""
    import numpy as np

    def read(unit: Unit, theirs: Arrays) -> Arrays | None:
        if not {"weight_ih", "weight_hh"} <= set(theirs):
            return None
        ours = {"kernel": theirs["weight_ih"], "recurrent_kernel": theirs["weight_hh"]}
        ours = {k: gates(w).T for k, w in ours.items()}
        if "bias_ih" in theirs:
            pair = np.stack([gates(theirs["bias_ih"]), gates(theirs["bias_hh"])])
            ours["bias"] = pair if both else pair.sum(0)
        return ours

    def write(unit: Unit, ours: Arrays) -> Arrays:
        theirs = {
            "weight_ih": gates(ours["kernel"].T),
            "weight_hh": gates(ours["recurrent_kernel"].T),
        }
        if "bias" in ours:
            bias = ours["bias"]
            pair = bias if both else np.stack([bias, np.zeros_like(bias)])
            theirs["bias_ih"], theirs["bias_hh"] = map(gates, pair)
        return theirs

    return Rule(read, write)


def _swapped(w: Any) -> Any:
    """Reset, update, new of torch as update, reset, new; and back."""
    import numpy as np

    r, z, n = np.split(w, 3)
    return np.concatenate([z, r, n])


_PARTS = ("query", "key", "value")


def _read_attention(unit: Unit, theirs: Arrays) -> Arrays | None:
    import numpy as np

    if "out_proj.weight" not in theirs:
        return None
    if "in_proj_weight" in theirs:
        kernels = np.split(theirs["in_proj_weight"], 3)
    else:
        kernels = [theirs[f"{part[0]}_proj_weight"] for part in _PARTS]
    ours = {f"{p}/kernel": w.T for p, w in zip(_PARTS, kernels, strict=True)}
    ours["attention_output/kernel"] = theirs["out_proj.weight"].T
    if "in_proj_bias" in theirs:
        biases = np.split(theirs["in_proj_bias"], 3)
        ours |= {f"{p}/bias": b for p, b in zip(_PARTS, biases, strict=True)}
        ours["attention_output/bias"] = theirs["out_proj.bias"]
    return {name: _shaped(w, unit.weights[name].shape) for name, w in ours.items()
            if name in unit.weights}  # fmt: skip


def _shaped(array: Any, shape: Any) -> Any:
    """`array` in `shape` if it has as many numbers; else as it is, which will be refused."""
    import math

    return array.reshape(shape) if array.size == math.prod(shape) else array


def _write_attention(unit: Unit, ours: Arrays) -> Arrays:
    import numpy as np

    flat = {n: w.reshape(w.shape[0], -1).T for n, w in ours.items() if n.endswith("kernel")}
    kernels = [flat[f"{p}/kernel"] for p in _PARTS]
    if len({k.shape for k in kernels}) == 1:
        theirs = {"in_proj_weight": np.concatenate(kernels)}
    else:
        theirs = {f"{p[0]}_proj_weight": k for p, k in zip(_PARTS, kernels, strict=True)}
    out = ours["attention_output/kernel"]
    theirs["out_proj.weight"] = out.reshape(-1, out.shape[-1]).T
    if "query/bias" in ours:
        theirs["in_proj_bias"] = np.concatenate([ours[f"{p}/bias"].ravel() for p in _PARTS])
        theirs["out_proj.bias"] = ours["attention_output/bias"]
    return theirs


_AFFINE = {"gamma": "weight", "beta": "bias"}
RULES: dict[Any, Rule] = {
    layers.Dense: Rule(_read_dense, _write_dense),
    _Conv: renamed(kernel=("weight", _last, _first), bias="bias"),
    _ConvTranspose: renamed(kernel=("weight", _last, _first), bias="bias"),
    _DepthwiseConv: Rule(_read_depthwise, _write_depthwise),
    layers.Embedding: renamed(embeddings="weight"),
    layers.BatchNormalization: renamed(
        **_AFFINE, moving_mean="running_mean", moving_variance="running_var"
    ),
    layers.LayerNormalization: renamed(**_AFFINE),
    layers.GroupNormalization: renamed(**_AFFINE),
    layers.RMSNormalization: renamed(scale="weight"),
    layers.LSTMCell: _recurrent(lambda w: w, both=False),
    layers.GRUCell: _recurrent(_swapped, both=True),
    layers.SimpleRNNCell: _recurrent(lambda w: w, both=False),
    layers.MultiHeadAttention: Rule(_read_attention, _write_attention),
}
