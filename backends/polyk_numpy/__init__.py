"""polyk on NumPy alone: the primitives here, gradients by core's tape.

`primitives`, `linalg` and `nn` follow the order of the contract; `conv` holds blocked im2col,
`normalization` batch normalization, `training` the in-place optimizer updates and the random bits.
"""

import warnings

from polyk.contract import Backend
from polyk_numpy.conv import Conv
from polyk_numpy.linalg import Linalg
from polyk_numpy.nn import NN
from polyk_numpy.normalization import Normalization
from polyk_numpy.primitives import Primitives
from polyk_numpy.training import Training

__all__ = ["NumPyBackend"]


class NumPyBackend(Training, Normalization, NN, Conv, Linalg, Primitives, Backend):
    """NumPy on the CPU. Inside polyk an overflow or a NaN is a value, as on every other engine."""

    def __init__(self):
        # np.errstate around each op would double what a small op costs.
        warnings.filterwarnings("ignore", category=RuntimeWarning, module="polyk")
