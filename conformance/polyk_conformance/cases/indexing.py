"""Gather, scatter, one-hot, slices, search. Exact, and the caller's arrays stay as they were."""

import numpy as np

from polyk_conformance.cases.case import array, bools, doubles, first, floats, ints, table

MATRIX = floats(4, 3, seed=1)
CUBE = floats(2, 3, 4, seed=2)
WRAPPED = array([[0, -1], [2, -3]], "int32")


def _taken():
    def take(x, indices, axis=None):
        return np.take(x, np.asarray(indices, int), axis)

    def along(x, indices, axis=None):
        if axis is None:
            return np.take_along_axis(x.ravel(), indices, 0)
        rest = np.broadcast_shapes(*(np.delete(v.shape, axis) for v in (x, indices)))
        x, indices = (
            np.broadcast_to(v, np.insert(rest, axis % x.ndim, v.shape[axis])) for v in (x, indices)
        )
        return np.take_along_axis(x, indices, axis)

    rows = [
        ("negative", CUBE, WRAPPED, {"axis": 1}), ("flat", CUBE, array([0, -1, 23, 5], "int32")),
        ("last", CUBE, array([3, 3, 0], "int32"), {"axis": -1}),
        ("zero-d", CUBE, array(1, "int32"), {"axis": 0}),
        ("empty", CUBE, array([], "int32"), {"axis": 0}),
        ("int64", CUBE, array([1, -2], "int64"), {"axis": 1}),
        ("uint8", CUBE, array([1, 2], "uint8"), {"axis": 1}), ("scalar", CUBE, -1, {"axis": 2}),
        ("list", CUBE, [0, 1], {"axis": 0}), ("ints", ints(5), WRAPPED),
        ("bools", bools(4), WRAPPED),
        ("nothing-left", floats(0, 3), array([], "int32"), {"axis": 0}),
    ]  # fmt: skip
    alongs = [
        ("rows", MATRIX, array([[0], [-1], [1], [2]], "int32"), {"axis": 1}),
        ("wide", CUBE, ints(2, 3, 2, lo=-4, hi=4), {"axis": -1}),
        ("flat", MATRIX, array([0, -1, 5], "int32")),
        ("broadcast", CUBE, ints(1, 2, 4, lo=-3, hi=3), {"axis": 1}),
        ("empty", MATRIX, np.zeros((4, 0), "int32"), {"axis": 1}),
    ]  # fmt: skip
    return [
        *table("take", take, first, *rows),
        *table(
            "take", take, first, ("smooth", CUBE, array([[1, 1], [-1, 0]], "int32"), {"axis": 1}),
            smooth=(0,),
        ),
        *table("take_along_axis", along, first, *alongs),
        *table("take_along_axis", along, first, ("smooth", *alongs[1][1:]), smooth=(0,)),
    ]  # fmt: skip


def _labels():
    def one_hot(x, num_classes, axis=-1, dtype=None):
        hot = np.eye(num_classes)[np.asarray(x, int)]
        return np.moveaxis(hot, -1, axis)

    def multi_hot(x, num_classes, axis=-1, dtype=None):
        return np.eye(num_classes)[np.asarray(x, int)].max(-2)

    labels = array([[0, 2, 1], [1, 1, 0]], "int32")

    def dtype_of(name):
        return lambda args: name

    return [
        *table(
            "one_hot", one_hot, "float32", ("last", labels, 3),
            ("middle", labels, 3, {"axis": -2}), ("front", labels, 3, {"axis": 0}),
            ("one", labels, 3, {"axis": 1}), ("negative", -labels, 4), ("scalar", 2, 3),
            ("empty", array([], "int32"), 3), ("uint8", labels.astype("uint8"), 5),
        ),
        *table(
            "one_hot", one_hot, dtype_of("int32"), ("as-ints", labels, 3, {"dtype": "int32"}),
        ),
        *table("one_hot", one_hot, dtype_of("bool"), ("as-bools", labels, 3, {"dtype": "bool"})),
        *table(
            "multi_hot", multi_hot, "float32", ("rows", labels, 4),
            ("vector", array([0, 3], "int32"), 4),
        ),
    ]  # fmt: skip


def places(indices):
    return tuple(np.moveaxis(np.asarray(indices, int), -1, 0))


def scatter_update(inputs, indices, updates):
    result = inputs.copy()
    result[places(indices)] = updates
    return result


def scatter_add(inputs, indices, updates):
    result = inputs.copy()
    np.add.at(result, places(indices), updates)
    return result


def scatter(indices, values, shape):
    return scatter_add(np.zeros(shape, values.dtype), indices, values)


def slice_update(inputs, start_indices, updates):
    result = inputs.copy()
    starts = [int(s) for s in start_indices]
    result[tuple(slice(s, s + d) for s, d in zip(starts, updates.shape, strict=True))] = updates
    return result


def cut(inputs, start_indices, shape):
    spans = zip(start_indices, shape, strict=True)
    return inputs[tuple(slice(s, None if d == -1 else s + d) for s, d in spans)]


def _updates():
    cells, rows = array([[0, 0], [3, 2], [-1, 0]], "int32"), array([[1], [-1], [1]], "int32")
    places = [
        ("cells", MATRIX, cells, array([5.0, 6.0, 7.0])),
        ("rows", MATRIX, rows, floats(3, 3, seed=3)),
        ("ints", ints(5), array([[0], [4]], "int32"), array([8, 9], "int32")),
        ("cast", MATRIX, cells, array([5, 6, 7], "int32")),
        ("doubles", doubles(3), rows, doubles(3, seed=1)),
        ("grid", CUBE, array([[[0], [1]]], "int32"), floats(1, 2, 3, 4)),
        ("empty", MATRIX, np.zeros((0, 2), "int32"), floats(0)),
    ]  # fmt: skip
    return [
        *table("scatter_update", scatter_update, first, *places),
        *table(
            "scatter_add", scatter_add, first,
            *[p for p in places if p[0] not in ("rows", "doubles")],
            (
                "repeated", array([0.0, 10.0, 20.0]), array([[1], [1], [1]], "int32"),
                array([1.0, 2.0, 3.0]),
            ),
        ),
        *table(
            "scatter_update", scatter_update, first, ("smooth", MATRIX, rows[:2], floats(2, 3)),
            smooth=(0, 2),
        ),
        *table(
            "scatter_add", scatter_add, first, ("smooth", MATRIX, cells, floats(3)),
            smooth=(0, 2),
        ),
        *table(
            "scatter", scatter, lambda args: args[1].dtype.name,
            ("repeated", array([[1], [1], [0]], "int32"), array([1.0, 2.0, 3.0]), (4,)),
            ("rows", array([[0], [2]], "int32"), ints(2, 3), (3, 3)),
        ),
        *table(
            "slice_update", slice_update, first, ("block", MATRIX, (1, 0), floats(2, 3, seed=4)),
            ("corner", MATRIX, (3, 2), array([[9.0]])), ("cast", MATRIX, [0, 0], ints(1, 1)),
            ("tensor-start", MATRIX, array([1, 1], "int32"), floats(2, 2)),
            ("empty", MATRIX, (0, 0), floats(0, 3)), static=True,
        ),
        *table(
            "slice_update", slice_update, first, ("smooth", MATRIX, (1, 1), floats(2, 2)),
            smooth=(0, 2),
        ),
        *table(
            "slice", cut, first, ("block", MATRIX, (1, 0), (2, 3)),
            ("rest", MATRIX, (1, 1), (-1, -1)), ("empty", MATRIX, (4, 0), (0, 3)),
        ),
        *table("slice", cut, first, ("smooth", MATRIX, (1, 0), (2, 2)), smooth=(0,)),
    ]  # fmt: skip


def _keys():
    full = slice(None)
    keys = {
        "int": 1, "negative": -1, "slice": slice(1, 3), "step": (full, slice(None, None, 2)),
        "backward": (full, slice(None, None, -1)), "backward-step": slice(None, None, -2),
        "ellipsis": (..., 0), "new-axis": (None, 0, ..., None), "mixed": (1, slice(None, 2), -1),
        "beyond": slice(2, 99), "nothing": slice(2, 1), "from-end": (full, slice(-2, None)),
        "list": [1, 0, 1], "gather": (full, np.array([2, 0])), "mask": np.array([False, True]),
        "after-int": (0, np.array([1, -1])), "bool-axis": (full, np.array([True, False, True])),
    }  # fmt: skip
    cases = table(
        "get_item", lambda x, key: x[key], first, *((k, CUBE, {"key": v}) for k, v in keys.items())
    )
    smooth = [c.but(label=f"smooth-{c.label}", smooth=(0,)) for c in cases
              if c.label in ("step", "backward-step", "mixed", "gather")]  # fmt: skip
    return cases + smooth


def _searches():
    edges = array([0.0, 1.0, 1.0, 2.5])
    return [
        *table(
            "nonzero", np.nonzero, "int32", ("matrix", ints(3, 4, lo=0, hi=2)),
            ("vector", array([0.0, 3.0])), ("none", array([0.0])), static=True,
        ),
        *table(
            "searchsorted", np.searchsorted, "int32",
            ("left", edges, array([1.0, -3.0, 9.0, 2.5])),
            ("right", edges, array([[1.0], [2.5]]), {"side": "right"}), ("mixed", edges, ints(4)),
            ("zero-d", edges, array(1.0)), ("empty", edges, floats(0)),
        ),
        *table(
            "digitize", np.digitize, "int32",
            ("floats", array([-1.0, 0.0, 1.0, 3.0]), [0.0, 1.0, 2.0]),
            ("ints", ints(6), array([-2, 0, 2], "int32")),
        ),
    ]  # fmt: skip


CASES = [c for f in (_taken, _labels, _updates, _keys, _searches) for c in f()]
