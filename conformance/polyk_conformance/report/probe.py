"""What the hardware does with float32 unasked: measured, not claimed."""

from typing import Any

import numpy as np

import polyk
from polyk import ops


def probe() -> dict[str, Any]:
    """How the backend in use rounds the inputs of a product, adds up, and treats subnormals."""
    return {
        "matmul_input": matmul_input(), "accumulate": accumulate(),
        "flushes_subnormals": flushes(), "keeps_float64": digits("float64", 1e-12),
    }  # fmt: skip


def scalar(x: Any) -> float:
    return float(np.ravel(polyk.to_numpy(x))[0])


def matmul_input() -> str:
    """The narrowest mantissa that a matmul rounds its inputs to: 1 + 2^-k survives or not."""
    for bits, name in ((8, "bfloat16"), (11, "tf32 or float16"), (23, "less than float32")):
        x = np.full((64, 64), 0, "float32")
        x[0, 0] = 1 + 2.0**-bits
        if scalar(ops.matmul(x, np.eye(64, dtype="float32"))) == 1.0:
            return name
    return "float32"


def accumulate() -> str:
    """A one followed by many halves of its last bit: lost one by one, or kept."""
    x = np.full(4097, 2.0**-24, "float32")
    x[0] = 1.0
    total = scalar(ops.matmul(x[None], np.ones((4097, 1), "float32")))
    if total == 1.0:
        return "float32, one after the other"
    exact = 1 + 2.0**-12
    return "wider than float32" if total == np.float32(exact) else "float32, in parts"


def flushes() -> bool:
    tiny = np.array([1e-40], "float32")
    return scalar(ops.multiply(tiny, 1.0)) == 0.0 or scalar(ops.add(tiny, tiny)) == 0.0


def digits(dtype: str, step: float) -> bool | str:
    if dtype not in polyk.get_backend().dtypes:
        return "not offered"
    x = np.array([1.0, 1.0 + step], dtype)
    return scalar(ops.subtract(ops.convert_to_tensor(x)[1:], ops.convert_to_tensor(x)[:1])) != 0
