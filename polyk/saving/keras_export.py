"""A model as Keras 3 tells it: layers and calls in Keras's words, from the objects themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polyk import trees
from polyk.errors import SaveError
from polyk.graph import GraphTensor
from polyk.layers.base import Layer
from polyk.models.functional import Functional
from polyk.models.sequential import Sequential
from polyk.registry import registered_name
from polyk.saving.paths import numbered

# The module in which Keras has the object that an argument names, by the end of that name.
MODULES = {
    "initializer": "keras.initializers",
    "regularizer": "keras.regularizers",
    "constraint": "keras.constraints",
    "learning_rate": "keras.optimizers.schedules",
    "optimizer": "keras.optimizers",
    "loss": "keras.losses",
    "metrics": "keras.metrics",
}
# Arguments that a class of Keras does not take.
UNKNOWN = {
    "SpatialDropout1D": {"trainable"},
    "SpatialDropout2D": {"trainable"},
    "SpatialDropout3D": {"trainable"},
    "SimpleRNN": {"use_cudnn"},
    "ConvLSTM1D": {"use_cudnn"},
    "ConvLSTM2D": {"use_cudnn"},
    "ConvLSTM3D": {"use_cudnn"},
}


def layer(made: Any) -> dict[str, Any]:
    """The description of a layer or model."""
    name = registered_name(type(made))
    if isinstance(made, Functional):
        return _told("keras.src.models.functional", "Functional", _graph(made))
    if isinstance(made, Sequential):
        return _told("keras", "Sequential", _stack(made))
    if type(made).__module__.partition(".")[0] != "polyk":
        raise SaveError(
            f"{made.where()} is of a class of your own, which Keras does not know; save the model "
            "as .polyk, or its weights."
        )
    config = {k: v for k, v in made.get_config().items() if k not in UNKNOWN.get(name, ())}
    if "hard_sigmoid_keras2" in config.values():
        raise SaveError(f"{made.where()}: Keras 3 has no hard_sigmoid like that of Keras 1 and 2.")
    config = {key: _value(key, value, vars(made).get(key)) for key, value in config.items()}
    return _told("keras.layers", name, config)


def _told(module: str, name: str, config: Any, **more: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": None, **more}


def _value(key: str, value: Any, held: Any = None) -> Any:
    """An argument: layers from the objects held, other objects with Keras's module."""
    if isinstance(held, Layer):
        return layer(held)
    if isinstance(held, (list, tuple)) and held and all(isinstance(x, Layer) for x in held):
        return [layer(x) for x in held]
    return objects(key, value)


def objects(key: str, value: Any) -> Any:
    """Configs of objects, anywhere in an argument, with the module in which Keras has them."""
    if isinstance(value, list):
        return [objects(key, item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if set(value) - {"module"} != {"class_name", "config"}:
        return {k: objects(key, v) for k, v in value.items()}
    module = next((m for end, m in MODULES.items() if key.endswith(end)), "keras.layers")
    config = {k: objects(k, v) for k, v in value["config"].items()}
    return _told(module, value["class_name"], config)


def _stack(model: Sequential) -> dict[str, Any]:
    entry = model._entry
    if entry is None:
        raise SaveError(f"{model.where()} has seen no input yet: call it, or build(shape).")
    stack = [layer(x) for x in (entry, *model.layers)]
    return {"name": model.name, "trainable": model.trainable, "dtype": model.dtype_policy.name,
            "layers": stack}  # fmt: skip


# The graph of a functional model.


def _graph(model: Functional) -> dict[str, Any]:
    places: dict[int, list[Any]] = {}  # tensor -> [layer, call, output]
    for entry, tensor in zip(model.layers, model.inputs, strict=False):
        places[id(tensor)] = [entry.name, 0, 0]
    calls: dict[str, list[Any]] = {}
    ops: dict[str, str] = {}
    names = _names(model)
    for node, name in zip(model.graph.nodes, names, strict=True):
        if isinstance(node.owner, str):
            ops[name] = node.owner
        made = calls.setdefault(name, [])
        made.append({"args": _arguments(list(node.args), places, name),
                     "kwargs": _arguments(dict(node.kwargs), places, name)})  # fmt: skip
        for i, tensor in enumerate(trees.flatten(node.outputs)):
            places[id(tensor)] = [name, len(made) - 1, i]
    described = [
        {**layer(x), "name": x.name, "inbound_nodes": calls.get(x.name, [])} for x in model.layers
    ]
    described += [_op(name, op, calls[name]) for name, op in ops.items()]
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": described,
        "input_layers": trees.map(lambda t: places[id(t)], model.input),
        "output_layers": trees.map(lambda t: places[id(t)], model.output),
    }


def _names(model: Functional) -> list[str]:
    """What each node is a call of: a layer by its name, an op under a name that no layer has."""
    taken = [(x.name, None) for x in model.layers]
    owners = [node.owner for node in model.graph.nodes]
    ops = numbered(taken + [(owner, None) for owner in owners if isinstance(owner, str)])
    fresh = iter(name for name, _ in ops[len(taken) :])
    return [next(fresh) if isinstance(owner, str) else owner.name for owner in owners]


def _op(name: str, op: str, calls: list[Any]) -> dict[str, Any]:
    if op not in OPS:
        raise SaveError(f"the op {op!r} in the graph is not written in Keras's form; use a layer.")
    module, kind = OPS[op]
    return {**_told(module, kind, {"name": name}), "name": name, "inbound_nodes": calls}


# Ops of which the graphs of both libraries have tensors and numbers as arguments, and nothing else.
OPS = {
    name.lower(): ("keras.src.ops.numpy", name)
    for name in ("Add", "Subtract", "Multiply", "Divide", "Maximum", "Minimum", "Power", "Negative",
                 "Absolute", "Exp", "Log", "Sqrt", "Square", "Tanh", "Sin", "Cos", "Matmul")
}  # fmt: skip


def _arguments(value: Any, places: Mapping[int, Any], name: str) -> Any:
    if isinstance(value, GraphTensor):
        config = {"shape": list(value.shape), "dtype": value.dtype,
                  "keras_history": places[id(value)]}  # fmt: skip
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(value, (list, tuple)):
        return [_arguments(item, places, name) for item in value]
    if isinstance(value, dict):
        return {key: _arguments(item, places, name) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise SaveError(f"the call of {name!r} takes {value!r:.80}, which Keras's files cannot say.")


def training(settings: Mapping[str, Any]) -> dict[str, Any]:
    """How a model was compiled, from what polyk's own files say."""
    return {key: objects(key, value) for key, value in settings.items()}
