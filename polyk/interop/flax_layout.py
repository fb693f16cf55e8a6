"""Flax's variables: nested dicts of arrays as `flax.linen` names and lays them out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from polyk import layers
from polyk.interop.units import Arrays, Group, Rule, Transfer, Unit, dump, load, on_host, renamed
from polyk.layers.conv import _ConvTranspose, _DepthwiseConv
from polyk.models.model import Model

_PARTS = (  # what together is one layer here
    {"ii", "if", "ig", "io", "hi", "hf", "hg", "ho"},
    {"ir", "iz", "in", "hr", "hz", "hn"},
    {"query", "key", "value", "out"},
)


def load_variables(
    model: Model, variables: Any, names: Mapping[str, str] | None = None, partial: bool = False
) -> Transfer:
    """Set the weights of `model` from ``{"params": ..., "batch_stats": ...}``, or params alone.

    Each layer takes the next of its kind (``Dense_0``, ``Dense_1``, ...); `names` (path of a layer
    -> path of theirs) says otherwise. All is checked before a weight is set; `partial` leaves what
    does not fit.
    """
    return load(model, _groups(variables), RULES, names, partial)


def variables(model: Model, like: Any = None) -> dict[str, Any]:
    """The weights as Flax's nested dicts of NumPy arrays, under the names of `like`, or ours."""
    flat = dump(model, None if like is None else _groups(like), RULES, "/")
    tree: dict[str, Any] = {}
    for path, array in flat.items():
        folders = path.split("/")
        if like is None:
            stats = folders[-1] in ("mean", "var")
            folders.insert(0, "batch_stats" if stats else "params")
        inside = tree
        for folder in folders[:-1]:
            inside = inside.setdefault(folder, {})
        inside[folders[-1]] = array
    return tree


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    keys = list(tree)
    if keys == sorted(keys):  # as JAX leaves them, which puts Dense_10 before Dense_2
        keys.sort(key=lambda k: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", k)])
    for key in keys:
        full = f"{path}/{key}" if path else key
        if isinstance(tree[key], Mapping):
            yield from _leaves(tree[key], full)
        else:
            yield full, on_host(tree[key])


def _groups(tree: Any) -> list[Group]:
    leaves = [(full, full.split("/"), array) for full, array in _leaves(tree)]
    inside: dict[str, set[str]] = {}
    for _, folders, _ in leaves:
        if folders[0] in ("params", "batch_stats"):
            del folders[0]
        inside.setdefault("/".join(folders[:-2]), set()).update(folders[-2:-1])
    found: dict[str, Group] = {}
    for full, folders, array in leaves:
        cut = len(folders) - (2 if inside["/".join(folders[:-2])] in _PARTS else 1)
        path, name = "/".join(folders[:cut]), "/".join(folders[cut:])
        group = found.setdefault(path, Group(path, {}, {}))
        group.arrays[name], group.names[name] = array, full
    return list(found.values())


def _turned(w: Any) -> Any:
    """A transposed convolution's kernel, which is flipped there, its last axes the other way."""
    import numpy as np

    return np.flip(w, tuple(range(w.ndim - 2))).swapaxes(-1, -2)


def _read_depthwise(unit: Unit, theirs: Arrays) -> Arrays | None:
    shape, found = unit.weights["kernel"].shape, dict(theirs)
    kernel = found.pop("kernel", None)  # (space, 1, C * m)
    if kernel is None or kernel.ndim != len(shape) or kernel.shape[-2] != 1:
        return None
    return {**found, "kernel": kernel.reshape(*kernel.shape[:-2], -1, shape[-1])}


def _write_depthwise(unit: Unit, ours: Arrays) -> Arrays:
    kernel = ours["kernel"]
    return {**ours, "kernel": kernel.reshape(*kernel.shape[:-2], 1, -1)}


def _gated(order: str, biased: Any) -> Rule:
    """A cell whose gates are layers of their own; `biased` says for which there is a bias."""
    import numpy as np

    def read(unit: Unit, theirs: Arrays) -> Arrays | None:
        if any(f"{side}{gate}/kernel" not in theirs for side in "ih" for gate in order):
            return None

        def joined(side: str, what: str) -> Any:
            size = theirs[f"h{order[0]}/kernel"].shape[1]
            parts = (theirs.get(f"{side}{g}/{what}", np.zeros(size)) for g in order)
            return np.concatenate(list(parts), -1)

        ours = {"kernel": joined("i", "kernel"), "recurrent_kernel": joined("h", "kernel")}
        bias = np.stack([joined("i", "bias"), joined("h", "bias")])
        return {**ours, "bias": bias.reshape(2, -1) if biased("i", "n") else bias.sum(0)}

    def write(unit: Unit, ours: Arrays) -> Arrays:
        theirs = {}
        for side, name in (("i", "kernel"), ("h", "recurrent_kernel")):
            for gate, part in zip(order, np.split(ours[name], len(order), -1), strict=True):
                theirs[f"{side}{gate}/kernel"] = part
        bias = ours["bias"] if ours["bias"].ndim == 2 else ours["bias"][None]
        first, last = np.split(bias[0], len(order)), np.split(bias[-1], len(order))
        for gate, x, h in zip(order, first, last, strict=True):
            if biased("i", gate):
                both = biased("h", gate) or len(bias) == 1
                theirs[f"i{gate}/bias"] = x if both else x + h
            if biased("h", gate):
                theirs[f"h{gate}/bias"] = h
        return theirs

    return Rule(read, write)


def _read_attention(unit: Unit, theirs: Arrays) -> Arrays | None:
    if "out/kernel" not in theirs:
        return None
    return {name.replace("out/", "attention_output/"): w for name, w in theirs.items()}


def _write_attention(unit: Unit, ours: Arrays) -> Arrays:
    return {name.replace("attention_output/", "out/"): w for name, w in ours.items()}


_AFFINE = {"gamma": "scale", "beta": "bias"}
RULES: dict[Any, Rule] = {
    _ConvTranspose: renamed(kernel=("kernel", _turned, _turned), bias="bias"),
    _DepthwiseConv: Rule(_read_depthwise, _write_depthwise),
    layers.Embedding: renamed(embeddings="embedding"),
    layers.BatchNormalization: renamed(**_AFFINE, moving_mean="mean", moving_variance="var"),
    layers.LayerNormalization: renamed(**_AFFINE),
    layers.GroupNormalization: renamed(**_AFFINE),
    layers.RMSNormalization: renamed(scale="scale"),
    layers.LSTMCell: _gated("ifgo", lambda side, gate: side == "h"),
    layers.GRUCell: _gated("zrn", lambda side, gate: side == "i" or gate == "n"),
    layers.MultiHeadAttention: Rule(_read_attention, _write_attention),
}
