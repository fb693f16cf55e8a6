"""polyk on TensorFlow: eager ops, gradients by GradientTape, training steps as traced graphs.

`primitives`, `maths`, `linalg`, `conv` and `nn` follow the order of the contract; `engine` holds
devices, gradients, compilation and training state. Comments say where TensorFlow alone would give
another answer.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when TensorFlow is imported

from polyk.contract import Backend  # noqa: E402
from polyk_tensorflow.conv import Conv  # noqa: E402
from polyk_tensorflow.engine import Engine  # noqa: E402
from polyk_tensorflow.linalg import Linalg  # noqa: E402
from polyk_tensorflow.maths import Maths  # noqa: E402
from polyk_tensorflow.nn import NN  # noqa: E402
from polyk_tensorflow.primitives import Primitives  # noqa: E402

__all__ = ["TensorFlowBackend"]


class TensorFlowBackend(NN, Conv, Linalg, Maths, Primitives, Engine, Backend):
    """TensorFlow on its default device, or the one asked for."""
