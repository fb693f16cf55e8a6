"""The UCI handwritten digits, shipped with polyk; README.md names source, authors and licence."""

from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

Split = tuple[NDArray[Any], NDArray[Any]]


def load_digits() -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)``: every fifth image of each digit is held out.

    ``x``: float32 ``(N, 8, 8, 1)`` in [0, 1], 1,438 and 359 images. ``y``: int32 ``(N,)``, 0 to 9.
    """
    with resources.files("polyk.data").joinpath("digits.npz").open("rb") as file:
        arrays = np.load(file)
        x, y = arrays["x"], arrays["y"].astype(np.int32)
    x = x[..., np.newaxis].astype(np.float32) / np.float32(16)
    held_out = np.zeros(len(y), bool)
    held_out[np.argsort(y, kind="stable")[4::5]] = True
    return (x[~held_out], y[~held_out]), (x[held_out], y[held_out])
