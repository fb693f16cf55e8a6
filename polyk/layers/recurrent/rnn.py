"""RNN: a cell, step after step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from polyk import ops, trees
from polyk.errors import ShapeError
from polyk.layers.base import Layer, get
from polyk.layers.recurrent.cells import DropoutCell
from polyk.layers.recurrent.stacked import StackedRNNCells, first_states
from polyk.select import backend_of
from polyk.symbolic import Spec, infer, open_batch
from polyk.weights import Weight, shapes_only


class RNN(Layer):
    """Carry a cell's states over the steps of a sequence: (N, steps, ...) to (N, ...).

    A cell is an object with `state_size` (an int or a list of ints), ``call(inputs, states)`` that
    returns ``(output, new states)`` for one step, and, where the states are not (N, size),
    ``get_initial_state(batch_size)``. A list of cells is stacked.

    `return_sequences` gives the outputs of all steps, `return_state` also the last states,
    `go_backwards` begins at the end, `stateful` begins each batch where the one before ended
    (`reset_states` begins anew). A step where `mask` (N, steps) is False changes no state; its
    output is the one before, or zeros with `zero_output_for_mask`.
    """

    supports_masking = True

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        cell = get(cell) if isinstance(cell, dict) else cell
        if not (hasattr(cell, "call") and hasattr(cell, "state_size")):
            raise ValueError(f"RNN: a cell has `call` and `state_size`; got {cell!r}.")
        self.cell = cell
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.states: Any = None

    def build(self, input_shape: Any) -> None:
        if len(input_shape) < 3:
            raise ShapeError(
                f"{self.where()}: expected an input (batch, steps, ...) of 3 axes or more, "
                f"got {input_shape}."
            )
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((input_shape[0], *input_shape[2:]))

    @property
    def state_size(self) -> Any:
        return self.cell.state_size

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """Zeros, unless the cell says otherwise."""
        return _as_list(first_states(self.cell, batch_size))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        mask = previous_mask if self.return_sequences else None
        if not self.return_state:
            return mask
        return [mask, *(None for _ in _as_list(self.cell.state_size))]

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        kept = self._kept(sequences) if self.stateful else None
        states = self._first(sequences, initial_state, kept)
        with _same_dropout(self.cell, sequences, training):
            last, outputs, states = self.inner_loop(sequences, states, mask, training)
        if kept is not None:
            for weight, state in zip(trees.flatten(kept), trees.flatten(states), strict=True):
                weight.assign(state)
        result = outputs if self.return_sequences else last
        return (result, *states) if self.return_state else result

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool) -> Any:
        """The last output, all outputs if they are to be returned, the last states."""
        steps = [None if x is None else self._time_first(x) for x in (sequences, mask)]
        # The output before is carried along where it is repeated or is all that is asked for.
        carried = mask is not None or not self.return_sequences
        before = self._blank_output(steps[0], initial_state) if carried else None

        def step(carry: Any, x: Any) -> Any:
            (before, states), (x, keep) = carry, x
            output, new = self._step(x, states)
            if keep is not None:
                output = _choose(keep, output, 0.0 if self.zero_output_for_mask else before)
                pairs = zip(trees.flatten(new), trees.flatten(states), strict=True)
                new = trees.unflatten(states, [_choose(keep, *pair) for pair in pairs])
            return (output if carried else None, new), output if self.return_sequences else None

        (last, states), outputs = ops.scan(
            step, (before, initial_state), steps, unroll=self.unroll or 1
        )
        return last, ops.swapaxes(outputs, 0, 1) if self.return_sequences else None, states

    def _step(self, x: Any, states: Any) -> tuple[Any, list[Any]]:
        output, new = (self.cell if callable(self.cell) else self.cell.call)(x, states)
        return output, _as_list(new)

    def _time_first(self, x: Any) -> Any:
        x = ops.swapaxes(x, 0, 1)
        return ops.flip(x, 0) if self.go_backwards else x

    def _blank_output(self, steps: Any, states: Any) -> Any:
        """Zeros in the shape of the cell's output."""

        def spec(x: Any) -> Spec:
            return Spec(ops.shape(x), ops.dtype(x))

        first = Spec(ops.shape(steps)[1:], ops.dtype(steps))
        with shapes_only():
            out = infer(lambda *args: self._step(*args)[0], first, trees.map(spec, states))
        return backend_of(steps).full(tuple(out.shape), 0, out.dtype)

    # States.

    def _first(self, sequences: Any, given: Any, kept: Any) -> list[Any]:
        batch, dtype = ops.shape(sequences)[0], ops.dtype(sequences)
        if given is None and kept is not None:
            given = trees.map(lambda w: w.value, kept)
        if given is None:
            given = self.get_initial_state(batch_size=batch)
        b = backend_of(sequences, *trees.flatten(given))
        return _as_list(
            trees.map(lambda s: ops.cast(s, dtype) if b.dtype(s) != dtype else s, given)
        )

    def _kept(self, sequences: Any) -> Any:
        """The weights that hold the states between batches; made once the batch size is known."""
        batch = ops.shape(sequences)[0]
        if self.states is None:
            if open_batch(batch):
                raise ValueError(
                    f"{self.where()} is stateful and must know its batch size: begin with "
                    "Input(shape, batch_size=...)."
                )
            self.states = trees.map(self._state_weight, self.get_initial_state(batch))
        held = trees.flatten(self.states)[0].shape[0]
        if batch != held and not open_batch(batch):
            raise ShapeError(f"{self.where()} is stateful for batches of {held}; got {batch}.")
        return self.states if batch == held else None

    def _state_weight(self, state: Any) -> Weight:
        return self.add_weight("rnn_state", ops.shape(state), "zeros", trainable=False)

    def reset_state(self) -> None:
        """Begin the next batch from zeros."""
        for weight in trees.flatten(self.states):
            weight.assign(ops.zeros(weight.shape, weight.dtype))

    reset_states = reset_state


def _as_list(states: Any) -> list[Any]:
    return list(states) if isinstance(states, (list, tuple)) else [states]


def _choose(keep: Any, new: Any, old: Any) -> Any:
    """`new` where `keep` (N,) holds."""
    shape = (*ops.shape(keep), *(1 for _ in ops.shape(new)[1:]))
    return ops.where(ops.reshape(ops.cast(keep, "bool"), shape), new, old)


@contextmanager
def _same_dropout(cell: Any, sequences: Any, training: bool) -> Iterator[None]:
    """Let the cells inside drop the same units at every step."""
    cells = cell._flatten_layers() if training and isinstance(cell, Layer) else []
    held = [c for c in cells if isinstance(c, DropoutCell)]
    try:
        for c in held:
            c.hold_masks(ops.shape(sequences)[0], backend_of(sequences), ops.dtype(sequences))
        yield
    finally:
        for c in held:
            c.masks = None
