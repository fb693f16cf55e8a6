"""Words and numbers to bins by a hash, which needs no vocabulary.

The hash is BLAKE2b of the text, 64 bits of it, modulo the number of bins: the same on every
machine and backend, and not what Keras gives, which takes TensorFlow's FarmHash and SipHash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from polyk import dtypes, ops
from polyk.errors import DTypeError, ShapeError
from polyk.layers.core import positive
from polyk.layers.preprocessing.encoding import encoded, mode_of, only_dense
from polyk.layers.preprocessing.host import HostLayer, strings
from polyk.select import is_tensor, to_numpy

__all__ = ["HashedCrossing", "Hashing"]


def hash_bins(words: Any, bins: int, salt: Sequence[int] | None = None) -> Any:
    """The bins, int32, of a NumPy array of strings."""
    import numpy as np

    key = b"" if salt is None else b"".join(int(s).to_bytes(16, "big", signed=True) for s in salt)

    def place(word: str) -> int:
        digest = hashlib.blake2b(word.encode(), digest_size=8, key=key).digest()
        return int.from_bytes(digest, "big") % bins

    known = {word: place(word) for word in set(words.flat)}
    return np.array([known[w] for w in words.flat], np.int32).reshape(words.shape)


def salt_of(salt: Any, layer: Any) -> list[int] | None:
    """Two ints, from two, one or None."""
    if salt is None or isinstance(salt, int):
        return None if salt is None else [salt, salt]
    if not isinstance(salt, (list, tuple)) or len(salt) != 2:
        raise ValueError(f"{type(layer).__name__}: salt must be an int or two; got {salt!r}.")
    return list(salt)


def _words(x: Any) -> Any:
    """Strings as they are, whole numbers in digits."""
    import numpy as np

    array = np.asarray(to_numpy(x) if is_tensor(x) else x)
    return strings(array.astype(np.int64) if array.dtype.kind == "f" else array)


class Hashing(HostLayer):
    """Strings or ints to `num_bins` bins, by a hash that `salt` changes.

    What equals `mask_value` goes to bin 0, and nothing else does. Runs on the host. See the module
    about the hash.
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        only_dense(self, sparse=sparse)
        self.num_bins, self.mask_value = positive(num_bins, "num_bins", self), mask_value
        self.salt, self.sparse = salt_of(salt, self), sparse
        self.output_mode = mode_of(output_mode)

    def call(self, inputs: Any) -> Any:
        import numpy as np

        words, masked = _words(inputs), self.mask_value is not None and self.num_bins > 1
        bins = hash_bins(words, self.num_bins - masked, self.salt)
        if masked:
            bins = np.where(words == str(self.mask_value), 0, bins + 1)
        indices = ops.convert_to_tensor(bins, "int32")
        return encoded(indices, self.output_mode, self.num_bins, dtypes.floatx())


class HashedCrossing(HostLayer):
    """Several features crossed into one: the bin of what they are together.

    Called on a list of features (N,) or (N, 1), strings or ints. Runs on the host. See the module
    about the hash.
    """

    def __init__(
        self, num_bins: int, output_mode: str = "int", sparse: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        only_dense(self, sparse=sparse)
        self.num_bins = positive(num_bins, "num_bins", self)
        self.output_mode, self.sparse = mode_of(output_mode, ("int", "one_hot")), sparse

    def call(self, inputs: Any) -> Any:
        import numpy as np

        if not isinstance(inputs, (list, tuple)) or len(inputs) < 2:
            raise ValueError(f"{self.where()}: call it on a list of two features or more.")
        arrays = [np.asarray(to_numpy(x) if is_tensor(x) else x) for x in inputs]
        if any(a.dtype.kind == "f" for a in arrays):
            raise DTypeError(f"{self.where()}: features must be strings or ints, not floats.")
        if len({a.shape for a in arrays}) > 1 or arrays[0].ndim > 2 or arrays[0].shape[1:] > (1,):
            raise ShapeError(f"{self.where()}: features must all be (), (N,) or (N, 1); got "
                             f"{[a.shape for a in arrays]}.")  # fmt: skip
        rows = zip(*(strings(a).flat for a in arrays), strict=True)
        # Lengths before the words: ("ab", "c") and ("a", "bc") are not the same cross.
        crossed = ["".join(f"{len(w)}:{w}" for w in row) for row in rows]
        bins = hash_bins(np.array(crossed, str).reshape(arrays[0].shape), self.num_bins)
        indices = ops.convert_to_tensor(bins, "int32")
        return encoded(indices, self.output_mode, self.num_bins, dtypes.floatx())
