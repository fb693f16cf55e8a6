"""The functions that users call; names and arguments are those of `keras.ops`.

They clean their arguments, find the backend of their tensors and call its method: no arithmetic
lives here. Every function takes tensors, NumPy arrays, scalars, lists and weights alike.
"""

from polyk.ops.control import *
from polyk.ops.conv import *
from polyk.ops.creation import *
from polyk.ops.elementwise import *
from polyk.ops.indexing import *
from polyk.ops.linalg import *
from polyk.ops.logic import *
from polyk.ops.nn import *
from polyk.ops.products import *
from polyk.ops.reductions import *
from polyk.ops.sequence import *
from polyk.ops.shaping import *
