"""Shapes, indexing, gather and scatter."""

import numpy as np

from mutants.mutant import REAL, plant


def last_wins_not(x, indices, updates):
    """The first update of a place wins."""
    return REAL.scatter_update(x, indices[::-1], updates[::-1])


def added(x, indices, updates):
    """Of repeated places only the last counts."""
    y = np.array(x)
    y[tuple(indices.T)] += updates
    return y


def added_in_place(x, indices, updates):
    np.add.at(x, tuple(indices.T), updates)
    return x


plant(
    "take-clamps",
    "take clamps what is out of range",
    "take",
    checks=("out_of_range",),
    take=lambda x, i, axis: np.take(x, i, axis, mode="clip"),
)
plant(
    "take-wraps",
    "take wraps around what is out of range",
    "take",
    checks=("out_of_range",),
    take=lambda x, i, axis: np.take(x, i, axis, mode="wrap"),
)
plant("take-flat", "take ignores its axis", "take", take=lambda x, i, axis: np.take(x, i, 0))
plant(
    "take_along-negative",
    "take_along_axis takes 0 for a negative index",
    "take_along_axis",
    take_along_axis=lambda x, i, axis: REAL.take_along_axis(x, np.maximum(i, 0), axis),
)
plant(
    "scatter_add-duplicates",
    "scatter_add keeps the last of repeated places",
    "scatter_add",
    scatter_add=added,
)
plant(
    "scatter_add-in-place",
    "scatter_add writes into its argument",
    "scatter_add",
    scatter_add=added_in_place,
)
plant(
    "scatter_update-first",
    "the first update of a place wins",
    "scatter_update",
    scatter_update=last_wins_not,
)
plant(
    "slice_update-clamps",
    "slice_update starts at 0",
    "slice_update",
    slice_update=lambda x, starts, u: REAL.slice_update(x, (0,) * x.ndim, u),
)
plant(
    "one_hot-negative",
    "one_hot of a negative label is zeros",
    "one_hot",
    one_hot=lambda i, n, axis, dtype: REAL.one_hot(np.where(i < 0, n, i), n, axis, dtype),
)
plant(
    "one_hot-axis",
    "one_hot puts the classes last always",
    "one_hot",
    one_hot=lambda i, n, axis, dtype: REAL.one_hot(i, n, i.ndim, dtype),
)
plant(
    "pad-swapped",
    "pad swaps before and after",
    "pad",
    pad=lambda x, pads, value=0: REAL.pad(x, tuple(p[::-1] for p in pads), value),
)
plant("pad-zero", "pad ignores its value", "pad", pad=lambda x, pads, value=0: REAL.pad(x, pads))
plant("flip-all", "flip reverses all axes", "flip", flip=lambda x, axis: np.flip(x))
plant(
    "transpose-reshapes",
    "transpose of a matrix is a reshape",
    "transpose",
    transpose=lambda x, axes: x.reshape([x.shape[a] for a in axes]),
)
plant(
    "reshape-fortran",
    "reshape reads column by column",
    "reshape",
    reshape=lambda x, shape: np.reshape(x, shape, order="F"),
)
plant(
    "concatenate-widens",
    "concatenate returns float64",
    "concatenate",
    concatenate=lambda xs, axis: np.concatenate(xs, axis).astype("f8"),
)
plant(
    "repeat-tiles",
    "repeat repeats the whole, not each",
    "repeat",
    repeat=lambda x, n, axis: np.concatenate([x] * n, axis),
)
plant(
    "tile-repeats",
    "tile repeats each, not the whole",
    "tile",
    tile=lambda x, repeats: np.kron(x, np.ones(repeats, x.dtype)),
)
plant(
    "roll-backwards",
    "roll goes the other way",
    "roll",
    roll=lambda x, shift, axis: np.roll(x, -shift, axis),
)
plant("tril-strict", "tril leaves out the diagonal", "tril", tril=lambda x, k: np.tril(x, k - 1))
plant(
    "eye-offset",
    "eye shifts the other way",
    "eye",
    eye=lambda n, m, k, dtype: np.eye(n, m, -k, dtype),
)
plant(
    "diagonal-offset",
    "diagonal ignores its offset",
    "diagonal",
    diagonal=lambda x, offset: np.diagonal(x, 0, -2, -1),
)
plant(
    "meshgrid-ij",
    "meshgrid is always ij",
    "meshgrid",
    meshgrid=lambda xs, indexing: REAL.meshgrid(xs, "ij"),
)
plant(
    "split-uneven",
    "split loses the remainder",
    "split",
    split=lambda x, points, axis: [REAL.split(x, points, axis)[0]] * (len(points) + 1),
)
plant("stack-last", "stack makes the last axis", "stack", stack=lambda xs, axis: np.stack(xs, -1))
plant(
    "swapaxes-rolls",
    "swapaxes rolls instead",
    "swapaxes",
    swapaxes=lambda x, a, b: np.moveaxis(x, a, b),
)
plant(
    "getitem-step",
    "slices with a step read every cell",
    "get_item",
    getitem=lambda x, index: (
        x[index]
        if all(getattr(i, "step", 1) in (1, None) for i in index)
        else REAL.getitem(
            x, tuple(slice(i.start, i.stop) if isinstance(i, slice) else i for i in index)
        )
    ),
)
plant(
    "scan-reverse",
    "scan never goes backwards",
    "scan LSTM GRU SimpleRNN",
    scan=lambda f, init, xs, length, reverse: REAL.scan(f, init, xs, length, False),
)
plant(
    "scan-stale",
    "scan forgets its last state",
    "scan LSTM GRU",
    scan=lambda f, init, xs, length, reverse: (init, REAL.scan(f, init, xs, length, reverse)[1]),
)
plant(
    "while-limit",
    "while_loop goes once too often",
    "while_loop",
    while_loop=lambda cond, body, state, limit: REAL.while_loop(
        cond, body, state, None if limit is None else limit + 1
    ),
)
plant(
    "cond-both", "cond takes the wrong branch for False", "cond", cond=lambda pred, yes, no: yes()
)
