"""The ops that NumPy has too, under the name that Keras gives them: ``ops.numpy.mean``."""

from polyk.ops.control import vectorize as vectorize
from polyk.ops.creation import *
from polyk.ops.elementwise import *
from polyk.ops.indexing import *
from polyk.ops.layout import *
from polyk.ops.linalg import *
from polyk.ops.logic import *
from polyk.ops.products import *
from polyk.ops.reductions import *
from polyk.ops.shaping import *
from polyk.ops.special import *
from polyk.ops.statistics import *
from polyk.ops.windows import *
