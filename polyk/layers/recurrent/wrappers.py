"""Bidirectional and TimeDistributed: layers around a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from polyk import ops
from polyk.errors import ShapeError
from polyk.layers.base import Layer, get, to_config

_MERGE: dict[str | None, Callable[[Any, Any], Any]] = {
    "concat": lambda x, y: ops.concatenate([x, y], -1),
    "sum": ops.add,
    "mul": ops.multiply,
    "ave": lambda x, y: ops.multiply(ops.add(x, y), 0.5),
    None: lambda x, y: (x, y),
}


class Bidirectional(Layer):
    """A recurrent layer and its twin that begins at the end, their outputs merged.

    `merge_mode` is "concat", "sum", "mul", "ave", or None for the pair. `initial_state` holds the
    states of the first, then those of the second. Source: M. Schuster and K. Paliwal, 1997.
    """

    supports_masking = True

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if merge_mode not in _MERGE:
            raise ValueError(f"merge_mode must be one of {list(_MERGE)}; got {merge_mode!r}.")
        self.merge_mode = merge_mode
        self._given = to_config(get(layer)), to_config(get(backward_layer))
        self.forward_layer: Any = _named("forward", self._given[0])
        self.backward_layer: Any = (
            get(backward_layer)
            if backward_layer is not None
            else _named("backward", self._given[0], not self.forward_layer.go_backwards)
        )
        self._check_pair()
        one: Any
        for one in (self.forward_layer, self.backward_layer):
            if getattr(one, "zero_output_for_mask", None) is not None:
                one.zero_output_for_mask = one.return_sequences
        self.return_sequences = self.forward_layer.return_sequences
        self.return_state = self.forward_layer.return_state
        self.stateful = self.forward_layer.stateful
        self._initial = weights

    def _check_pair(self) -> None:
        one, other = self.forward_layer, self.backward_layer
        if one.go_backwards == other.go_backwards:
            raise ValueError(f"{self.where()}: one of the two layers has go_backwards=True.")
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(one, name) != getattr(other, name):
                raise ValueError(f"{self.where()}: the two layers must have the same {name}.")

    def build(self, input_shape: Any) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(input_shape)
        if self._initial is not None:
            self.set_weights(self._initial)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        mask = previous_mask if self.return_sequences else None
        outputs = [mask] if self.merge_mode is not None else [mask, mask]
        if self.return_state:
            outputs += [None] * 2 * len(self.forward_layer.get_initial_state(1))
        return outputs if len(outputs) > 1 else mask

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        half = 0 if initial_state is None else len(initial_state) // 2
        states = (initial_state[:half], initial_state[half:]) if half else (None, None)
        pair = (self.forward_layer, self.backward_layer)
        y, back = (
            layer(sequences, initial_state=state, mask=mask)
            for layer, state in zip(pair, states, strict=True)
        )
        last: tuple[Any, ...] = ()
        if self.return_state:
            y, back, last = y[0], back[0], (*y[1:], *back[1:])
        if self.return_sequences:
            back = ops.flip(back, 1)
        merged = _MERGE[self.merge_mode](y, back)
        if not last:
            return merged
        return (*merged, *last) if self.merge_mode is None else (merged, *last)

    def reset_state(self) -> None:
        """Begin the next batch from zeros, in both directions."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def get_config(self) -> dict[str, Any]:
        layer, backward = self._given
        config = {**super().get_config(), "layer": layer, "backward_layer": backward}
        config.pop("weights", None)
        return config


def _named(side: str, config: Any, go_backwards: bool | None = None) -> Any:
    """A fresh layer from the config of another, as ``forward_lstm``."""
    settings = dict(config["config"])
    settings["name"] = f"{side}_{settings['name'].removeprefix(f'{side}_')}"
    if go_backwards is not None:
        settings["go_backwards"] = go_backwards
    return get({**config, "config": settings})


class TimeDistributed(Layer):
    """A layer applied at every step: (N, steps, ...) to (N, steps, ...).

    All steps are one batch to the layer, so batch statistics are taken over all of them.
    """

    supports_masking = True

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = get(layer)
        if not isinstance(self.layer, Layer):
            raise ValueError(f"TimeDistributed takes a layer; got {layer!r}.")

    def build(self, input_shape: Any) -> None:
        if len(input_shape) < 3:
            raise ShapeError(
                f"{self.where()}: expected an input (batch, steps, ...) of 3 axes or more, "
                f"got {input_shape}."
            )
        if not self.layer.built:
            self.layer.build((input_shape[0], *input_shape[2:]))
            self.layer.built = True

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        kwargs = {}
        batch, steps, *rest = ops.shape(inputs)
        if mask is not None and "mask" in inspect.signature(self.layer.call).parameters:
            outer = ops.shape(mask)
            if outer[:2] != (batch, steps):
                raise ShapeError(
                    f"{self.where()}: expected a mask whose shape begins with ({batch}, {steps}), "
                    f"got {outer}."
                )
            kwargs["mask"] = ops.reshape(mask, (batch * steps, *outer[2:]))
        y = self.layer(ops.reshape(inputs, (batch * steps, *rest)), **kwargs)
        return ops.reshape(y, (batch, steps, *ops.shape(y)[1:]))
