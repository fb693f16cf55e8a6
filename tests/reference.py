"""Keras as a reference, and gradients by differences."""

import os
import tempfile
import warnings
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest

import polyk


@contextmanager
def keras():
    """Keras, in float64, without a warning."""
    os.environ.setdefault("KERAS_BACKEND", "torch" if find_spec("torch") else "numpy")
    os.environ.setdefault("KERAS_HOME", tempfile.gettempdir())  # it writes a file when imported
    module = pytest.importorskip("keras", exc_type=ImportError)
    promotion = import_module("keras.src.backend.common.dtypes")
    promotion.BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # which it keeps on TensorFlow alone
    before = module.config.floatx()
    module.config.set_floatx("float64")
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield module
    finally:
        module.config.set_floatx(before)


def check_gradient(fn, x, step=1e-6):
    """The gradient of the scalar ``fn(x)`` against central differences, in float64."""
    x = np.asarray(x, "float64")
    _, found = polyk.value_and_grad(fn)(x)
    expected = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[i] += sign * step
            ends.append(float(polyk.to_numpy(fn(moved))))
        expected[i] = (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(polyk.to_numpy(found), expected, rtol=1e-5, atol=1e-7)
