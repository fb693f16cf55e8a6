"""Data on the host: strings that never reach an engine, and passes over data for `adapt`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from polyk.layers.base import Layer
from polyk.select import is_tensor, to_numpy

_CHARACTERS = "USOT"  # the kinds of NumPy arrays that hold strings


class HostLayer(Layer):
    """A layer that is called on strings: a NumPy array of them, a list, or one."""

    def _tensor(self, x: Any) -> Any:
        return x if getattr(x, "dtype", None) is not None and _is_text(x) else super()._tensor(x)


def _is_text(x: Any) -> bool:
    return getattr(x.dtype, "kind", "") in _CHARACTERS


def strings(x: Any, encoding: str = "utf-8") -> Any:
    """`x` as a NumPy array of Python strings; bytes are decoded, numbers written out."""
    import numpy as np

    array = np.asarray(to_numpy(x) if is_tensor(x) else x)
    if array.dtype.kind in "SO":
        words = [v.decode(encoding) if isinstance(v, bytes) else str(v) for v in array.flat]
        array = np.array(words, dtype=str).reshape(array.shape)
    return array if array.dtype.kind == "U" else array.astype(str)


def batches(data: Any, steps: int | None = None) -> Iterator[Any]:
    """What `adapt` was given, in pieces: an array, a list or a tensor is one, an iterable (or a
    `PyDataset`) many, of which `steps` are taken. Of (x, y) only x counts."""
    if hasattr(data, "shape") or isinstance(data, (str, bytes)) or _is_one(data):
        yield data
        return
    if hasattr(data, "num_batches"):
        data = (data[i] for i in range(data.num_batches))
    for batch in itertools.islice(data, steps):
        yield batch[0] if isinstance(batch, tuple) else batch


def _is_one(data: Any) -> bool:
    """Whether nested lists hold numbers or strings, not arrays."""
    if not isinstance(data, (list, tuple)):
        if not isinstance(data, Iterable) and not hasattr(data, "num_batches"):
            raise TypeError(
                f"adapt takes an array, or an iterable of arrays; got {type(data).__name__}."
            )
        return False
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return not hasattr(data, "shape")
