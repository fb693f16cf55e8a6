"""First values of weights.

An initializer is called with a shape, a dtype and the weight's own stream of random numbers. Its
`seed` argument, where given, wins over that stream: the same numbers at each call.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from polyk import dtypes, ops, random
from polyk.configured import Configured
from polyk.errors import ShapeError
from polyk.ops.dispatch import Tensor
from polyk.registry import Registry

REGISTRY = Registry("initializer")

Shape = Sequence[int]


class Initializer(Configured):
    """Base class: override `__call__`; the constructor's arguments make the config."""

    def __call__(self, shape: Shape, dtype: Any = None, seed: Any = None) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} does not define __call__.")


@REGISTRY.alias("zero")
class Zeros(Initializer):
    """0 everywhere."""

    def __call__(self, shape: Shape, dtype: Any = None, seed: Any = None) -> Tensor:
        return ops.zeros(shape, dtype)


@REGISTRY.alias("one")
class Ones(Initializer):
    """1 everywhere."""

    def __call__(self, shape: Shape, dtype: Any = None, seed: Any = None) -> Tensor:
        return ops.ones(shape, dtype)


@REGISTRY.add
class Constant(Initializer):
    """`value` everywhere: a number, or an array that broadcasts to the shape."""

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: Any = None, seed: Any = None) -> Tensor:
        return ops.full(shape, self.value, dtype or dtypes.floatx())


@REGISTRY.alias("IdentityInitializer")
class Identity(Initializer):
    """(N, M): `gain` on the diagonal, 0 elsewhere."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: Any = None, seed: Any = None) -> Tensor:
        if len(shape) != 2:
            raise ShapeError(f"Identity initializes matrices; got shape {tuple(shape)}.")
        return ops.multiply(ops.eye(shape[0], shape[1], dtype=dtype), self.gain)


class _Random(Initializer):
    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed

    def stream(self, seed: Any) -> Any:
        """Where to draw from: the initializer's own seed, else the one given by the weight."""
        return seed if self.seed is None else self.seed


@REGISTRY.alias("uniform")
class RandomUniform(_Random):
    """Uniform from `minval` up to `maxval`."""

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def __call__(self, shape: Shape, dtype: Any = None, seed: Any = None) -> Tensor:
        return random.uniform(shape, self.minval, self.maxval, dtype, self.stream(seed))


@REGISTRY.alias("normal")
class RandomNormal(_Random):
    """Normal with the given mean and standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Shape, dtype: Any = None, seed: Any = None) -> Tensor:
        return random.normal(shape, self.mean, self.stddev, dtype, self.stream(seed))


@REGISTRY.add
class TruncatedNormal(RandomNormal):
    """As `RandomNormal`; what falls beyond two standard deviations is drawn anew."""

    def __call__(self, shape: Shape, dtype: Any = None, seed: Any = None) -> Tensor:
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, self.stream(seed))


def compute_fans(
    shape: Shape, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """How many inputs feed one output, and the reverse, of a kernel (..., inputs, outputs).

    Axes before these two are a convolution's window and count toward both.
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


_STDDEV = 0.87962566103423978  # of a standard normal cut off at two


@REGISTRY.add
class VarianceScaling(_Random):
    """Variance ``scale / n``, n being the inputs, the outputs, or the mean of both ("fan_avg").

    `distribution` is "truncated_normal" (or "normal"), "untruncated_normal" or "uniform".
    `input_axes` and `output_axes` say which axes to count, for kernels of another layout.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        distribution = distribution.lower()
        if scale <= 0:
            raise ValueError(f"VarianceScaling: scale must be positive; got {scale}.")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"mode must be 'fan_in', 'fan_out' or 'fan_avg'; got {mode!r}.")
        if distribution not in ("normal", "truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                "distribution must be 'truncated_normal', 'untruncated_normal' or 'uniform'; "
                f"got {distribution!r}."
            )
        self.scale, self.mode = scale, mode
        self.distribution = "truncated_normal" if distribution == "normal" else distribution
        self.input_axes, self.output_axes = input_axes, output_axes

    def __call__(self, shape: Shape, dtype: Any = None, seed: Any = None) -> Tensor:
        fans = compute_fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fans[0], "fan_out": fans[1], "fan_avg": sum(fans) / 2}[self.mode]
        variance, stream = self.scale / max(1.0, n), self.stream(seed)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return random.uniform(shape, -limit, limit, dtype, stream)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, math.sqrt(variance), dtype, stream)
        return random.truncated_normal(shape, 0.0, math.sqrt(variance) / _STDDEV, dtype, stream)


class _Preset(VarianceScaling):
    """A named choice of scale, mode and distribution."""

    preset: tuple[float, str, str]

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self.preset, seed, input_axes, output_axes)


@REGISTRY.add
class GlorotUniform(_Preset):
    """Uniform of variance ``2 / (inputs + outputs)``: X. Glorot and Y. Bengio, 2010."""

    preset = (1.0, "fan_avg", "uniform")


@REGISTRY.add
class GlorotNormal(_Preset):
    """Truncated normal of variance ``2 / (inputs + outputs)``: X. Glorot and Y. Bengio, 2010."""

    preset = (1.0, "fan_avg", "truncated_normal")


@REGISTRY.add
class HeUniform(_Preset):
    """Uniform of variance ``2 / inputs``: K. He et al., 2015."""

    preset = (2.0, "fan_in", "uniform")


@REGISTRY.add
class HeNormal(_Preset):
    """Truncated normal of variance ``2 / inputs``: K. He et al., 2015."""

    preset = (2.0, "fan_in", "truncated_normal")


@REGISTRY.add
class LecunUniform(_Preset):
    """Uniform of variance ``1 / inputs``: Y. LeCun et al., 1998."""

    preset = (1.0, "fan_in", "uniform")


@REGISTRY.add
class LecunNormal(_Preset):
    """Truncated normal of variance ``1 / inputs``: Y. LeCun et al., 1998."""

    preset = (1.0, "fan_in", "truncated_normal")


@REGISTRY.alias("OrthogonalInitializer")
class Orthogonal(_Random):
    """`gain` times a random orthogonal matrix: A. Saxe et al., 2013.

    Axes before the last count as one. Of a wide matrix the rows are orthonormal, of a tall one the
    columns. The factorization runs on the host in float64, whatever the backend, with the diagonal
    of R made positive, so that the result depends on the seed alone.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Shape, dtype: Any = None, seed: Any = None) -> Tensor:
        import numpy as np

        if len(shape) < 2:
            raise ShapeError(f"Orthogonal needs two axes or more; got shape {tuple(shape)}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        sizes = (max(rows, columns), min(rows, columns))
        draws = random.normal(sizes, dtype="float32", seed=self.stream(seed))
        q, r = np.linalg.qr(ops.convert_to_numpy(draws).astype("float64"))
        q = self.gain * q * np.where(np.diag(r) < 0, -1.0, 1.0)
        q = (q.T if rows < columns else q).reshape(shape)
        name = dtypes.standardize(dtype or dtypes.floatx())
        return ops.convert_to_tensor(q if name == "float64" else q.astype("float32"), name)


@REGISTRY.alias("STFTInitializer")
class STFT(Initializer):
    """(frame length, 1, bins): the "real" or "imag" part of a short-time Fourier transform.

    Frames are weighed by `window`, a name ("hann", "hamming", "blackman", "boxcar") or an array of
    the frame length, scaled to unit power ("density") or unit sum ("spectrum").
    """

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        if side not in ("real", "imag"):
            raise ValueError(f"STFT: side must be 'real' or 'imag'; got {side!r}.")
        if scaling not in (None, "density", "spectrum"):
            raise ValueError(
                f"STFT: scaling must be None, 'density' or 'spectrum'; got {scaling!r}."
            )
        if isinstance(window, str) and window not in _WINDOWS:
            raise ValueError(f"STFT: window must be one of {', '.join(_WINDOWS)}; got {window!r}.")
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Shape, dtype: Any = None, seed: Any = None) -> Tensor:
        import numpy as np

        length, _, bins = shape
        phase = -np.pi * np.outer(np.arange(length), np.arange(bins)) / max(bins - 1, 1)
        kernel = np.cos(phase) if self.side == "real" else np.sin(phase)
        if self.window is not None:
            window = self._weights(length)
            power = np.sqrt((window**2).sum())
            scale = {"density": power, "spectrum": np.abs(window).sum(), None: 1.0}[self.scaling]
            kernel = kernel * window[:, None] / scale
        kernel = np.broadcast_to(kernel[:, None], tuple(shape))
        return ops.convert_to_tensor(kernel, dtype or dtypes.floatx())

    def _weights(self, length: int) -> Any:
        import numpy as np

        if not isinstance(self.window, str):
            window = np.asarray(self.window, "float64")
            if window.shape != (length,):
                raise ShapeError(f"STFT: the window must be ({length},); got {window.shape}.")
            return window
        if length == 1:
            return np.ones(1)
        turn = 2 * np.pi * np.arange(length) / (length if self.periodic else length - 1)
        return sum(a * np.cos(k * turn) for k, a in enumerate(_WINDOWS[self.window]))


_WINDOWS = {  # the coefficients of their cosines
    "hann": (0.5, -0.5), "hamming": (0.54, -0.46), "blackman": (0.42, -0.5, 0.08),
    "boxcar": (1.0,),
}  # fmt: skip


# The names as functions, as in ``kernel_initializer=initializers.he_normal(seed=1)``.
zeros, ones, constant, identity, orthogonal = Zeros, Ones, Constant, Identity, Orthogonal
stft = STFTInitializer = STFT
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal
random_uniform, random_normal, truncated_normal = RandomUniform, RandomNormal, TruncatedNormal
variance_scaling = VarianceScaling
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal, lecun_uniform, lecun_normal = HeUniform, HeNormal, LecunUniform, LecunNormal


def get(identifier: Any) -> Any:
    """An initializer from its name, config, class, an array, or itself; None for None."""
    if hasattr(identifier, "shape") and not callable(identifier):
        return Constant(ops.convert_to_numpy(identifier))
    return REGISTRY.get(identifier)


def serialize(initializer: Any) -> Any:
    """A config from which `get` makes an equal initializer."""
    return REGISTRY.serialize(initializer)


deserialize = get
