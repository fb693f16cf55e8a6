"""Computing in half precision with float32 weights, under Keras's older names."""

from polyk.dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy
from polyk.optimizers import LossScaleOptimizer

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]

Policy = DTypePolicy
global_policy, set_global_policy = dtype_policy, set_dtype_policy
