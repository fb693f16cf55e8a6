"""Gradients: the functions that users call, and the tape for backends without autodiff.

`api` is value_and_grad, grad, vjp and jvp over nested containers; `tape` records and
walks back; `rules` holds one vector-Jacobian product per op.
"""

from polyk.autodiff.api import grad, jvp, value_and_grad, vjp
from polyk.ops.control import custom_gradient

__all__ = ["custom_gradient", "grad", "jvp", "value_and_grad", "vjp"]
