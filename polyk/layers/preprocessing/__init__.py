"""Layers that make data ready: numbers, categories, words and images. One file per family.

What `adapt` learns is kept in weights or in the config, so that a saved model has it.
"""

from polyk.layers.preprocessing.colors import *
from polyk.layers.preprocessing.encoding import *
from polyk.layers.preprocessing.filters import *
from polyk.layers.preprocessing.geometry import *
from polyk.layers.preprocessing.hashing import *
from polyk.layers.preprocessing.lookup import *
from polyk.layers.preprocessing.mixing import *
from polyk.layers.preprocessing.numeric import *
from polyk.layers.preprocessing.pipeline import *
from polyk.layers.preprocessing.sizes import *
from polyk.layers.preprocessing.text import *
