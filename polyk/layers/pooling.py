"""Pooling layers, local and global."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import ops
from polyk.layers.base import Layer
from polyk.layers.spec import InputSpec
from polyk.shapes import spread

Sizes = int | Sequence[int]


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
        self.padding = padding.lower()
        if self.padding not in ("valid", "same"):
            raise ValueError(f"padding must be 'valid' or 'same'; got {padding!r}.")
        self.data_format = data_format or "channels_last"
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
        self.data_format = data_format or "channels_last"
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
    """The mean over time: (N, steps, C) to (N, C)."""

    rank, op = 1, "mean"


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean over the image: (N, H, W, C) to (N, C)."""

    rank, op = 2, "mean"


class GlobalAveragePooling3D(_GlobalPooling):
    """The mean over the volume: (N, D, H, W, C) to (N, C)."""

    rank, op = 3, "mean"
