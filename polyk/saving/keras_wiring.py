"""How Keras wires layers into models, as polyk's data: see `polyk.models.wiring`.

A layer lists the calls made on it (``inbound_nodes``); a tensor is the name of a layer, the number
of the call and the number of the output. polyk lists the calls in an order in which they can run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from polyk.errors import LoadError
from polyk.registry import snake_case

OWN = ("name", "trainable", "dtype")
RECURRENT = {"RNN", "LSTM", "GRU", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D",
    "Bidirectional"}  # fmt: skip


def sequential(dialect: Any, config: dict[str, Any]) -> dict[str, Any]:
    """The config of a Sequential; it begins with an InputLayer if its first layer says a shape."""
    told = _list(dialect, config.get("layers"), "layers")
    made = [dialect.layer(item) for item in told]
    first = told[0].get("config") if told else None
    inner = first if isinstance(first, dict) else {}
    shape = inner.get("batch_input_shape")
    if shape and made[0]["class_name"] != "InputLayer":
        dtype = dialect.value("dtype", inner.get("input_dtype") or inner.get("dtype") or "float32")
        entry = {"batch_shape": shape, "dtype": dtype, "name": None}
        made.insert(0, {"module": "polyk.layers", "class_name": "InputLayer", "config": entry})
    rest = {k: dialect.value(k, v) for k, v in config.items() if k in OWN}
    if config.get("build_input_shape"):
        rest["build_input_shape"] = config["build_input_shape"]
    return {**rest, "layers": made}


def _list(dialect: Any, told: Any, what: str) -> list[Any]:
    if not isinstance(told, list):
        raise LoadError(dialect.path, f"{what} of a model is not a list")
    return told


def functional(dialect: Any, config: dict[str, Any]) -> dict[str, Any]:
    """The config of a functional model."""
    told = _list(dialect, config.get("layers"), "layers")
    return {
        **{k: dialect.value(k, v) for k, v in config.items() if k in OWN},
        **Wires(dialect, told).models(config.get("input_layers"), config.get("output_layers")),
    }


class Wires:
    """The layers and calls of one model on their way into polyk's form."""

    def __init__(self, dialect: Any, told: list[Any]) -> None:
        self.dialect = dialect
        self.names: set[str] = set()
        self.layers: list[dict[str, Any]] = []
        self.calls: dict[tuple[str, int], dict[str, Any]] = {}  # (layer, call) -> node with refs
        self.kinds: dict[str, str] = {}
        self.places: dict[tuple[str, int], dict[str, Any]] = {}
        self.shift: dict[str, int] = {}
        named = [(self._name(item), item) for item in told]
        self.names = {name for name, _ in named}
        if len(self.names) != len(named):
            raise self.fail("two layers have one name")
        for name, item in named:
            self._add(name, item)

    def fail(self, reason: str) -> LoadError:
        return LoadError(self.dialect.path, f"the graph of the model: {reason}")

    def _name(self, item: Any) -> str:
        config = item.get("config") if isinstance(item, dict) else None
        name = item.get("name") if isinstance(item, dict) else None
        name = config.get("name", name) if isinstance(config, dict) else name
        if not isinstance(name, str):
            raise self.fail("a layer without a name")
        return name

    def _add(self, name: str, item: dict[str, Any]) -> None:
        nodes = item.get("inbound_nodes") or []
        if not isinstance(nodes, list):
            raise self.fail(f"the inbound_nodes of {name!r} are not a list")
        calls = [self._node(name, item["class_name"], node) for node in nodes]
        if self._is_op(item):
            owner = {"op": self._op(name, item)}
        else:
            owner = {"layer": name}
            made = self.dialect.layer(item)
            made["config"].setdefault("name", name)
            self.layers.append(made)
        for k, (args, kwargs) in enumerate(calls):
            self.calls[name, k] = {**owner, "args": args, "kwargs": kwargs}
        self.kinds[name] = item["class_name"]

    def _is_op(self, item: dict[str, Any]) -> bool:
        """Whether Keras 3 recorded an op; in .h5 it shows in a config of a name alone."""
        bare = "module" not in item and set(item.get("config") or ()) == {"name"}
        return ".ops" in str(item.get("module")) or (self.dialect.version == 3 and bare)

    def _op(self, name: str, item: dict[str, Any]) -> str:
        """The op that Keras 3 recorded, if it takes tensors and nothing else."""
        if set(item.get("config") or {}) - {"name", "dtype"}:
            raise self.fail(f"{name!r} is a call of {item['class_name']}, which is not read yet")
        return snake_case(str(item["class_name"]))

    # One call.

    def _node(self, name: str, kind: str, node: Any) -> tuple[list[Any], dict[str, Any]]:
        if isinstance(node, dict):
            args = [self._value(a) for a in node.get("args", [])]
            kwargs = {k: self._value(v) for k, v in node.get("kwargs", {}).items()}
            return args, {k: v for k, v in kwargs.items() if v is not None}
        if isinstance(node, list) and node and isinstance(node[0], str):
            node = [node]
        if not isinstance(node, list) or not all(self._is_ref(x) for x in node):
            raise self.fail(f"a call of {name!r} cannot be read")
        refs = [_ref(x) for x in node]
        told = next((x[3] for x in node if len(x) > 3 and isinstance(x[3], dict)), {})
        kwargs = {k: self._old(v) for k, v in told.items() if v is not None}
        if len(refs) > 1 and kind in RECURRENT:
            return refs[:1], {**kwargs, "initial_state": refs[1:]}
        return [refs if len(refs) > 1 else refs[0]] if refs else [], kwargs

    def _is_ref(self, x: Any) -> bool:
        """Whether x is ``[layer, call, output, ...]``."""
        return (
            isinstance(x, list) and len(x) >= 3 and isinstance(x[0], str) and x[0] in self.names
            and type(x[1]) is int and type(x[2]) is int and x[1] >= 0 and x[2] >= 0
        )  # fmt: skip

    def _old(self, told: Any) -> Any:
        """An argument of a call in the form of Keras 2."""
        if self._is_ref(told):
            return _ref(told)
        return [self._old(x) for x in told] if isinstance(told, list) else self._value(told)

    def _value(self, told: Any) -> Any:
        """An argument of a call in the form of Keras 3."""
        if isinstance(told, list):
            return [self._value(x) for x in told]
        if not isinstance(told, dict):
            return told
        if told.get("class_name") == "__keras_tensor__":
            history = (told.get("config") or {}).get("keras_history")
            if not self._is_ref(history):
                raise self.fail("a tensor that comes from no layer of it")
            return _ref(history)
        if told.get("class_name") == "__tuple__":
            return {"tuple": [self._value(x) for x in told.get("items", [])]}
        if "class_name" in told:
            raise self.fail(f"a call is given {str(told['class_name'])[:60]!r}, which is not read")
        return {"dict": {k: self._value(v) for k, v in told.items()}}

    # All calls, in order.

    def models(self, inputs: Any, outputs: Any) -> dict[str, Any]:
        begins, ends = self._ends(inputs), self._ends(outputs)
        entries = list(self._refs(begins))
        self._count_shifts([*entries, *self._refs(ends)])
        for i, (layer, call, _) in enumerate(entries):
            self.places[layer, call] = {"tensor": i}
        nodes = self._ordered()
        return {
            "layers": self._entries_first([name for name, *_ in entries]),
            "inputs": self._names_in(begins),
            "nodes": nodes,
            "outputs": self._placed(ends),
        }

    def _ends(self, told: Any) -> Any:
        """The inputs or outputs of the model with refs in it; Keras before 3 has lists always."""
        if self._is_ref(told):
            return _ref(told)
        if isinstance(told, dict):
            return {"dict": {k: self._ends(v) for k, v in told.items()}}
        if not isinstance(told, list) or not told:
            raise self.fail("it has no inputs or no outputs")
        made = [self._ends(x) for x in told]
        return made[0] if len(made) == 1 and self.dialect.version < 3 else made

    def _refs(self, tree: Any) -> Iterator[tuple[str, int, int]]:
        if isinstance(tree, dict) and "ref" in tree:
            yield tree["ref"]
        elif isinstance(tree, (dict, list)):
            for item in tree.values() if isinstance(tree, dict) else tree:
                yield from self._refs(item)

    def _count_shifts(self, ends: list[tuple[str, int, int]]) -> None:
        """A model called as a layer may count its own definition as call 0."""
        used: dict[str, int] = {}
        inside = (r for node in self.calls.values() for r in self._refs(node))
        for layer, call, _ in (*ends, *inside):
            used[layer] = min(call, used.get(layer, call))
        models = {
            n for n, kind in self.kinds.items() if kind in ("Model", "Functional", "Sequential")
        }
        self.shift = {name: used.get(name, 0) for name in models}

    def _entries_first(self, names: list[str]) -> list[dict[str, Any]]:
        by_name = {layer["config"]["name"]: layer for layer in self.layers}
        missing = [name for name in names if name not in by_name]
        if missing:
            raise self.fail(f"its input {missing[0]!r} is none of its layers")
        return [by_name[n] for n in names] + [by_name[n] for n in by_name if n not in names]

    def _ordered(self) -> list[dict[str, Any]]:
        waiting = dict(self.calls)
        nodes: list[dict[str, Any]] = []
        while waiting:
            ready = [key for key, node in waiting.items() if self._is_ready(node)]
            if not ready:
                raise self.fail(f"the call of {next(iter(waiting))[0]!r} is never reached")
            for key in ready:
                node = waiting.pop(key)
                made = {k: self._placed(v) if k in ("args", "kwargs") else v
                        for k, v in node.items()}  # fmt: skip
                made["kwargs"] = made["kwargs"] if "layer" in made else {}
                self.places[key] = {"output": len(nodes)}
                nodes.append(made)
        return nodes

    def _is_ready(self, node: Any) -> bool:
        return all(self._key(ref) in self.places for ref in self._refs(node))

    def _key(self, ref: tuple[str, int, int]) -> tuple[str, int]:
        return ref[0], ref[1] - self.shift.get(ref[0], 0)

    def _placed(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self._placed(x) for x in tree]
        if not isinstance(tree, dict):
            return tree
        if "ref" not in tree:
            return {k: self._placed(v) for k, v in tree.items()}
        place = self.places.get(self._key(tree["ref"]))
        if place is None:
            raise self.fail(f"an output comes from {tree['ref'][0]!r}, which is not called")
        return place if "tensor" in place else {"output": [place["output"], tree["ref"][2]]}

    def _names_in(self, tree: Any) -> Any:
        if isinstance(tree, list):
            return [self._names_in(x) for x in tree]
        if "ref" in tree:
            return tree["ref"][0]
        return {"dict": {k: self._names_in(v) for k, v in tree["dict"].items()}}


def _ref(x: Any) -> dict[str, Any]:
    return {"ref": (x[0], x[1], x[2])}
