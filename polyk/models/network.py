"""Network: a layer that lives on a backend, with a seed: building it, moving it, looking at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

from polyk import random, trees
from polyk.contract import Backend
from polyk.graph import has_graph
from polyk.layers.base import Layer, context
from polyk.layers.inputs import InputLayer
from polyk.layers.spec import specs
from polyk.layers.tracking import OF_INIT
from polyk.models.feed import as_tree
from polyk.select import check_device, current_device, get_backend, scope
from polyk.symbolic import Spec


class Network(Layer):
    """What a model is before it trains; initial weights follow from `seed` on every backend."""

    def __init__(
        self,
        name: str | None = None,
        backend: str | Backend | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.backend = get_backend(backend)
        self.device = current_device()
        self.seed = seed
        self.key = random.next_key() if seed is None else random.key(seed)

    backend: Backend = OF_INIT
    device: str | None = OF_INIT
    supports_masking = True

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """None: the outputs keep the masks that the layers inside gave them."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if context.stack or Spec in map(type, args) or has_graph(args) or has_graph(kwargs):
            return super().__call__(*args, **kwargs)
        with self._scope():
            if not self._claimed:
                self._claim(args)
            return self._on_tensors(tuple(map(as_tree, args)), kwargs)

    def _scope(self) -> Any:
        return scope(self.backend, self.device)

    # Weights: whose seed, which backend.

    _claimed = False
    _input_specs: Any = None

    def _claim(self, args: Any) -> None:
        """Build from the shapes of `args`, then give every weight its key and its place."""
        if not self.built:
            specs = trees.map(lambda x: _spec(x, self.dtype), args)
            self.compute_output_spec(*specs)
            self.__dict__["_input_specs"] = specs  # what a file needs to build the model again
        self._claim_weights()

    def _claim_weights(self) -> None:
        weighty = (x for x in self._flatten_layers() if not isinstance(x, InputLayer))
        for i, layer in enumerate(weighty):
            self._claim_layer(layer, random.fold_in(self.key, i))
        self.__dict__["_claimed"] = True

    def _claim_layer(self, layer: Layer, key: random.Key) -> None:
        layer.check_dtype(self.backend)
        names: dict[str, int] = {}
        for w in dict.fromkeys((*layer._own_weights.values(), *layer._loose_weights)):
            n = names[w.name] = names.get(w.name, -1) + 1
            name = f"{w.name}_{n}" if n else w.name
            w.path = f"{layer.name}/{name}"
            if w.backend is None:
                w.key = w.key or random.fold_in(key, name)
                w.initialize(self.backend)
        for j, g in enumerate(layer._parts(random.SeedGenerator)):
            g.key = g.key or random.fold_in(key, f"seed_generator_{j}")
            if g.counter.backend is None:
                g.counter.initialize(self.backend)

    def build(self, input_shape: Any = None) -> None:
        """Make all weights for inputs of `input_shape` (batch first)."""
        if input_shape is not None and not context.stack and not self.built:
            with self._scope():
                self._claim((specs(input_shape, self.dtype),))

    def to(self, backend: str | Backend | None = None, device: str | None = None) -> Self:
        """Move weights, optimizer and metrics to another backend or device, and return self."""
        target = get_backend(backend or self.backend)
        if device is not None:
            check_device(target, device)
        self.device = (
            device if device is not None else None if target is not self.backend else self.device
        )
        self.backend = target
        with self._scope():
            for w in self._all_state():
                w.to(target)
        return self

    def _all_state(self) -> list[Any]:
        return self.state

    # Looking at it.

    input: Any
    output: Any

    @property
    def input_shape(self) -> Any:
        """The shapes of the inputs, where they are known before data are."""
        return trees.map(lambda t: t.shape, self.input)

    @property
    def output_shape(self) -> Any:
        """The shapes of the outputs, where they are known before data are."""
        return trees.map(lambda t: t.shape, self.output)

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print a table of the layers, their output shapes and how many parameters they have."""
        from polyk.models.summary import summary

        if not self.built:
            raise ValueError(
                f"{self.where()} has no weights yet: call it, fit it, or build(shape)."
            )
        summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    def _rows(self, expand_nested: bool = False) -> list[Any]:
        """What tables and drawings show: see `polyk.models.outline`."""
        from polyk.models.outline import rows

        return rows(self, expand_nested)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer called `name`, or at `index`."""
        from polyk.errors import UnknownName, did_you_mean

        if index is not None:
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        raise UnknownName(
            f"no layer named {name!r}.{did_you_mean(str(name), names)} "
            f"There are: {', '.join(names)}."
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("backend", None)  # where a model lives is not what it is
        return config


Network._makes_masks = False  # what reaches the outputs comes from the layers inside


def _spec(x: Any, dtype: str) -> Any:
    if isinstance(x, Spec) or not hasattr(x, "shape"):
        return x
    name = str(x.dtype).rpartition(".")[2]
    return Spec((None, *tuple(x.shape)[1:]), dtype if "float" in name else name)
