"""What a backend is: some seventy primitives to write, everything else to inherit.

`Primitives` lists the abstract methods, `Engine` what a backend says of itself. On them stand the
derived ops, each family a class on top of the one before: Shaping, Control, Maths, Special,
Statistics, Linalg, Factorizations, Conv, NN, Sequence, Signal; a backend overrides a derived op
only for speed, with the same result. `OPTIONAL` names the few methods that a backend may leave out,
such as the factorizations of matrices, which need an engine's routine. Core calls these methods
with clean arguments: axes counted from the front, shapes as tuples of ints, dtypes as names, floats
where a float is needed, and two tensors of one dtype. In a binary method a Python scalar may stand
in for one of the tensors.
"""

from polyk.contract.engine import API
from polyk.contract.optional import OPTIONAL
from polyk.contract.primitives import Primitives
from polyk.contract.signal import Signal

__all__ = ["API", "OPTIONAL", "Backend", "Primitives"]


class Backend(Signal):
    """Subclass this, point an entry point at it, and polyk runs on your library."""
