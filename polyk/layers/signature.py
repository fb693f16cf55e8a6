"""What a layer's `call` and `build` take, read once for each class."""

from __future__ import annotations

import inspect
from typing import Any

from polyk import trees

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Signature:
    """The names of the arguments of `call` and `build`, and which of them the base class fills."""

    def __init__(self, cls: Any) -> None:
        _, *parameters = inspect.signature(cls.call).parameters.values()
        self.names = [p.name for p in parameters if p.kind in _NAMED]
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.training = "training" in self.names
        self.default_training = next((p.default for p in parameters if p.name == "training"), None)
        self.masks = {x: f"{x}_mask" for x in self.names if f"{x}_mask" in self.names}
        if "mask" in self.names:
            self.masks.setdefault(self.names[0], "mask")
        _, *shapes = inspect.signature(cls.build).parameters.values()
        self.shapes = [p.name for p in shapes if p.kind in _NAMED]

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """The arguments with no more than the first by position; `kwargs` takes the others."""
        if self.variadic:
            return args
        if not args:
            return (kwargs.pop(self.names[0]),) if self.names and self.names[0] in kwargs else ()
        if len(args) > len(self.names) or any(n in kwargs for n in self.names[: len(args)]):
            return args  # which Python will refuse in its own words
        kwargs.update(zip(self.names[1:], args[1:], strict=False))
        return args[:1]

    def tensors(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments that hold tensors, by name; the first one first."""
        names = self.names[:1] or ["inputs"]
        named = {**dict(zip(names, args, strict=False)), **kwargs}
        return {k: v for k, v in named.items() if not k.endswith("mask") and holds_tensors(v)}


def holds_tensors(tree: Any) -> bool:
    """Whether a leaf of `tree` has a shape."""
    return any(hasattr(x, "shape") for x in trees.flatten(tree))


# What Keras 1 called the arguments of layers.
KERAS_1 = {
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "atrous_rate": "dilation_rate",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "init": "kernel_initializer",
    "inner_activation": "recurrent_activation",
    "inner_init": "recurrent_initializer",
    "nb_col": "kernel_size",
    "nb_feature": "units",
    "nb_filter": "filters",
    "nb_row": "kernel_size",
    "output_dim": "units",
    "p": "rate",
    "pool_length": "pool_size",
    "subsample": "strides",
    "subsample_length": "strides",
}
