"""Numbers made ready: scaled, brought to mean 0 and variance 1, cut into bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from polyk import config as settings
from polyk import ops
from polyk.errors import ShapeError
from polyk.layers.base import Layer
from polyk.layers.preprocessing.encoding import encoded, mode_of, only_dense
from polyk.layers.preprocessing.host import batches
from polyk.select import is_tensor, to_numpy
from polyk.shapes import axis_index

__all__ = ["Discretization", "Normalization", "Rescaling"]


def _array(x: Any) -> Any:
    """`x` on the host, in float64."""
    import numpy as np

    return np.asarray(to_numpy(x) if is_tensor(x) else x, np.float64)


class Rescaling(Layer):
    """``inputs * scale + offset``, in floats: 1/255 brings images to [0, 1].

    `scale` and `offset` may be lists, with a number for each channel.
    """

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = _plain(scale), _plain(offset)

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        return ops.add(ops.multiply(x, self._factor(self.scale)), self._factor(self.offset))

    def _factor(self, value: Any) -> Any:
        if isinstance(value, (int, float)):
            return float(value)
        channels = ops.cast(ops.convert_to_tensor(value), self.compute_dtype)
        if settings.image_data_format() == "channels_first" and ops.ndim(channels) == 1:
            return ops.reshape(channels, (-1, 1, 1))
        return channels


def _plain(value: Any) -> Any:
    """Arrays as lists, which a config can hold."""
    return value.tolist() if hasattr(value, "tolist") else value


class Normalization(Layer):
    """``(inputs - mean) / sqrt(variance)``, or back with `invert`.

    `axis` is kept: each place along it has a mean and a variance of its own; None has one for all.
    They are given, or learned by `adapt` and kept as weights.
    """

    supports_masking = True

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean, self.input_variance = _plain(mean), _plain(variance)
        self.invert = invert
        if (mean is None) != (variance is None):
            raise ValueError("Normalization: give both mean and variance, or neither and adapt.")
        if mean is not None and _array(mean).shape != _array(variance).shape:
            raise ShapeError(f"Normalization: mean {_array(mean).shape} and variance "
                             f"{_array(variance).shape} must have one shape.")  # fmt: skip
        if _array(0.0 if mean is None else mean).ndim > len(self.axis):
            raise ShapeError(f"Normalization: a mean of shape {_array(mean).shape} has more axes "
                             f"than axis={self.axis} keeps.")  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        given = {"mean": self.input_mean, "variance": self.input_variance}
        return {**super().get_config(), **given}

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        self._kept = tuple(sorted(axis_index(a, rank) for a in self.axis))
        sizes = tuple(input_shape[a] for a in self._kept)
        if None in sizes:
            raise ShapeError(f"{self.where()}: axis {self.axis} of {input_shape} must be known.")
        self._broadcast = tuple(d if i in self._kept else 1 for i, d in enumerate(input_shape))
        if self.input_mean is None:
            fixed = partial(self.add_weight, trainable=False, autocast=False)
            self.adapt_mean = fixed("mean", sizes, "zeros")
            self.adapt_variance = fixed("variance", sizes, "ones")
            self.count = fixed("count", (), "zeros", dtype="int32")

    @property
    def mean(self) -> Any:
        """What is taken off, in a shape that meets the input's."""
        return self._statistic(self.input_mean, "adapt_mean")

    @property
    def variance(self) -> Any:
        """By whose root is divided."""
        return self._statistic(self.input_variance, "adapt_variance")

    def _statistic(self, given: Any, weight: str) -> Any:
        value = ops.convert_to_tensor(getattr(self, weight) if given is None else given)
        value = ops.cast(value, self.compute_dtype)
        known = iter(ops.shape(value))
        missing = len(self._kept) - ops.ndim(value)
        own = [next(known) if a in self._kept[missing:] else 1 for a in range(len(self._broadcast))]
        return ops.broadcast_to(ops.reshape(value, own), self._broadcast)

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        deviation = ops.maximum(ops.sqrt(self.variance), settings.epsilon())
        if self.invert:
            return ops.add(self.mean, ops.multiply(x, deviation))
        return ops.divide(ops.subtract(x, self.mean), deviation)

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn mean and variance from an array, or from an iterable of arrays or (x, y)."""
        import numpy as np

        if self.input_mean is not None:
            raise ValueError(f"{self.where()}: mean and variance were given; adapt learns them.")
        count, mean, variance = 0, 0.0, 0.0
        for batch in batches(data, steps):
            x = _array(batch)
            if not self.built:
                whole = any(axis_index(a, x.ndim) == 0 for a in self.axis)
                self.build(x.shape if whole else (None, *x.shape[1:]))
            self._check(x.shape)
            reduced = tuple(a for a in range(x.ndim) if a not in self._kept)
            n = math.prod(x.shape[a] for a in reduced)
            share = n / (count + n) if count + n else 0.0
            step = x.mean(reduced) - mean
            variance = variance * (1 - share) + x.var(reduced) * share
            variance = variance + step * step * share * (1 - share)
            mean, count = mean + step * share, count + n
        if not count:
            raise ValueError(f"{self.where()}: adapt was given no data.")
        for name, value in (("adapt_mean", mean), ("adapt_variance", variance)):
            self._own_weights[name].assign(np.asarray(value))

    def _check(self, shape: Any) -> None:
        wanted = tuple(d for i, d in enumerate(self._broadcast) if i in self._kept)
        if len(shape) != len(self._broadcast) or tuple(shape[a] for a in self._kept) != wanted:
            raise ShapeError(f"{self.where()}: built for {wanted} along axis {self.axis}; adapt "
                             f"was given {tuple(shape)}.")  # fmt: skip


class Discretization(Layer):
    """Numbers as the numbers of their bins: k boundaries, in rising order, make k + 1 bins.

    A number on a boundary belongs above it. Boundaries are `bin_boundaries`, or what `adapt` finds
    so that `num_bins` bins hold about equal shares; `epsilon` is how exact those are (and how short
    the summary of the data). `output_mode` as in `CategoryEncoding`.
    """

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        only_dense(self, sparse=sparse)
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError("Discretization: give either bin_boundaries, or num_bins and adapt.")
        if num_bins is not None and num_bins < 0:
            raise ValueError(f"Discretization: num_bins must not be negative; got {num_bins}.")
        self.bin_boundaries = None if bin_boundaries is None else list(map(float, bin_boundaries))
        self.num_bins, self.epsilon = num_bins, epsilon
        self.output_mode, self.sparse = mode_of(output_mode), sparse

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        learned = config.get("bin_boundaries") if config.get("num_bins") is not None else None
        layer = cls(**(config if learned is None else {**config, "bin_boundaries": None}))
        layer.bin_boundaries = learned if learned is not None else layer.bin_boundaries
        return layer

    def call(self, inputs: Any) -> Any:
        if self.bin_boundaries is None:
            raise ValueError(f"{self.where()}: no boundaries yet; call adapt(data) first.")
        bins = ops.digitize(inputs, self.bin_boundaries)
        depth = len(self.bin_boundaries) + 1
        return encoded(bins, self.output_mode, depth, self.compute_dtype)

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn boundaries from an array, or from an iterable of arrays."""
        import numpy as np

        if self.num_bins is None:
            raise ValueError(f"{self.where()}: bin_boundaries were given; with num_bins in their "
                             f"place adapt learns them.")  # fmt: skip
        summary = np.zeros((2, 0), np.float32)
        for batch in batches(data, steps):
            both = np.concatenate([_summary(_array(batch), self.epsilon), summary], 1)
            summary = _compressed(both[:, np.argsort(both[0])], self.epsilon)
        self.bin_boundaries = _compressed(summary, 1 / self.num_bins)[0, :-1].tolist()


def _summary(values: Any, epsilon: float) -> Any:
    """(2, k): values at about equal steps through all of them, and how many each stands for."""
    import numpy as np

    ordered = np.sort(values.astype(np.float32).reshape(-1))
    step = max(len(ordered) * epsilon, 1)
    chosen = ordered[int(step - 1) :: int(step)]
    return np.stack([chosen, np.full_like(chosen, step)])


def _compressed(summary: Any, epsilon: float) -> Any:
    """A summary (2, k) brought to ``1 / epsilon`` values by linear interpolation."""
    import numpy as np

    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    total = summary[1].cumsum()
    at = total / total[-1]
    values, reached = np.interp(shares, at, summary[0]), np.interp(shares, at, total)
    return np.stack([values, np.diff(reached, prepend=0.0)]).astype(np.float32)
