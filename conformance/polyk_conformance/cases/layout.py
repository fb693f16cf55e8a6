"""Joins and cuts by direction, frames, blocks, patterns. Exact."""

import numpy as np

from polyk_conformance import oracle
from polyk_conformance.bounded import Bounded
from polyk_conformance.cases.case import (
    array,
    counted,
    first,
    floated,
    floats,
    ints,
    joined,
    table,
)

MATRIX, CUBE = floats(4, 6, seed=1), floats(2, 3, 4, seed=2)
IMAGES = floats(2, 4, 6, 8, seed=3)


def _directions():
    pair = [floats(2, 3), floats(2, 3, seed=1)]
    return [
        *table(
            "append", np.append, joined, ("flat", floats(2, 2), ints(3)),
            ("axis", MATRIX, floats(1, 6), {"axis": 0}),
        ),
        *table("dstack", np.dstack, joined, ("matrices", pair), ("vectors", [floats(2)] * 2)),
        *table("hsplit", np.hsplit, first, ("matrix", MATRIX, 3), ("vector", floats(4), [1])),
        *table("vsplit", np.vsplit, first, ("matrix", MATRIX, 2)),
        *table("dsplit", np.dsplit, first, ("cube", CUBE, [1, 2])),
        *table("fliplr", np.fliplr, first, ("matrix", MATRIX)),
        *table("flipud", np.flipud, first, ("vector", floats(3))),
        *table("diagflat", np.diagflat, first, ("matrix", floats(2, 2)), ("above", ints(2),
                                                                          {"k": 1})),
        *table("broadcast_arrays", lambda *xs: list(np.broadcast_arrays(*xs)), first,
               ("column", floats(3, 1), floats(2))),
        *table(
            "unravel_index", lambda i, shape: np.unravel_index(i % 24, shape), "int32",
            ("cube", array([[0, 23], [5, -1]], "int32"), (2, 3, 4)),
        ),
        *table("fliplr", np.fliplr, first, ("smooth", MATRIX), smooth=(0,)),
        *table("diagflat", np.diagflat, first, ("smooth", floats(2, 2)), smooth=(0,)),
    ]  # fmt: skip


def frames(x, sequence_length, sequence_stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, sequence_length, -1)
    return windows[..., ::sequence_stride, :]


def to_space(x, block_size, data_format="channels_last"):
    x = np.moveaxis(x, 1, -1) if data_format == "channels_first" else x
    n, h, w, c = x.shape
    y = np.zeros((n, h * block_size, w * block_size, c // block_size**2))
    for i in range(block_size):
        for j in range(block_size):
            part = np.split(x, block_size**2, -1)[i * block_size + j]
            y[:, i::block_size, j::block_size] = part
    return np.moveaxis(y, -1, 1) if data_format == "channels_first" else y


def to_depth(x, block_size, data_format="channels_last"):
    x = np.moveaxis(x, 1, -1) if data_format == "channels_first" else x
    s = block_size
    y = np.concatenate([x[:, i::s, j::s] for i in range(s) for j in range(s)], -1)
    return np.moveaxis(y, -1, 1) if data_format == "channels_first" else y


def _blocks():
    forward = {"data_format": "channels_first"}
    blocks = [
        ("plain", IMAGES, 2), ("channels-first", floats(1, 8, 2, 4), 2, forward),
    ]  # fmt: skip
    return [
        *table("extract_sequences", frames, first, ("overlap", floats(2, 9), 4, 2),
               ("apart", floats(7), 2, 3)),
        *table("extract_sequences", frames, first, ("smooth", floats(7), 3, 2), smooth=(0,)),
        *table("depth_to_space", to_space, first, *blocks),
        *table("space_to_depth", to_depth, first, *blocks),
        *table("depth_to_space", to_space, first, ("smooth", *blocks[1][1:]), smooth=(0,)),
        *table("space_to_depth", to_depth, first, ("smooth", *blocks[1][1:]), smooth=(0,)),
        *table(
            "rearrange", lambda x, pattern, p=None: x.reshape(2, 2, 3, 4).transpose(1, 0, 3, 2)
            .reshape(2, 2, 12) if p else x.transpose(2, 0, 1)[:, :, None].reshape(4, 2, 1, 3),
            first, ("split", floats(4, 3, 4), "(b p) c d -> p b (d c)", {"p": 2}),
            ("one", CUBE, "a b c -> c a 1 b"),
        ),
        *table("rearrange", lambda x, pattern: x.T.ravel(), first,
               ("smooth", floats(2, 3), "a b -> (b a)"), smooth=(0,)),
    ]  # fmt: skip


def _products():
    def kron(x, y):
        return oracle.multiplied(np.kron, x, y, 1)

    def vander(x, N=None, increasing=False):
        value = np.vander(x, N, increasing)
        return value if value.dtype.kind != "f" else Bounded(value, 2 * value.shape[1] * abs(value))

    def correlate(x, y, mode="valid"):
        return oracle.multiplied(lambda a, b: np.correlate(a, b, mode), x, y, min(len(x), len(y)))

    def vecdot(x, y, axis=-1):
        return oracle.multiplied(lambda a, b: (a * b).sum(axis), x, y, x.shape[axis])

    def cross(x, y, **axes):
        (a, b), (c, d) = x, y.T
        value = a * d - b * c
        return Bounded(value, 16.0 + 0 * value)

    line, short = floats(6, seed=4), floats(3, seed=5)
    modes = [(m, line, short, {"mode": m}) for m in ("full", "same", "valid")]
    return [
        *table("kron", kron, joined, ("matrices", floats(2, 3), floats(2, 2, seed=1)),
               ("ranks", ints(2), ints(2, 3, seed=1))),
        *table("kron", kron, joined, ("smooth", floats(2, 2), floats(2)), smooth=(0, 1)),
        *table("vander", vander, counted, ("plain", floats(3)), ("ints", ints(3), {"N": 4}),
               ("up", floats(3), {"N": 2, "increasing": True})),
        *table("vander", vander, counted, ("smooth", floats(3)), smooth=(0,)),
        *table("correlate", correlate, floated, *modes, ("turned", short, line),
               ("turned-same", floats(4), line, {"mode": "same"})),
        *table("correlate", correlate, floated, ("smooth", *modes[0][1:]), smooth=(0, 1)),
        *table("vecdot", vecdot, joined, ("last", MATRIX, floats(6)), ("first", MATRIX,
               floats(4, 6, seed=3), {"axis": 0}), ("ints", ints(3), ints(3, seed=1))),
        *table("cross", cross, joined, ("flat", floats(2, 4), floats(4, 2, seed=1),
                                        {"axisa": 0, "axisb": -1})),
        *table("matrix_transpose", np.matrix_transpose, first, ("cube", CUBE)),
    ]  # fmt: skip


CASES = [c for f in (_directions, _blocks, _products) for c in f()]
