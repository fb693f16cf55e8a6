"""The graph of a model as plain data, and back.

``{"layers": [...], "inputs": ..., "nodes": [...], "outputs": ...}``: each layer once, the inputs as
names of layers, and the calls in an order in which they can run, each ``{"layer": name}`` or
``{"op": name}`` with its ``args`` and ``kwargs``. In these ``{"tensor": i}`` is the i-th tensor:
the inputs come first, then what each node returns; ``{"output": [i, j]}`` may say the same as the
j-th tensor of the i-th node. Tuples, dicts, slices and arrays are objects of
one key, which says what they are; all else is itself. An op is one of the backend contract, and
nothing in the data is code. A weight that ops take is a node ``{"weight": name}`` with its shape,
its dtype and its initializer, or its value where it has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from polyk import constraints, initializers, regularizers, trees
from polyk.graph import Graph, GraphTensor, Node, place_of, replay
from polyk.layers.configs import to_config
from polyk.weights import Weight

KEYS = ("layers", "inputs", "nodes", "outputs")


def describe(graph: Graph, layers: list[Any]) -> dict[str, Any]:
    """The data of a graph whose input layers come first in `layers`."""
    numbers = {id(t): i for i, t in enumerate(trees.flatten(graph.inputs))}
    nodes = []
    for node in graph.nodes:
        nodes.append(_call(node, numbers) if node.weight is None else _weight(node.weight))
        for t in trees.flatten(node.outputs):
            numbers[id(t)] = len(numbers)
    names = iter(layer.name for layer in layers)
    return {
        "layers": [to_config(layer) for layer in layers],
        "inputs": _encode(trees.map(lambda _: next(names), graph.inputs), {}),
        "nodes": nodes,
        "outputs": _encode(graph.outputs, numbers),
    }


def _call(node: Node, numbers: Mapping[int, int]) -> dict[str, Any]:
    what = {"op": node.owner} if isinstance(node.owner, str) else {"layer": node.owner.name}
    try:
        args = [_encode(a, numbers) for a in node.args]
        kwargs = {k: _encode(v, numbers) for k, v in node.kwargs.items()}
    except TypeError as e:
        raise TypeError(f"the call of {next(iter(what.values()))!r} {e}") from None
    return {**what, "args": args, "kwargs": kwargs}


def _weight(w: Weight) -> dict[str, Any]:
    first = w.numpy() if w.initializer is None else getattr(w.initializer, "value", None)
    return {
        "weight": w.name,
        "shape": list(w.shape),
        "dtype": w.dtype,
        "trainable": w.trainable,
        "initializer": _encode_array(first) if hasattr(first, "ndim") else to_config(w.initializer),
        "regularizer": to_config(w.regularizer),
        "constraint": to_config(w.constraint),
    }


def _new_weight(told: dict[str, Any]) -> Weight:
    start = told["initializer"]
    start = _decode(start, _Tensors()) if "array" in start else start
    return Weight(
        told["weight"], told["shape"], told["dtype"], initializers.get(start), told["trainable"],
        regularizers.get(told["regularizer"]), constraints.get(told["constraint"]),
    )  # fmt: skip


def rebuild(config: dict[str, Any], layers: Mapping[str, Any]) -> tuple[Any, Any]:
    """Inputs and outputs of a graph from its data, with `layers` by the names in it."""
    inputs = trees.map(lambda name: layers[name].output, _decode(config["inputs"], _Tensors()))
    tensors = _Tensors(trees.flatten(inputs))
    for node in config["nodes"]:
        args = [_decode(a, tensors) for a in node.get("args", ())]
        if "weight" in node:
            outputs = place_of(_new_weight(node))
        elif "op" in node:
            _check_length(node["op"], args)
            outputs = replay(node["op"], args)
        else:
            kwargs = {k: _decode(v, tensors) for k, v in node["kwargs"].items()}
            outputs = layers[node["layer"]](*args, **kwargs)
        tensors.of_nodes.append(trees.flatten(outputs))
        tensors.extend(tensors.of_nodes[-1])
    return inputs, _decode(config["outputs"], tensors)


MOST_PARTS = 10_000  # of one unstack, so that a few bytes do not become work without end


def _check_length(op: str, args: list[Any]) -> None:
    if op == "unstack" and isinstance(args[0], GraphTensor):
        parts = args[0].shape[args[1]]
        if parts is not None and parts > MOST_PARTS:
            raise ValueError(f"unstack into {parts} tensors; a graph told as data takes at most "
                             f"{MOST_PARTS}.")  # fmt: skip


class _Tensors(list[Any]):
    """The tensors there are so far, also by node."""

    def __init__(self, inputs: Iterable[Any] = ()) -> None:
        super().__init__(inputs)
        self.of_nodes: list[list[Any]] = []


def _encode(x: Any, numbers: Mapping[int, int]) -> Any:
    if isinstance(x, GraphTensor):
        return {"tensor": numbers[id(x)]}
    if x is None or isinstance(x, (bool, int, float, str)):
        return x
    if x is Ellipsis:
        return {"ellipsis": True}
    if isinstance(x, list):
        return [_encode(item, numbers) for item in x]
    if isinstance(x, tuple):
        return {"tuple": [_encode(item, numbers) for item in x]}
    if isinstance(x, dict):
        return {"dict": {key: _encode(item, numbers) for key, item in x.items()}}
    if isinstance(x, slice):
        return {"slice": [_encode(i, numbers) for i in (x.start, x.stop, x.step)]}
    if hasattr(x, "dtype") and hasattr(x, "__array__"):
        return _encode_array(x)
    raise TypeError(
        f"takes {x!r:.80}, which cannot be told as data; write a layer class that makes it."
    )


def _encode_array(x: Any) -> dict[str, Any]:
    import numpy as np

    a = np.asarray(x)
    return {"array": {"dtype": a.dtype.name, "shape": list(a.shape), "data": a.ravel().tolist()}}


def _decode_array(told: dict[str, Any]) -> Any:
    import numpy as np

    from polyk import dtypes

    dtype = dtypes.standardize(told["dtype"])
    return np.asarray(told["data"], dtype).reshape(told["shape"])


_FORMS: dict[str, Callable[[Any, _Tensors], Any]] = {
    "tensor": lambda i, tensors: tensors[i],
    "output": lambda place, tensors: tensors.of_nodes[place[0]][place[1]],
    "ellipsis": lambda _, tensors: Ellipsis,
    "tuple": lambda items, tensors: tuple(_decode(item, tensors) for item in items),
    "dict": lambda items, tensors: {k: _decode(item, tensors) for k, item in items.items()},
    "slice": lambda items, tensors: slice(*(_decode(item, tensors) for item in items)),
    "array": lambda told, tensors: _decode_array(told),
}


def _decode(told: Any, tensors: _Tensors) -> Any:
    if isinstance(told, list):
        return [_decode(item, tensors) for item in told]
    if not isinstance(told, dict):
        return told
    ((form, value),) = told.items()
    if form not in _FORMS:
        raise ValueError(f"unknown form of data in the config of a graph: {form!r}.")
    return _FORMS[form](value, tensors)
