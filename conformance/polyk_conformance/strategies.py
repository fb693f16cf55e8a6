"""What Hypothesis draws: shapes, axes, dtypes, and arrays by regime and seed, not cell by cell.

Shapes come from small pools, for every new shape costs a tracing engine a compilation.
"""

import math

import numpy as np
from hypothesis import strategies as st

SHAPES = [(), (1,), (4,), (0,), (2, 3), (1, 3), (3, 0), (2, 1, 3), (2, 3, 2)]
PAIRS = [
    ((), (4,)), ((4,), (4,)), ((1,), (4,)), ((3, 1), (1, 4)), ((2, 3), (3,)), ((2, 3), (2, 1)),
    ((0, 3), (1, 3)), ((2, 1, 3), (4, 1)), ((3, 3), (3, 1)), ((1, 1), ()),
]  # fmt: skip
MATRICES = [
    ((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((5, 2, 3), (5, 3, 2)),
    ((2, 1, 2, 3), (4, 3, 3)), ((2, 0), (0, 3)), ((0, 3), (3, 2)), ((2, 3, 3), (3, 3)),
]  # fmt: skip
DTYPES = ["float32", "float64", "int32", "int64", "int8", "uint8", "bool"]
SPECIALS = [math.nan, math.inf, -math.inf, -0.0, 0.0]
REGIMES = {
    "unit": (-1.0, 1.0),
    "wide": (-1e6, 1e6),
    "offset": (999.0, 1001.0),
    "small": (-1e-6, 1e-6),
    "ties": (-1.4, 1.4),
}

dtypes = st.sampled_from(DTYPES)
shapes = st.sampled_from(SHAPES)
solid_shapes = st.sampled_from([s for s in SHAPES if s and 0 not in s])
pairs = st.sampled_from(PAIRS).flatmap(lambda p: st.sampled_from([p, p[::-1]]))
matrices = st.sampled_from(MATRICES)
seeds = st.integers(0, 2**16)


def fill(shape, dtype, regime="unit", seed=0, poked=()):
    """An array of a regime; `poked` holds special values to be put somewhere."""
    rng = np.random.default_rng(seed)
    lo, hi = REGIMES[regime]
    x = rng.uniform(lo, hi, shape)
    if regime == "ties" or not dtype.startswith("float"):
        x = np.rint(x if regime == "ties" else rng.uniform(-4, 5, shape))
    x = np.array(abs(x) if dtype.startswith("u") else x)
    if x.size and dtype.startswith("float"):
        for value in poked:
            x.flat[rng.integers(x.size)] = value
    return x.astype(dtype)


@st.composite
def arrays(draw, shape=shapes, dtype=dtypes, special=False):
    poked = draw(st.lists(st.sampled_from(SPECIALS), max_size=2)) if special else ()
    return fill(
        draw(shape), draw(dtype), draw(st.sampled_from(sorted(REGIMES))), draw(seeds), poked
    )


@st.composite
def pairs_of_arrays(draw, dtype=dtypes, special=False):
    """Two arrays that broadcast, of any two dtypes."""
    poked = draw(st.lists(st.sampled_from(SPECIALS), max_size=2)) if special else ()
    regime = draw(st.sampled_from(sorted(REGIMES)))
    return tuple(fill(s, draw(dtype), regime, draw(seeds), poked) for s in draw(pairs))


def axes(ndim):
    """None, one axis from either end, or several."""
    if not ndim:
        return st.none()
    one = st.integers(-ndim, ndim - 1)
    several = st.lists(one, unique_by=lambda a: a % ndim, max_size=ndim).map(tuple)
    return st.one_of(st.none(), one, several)
