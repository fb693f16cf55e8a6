"""What a layer holds: weights, the layers inside, random streams, metrics, losses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from polyk import constraints, initializers, ops, random, regularizers
from polyk.errors import ShapeError
from polyk.layers.context import context
from polyk.metrics.base import Metric
from polyk.weights import Weight, WeightAttribute, only_shapes

if TYPE_CHECKING:
    from polyk.layers.base import Layer

_KEPT = ("_own_weights", "_loose_weights", "_losses", "_charged", "_nodes", "_given")


class _OfInit:
    """An attribute that the ``__init__`` of the base class sets; says so where it did not run."""

    def __get__(self, layer: Any, cls: type | None = None) -> Any:
        if layer is None:
            return self
        raise RuntimeError(
            f"{type(layer).__name__}.__init__ did not call that of its base class. Begin it with "
            "super().__init__(), or super().__init__(**kwargs) if it takes name, dtype and so on."
        )


OF_INIT: Any = _OfInit()


class Tracker:
    """The half of `Layer` that knows its parts, found by looking at its attributes."""

    name: str
    variable_dtype: str
    built: bool
    _trainable: bool
    _own_weights: dict[str, Weight]
    _loose_weights: list[Weight]
    _losses: list[Any]  # what `add_loss` charged in the last call
    _charged: list[Any]  # the layers inside that charged something in the last call

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls)
        self.__dict__.update(
            _own_weights={}, _loose_weights=[], _losses=[], _charged=[], built=False,
            _given=(args, kwargs),
        )  # fmt: skip
        return self

    def where(self) -> str:
        """The layer's name for a message, with the model it is being called in."""
        me = f"{type(self).__name__} {self.name!r}"
        outer = [x for x in context.stack if x is not self]
        return f"{me} (in {type(outer[0]).__name__} {outer[0].name!r})" if outer else me

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
        autocast: bool = True,
    ) -> Weight:
        """A new weight: ``add_weight("kernel", (3, 4))``; Keras 3's order works as well.

        What is not given comes from the attributes ``kernel_initializer``, ``kernel_regularizer``
        and ``kernel_constraint`` (or another prefix, `options`); the last resort is Glorot uniform.
        With `autocast` the layer's calls read it in `compute_dtype`.
        """
        if name is not None and not isinstance(name, str):
            name, shape = (shape if isinstance(shape, str) else None), name
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if None in shape:
            raise ShapeError(f"{self.where()}: a weight of shape {shape} cannot be made.")

        def option(given: Any, kind: str) -> Any:
            return getattr(self, f"{options or name}_{kind}", None) if given is None else given

        weight = Weight(
            name or "weight", shape, dtype or self.variable_dtype,
            initializers.get(option(initializer, "initializer") or "glorot_uniform"), trainable,
            regularizers.get(option(regularizer, "regularizer")),
            constraints.get(option(constraint, "constraint")), autocast,
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
    def state(self) -> list[Weight]:
        """All that a step may change: weights, counters of random streams, metrics."""
        counters = (g.counter for g in self.seed_generators)
        return [*self.weights, *counters, *(w for m in self._metrics() for w in m.state)]

    variables = state
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def get_weights(self) -> list[Any]:
        """Copies of the weights as NumPy arrays."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the weights from arrays in the order of `get_weights`; all or none."""
        for w, value in self._matched(weights):
            w.assign(value)

    def _matched(self, weights: Sequence[Any]) -> list[tuple[Weight, Any]]:
        """The weights with the arrays meant for them, if all shapes agree."""
        own = self.weights
        if len(weights) != len(own):
            raise ValueError(f"{self.where()} has {len(own)} weights; got {len(weights)} arrays.")
        pairs = list(zip(own, weights, strict=True))
        for w, value in pairs:
            shape = tuple(getattr(value, "shape", ()))
            if shape != w.shape:
                raise ShapeError(f"weight {w.path!r} has shape {w.shape}; got {shape}.")
        return pairs

    def count_params(self) -> int:
        """How many numbers the weights hold."""
        return sum(math.prod(w.shape) for w in self.weights)

    # Parts.

    def _parts(self, kind: type) -> Iterator[Any]:
        """What of `kind` the attributes hold, also in lists, tuples and dicts."""
        for name, value in self.__dict__.items():
            if name in _KEPT:
                continue
            if isinstance(value, kind):
                yield value
            elif isinstance(value, (list, tuple, dict)):
                yield from (x for x in _contents(value) if isinstance(x, kind))

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside this one."""
        return list({id(x): x for x in self._parts(Tracker)}.values())

    def _flatten_layers(self) -> list[Any]:
        """This layer and all inside it, once each, outermost first."""
        found: dict[int, Any] = {id(self): self}
        for layer in self.layers:
            for inner in layer._flatten_layers():
                found.setdefault(id(inner), inner)
        return list(found.values())

    @property
    def seed_generators(self) -> list[random.SeedGenerator]:
        """The random streams of this layer and those inside."""
        return [g for x in self._flatten_layers() for g in x._parts(random.SeedGenerator)]

    def _metrics(self) -> list[Metric]:
        """The metrics that this layer and those inside hold and update in `call`."""
        found = (m for x in self._flatten_layers() for m in x._parts(Metric))
        return list({id(m): m for m in found}.values())

    @property
    def trainable(self) -> bool:
        """Whether training changes this layer; setting it reaches the layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        for layer in self.layers:
            layer.trainable = value

    # Losses.

    def add_loss(self, loss: Any) -> None:
        """Charge a scalar, or several, in `call`; training adds it to the model's loss."""
        if only_shapes():
            return
        self._losses.extend(loss if isinstance(loss, (list, tuple)) else [loss])
        (context.stack[0] if context.stack else self)._charged.append(self)

    @property
    def losses(self) -> list[Any]:
        """What the last call charged here and inside, and what the weights' regularizers charge."""
        charged = [value for layer in self._flatten_layers() for value in layer._losses]
        weights = (w for w in self.trainable_weights if w.regularizer is not None)
        return [*charged, *(w.regularizer(w.value) for w in weights)]  # type: ignore[misc]

    def _charges(self) -> Any:
        """The sum of what the last call charged by `add_loss`, or None."""
        total = None
        for layer in dict.fromkeys(self._charged):
            for value in layer._losses:
                total = value if total is None else ops.add(total, value)
        return total

    def _drop_charges(self) -> None:
        for layer in self._charged:
            layer._losses.clear()
        self._charged.clear()


def _contents(value: Any) -> Iterator[Any]:
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, (list, tuple, dict)):
            yield from _contents(item)
        else:
            yield item
