"""Window functions of signal processing: floatx vectors, symmetric about their middle.

Their values are found once on the host in float64, so that they are the same on every engine.
"""

import math
from collections.abc import Callable

from polyk import dtypes
from polyk.ops.dispatch import Tensor
from polyk.select import current

__all__ = ["bartlett", "blackman", "hamming", "hanning", "kaiser"]


def _window(n: int, value: Callable[[float], float]) -> Tensor:
    """`value` at `n` places from -1 to 1; 1 for a single one."""
    places = [2.0 * i / (n - 1) - 1.0 for i in range(n)] if n > 1 else [0.0] * n
    b = current()
    return b.cast(b.constant(_array([value(p) for p in places])), dtypes.floatx())


def _array(values: list[float]) -> object:
    import numpy as np

    return np.array(values, np.float64)


def bartlett(x: int) -> Tensor:
    """(x,): a triangle from 0 to 1 and back."""
    return _window(x, lambda p: 1.0 - abs(p))


def hanning(x: int) -> Tensor:
    """(x,): a raised cosine that meets 0 at its ends."""
    return _window(x, lambda p: 0.5 + 0.5 * math.cos(math.pi * p))


def hamming(x: int) -> Tensor:
    """(x,): a raised cosine that ends at 0.08."""
    return _window(x, lambda p: 0.54 + 0.46 * math.cos(math.pi * p))


def blackman(x: int) -> Tensor:
    """(x,): two cosines, with lower side lobes than `hanning`."""
    return _window(
        x, lambda p: 0.42 + 0.5 * math.cos(math.pi * p) + 0.08 * math.cos(2 * math.pi * p)
    )


def kaiser(x: int, beta: float) -> Tensor:
    """(x,): ``i0(beta * sqrt(1 - p ** 2)) / i0(beta)``; a larger `beta` is narrower."""
    return _window(x, lambda p: _i0(beta * math.sqrt(max(1 - p * p, 0.0))) / _i0(beta))


def _i0(x: float) -> float:
    """The series of the modified Bessel function; its terms are positive."""
    term = total = 1.0
    k = 0
    while term > total * 1e-17:
        k += 1
        term *= (x / (2 * k)) ** 2
        total += term
    return total
