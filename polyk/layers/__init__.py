"""Layers: one file per family. Each reads as init, build, call."""

from polyk.layers.activation import *
from polyk.layers.attention import *
from polyk.layers.base import Layer as Layer
from polyk.layers.conv import *
from polyk.layers.core import *
from polyk.layers.einsum_dense import *
from polyk.layers.inputs import *
from polyk.layers.merging import *
from polyk.layers.normalization import *
from polyk.layers.pooling import *
from polyk.layers.preprocessing import *
from polyk.layers.recurrent import *
from polyk.layers.regularization import *
from polyk.layers.reshaping import *
from polyk.layers.reversible import *
from polyk.layers.spec import *
from polyk.layers.wrapping import *
