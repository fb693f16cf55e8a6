"""CellRNN: the layer that goes with a built-in cell."""

from __future__ import annotations

import inspect
from typing import Any

from polyk import activations, ops
from polyk.layers.base import Layer
from polyk.layers.recurrent.rnn import RNN
from polyk.registry import snake_case


def _parameters(cls: type) -> dict[str, inspect.Parameter]:
    """The named arguments of all constructors of `cls`, the outermost first."""
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        if "__init__" in base.__dict__ and base is not object:
            for name, p in inspect.signature(base.__dict__["__init__"]).parameters.items():
                if name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL):
                    found.setdefault(name, p)
    return found


def _of_the_cell(name: str) -> property:
    return property(lambda layer: getattr(layer.cell, name))


_OF_LAYER = _parameters(Layer)
_OF_RNN = {k: p for k, p in _parameters(RNN).items() if k != "cell"}


class CellRNN(RNN):
    """An RNN that makes its own cell: it takes the cell's arguments, then those of `RNN`."""

    cell_class: type[Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not hasattr(cls, "cell_class"):
            return
        own = {k: p for k, p in _parameters(cls.cell_class).items() if k not in _OF_LAYER}
        for name in own:
            setattr(cls, name, _of_the_cell(name))
        cls._of_cell = own
        last = [p.replace(kind=p.KEYWORD_ONLY) for k, p in _OF_RNN.items() if k not in own]
        first = [p for p in own.values() if p.kind is not p.KEYWORD_ONLY]
        others = [p for p in own.values() if p.kind is p.KEYWORD_ONLY]
        cls.__signature__ = inspect.Signature([*first, *others, *last])  # type: ignore[attr-defined]

    _of_cell: dict[str, inspect.Parameter]

    def __init__(self, *args: Any, use_cudnn: Any = "auto", **kwargs: Any) -> None:
        shared = {k: kwargs[k] for k in ("dtype", "trainable") if k in kwargs}
        ours = {k: kwargs.pop(k) for k in list(kwargs) if k in _OF_RNN or k not in self._of_cell}
        name = snake_case(self.cell_class.__name__)
        cell = self.cell_class(*args, **kwargs, **shared, name=name)
        super().__init__(cell, **ours)
        self.use_cudnn = use_cudnn

    # For the cells that are one op over a whole sequence.

    def is_standard(self, training: bool) -> bool:
        """Whether the cell is the usual one, with nothing that changes from step to step."""
        cell = self.cell
        usual = cell.activation is activations.tanh
        usual = usual and cell.recurrent_activation is activations.sigmoid
        return usual and not (self.unroll or (training and cell.recurrent_dropout))

    def whole_input(self, sequences: Any, training: bool) -> Any:
        """The sequences as the cell sees them: with what it drops, and in its direction."""
        if training and self.cell.dropout:
            sequences = ops.multiply(sequences, ops.expand_dims(self.cell.masks["inputs"], 1))
        return ops.flip(sequences, 1) if self.go_backwards else sequences

    def get_config(self) -> dict[str, Any]:
        config, cell = super().get_config(), self.cell.get_config()
        del config["cell"]
        return {**config, **{k: cell[k] for k in self._of_cell}}
