"""New tensors, conversion, and questions about tensors."""

import numpy as np

from polyk_conformance.bounded import Bounded
from polyk_conformance.cases.case import (
    alias,
    array,
    bools,
    doubles,
    first,
    floated,
    floats,
    ints,
    table,
)

X = floats(2, 3)


def filled(value):
    """The dtype is checked on its own, so the oracle's may be wider."""
    return lambda shape, dtype=None: np.full(shape, value)


def _full():
    def like(value):
        return lambda x, dtype=None: np.full(np.shape(x), value)

    cases = []
    for name, value in {"zeros": 0, "ones": 1}.items():
        cases += table(
            name, filled(value), "float32", ("shape", (2, 3)), ("int", 3), ("zero-d", ()),
            ("empty", (0, 2)),
        )  # fmt: skip
        for dtype in ("int32", "bool", "float64", "uint8"):
            cases += table(name, filled(value), dtype, (dtype, (2, 3), {"dtype": dtype}))
        cases += table(
            f"{name}_like",
            like(value),
            first,
            ("floats", X),
            ("ints", ints(3)),
            ("bools", bools(2)),
        )
        cases += table(f"{name}_like", like(value), "int64", ("dtype", X, {"dtype": "int64"}))
    full = lambda shape, value, dtype=None: np.full(shape, value)  # noqa: E731
    same = lambda x, value, dtype=None: np.full(np.shape(x), value)  # noqa: E731
    return [
        *cases,
        *table(
            "full", full, "float32", ("float", (2, 2), 0.5),
            ("tensor", (2, 3), array([1.0, 2.0, 3.0])),
        ),
        *table("full", full, "int32", ("int", (2,), 7), ("dtype", (2,), 7, {"dtype": "int32"})),
        *table("full", full, "bool", ("bool", 2, True)),
        *table(
            "full_like", same, first, ("floats", X, 2.5), ("ints", ints(3), 4),
            ("tensor", X, array([1.0, 2.0, 3.0])),
        ),
    ]  # fmt: skip


def _ranges():
    def arange(start, stop=None, step=1, dtype=None):
        return np.arange(start, stop, step) if stop is not None else np.arange(start)

    def linspace(start, stop, num=50, endpoint=True, dtype=None):
        value = np.linspace(start, stop, num, endpoint)
        return Bounded(value, 4 * (np.broadcast_to(np.maximum(abs(start), abs(stop)), value.shape)))

    return [
        *table(
            "arange", arange, "int32", ("stop", 5), ("span", 2, 9, 3), ("backward", 5, 0, -2),
            ("empty", 3, 3),
        ),
        *table(
            "arange", arange, "float32", ("float", 0.0, 2.0, 0.5),
            ("dtype", 4, {"dtype": "float32"}),
        ),
        *table(
            "arange", lambda *args: Bounded(np.arange(*args), 4 * np.arange(*args)), "float32",
            ("long", 0.0, 200.0, 0.1),
        ),
        *table(
            "linspace", linspace, floated, ("plain", 0.0, 1.0, {"num": 7}),
            ("ints", 0, 10, {"num": 5}), ("open", -1.0, 1.0, {"num": 8, "endpoint": False}),
            ("one", 2.0, 3.0, {"num": 1}), ("tensors", floats(3), floats(3, seed=1), {"num": 4}),
            ("default", 0.0, 49.0), ("doubles", doubles(2), doubles(2, seed=1), {"num": 3}),
            ("none", 0.0, 1.0, {"num": 0}),
        ),
        *table(
            "linspace", linspace, floated, ("smooth", floats(3), floats(3, seed=1), {"num": 4}),
            smooth=(0, 1),
        ),
        *table(
            "eye", np.eye, "float32", ("square", 3), ("wide", 2, 4, {"k": 1}),
            ("tall", 4, 2, {"k": -1}),
        ),
        *table("eye", np.eye, "int32", ("ints", 3, {"dtype": "int32"})),
        *table("identity", np.identity, "float32", ("plain", 3)),
        *table(
            "tri", np.tri, "float32", ("square", 3), ("wide", 2, 4, {"k": 1}),
            ("tall", 4, 2, {"k": -1}),
        ),
        *table(
            "meshgrid", np.meshgrid, first, ("xy", floats(2), floats(3)),
            ("ij", floats(2), floats(3), {"indexing": "ij"}),
            ("three", floats(2), floats(3), floats(4)), ("one", floats(3)),
        ),
    ]  # fmt: skip


FRACTIONS = array([-2.9, -0.5, 0.0, 0.7, 3.9])


def _conversions():
    def cast(x, dtype):
        return np.asarray(x).astype(dtype)

    casts = [
        ("truncates", FRACTIONS, "int32"), ("to-bool", FRACTIONS, "bool"),
        ("widens", ints(3), "float64"), ("bools", bools(3), "float32"),
        ("same", FRACTIONS, "float32"), ("int64", ints(3), "int64"),
        ("half", FRACTIONS, "float16"), ("uint8", array([0.0, 200.5]), "uint8"),
        ("empty", floats(0), "int32"),
    ]  # fmt: skip
    cases = [c for row in casts for c in table("cast", cast, row[2], row)]
    for name in ("convert_to_tensor", "array"):
        same = lambda x, dtype=None: np.asarray(x)  # noqa: E731
        cases += table(
            name, same, "float32", ("floats", X), ("python", [[1.5, 2.0]]), ("scalar", 2.5)
        )
        cases += table(
            name,
            same,
            "int32",
            ("ints", [1, 2]),
            ("int", 3),
            ("dtype", array([1.0]), {"dtype": "int32"}),
        )
        cases += table(name, same, "bool", ("bools", [True, False]))
        cases += table(name, same, "float64", ("doubles", doubles(2)))
        cases += table(
            name, same, "int64", ("big", array([2**40, -(2**40)], "int64")), ("big-python", [2**40])
        )
    return [
        *cases,
        *table("cast", cast, "float64", ("smooth", X, "float64"), smooth=(0,)),
        *table("copy", lambda x: x, first, ("floats", X), ("ints", ints(3))),
    ]


def _questions():
    def is_array(x):
        return True

    rows = [("cube", floats(2, 3, 1)), ("zero-d", array(1.0)), ("empty", floats(0, 2))]
    return [
        *table("shape", lambda x: tuple(x.shape), None, *rows),
        *table("ndim", np.ndim, None, *rows), *table("size", np.size, None, *rows),
        *table("dtype", lambda x: "float32", None, *rows),
        *table("dtype", lambda x: "float64", None, ("doubles", doubles(2))),
        *table("dtype", lambda x: "int64", None, ("int64", ints(2, dtype="int64"))),
        *table("is_tensor", is_array, None, *rows),
        *table("is_tensor", lambda x: False, None, ("list", [1.0]), ("scalar", 1.0)),
        *table(
            "array_equal", lambda x, y: bool(np.array_equal(x, y)), None, ("same", X, X),
            ("values", X, X + 1), ("shapes", X, floats(2)),
            ("dtypes", ints(3), ints(3).astype("f4")), ("nan", array([np.nan]), array([np.nan])),
            static=True,
        ),
    ]  # fmt: skip


CASES = [c for f in (_full, _ranges, _conversions, _questions) for c in f()]
CASES += [c.but(op="convert_to_numpy", static=True) for c in alias(CASES, "copy", "copy")]
