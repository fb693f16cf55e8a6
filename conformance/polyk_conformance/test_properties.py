"""What holds for any shape, dtype and axis: drawn by Hypothesis, compared with the oracle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyk import ops
from polyk_conformance import oracle
from polyk_conformance import strategies as draw
from polyk_conformance.bounded import Bounded
from polyk_conformance.cases.case import Case, counted, first, floated, joined, summed, widen
from polyk_conformance.checks import check, run

FLOATS = st.sampled_from(["float32", "float64"])


def holds(op, reference, dtype, *args, **kwargs):
    """Check one call, as the table does."""
    case = Case(op, "drawn", args, kwargs, reference, dtype)
    check(case, run(case))


def rounding(f):
    def reference(x, y):
        value = f(x, y)
        return Bounded(value, 2 * abs(value)) if value.dtype.kind == "f" else value

    return reference


def wrapping(f, dtype):
    """Ints wrap around in the dtype where they meet."""

    def reference(x, y):
        meet = dtype((x, y))
        return f(widen(x.astype(meet)), widen(y.astype(meet)))

    return reference


@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "maximum", "minimum"])
@given(drawn=draw.pairs_of_arrays(special=True))
def test_arithmetic_broadcasts_and_promotes(backend, op, drawn):
    rule = counted if op == "subtract" else joined
    check_drawn = wrapping(rounding(getattr(np, op)), lambda _: rule(drawn))
    holds(op, lambda x, y: check_drawn(*drawn), rule, *drawn)


@pytest.mark.parametrize("op", ["equal", "not_equal", "less", "less_equal", "greater"])
@given(drawn=draw.pairs_of_arrays(special=True))
def test_comparisons_happen_where_two_dtypes_meet(backend, op, drawn):
    holds(op, lambda x, y: wrapping(getattr(np, op), joined)(*drawn), "bool", *drawn)


@given(drawn=draw.pairs_of_arrays())
def test_division_gives_floats(backend, drawn):
    holds("divide", rounding(np.divide), floated, *drawn)


@given(drawn=draw.pairs_of_arrays(dtype=st.sampled_from(["int8", "int32"])))
def test_quotient_and_remainder_make_up_the_dividend(backend, drawn):
    x, y = drawn[0], np.where(drawn[1] == 0, 3, drawn[1]).astype(drawn[1].dtype)
    x, y = ops.convert_to_tensor(x), ops.convert_to_tensor(y)
    whole = ops.add(ops.multiply(ops.floor_divide(x, y), y), ops.mod(x, y))
    same = ops.equal(whole, ops.broadcast_to(x, ops.shape(whole)))
    assert bool(ops.convert_to_numpy(ops.all(same)))


@pytest.mark.parametrize("op", ["sum", "prod", "mean", "max", "min", "any", "all", "var"])
@given(data=st.data())
def test_reductions_over_any_axes(backend, op, data):
    exact = op in ("max", "min", "any", "all")
    x = data.draw(draw.arrays(shape=draw.solid_shapes, special=exact))
    if op == "prod":
        x = np.clip(x, 0, 2)
    axis, keepdims = data.draw(draw.axes(x.ndim)), data.draw(st.booleans())
    reference, rule = REDUCTIONS[op]
    holds(op, reference, rule, x, axis=axis, keepdims=keepdims)


REDUCTIONS = {
    "sum": (lambda x, **k: oracle.total(x, **k), summed),
    "prod": (lambda x, **k: oracle.product(x, **k), summed),
    "mean": (oracle.mean, floated),
    "var": (oracle.variance, floated),
    "max": (np.max, first),
    "min": (np.min, first),
    "any": (np.any, "bool"),
    "all": (np.all, "bool"),
}


@pytest.mark.parametrize("op", ["sort", "argsort", "argmax", "argmin", "cumsum"])
@given(data=st.data())
def test_orders_along_any_axis(backend, op, data):
    x = data.draw(draw.arrays(shape=draw.solid_shapes, special=op != "cumsum"))
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    references = {
        "sort": (lambda v, axis: np.sort(v * 1, axis), counted),
        "argsort": (lambda v, axis: np.argsort(v, axis, kind="stable"), "int32"),
        "argmax": (np.argmax, "int32"),
        "argmin": (np.argmin, "int32"),
        "cumsum": (oracle.running(np.cumsum), summed),
    }
    holds(op, *references[op], x, axis=axis)


@given(x=draw.arrays(), data=st.data())
def test_reshape_and_transpose_lose_nothing(backend, x, data):
    order = data.draw(st.permutations(range(x.ndim)))
    holds("transpose", np.transpose, first, x, axes=tuple(order))
    t = ops.transpose(ops.convert_to_tensor(x), order)
    back = ops.transpose(t, [order.index(i) for i in range(x.ndim)])
    again = ops.reshape(ops.reshape(back, (-1,) if x.size else (0,)), x.shape)
    np.testing.assert_array_equal(ops.convert_to_numpy(again), x, strict=True)


@given(x=draw.arrays(shape=draw.solid_shapes), data=st.data())
def test_take_finds_cells_from_both_ends(backend, x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    n = x.shape[axis]
    size = data.draw(st.sampled_from([0, 1, 3]))
    where = np.array(
        data.draw(st.lists(st.integers(-n, n - 1), min_size=size, max_size=size)), "int32"
    )
    holds("take", lambda v, i, axis: np.take(v, i, axis), first, x, where, axis=axis)


@st.composite
def keys(draw_one, shape):
    key = []
    for n in shape:
        stop = draw_one(st.sampled_from([None, -1, n, n + 2]))
        step = draw_one(st.sampled_from([None, 1, 2, -1]))
        kind = draw_one(st.sampled_from(["slice", "int", "all"]))
        whole = slice(draw_one(st.sampled_from([None, 0, 1, -2])), stop, step)
        key.append(
            {"slice": whole, "int": draw_one(st.integers(-n, n - 1)), "all": slice(None)}[kind]
        )
    return tuple(key)


@given(data=st.data())
def test_basic_indexing_is_that_of_numpy(backend, data):
    x = data.draw(draw.arrays(shape=draw.solid_shapes))
    holds("get_item", lambda v, key: v[key], first, x, key=data.draw(keys(x.shape)))


@given(drawn=draw.matrices, dtype=FLOATS, seed=draw.seeds)
def test_matmul_broadcasts_its_leading_axes(backend, drawn, dtype, seed):
    x, y = (draw.fill(s, dtype, "unit", seed + i) for i, s in enumerate(drawn))
    holds("matmul", oracle.matmul, joined, x, y)


@given(drawn=draw.matrices, seed=draw.seeds)
def test_a_product_of_whole_numbers_is_exact(backend, drawn, seed):
    x, y = (draw.fill(s, "int32", "unit", seed + i).astype("float32") for i, s in enumerate(drawn))
    holds("matmul", np.matmul, joined, x, y)


EQUATIONS = ["ij,jk->ik", "ij,kj->ki", "ij,jk->", "bij,bjk->bki", "ij,ij->i", "...i,ij->...j"]


@given(equation=st.sampled_from(EQUATIONS), dtype=FLOATS, seed=draw.seeds)
def test_einsum_is_the_sum_it_names(backend, equation, dtype, seed):
    sizes = {"i": 2, "j": 3, "k": 2 if "kj" in equation else 4, "b": 2, ".": 2}
    terms = equation.partition("->")[0].replace("...", ".").split(",")
    x, y = (draw.fill([sizes[c] for c in t], dtype, "unit", seed + i) for i, t in enumerate(terms))

    def reference(equation, a, b):
        size = np.einsum(equation, abs(a), abs(b))
        return Bounded(np.einsum(equation, a, b), 20 * size)

    holds("einsum", reference, lambda args: joined(args[1:]), equation, x, y)


@given(x=draw.arrays(dtype=FLOATS, special=True), data=st.data())
def test_where_chooses_and_computes_nothing(backend, x, data):
    mask = draw.fill(x.shape, "bool", "unit", data.draw(draw.seeds))
    holds("where", np.where, lambda args: first(args[1:]), mask, x, -x)
