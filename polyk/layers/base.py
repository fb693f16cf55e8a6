"""Layer: weights made once, a call, a config. And what calling one entails."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from polyk import constraints, dtypes, initializers, ops, random, regularizers, trees
from polyk.errors import ShapeError
from polyk.graph import has_graph, record
from polyk.layers.spec import InputSpec, Shape, batch_open
from polyk.registry import Registry, registered_name, snake_case
from polyk.select import current, engine_of
from polyk.symbolic import Spec, infer
from polyk.weights import Weight, WeightAttribute, shapes_only

REGISTRY = Registry("layer")


class _Context(threading.local):
    """What holds while layers call one another: the mode, and who called."""

    def __init__(self) -> None:
        self.training: bool | None = None
        self.stack: list[Layer] = []


context = _Context()
_counts: dict[str, int] = {}


def unique_name(base: str) -> str:
    """`base`, then ``base_1``, ``base_2``, ..."""
    n = _counts[base] = _counts.get(base, -1) + 1
    return f"{base}_{n}" if n else base


def _once_done_built(build: Callable[..., None]) -> Callable[..., None]:
    """`build` that notes that it was done, whoever calls it."""

    @functools.wraps(build)
    def run(self: Layer, *shapes: Any, **kwargs: Any) -> None:
        build(self, *shapes, **kwargs)
        self.built = self.built or shapes not in ((), (None,))

    return run


class Layer:
    """Subclass it: ``__init__`` takes the config, `build` makes weights, `call` computes.

    Arguments of ``__init__`` are kept under their own names, so `get_config` needs no code.
    ``self.kernel = self.add_weight("kernel", shape)`` makes an attribute that reads as the tensor;
    assigning to it updates the weight.
    """

    input_spec: InputSpec | None = None
    _own_weights: dict[str, Weight]
    _loose_weights: list[Weight]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls)
        self.__dict__.update(_own_weights={}, _loose_weights=[], built=False)
        return self

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._wants_training = "training" in inspect.signature(cls.call).parameters
        if "build" in cls.__dict__:
            cls.build = _once_done_built(cls.build)  # type: ignore[method-assign]
        REGISTRY.add(cls)

    _wants_training = False

    def __init__(
        self,
        name: str | None = None,
        trainable: bool = True,
        dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        if "input_shape" in kwargs:  # the first layer of a Sequential, in Keras 1 and 2
            self._first_shape = tuple(kwargs.pop("input_shape"))
        if "input_dim" in kwargs:
            self._first_shape = (kwargs.pop("input_dim"),)
        if kwargs:
            raise TypeError(f"{type(self).__name__}: unknown argument {next(iter(kwargs))!r}.")
        self.name = name or unique_name(snake_case(type(self).__name__))
        self._trainable = trainable
        self.dtype = dtypes.standardize(dtype or dtypes.floatx())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    # What subclasses write.

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of `input_shape` (batch first, None)."""

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs from the inputs."""
        raise NotImplementedError(f"{type(self).__name__} does not implement call.")

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, as data."""
        config = {}
        for cls in reversed(type(self).__mro__):
            if "__init__" in cls.__dict__ and cls is not object:
                for name, p in inspect.signature(cls.__dict__["__init__"]).parameters.items():
                    if name != "self" and p.kind is not p.VAR_KEYWORD and hasattr(self, name):
                        config[name] = to_config(getattr(self, name))
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer from what `get_config` gave."""
        return cls(**config)

    # Weights.

    def add_weight(
        self,
        name: Any = None,
        shape: Any = None,
        initializer: Any = None,
        dtype: str | None = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        options: str = "",
    ) -> Weight:
        """A new weight: ``add_weight("kernel", (3, 4))``; Keras 3's order works as well.

        What is not given comes from the attributes ``kernel_initializer``, ``kernel_regularizer``
        and ``kernel_constraint`` (or another prefix, `options`); the last resort is Glorot uniform.
        """
        if name is not None and not isinstance(name, str):
            name, shape = (shape if isinstance(shape, str) else None), name
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if None in shape:
            raise ShapeError(f"{self.where()}: a weight of shape {shape} cannot be made.")

        def option(given: Any, kind: str) -> Any:
            return getattr(self, f"{options or name}_{kind}", None) if given is None else given

        weight = Weight(
            name or "weight", shape, dtype or self.dtype,
            initializers.get(option(initializer, "initializer") or "glorot_uniform"), trainable,
            regularizers.get(option(regularizer, "regularizer")),
            constraints.get(option(constraint, "constraint")),
        )  # fmt: skip
        self._loose_weights.append(weight)
        return weight

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Weight):
            if not isinstance(getattr(type(self), name, None), WeightAttribute):
                setattr(type(self), name, WeightAttribute(name))
            if value.name == "weight":
                value.name = value.path = name
            self._own_weights[name] = value
        else:
            object.__setattr__(self, name, value)

    def _parts(self, kind: type) -> Iterator[Any]:
        """What of `kind` the attributes hold, also in lists, tuples and dicts."""
        for name, value in self.__dict__.items():
            if name.startswith("_own") or name.startswith("_loose"):
                continue
            if isinstance(value, kind):
                yield value
            elif isinstance(value, (list, tuple, dict)):
                yield from (x for x in _contents(value) if isinstance(x, kind))

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside this one."""
        return list({id(x): x for x in self._parts(Layer)}.values())

    def _flatten_layers(self) -> list[Layer]:
        """This layer and all inside it, once each, outermost first."""
        found: dict[int, Layer] = {id(self): self}
        for layer in self.layers:
            for inner in layer._flatten_layers():
                found.setdefault(id(inner), inner)
        return list(found.values())

    @property
    def weights(self) -> list[Weight]:
        """All weights, in the order in which they were made."""
        found: dict[Weight, None] = {}
        for layer in self._flatten_layers():
            for w in (*layer._own_weights.values(), *layer._loose_weights):
                found.setdefault(w)
        return list(found)

    @property
    def trainable_weights(self) -> list[Weight]:
        """The weights that training changes."""
        frozen = {id(w) for x in self._flatten_layers() if not x.trainable for w in x.weights}
        return [w for w in self.weights if w.trainable and id(w) not in frozen]

    @property
    def non_trainable_weights(self) -> list[Weight]:
        """The other weights."""
        trained = set(self.trainable_weights)
        return [w for w in self.weights if w not in trained]

    @property
    def seed_generators(self) -> list[random.SeedGenerator]:
        """The random streams of this layer and those inside."""
        return [g for x in self._flatten_layers() for g in x._parts(random.SeedGenerator)]

    @property
    def state(self) -> list[Weight]:
        """All that a step may change: weights and the counters of random streams."""
        return [*self.weights, *(g.counter for g in self.seed_generators)]

    @property
    def trainable(self) -> bool:
        """Whether training changes this layer; setting it reaches the layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        for layer in self.layers:
            layer.trainable = value

    def get_weights(self) -> list[Any]:
        """Copies of the weights as NumPy arrays."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the weights from arrays in the order of `get_weights`; all or none."""
        own = self.weights
        if len(weights) != len(own):
            raise ValueError(f"{self.where()} has {len(own)} weights; got {len(weights)} arrays.")
        for w, value in zip(own, weights, strict=True):
            if tuple(getattr(value, "shape", ())) != w.shape:
                raise ShapeError(f"weight {w.path!r} has shape {w.shape}; got {value.shape}.")
        for w, value in zip(own, weights, strict=True):
            w.assign(value)

    def count_params(self) -> int:
        """How many numbers the weights hold."""
        import math

        return sum(math.prod(w.shape) for w in self.weights)

    # Calling.

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if has_graph((args, kwargs)):
            return self._add_to_graph(args, kwargs)
        before = context.training
        if "training" in kwargs:
            context.training = kwargs["training"]
            if not self._wants_training:
                del kwargs["training"]
        elif self._wants_training:
            kwargs["training"] = bool(before)
        if not context.stack:
            args = tuple(trees.map(self._tensor, a) for a in args)
        context.stack.append(self)
        try:
            if not self.built:
                self._build(args)
            if self.input_spec is not None and hasattr(args[0], "shape"):
                self.input_spec.check(self, tuple(args[0].shape))
            return self.call(*args, **kwargs)
        except Exception as e:
            self._explain(e, args)
            raise
        finally:
            context.stack.pop()
            context.training = before

    def _tensor(self, x: Any) -> Any:
        """Host data on the backend in use, floats in the layer's dtype; tensors as they are."""
        if engine_of(x) is not None or not hasattr(x, "__array__"):
            return x
        x = ops.convert_to_tensor(x)
        return ops.cast(x, self.dtype) if ops.dtype(x) in dtypes.FLOATS else x

    def _build(self, args: Any) -> None:
        shapes = [trees.map(lambda x: batch_open(_shape(x)), a) for a in args if _tensors(a)]
        if shapes:
            self.build(shapes[0])
        self.built = True

    def _add_to_graph(self, args: Any, kwargs: Any) -> Any:
        def shapes(*specs: Any) -> Any:
            with shapes_only():
                return self(*specs, **{k: v for k, v in kwargs.items() if not has_graph(v)})

        if not self.built:
            with shapes_only():
                self._build_in_graph(args)
        return record(self, self, args, kwargs, shapes)

    def _build_in_graph(self, args: Any) -> None:
        """Build with None for every size that is not known, before shapes are probed."""
        context.stack.append(self)
        try:
            self._build(args)
        finally:
            context.stack.pop()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for inputs of `input_shape` (nested shapes for several)."""
        out = self.compute_output_spec(_specs(input_shape, self.dtype))
        return trees.map(lambda s: s.shape, out)

    def compute_output_spec(self, *args: Any) -> Any:
        """What calling the layer on Specs gives: no computation takes place."""
        with shapes_only():
            if not self.built:
                self._build_in_graph(args)
            return infer(self, *args)

    def where(self) -> str:
        """The layer's name for a message, with the model it is being called in."""
        me = f"{type(self).__name__} {self.name!r}"
        outer = [x for x in context.stack if x is not self]
        return f"{me} (in {type(outer[0]).__name__} {outer[0].name!r})" if outer else me

    def _explain(self, error: Exception, args: Any) -> None:
        """Say on the error itself in which layer and on what it arose; once, innermost."""
        if getattr(error, "_polyk_noted", False) or isinstance(error, ShapeError):
            return
        shapes = ", ".join(str(_shape(x)) for x in trees.flatten(args) if hasattr(x, "shape"))
        error.add_note(f"in {self.where()}, called with {shapes}; backend {current().name!r}")
        error._polyk_noted = True  # type: ignore[attr-defined]


def _contents(value: Any) -> Iterator[Any]:
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, (list, tuple, dict)):
            yield from _contents(item)
        else:
            yield item


def _shape(x: Any) -> Shape:
    return tuple(x.shape) if hasattr(x, "shape") else ()


def _tensors(tree: Any) -> bool:
    return any(hasattr(x, "shape") for x in trees.flatten(tree))


def _specs(shape: Any, dtype: str) -> Any:
    if isinstance(shape, dict):
        return {k: _specs(s, dtype) for k, s in shape.items()}
    if all(d is None or isinstance(d, int) for d in shape):
        return Spec(shape, dtype)
    return [_specs(s, dtype) for s in shape]


def to_config(value: Any) -> Any:
    """`value` as data: objects become ``{"class_name", "config"}``, functions their names."""
    if hasattr(value, "get_config"):
        return {"class_name": registered_name(type(value)), "config": value.get_config()}
    if isinstance(value, (list, tuple)):
        return [to_config(v) for v in value]
    if isinstance(value, dict):
        return {k: to_config(v) for k, v in value.items()}
    return registered_name(value) if callable(value) else value


def get(identifier: Any) -> Layer:
    """A layer from its name, config, class or itself."""
    layer: Layer = REGISTRY.get(identifier)
    return layer
