"""polyk on JAX: `jax.numpy` op by op, one jitted and donated step for training.

`primitives`, `linalg`, `conv` and `nn` follow the order of the contract; `engine` has devices,
gradients and compilation.
"""

import jax

from polyk.contract import Backend
from polyk_jax.conv import Conv
from polyk_jax.engine import Engine
from polyk_jax.linalg import Linalg
from polyk_jax.nn import NN
from polyk_jax.primitives import Primitives

__all__ = ["JaxBackend"]


class JaxBackend(Engine, NN, Conv, Linalg, Primitives, Backend):
    """JAX on CPU, GPU or TPU, with its 64-bit types on: it would cut them in silence."""

    def __init__(self):
        jax.config.update("jax_enable_x64", True)
