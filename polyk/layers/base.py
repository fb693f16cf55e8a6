"""Layer: weights made once, a call, a config. And what calling one entails."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from polyk import dtypes, ops, regularizers, trees
from polyk.contract import Backend
from polyk.dtype_policies import DTypePolicy
from polyk.dtype_policies import get as get_policy
from polyk.errors import DTypeError, ShapeError
from polyk.graph import has_graph, record
from polyk.layers.configs import LAYERS as REGISTRY
from polyk.layers.configs import arguments, make, revive, to_config
from polyk.layers.context import context
from polyk.layers.masking import mask_outputs, pass_masks
from polyk.layers.recorded import FIRST_INPUT, FIRST_OUTPUT
from polyk.layers.signature import KERAS_1, Signature
from polyk.layers.spec import as_shape, batch_open, check_inputs, shape_of, specs
from polyk.layers.tracking import OF_INIT, Tracker
from polyk.masks import keep_masks, mask_of, masks_of, set_mask
from polyk.masks import local as masks_local
from polyk.ops.dispatch import one
from polyk.registry import snake_case
from polyk.select import current
from polyk.symbolic import infer
from polyk.weights import _local as weights_local
from polyk.weights import only_shapes, shapes_only

__all__ = [
    "REGISTRY",
    "Layer",
    "context",
    "get",
    "keep_masks",
    "mask_of",
    "masks_of",
    "set_mask",
    "to_config",
    "unique_name",
]

_counts: dict[str, int] = {}


def reset_names() -> None:
    """Let `unique_name` begin again."""
    _counts.clear()


def unique_name(base: str) -> str:
    """`base`, then ``base_1``, ``base_2``, ..."""
    n = _counts[base] = _counts.get(base, -1) + 1
    return f"{base}_{n}" if n else base


def _once_done_built(build: Callable[..., None]) -> Callable[..., None]:
    """`build` that notes that it was done and for which shapes, whoever calls it."""
    names = list(inspect.signature(build).parameters)[1:]

    @functools.wraps(build)
    def run(self: Layer, *shapes: Any, **kwargs: Any) -> None:
        build(self, *shapes, **kwargs)
        if kwargs or shapes not in ((), (None,)):
            given = {**dict(zip(names, shapes, strict=False)), **kwargs}
            self.__dict__.setdefault("_build_shapes", given)
            self.built = True

    return run


class Layer(Tracker):
    """Subclass it: ``__init__`` takes the config, `build` makes weights, `call` computes.

    Arguments of ``__init__`` are kept under their own names, so `get_config` needs no code.
    ``self.kernel = self.add_weight("kernel", shape)`` makes an attribute that reads as the tensor;
    assigning to it updates the weight.

    A `call` that takes ``training`` or ``mask`` is given them: the mode, and the mask of its input.
    Float inputs are cast to `compute_dtype`, unless `autocast` is False.
    """

    input_spec: Any = None
    activity_regularizer: Any = None
    supports_masking = False  # a class that defines compute_mask supports it
    name: str = OF_INIT
    compute_dtype: str = OF_INIT
    variable_dtype: str = OF_INIT
    _dtype_policy: DTypePolicy = OF_INIT
    _trainable: bool = OF_INIT
    _batch_input_shape: Any = OF_INIT
    _first_weights: Any = OF_INIT
    input: Any = FIRST_INPUT
    output: Any = FIRST_OUTPUT
    autocast = True
    _autocast: str | None = None
    _takes: Signature
    _makes_masks = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "compute_mask" in cls.__dict__:
            cls._makes_masks = True
            cls.supports_masking = cls.__dict__.get("supports_masking", True)
        if "build" in cls.__dict__:
            cls.build = _once_done_built(cls.build)  # type: ignore[method-assign]
        cls._takes = Signature(cls)
        REGISTRY.add(cls)

    def __init__(
        self,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
        activity_regularizer: Any = None,
        autocast: bool = True,
        **kwargs: Any,
    ) -> None:
        self._take_first_shape(kwargs)
        if kwargs:
            name = next(iter(kwargs))
            hint = f" It is called {KERAS_1[name]!r} now." if name in KERAS_1 else ""
            raise TypeError(f"{type(self).__name__}: unknown argument {name!r}.{hint}")
        self.name = name or unique_name(snake_case(type(self).__name__))
        self._trainable = trainable
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.autocast = autocast
        self.dtype_policy = get_policy(dtype)

    def _take_first_shape(self, kwargs: dict[str, Any]) -> None:
        """What Keras 1 and 2 let the first layer of a Sequential say."""
        shape = kwargs.pop("input_shape", None)
        size = kwargs.pop("input_dim", None)
        shape = (size,) if shape is None and size is not None else shape
        full = kwargs.pop("batch_input_shape", None)
        batch = kwargs.pop("batch_size", None)
        if full is None and shape is not None:
            full = (batch, *((shape,) if isinstance(shape, int) else shape))
        self._batch_input_shape = full if full is None else tuple(full)
        self._first_weights = kwargs.pop("weights", None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    @property
    def dtype_policy(self) -> DTypePolicy:
        """In which dtype the layer computes, and in which it keeps weights."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, policy: Any) -> None:
        self._dtype_policy = policy = get_policy(policy)
        self.compute_dtype, self.variable_dtype = policy.compute_dtype, policy.variable_dtype
        mixed = self.compute_dtype != self.variable_dtype and self.autocast
        self._autocast = self.compute_dtype if mixed else None

    @property
    def dtype(self) -> str:
        """The dtype of the weights."""
        return self.variable_dtype

    # What subclasses write.

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of `input_shape` (batch first, None).

        Where `call` takes several tensors, ``build(self, query_shape, value_shape)`` takes the
        shapes by the names of the arguments.
        """

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs from the inputs."""
        raise NotImplementedError(f"{type(self).__name__} does not implement call.")

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the outputs: that of the inputs, where a layer supports masking."""
        return previous_mask

    # As data.

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, as data."""
        config = arguments(self)
        for name, default in (("activity_regularizer", None), ("autocast", True)):
            if config.get(name) == default:
                config.pop(name, None)
        return {**config, "dtype": self.dtype_policy.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer from what `get_config` gave."""
        return make(cls, {name: revive(value) for name, value in config.items()})

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes for which the layer was built, or None."""
        return self.__dict__.get("_build_shapes")

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Build for the shapes that `get_build_config` gave."""
        if config and not self.built:
            self.build(**{name: as_shape(shape) for name, shape in config.items()})

    # Calling.

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if has_graph(args) or (kwargs and has_graph(kwargs)):
            return self._add_to_graph(args, kwargs)
        return self._on_tensors(args, kwargs)

    def _on_tensors(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call on tensors."""
        before = context.training, masks_local.table, weights_local.autocast
        if not context.stack and self._charged:
            self._drop_charges()
        if masks_local.table is None:
            masks_local.table = {}
        context.stack.append(self)
        try:
            args = self._arguments(args, kwargs)
            if not self.built:
                self._build(args, kwargs)
            if self.input_spec is not None and args:
                check_inputs(self, self.input_spec, args[0])
            weights_local.autocast = self._autocast
            return self._compute(args, kwargs)
        except Exception as e:
            self._explain(e, args)
            raise
        finally:
            context.stack.pop()
            context.training, masks_local.table, weights_local.autocast = before

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Positional arguments as tensors; `kwargs` gets the others, and the mode."""
        takes = self._takes
        if len(args) != 1:
            args = takes.bind(args, kwargs)
        training = kwargs.pop("training", None)
        if training is None:
            training = context.training
            if training is None:
                training = takes.default_training
        for name, value in kwargs.items():
            kwargs[name] = trees.map(self._tensor, value)
        context.training = training
        if takes.training:
            kwargs["training"] = False if training is None else training
        if len(args) == 1 and hasattr(args[0], "dtype"):
            return (self._tensor(args[0]),)
        return tuple(trees.map(self._tensor, a) for a in args)

    def _tensor(self, x: Any) -> Any:
        """An array as a tensor of the backend in use, floats in the dtype of computing."""
        if not hasattr(x, "dtype"):
            return x
        b, y = one(x)
        if self.autocast:
            dtype = b.names[y.dtype]
            if dtype != self.compute_dtype and dtype in dtypes.FLOATS:
                y = b.cast(y, self.compute_dtype)
        if y is not x and masks_local.table:
            set_mask(y, mask_of(x))
        return y

    def _compute(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if masks_local.table and self._takes.masks:
            pass_masks(self._takes, args, kwargs)
        outputs = self.call(*args, **kwargs)
        given = kwargs.get("mask")
        if masks_local.table or self._makes_masks or given is not None:
            mask_outputs(self, args[0] if args else None, given, outputs)
        if self.activity_regularizer is not None:
            for x in trees.flatten(outputs):
                size = ops.shape(x)[0] if ops.ndim(x) else 1  # the same charge for any batch size
                self.add_loss(ops.divide(self.activity_regularizer(x), float(size)))
        return outputs

    def check_dtype(self, backend: Backend) -> None:
        """Raise unless `backend` has the dtype in which the layer computes."""
        if self.compute_dtype not in backend.dtypes:
            known = ", ".join(d for d in backend.dtypes if d in dtypes.FLOATS)
            raise DTypeError(
                f"{self.where()}: dtype policy {self.dtype_policy.name!r} computes in "
                f"{self.compute_dtype}, which backend {backend.name!r} does not have. It has "
                f"{known}. Take another policy, or another backend."
            )

    def _build(self, args: Any, kwargs: Any) -> None:
        if not only_shapes():
            self.check_dtype(current())
        found = self._takes.tensors(args, kwargs)
        shapes = {
            f"{k}_shape": trees.map(lambda x: batch_open(shape_of(x)), v) for k, v in found.items()
        }
        named = {name: shapes[name] for name in self._takes.shapes if name in shapes}
        if shapes and len(self._takes.shapes) > 1 and named:
            self.build(**named)
        elif shapes:
            self.build(next(iter(shapes.values())))
        self.built = True
        if self._first_weights is not None:
            for w, value in self._matched(self._first_weights):
                w.initializer = functools.partial(_given, value)
            self._first_weights = None

    def _add_to_graph(self, args: Any, kwargs: Any) -> Any:
        def shapes(*args: Any, **kwargs: Any) -> Any:
            with shapes_only():
                return self(*args, **kwargs)

        if len(args) != 1:
            args = self._takes.bind(args, kwargs)
        if not self.built:
            self._build_in_graph(args, kwargs)
        return record(self, self, args, kwargs, shapes)

    def _build_in_graph(self, args: Any, kwargs: Any) -> None:
        """Build with None for every size that is not known, before shapes are probed."""
        context.stack.append(self)
        try:
            with shapes_only():
                self._build(args, kwargs)
        finally:
            context.stack.pop()

    def compute_output_shape(self, *input_shapes: Any, **named: Any) -> Any:
        """The shape of the output for inputs of `input_shape` (nested shapes for several)."""
        args = tuple(specs(s, self.compute_dtype) for s in input_shapes)
        kwargs = {
            name.removesuffix("_shape"): specs(shape, self.compute_dtype)
            for name, shape in named.items()
        }
        if "input" in kwargs:  # input_shape=
            args = (kwargs.pop("input"),)
        return trees.map(lambda s: s.shape, self.compute_output_spec(*args, **kwargs))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """What calling the layer on Specs gives: no computation takes place."""
        if len(args) != 1:
            args = self._takes.bind(args, kwargs)
        if not self.built:
            self._build_in_graph(args, kwargs)
        with shapes_only():
            return infer(lambda a, k: self(*a, **k), args, kwargs)

    def _explain(self, error: Exception, args: Any) -> None:
        """Say on the error itself in which layer and on what it arose; once, innermost."""
        if getattr(error, "_polyk_noted", False) or isinstance(error, ShapeError):
            return
        shapes = ", ".join(str(shape_of(x)) for x in trees.flatten(args) if hasattr(x, "shape"))
        if getattr(error, "name", None) in ("assign", "assign_add", "assign_sub"):
            error.add_note("a weight that is an attribute reads as its tensor: write self.w = ...")
        error.add_note(f"in {self.where()}, called with {shapes}; backend {current().name!r}")
        error._polyk_noted = True  # type: ignore[attr-defined]


Layer._takes = Signature(Layer)


def _given(value: Any, shape: Any, dtype: Any = None) -> Any:
    """An initializer that gives `value`."""
    return value


def get(identifier: Any) -> Layer:
    """A layer from its name, config, class or itself."""
    layer: Layer = REGISTRY.get(identifier)
    return layer
