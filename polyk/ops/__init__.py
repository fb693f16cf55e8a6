"""The functions that users call; names and arguments are those of `keras.ops`.

They clean their arguments, find the backend of their tensors and call its method: no arithmetic
lives here. Every function takes tensors, NumPy arrays, scalars, lists and weights alike.
`ops.image` holds those of images; `ops.nn`, `ops.numpy` and `ops.linalg` hold the others by family,
as in Keras.
"""

from polyk.ops import image as image
from polyk.ops import nn as nn
from polyk.ops import numpy as numpy
from polyk.ops.control import *
from polyk.ops.conv import *
from polyk.ops.creation import *
from polyk.ops.ctc import *
from polyk.ops.einops import *
from polyk.ops.elementwise import *
from polyk.ops.folding import *
from polyk.ops.indexing import *
from polyk.ops.layout import *
from polyk.ops.linalg import *
from polyk.ops.logic import *
from polyk.ops.nn import *
from polyk.ops.pooling import *
from polyk.ops.products import *
from polyk.ops.reductions import *
from polyk.ops.sequence import *
from polyk.ops.shaping import *
from polyk.ops.signal import *
from polyk.ops.sparse import *
from polyk.ops.special import *
from polyk.ops.statistics import *
from polyk.ops.windows import *

_COMPLEX = {
    *("angle", "conj", "conjugate", "eig", "imag"),
    *("polar", "real", "view_as_complex", "view_as_real"),
}


def __getattr__(name: str) -> object:
    if name in _COMPLEX:
        raise AttributeError(f"polyk.ops has no {name!r}: polyk has no complex dtype.")
    raise AttributeError(f"module 'polyk.ops' has no attribute {name!r}")
