"""ConvLSTM: an LSTM whose products are convolutions."""

from __future__ import annotations

from typing import Any

from polyk import activations, ops
from polyk.errors import ShapeError
from polyk.layers.arguments import Sizes
from polyk.layers.core import positive
from polyk.layers.recurrent.cells import Cell, forget_gate_open
from polyk.layers.recurrent.layer import CellRNN
from polyk.layers.recurrent.lstm import lstm_step
from polyk.shapes import spread
from polyk.symbolic import Spec, infer


class _ConvLSTMCell(Cell):
    """One step: (N, ..., C), and states (N, ..., filters), to (N, ..., filters)."""

    gates, rank = 4, 0

    def __init__(
        self,
        filters: int,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Sizes = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        *,
        unit_forget_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(use_bias=use_bias, **kwargs)
        self.filters = positive(filters, "filters", self)
        self.kernel_size = spread(kernel_size, self.rank, "kernel_size")
        self.strides = spread(strides, self.rank, "strides")
        self.padding, self.data_format = padding.lower(), data_format or "channels_last"
        self.dilation_rate = spread(dilation_rate, self.rank, "dilation_rate")
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    @property
    def state_size(self) -> list[int]:
        return [self.filters, self.filters]

    def build(self, input_shape: Any) -> None:
        if len(input_shape) != self.rank + 2 or None in input_shape[1:]:
            raise ShapeError(
                f"{self.where()}: expected a step of {self.rank + 2} axes whose sizes are known, "
                f"got {input_shape}."
            )
        self.step_shape = tuple(input_shape[1:])
        channels = self.step_shape[0 if self.data_format == "channels_first" else -1]
        wide = self.gates * self.filters
        shape = (*self.kernel_size, channels, wide)
        self.kernel = self.add_weight("kernel", shape)
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel", (*self.kernel_size, self.filters, wide), options="recurrent"
        )
        self.bias = None
        if self.use_bias:
            open_gate = forget_gate_open(self.bias_initializer) if self.unit_forget_bias else None
            self.bias = self.add_weight("bias", (wide,), open_gate)
        shape = (*self.kernel_size, channels, self.filters)
        specs = Spec((1, *self.step_shape), "float32"), Spec(shape, "float32")
        self.state_shape = infer(self._convolve, *specs).shape[1:]

    @property
    def _channel_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else self.rank + 1

    def _convolve(self, x: Any, kernel: Any) -> Any:
        return ops.conv(x, kernel, self.strides, self.padding, self.data_format, self.dilation_rate)

    def get_initial_state(self, batch_size: int) -> list[Any]:
        dtype = self.compute_dtype
        return [ops.zeros((batch_size, *self.state_shape), dtype) for _ in range(2)]

    def mask_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"inputs": self.step_shape, "state": self.state_shape}

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        h, c = states
        x = self.drop(inputs, "inputs", self.dropout, training)
        h = self.drop(h, "state", self.recurrent_dropout, training)
        z = ops.add(
            self._convolve(x, self.kernel),
            ops.conv(h, self.recurrent_kernel, 1, "same", self.data_format),
        )
        if self.use_bias:
            place = [1] * (self.rank + 2)
            place[self._channel_axis] = -1
            z = ops.add(z, ops.reshape(self.bias, tuple(place)))
        h, c = lstm_step(self, ops.split(z, 4, axis=self._channel_axis), c)
        return h, [h, c]


class ConvLSTM1DCell(_ConvLSTMCell):
    """One step of `ConvLSTM1D`: (N, L, C) to (N, L, filters)."""

    rank = 1


class ConvLSTM2DCell(_ConvLSTMCell):
    """One step of `ConvLSTM2D`: (N, H, W, C) to (N, H, W, filters)."""

    rank = 2


class ConvLSTM3DCell(_ConvLSTMCell):
    """One step of `ConvLSTM3D`: (N, D, H, W, C) to (N, D, H, W, filters)."""

    rank = 3


class ConvLSTM1D(CellRNN):
    """An LSTM of convolutions: (N, steps, L, C) to
    (N, new L, filters), or that for all steps.

    It takes the arguments of `Conv1D`, of `LSTM` and of `RNN`. Source: X. Shi et al., 2015.
    """

    cell_class = ConvLSTM1DCell


class ConvLSTM2D(CellRNN):
    """An LSTM of convolutions: (N, steps, H, W, C) to
    (N, new H, new W, filters), or that for all steps.

    It takes the arguments of `Conv2D`, of `LSTM` and of `RNN`. Source: X. Shi et al., 2015.
    """

    cell_class = ConvLSTM2DCell


class ConvLSTM3D(CellRNN):
    """An LSTM of convolutions: (N, steps, D, H, W, C) to
    (N, new D, new H, new W, filters), or that for all steps.

    It takes the arguments of `Conv3D`, of `LSTM` and of `RNN`. Source: X. Shi et al., 2015.
    """

    cell_class = ConvLSTM3DCell
