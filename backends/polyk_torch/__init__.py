"""polyk on PyTorch: eager, differentiated by autograd, updated in place by its fused optimizers.

The files follow the contract: `primitives`, `maths` (shape, maths, products), `linalg`
(factorizations), `conv`, `nn`, `sequence`, `engine`.
"""

from polyk.contract import Backend
from polyk_torch.conv import Conv
from polyk_torch.engine import Engine
from polyk_torch.linalg import Linalg
from polyk_torch.maths import Maths
from polyk_torch.nn import NN
from polyk_torch.primitives import Primitives
from polyk_torch.sequence import Sequence

__all__ = ["TorchBackend"]


class TorchBackend(Engine, Sequence, NN, Conv, Linalg, Maths, Primitives, Backend):
    """PyTorch on the CPU or an accelerator."""
