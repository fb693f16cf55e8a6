"""Pooling layers: local, global and adaptive, in one to three dimensions."""

from __future__ import annotations

from typing import Any

from polyk import ops
from polyk.layers.arguments import Sizes, known_format, one_of
from polyk.layers.base import Layer
from polyk.layers.spec import InputSpec
from polyk.shapes import spread

__all__ = [
    "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D", "AveragePooling1D",
    "AveragePooling2D", "AveragePooling3D", "AvgPool1D", "AvgPool2D", "AvgPool3D",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D",
    "GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalAvgPool3D", "GlobalMaxPool1D",
    "GlobalMaxPool2D", "GlobalMaxPool3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
    "GlobalMaxPooling3D", "MaxPool1D", "MaxPool2D", "MaxPool3D", "MaxPooling1D", "MaxPooling2D",
    "MaxPooling3D",
]  # fmt: skip


class _Pooling(Layer):
    """`op` over windows of `pool_size`, which also is the default of `strides`."""

    rank = 0
    op = ""

    def __init__(
        self,
        pool_size: Sizes = 2,
        strides: Sizes | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pool_size = spread(pool_size, self.rank, "pool_size")
        self.strides = self.pool_size if strides is None else spread(strides, self.rank, "strides")
        self.padding = one_of(padding, "padding", ("valid", "same"))
        self.data_format = known_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        pool = getattr(ops, self.op)
        return pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class MaxPooling1D(_Pooling):
    """The largest of each window: (N, steps, C) to (N, new steps, C)."""

    rank, op = 1, "max_pool"


class MaxPooling2D(_Pooling):
    """The largest of each window: (N, H, W, C) to (N, new H, new W, C)."""

    rank, op = 2, "max_pool"


class MaxPooling3D(_Pooling):
    """The largest of each window: (N, D, H, W, C) to (N, new D, new H, new W, C)."""

    rank, op = 3, "max_pool"


class AveragePooling1D(_Pooling):
    """The mean of each window, padding not counted: (N, steps, C) to (N, new steps, C)."""

    rank, op = 1, "average_pool"


class AveragePooling2D(_Pooling):
    """The mean of each window, padding not counted: (N, H, W, C) to (N, new H, new W, C)."""

    rank, op = 2, "average_pool"


class AveragePooling3D(_Pooling):
    """The mean of each window, padding not counted, over (N, D, H, W, C)."""

    rank, op = 3, "average_pool"


class _GlobalPooling(Layer):
    """`op` over all spatial axes."""

    rank = 0
    op = ""

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = known_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        first = 2 if self.data_format == "channels_first" else 1
        axes = tuple(range(first, first + self.rank))
        return getattr(ops, self.op)(inputs, axis=axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalPooling):
    """The largest over time: (N, steps, C) to (N, C)."""

    rank, op = 1, "max"


class GlobalMaxPooling2D(_GlobalPooling):
    """The largest over the image: (N, H, W, C) to (N, C)."""

    rank, op = 2, "max"


class GlobalMaxPooling3D(_GlobalPooling):
    """The largest over the volume: (N, D, H, W, C) to (N, C)."""

    rank, op = 3, "max"


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over time, of the steps that a mask (N, steps) keeps: (N, steps, C) to (N, C)."""

    rank, op = 1, "mean"
    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        steps, channels = (2, 1) if self.data_format == "channels_first" else (1, 2)
        kept = ops.expand_dims(ops.cast(mask, "bool"), channels)
        total = ops.sum(ops.where(kept, inputs, 0.0), axis=steps, keepdims=self.keepdims)
        count = ops.sum(ops.cast(kept, ops.dtype(inputs)), axis=steps, keepdims=self.keepdims)
        return ops.divide(total, count)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean over the image: (N, H, W, C) to (N, C)."""

    rank, op = 2, "mean"


class GlobalAveragePooling3D(_GlobalPooling):
    """The mean over the volume: (N, D, H, W, C) to (N, C)."""

    rank, op = 3, "mean"


class _AdaptivePooling(Layer):
    """`op` over as many windows as the output has places; they overlap where they must.

    Along an axis of n cells, place i of m sees the cells from ``i n // m`` up to
    ``ceil((i + 1) n / m)``.
    """

    rank = 0
    op = ""

    def __init__(self, output_size: Sizes, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = spread(output_size, self.rank, "output_size")
        self.data_format = known_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        return getattr(ops, self.op)(inputs, self.output_size, self.data_format)


class AdaptiveAveragePooling1D(_AdaptivePooling):
    """The mean of each of `output_size` windows: (N, steps, C) to (N, output_size, C)."""

    rank, op = 1, "adaptive_average_pool"


class AdaptiveAveragePooling2D(_AdaptivePooling):
    """The mean of each of `output_size` windows: (N, H, W, C) to (N, *output_size, C)."""

    rank, op = 2, "adaptive_average_pool"


class AdaptiveAveragePooling3D(_AdaptivePooling):
    """The mean of each of `output_size` windows: (N, D, H, W, C) to (N, *output_size, C)."""

    rank, op = 3, "adaptive_average_pool"


class AdaptiveMaxPooling1D(_AdaptivePooling):
    """The largest of each of `output_size` windows: (N, steps, C) to (N, output_size, C)."""

    rank, op = 1, "adaptive_max_pool"


class AdaptiveMaxPooling2D(_AdaptivePooling):
    """The largest of each of `output_size` windows: (N, H, W, C) to (N, *output_size, C)."""

    rank, op = 2, "adaptive_max_pool"


class AdaptiveMaxPooling3D(_AdaptivePooling):
    """The largest of each of `output_size` windows: (N, D, H, W, C) to (N, *output_size, C)."""

    rank, op = 3, "adaptive_max_pool"


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D = GlobalMaxPooling1D, GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
