"""The functional API: a backend whose tensors remember which call made them.

`layers.Input` starts a graph; calling layers and ops on its tensors adds nodes, with shapes found
by `polyk.symbolic`. `Graph` runs the nodes between some inputs and outputs on real tensors; a
weight that such a call takes is a place in the graph too, and is read whenever the graph runs.
"""

from __future__ import annotations

from abc import update_abstractmethods
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from polyk import dtypes, trees
from polyk.contract import Backend
from polyk.contract.engine import Engine
from polyk.errors import ShapeError
from polyk.ops.operators import Operators
from polyk.select import HANDLES, backend_of, get_backend, register
from polyk.shapes import resolve_reshape
from polyk.symbolic import SYMBOLIC, Spec, infer


class GraphTensor(Operators):
    """A place in a graph: shape (None where not known), dtype, and the node that fills it."""

    __hash__ = object.__hash__

    def __init__(self, shape: Sequence[int | None], dtype: str, name: str = "") -> None:
        self.shape, self.dtype, self.name = tuple(shape), dtype, name
        self.node: Node | None = None
        self.source: Any = None  # the InputLayer where a graph begins

    def __repr__(self) -> str:
        name = f", name={self.name}" if self.name else ""
        return f"<GraphTensor shape={self.shape}, dtype={self.dtype}{name}>"

    def __bool__(self) -> bool:
        raise TypeError("a tensor of a graph has no value yet; use ops.cond or ops.where.")

    __float__ = __int__ = __bool__

    def __getitem__(self, key: Any) -> Any:
        from polyk.ops import get_item

        return record("get_item", get_item, (self, key), {}, get_item)


KerasTensor = GraphTensor  # Keras's name for it


class Node:
    """One call: `run(*args, **kwargs)` on real tensors gives `outputs`, nested GraphTensors.

    `owner` is the layer, or the name of the op or of the `weight` that is read.
    """

    weight: Any = None
    inner: Graph | None = None  # what `run` computes in its turn: its layers and weights count

    def __init__(self, owner: Any, run: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.owner, self.run, self.args, self.kwargs = owner, run, args, kwargs
        self.outputs: Any = None

    @property
    def inputs(self) -> list[GraphTensor]:
        return [t for t in trees.flatten((self.args, self.kwargs)) if isinstance(t, GraphTensor)]


def has_graph(tree: Any) -> bool:
    """Whether a GraphTensor is among the leaves of `tree`."""
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, (list, tuple)):
        return type(tree) is GraphTensor
    for x in tree:  # a loop, for every call of every layer asks
        t = type(x)
        if t is GraphTensor or (issubclass(t, (list, tuple, dict)) and has_graph(x)):
            return True
    return False


def spec(x: Any) -> Any:
    """The Spec of a GraphTensor; anything else as it is."""
    return Spec(x.shape, x.dtype) if isinstance(x, GraphTensor) else x


def place_of(weight: Any) -> GraphTensor:
    """The tensor of graphs that stands for the value that `weight` has when they run."""
    if "_place" not in weight.__dict__:
        place = weight._place = GraphTensor(weight.shape, weight.dtype, weight.name)
        place.node = Node(weight.name, partial(_read, weight), (), {})
        place.node.weight, place.node.outputs = weight, place
    found: GraphTensor = weight._place
    return found


def _read(weight: Any) -> Any:
    value = HANDLES[type(weight)](weight)
    b = backend_of(value)
    return value if b.dtype(value) == weight.dtype else b.cast(value, weight.dtype)


def record(
    owner: Any, run: Callable[..., Any], args: Any, kwargs: Any, shapes: Callable[..., Any]
) -> Any:
    """Add a node; `shapes` gives the Specs of its outputs from those of its inputs."""
    args, kwargs = (
        trees.map(lambda x: place_of(x) if type(x) in HANDLES else x, t) for t in (args, kwargs)
    )
    node = Node(owner, run, args, kwargs)
    specs = infer(lambda a, k: shapes(*a, **k), trees.map(spec, args), trees.map(spec, kwargs))
    node.outputs = trees.map(lambda s: GraphTensor(s.shape, s.dtype), specs)
    for t in trees.flatten(node.outputs):
        t.node = node
        t.name = getattr(owner, "name", owner)
    if not isinstance(owner, str):
        owner.__dict__.setdefault("_nodes", []).append(node)
    return node.outputs


class GraphBackend(Backend):
    """Records each op; constants stay on the host."""

    name = "graph"
    rank = 3
    tensor_types = (GraphTensor,)
    dtypes = dtypes.ALL

    def asarray(self, x: Any, dtype: str | None = None) -> Any:
        if type(x) in HANDLES:
            return place_of(x)
        return get_backend("numpy").asarray(x, dtype)

    def full(self, shape: Any, value: Any, dtype: str) -> Any:
        if None in shape:
            raise ShapeError(f"the shape {shape} is not known yet; use a layer, or ops.zeros_like.")
        return get_backend("numpy").full(shape, value, dtype)

    def arange(self, start: float, stop: float, step: float, dtype: str) -> Any:
        return get_backend("numpy").arange(start, stop, step, dtype)

    def to_numpy(self, x: Any) -> Any:
        raise TypeError("a tensor of a graph has no value yet.")

    def dtype(self, x: Any) -> str:
        return dtypes.standardize(x.dtype)

    def is_concrete(self, x: Any) -> bool:
        return not isinstance(x, GraphTensor)


def _recorded(op: str) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        b = backend_of(*(a for a in trees.flatten(args) if hasattr(a, "shape")))
        args = trees.map(lambda a: b.asarray(a) if hasattr(a, "shape") else a, args)
        if op == "reshape":
            args = (args[0], resolve_reshape(b.shape(args[0]), args[1]))
        return getattr(b, op)(*args)

    def method(self: GraphBackend, *args: Any, **kwargs: Any) -> Any:
        if not has_graph(args):
            return getattr(get_backend("numpy"), op)(*args, **kwargs)
        args = (*args, *kwargs.values())  # contract methods are called in the order they declare
        return record(op, run, args, {}, lambda *a: getattr(SYMBOLIC, op)(*a))

    method.__name__ = op
    return method


_own = set(GraphBackend.__dict__) | set(Engine.__dict__) - {"stop_gradient"}
_ops = [op for op in dir(Backend) if not op.startswith("_") and op not in _own]
for _op in _ops:
    setattr(GraphBackend, _op, _recorded(_op))
BACKEND = update_abstractmethods(GraphBackend)()  # type: ignore[type-abstract]  # filled in above
register(BACKEND)


def replay(op: str, args: Sequence[Any]) -> Any:
    """Add a node of the op called `op`, as it is called in a `Node`, once more.

    Without a tensor of the graph among `args` the op would be computed, at any size: refused.
    """
    if not has_graph(args):
        raise ValueError(f"the op {op!r} takes no tensor of the graph.")
    if op == "get_item":
        return args[0][args[1]]
    if op not in _ops:
        raise ValueError(f"there is no op named {op!r}.")
    return getattr(BACKEND, op)(*args)


class Graph:
    """The nodes that lead from `inputs` to `outputs`, in an order in which they can run."""

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.nodes: list[Node] = []
        self._known = {id(t) for t in trees.flatten(inputs)}
        seen: set[int] = set()
        for t in trees.flatten(outputs):
            self._visit(t, seen)

    def _visit(self, end: GraphTensor, seen: set[int]) -> None:
        """Depth first without recursion, so that depth is not limited."""
        stack: list[tuple[GraphTensor, bool]] = [(end, False)]
        while stack:
            t, ready = stack.pop()
            if id(t) in self._known:
                continue
            if t.node is None:
                raise ValueError(
                    f"the outputs depend on Input {t.name!r}, which is not among the inputs."
                )
            if ready and id(t.node) not in seen:
                seen.add(id(t.node))
                self.nodes.append(t.node)
            elif id(t.node) not in seen:
                stack.append((t, True))
                stack.extend((i, False) for i in reversed(t.node.inputs))

    @property
    def layers(self) -> list[Any]:
        """The layers called, once each, in order."""
        owners = {id(n.owner): n.owner for n in self._all() if not isinstance(n.owner, str)}
        return list(owners.values())

    @property
    def weights(self) -> list[Any]:
        """The weights that ops take directly, in order."""
        return list(dict.fromkeys(n.weight for n in self._all() if n.weight is not None))

    def _all(self) -> Iterator[Node]:
        for node in self.nodes:
            yield node
            if node.inner is not None:
                yield from node.inner._all()

    def run(self, values: Sequence[Any]) -> Any:
        """The outputs for real `values` of the flat inputs."""
        slots = dict(zip(map(id, trees.flatten(self.inputs)), values, strict=True))

        def fill(x: Any) -> Any:
            return slots[id(x)] if isinstance(x, GraphTensor) else x

        for node in self.nodes:
            result = node.run(*trees.map(fill, node.args), **trees.map(fill, node.kwargs))
            pairs = zip(trees.flatten(node.outputs), trees.flatten(result), strict=True)
            slots.update((id(t), v) for t, v in pairs)
        return trees.map(fill, self.outputs)
