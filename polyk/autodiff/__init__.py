"""Gradients: the functions that users call, and the tape for backends without autodiff.

`api` is value_and_grad, grad, vjp and custom_gradient over nested containers; `tape` records and
walks back; `rules` holds one vector-Jacobian product per op.
"""

from polyk.autodiff.api import custom_gradient, grad, value_and_grad, vjp

__all__ = ["custom_gradient", "grad", "value_and_grad", "vjp"]
