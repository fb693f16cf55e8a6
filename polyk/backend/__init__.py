"""The backend module of Keras 1 and 2: ``from polyk import backend as K``.

All names of Keras 2.3.1. What is not an op under its own name is here: older names and defaults
(`arrays`, `convolutions`, `networks`, `kinds`), variables, which are weights (`variables`),
placeholders, functions and gradients, which are small graphs (`functions`), and what only made
sense with a session, which raises and names its successor (`absent`).
"""

from polyk.backend.absent import *
from polyk.backend.arrays import *
from polyk.backend.convolutions import *
from polyk.backend.functions import *
from polyk.backend.kinds import *
from polyk.backend.networks import *
from polyk.backend.variables import *
from polyk.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from polyk.ops import (
    abs,
    all,
    any,
    cast,
    cos,
    dtype,
    equal,
    exp,
    greater,
    greater_equal,
    is_tensor,
    less,
    less_equal,
    log,
    logsumexp,
    max,
    maximum,
    mean,
    min,
    minimum,
    ndim,
    not_equal,
    prod,
    reshape,
    round,
    shape,
    sigmoid,
    sign,
    sin,
    softplus,
    softsign,
    sqrt,
    square,
    stack,
    std,
    stop_gradient,
    sum,
    tanh,
    tile,
    var,
)
