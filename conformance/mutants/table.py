"""All mutants, in the order of their families; importing this plants them."""

from mutants import conv, elementwise, engine, gradients, reductions, sequence, shaping
from mutants.mutant import MUTANTS

FAMILIES = (elementwise, reductions, shaping, conv, gradients, sequence, engine)
__all__ = ["MUTANTS"]
