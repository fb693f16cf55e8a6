"""The design's table of edges, row by row, and the words of each error."""

import math
import re

import numpy as np
import pytest

import polyk
from polyk import DTypeError, ShapeError, dtypes, ops, symbolic
from polyk_conformance import record
from polyk_conformance.cases.case import join

NAN, INF = math.nan, math.inf


def values(x):
    return polyk.to_numpy(x).tolist()


# Dtypes.

MEETINGS = [  # independent of both tables
    ("int32", "float16", "float16"),
    ("int64", "float32", "float32"),
    ("uint8", "int8", "int16"),
    ("uint32", "int32", "int64"),
    ("uint64", "int64", "float64"),
    ("bool", "int8", "int8"),
    ("bool", "float16", "float16"),
    ("float16", "bfloat16", "float32"),
    ("float32", "float64", "float64"),
]


@pytest.mark.parametrize(("a", "b", "meet"), MEETINGS)
def test_two_dtypes_meet_as_written(a, b, meet):
    assert dtypes.promote(a, b) == dtypes.promote(b, a) == meet


@pytest.mark.parametrize("a", dtypes.ALL)
def test_every_pair_of_dtypes_meets_by_the_rule(a):
    assert [dtypes.promote(a, b) for b in dtypes.ALL] == [join(a, b) for b in dtypes.ALL]


@pytest.mark.parametrize("a", dtypes.ALL)
def test_add_gives_the_dtype_where_two_meet(backend, a):
    if a not in backend.dtypes:
        pytest.skip(f"{backend.name} has no {a}")
    x = ops.ones((2,), a)
    for b in backend.dtypes:
        total = ops.add(x, ops.ones((2,), b))
        assert ops.dtype(total) == join(a, b), b
        assert values(ops.cast(total, "float32")) == [1 if a == b == "bool" else 2] * 2, b


@pytest.mark.parametrize("dtype", dtypes.ALL)
def test_a_dtype_is_honored_or_refused(backend, dtype):
    if dtype in backend.dtypes:
        assert ops.dtype(ops.ones((2,), dtype)) == dtype
        assert ops.dtype(ops.cast(ops.zeros((2,)), dtype)) == dtype
    else:
        with pytest.raises(DTypeError, match=f"{backend.name!r} has no dtype {dtype}"):
            ops.ones((2,), dtype)


def test_float64_keeps_its_digits(backend):
    x = ops.convert_to_tensor(np.array([1.0, 1.0 + 1e-12]))
    assert ops.dtype(x) == "float64"
    assert values(ops.subtract(x[1], x[0])) == (1.0 + 1e-12) - 1.0


def test_int64_keeps_its_digits(backend):
    big = ops.convert_to_tensor(np.array([2**40, -(2**62)]))
    assert values(ops.add(big, 1)) == [2**40 + 1, -(2**62) + 1]
    assert values(ops.full((1,), 2**40, "int64")) == [2**40]


def test_an_unknown_dtype_gets_a_suggestion(backend):
    with pytest.raises(DTypeError, match=r"unknown dtype 'flaot32'. Did you mean 'float32'\?"):
        ops.zeros((2,), "flaot32")


def test_floatx_decides_for_python_floats_and_ints_made_floats(backend):
    polyk.dtypes.set_floatx("float64")
    try:
        found = [ops.zeros(2), ops.convert_to_tensor(0.1), ops.divide(ops.ones(2, "int32"), 3)]
        assert [ops.dtype(x) for x in found] == ["float64"] * 3
        assert values(found[1]) == 0.1
    finally:
        polyk.dtypes.set_floatx("float32")


# Division of ints by zero, indices out of range: errors where values are known.


@pytest.mark.parametrize("op", ["floor_divide", "mod"])
@pytest.mark.parametrize("divisor", [np.array([2, 0], "int32"), 0])
def test_an_int_divided_by_zero_raises(backend, op, divisor):
    x = ops.convert_to_tensor(np.array([5, 6], "int32"))
    y = divisor if isinstance(divisor, int) else ops.convert_to_tensor(divisor)
    with pytest.raises(ZeroDivisionError, match="zero"):
        getattr(ops, op)(x, y)


@pytest.mark.parametrize("op", ["floor_divide", "mod"])
def test_under_compile_an_int_divided_by_zero_is_zero_or_raises(backend, op):
    x, y = (ops.convert_to_tensor(np.array(v, "int32")) for v in ([5, 7], [0, 2]))
    try:
        found = polyk.compile(getattr(ops, op))(x, y)
    except ZeroDivisionError:
        return
    assert values(found) == [0, 3 if op == "floor_divide" else 1]


def test_a_float_divided_by_zero_is_infinite_or_nan(backend):
    x = ops.convert_to_tensor([1.0, -1.0, 0.0])
    np.testing.assert_array_equal(values(ops.divide(x, 0.0)), [INF, -INF, NAN])
    assert values(ops.isnan(ops.mod(x, 0.0))) == [True] * 3


@pytest.mark.parametrize("index", [3, -4, [0, 7]])
@pytest.mark.parametrize("axis", [None, 0])
def test_take_out_of_range_raises(backend, index, axis):
    with pytest.raises(IndexError, match="out of (range|bounds)"):
        ops.take(ops.zeros((3,)), index, axis)


def test_take_along_axis_out_of_range_raises(backend):
    with pytest.raises(IndexError, match="out of (range|bounds)"):
        ops.take_along_axis(ops.zeros((2, 3)), np.array([[3], [0]], "int32"), 1)


@pytest.mark.parametrize("label", [3, -4])
def test_one_hot_out_of_range_raises(backend, label):
    with pytest.raises(IndexError, match=f"label {label} is out of range for 3"):
        ops.one_hot(np.array([0, label], "int32"), 3)


@pytest.mark.parametrize("op", ["scatter_add", "scatter_update"])
@pytest.mark.parametrize("place", [[2, 0], [0, -4]])
def test_scatter_out_of_range_raises(backend, op, place):
    with pytest.raises(IndexError, match=re.escape(f"index {place} is out of range")):
        getattr(ops, op)(ops.zeros((2, 3)), np.array([place], "int32"), np.ones(1, "float32"))


def compiled_or_raised(f, *args):
    """The result under compile; None from a backend that knows values there and raises."""
    try:
        return polyk.compile(f)(*args)
    except IndexError:
        return None


def test_under_compile_one_hot_out_of_range_is_zeros_or_raises(backend):
    labels = ops.convert_to_tensor(np.array([3, -4, 1, -1], "int32"))
    found = compiled_or_raised(lambda x: ops.one_hot(x, 3), labels)
    assert found is None or values(found) == [[0] * 3, [0] * 3, [0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_under_compile_take_out_of_range_is_nan_or_zero_or_raises(backend, dtype):
    x = ops.convert_to_tensor(np.array([1, 2, 3], dtype))
    where = ops.convert_to_tensor(np.array([-1, 3, -4], "int32"))
    found = compiled_or_raised(lambda x, i: ops.take(x, i, 0), x, where)
    hole = NAN if dtype == "float32" else 0
    if found is not None:
        np.testing.assert_array_equal(values(found), [3, hole, hole])


# NaN, ties, signs, the ends of ranges: exact tables.

ROWS = {
    "sign": (ops.sign, [NAN, -0.0, -2.0], [NAN, 0.0, -1.0]),
    "relu of NaN": (ops.relu, [NAN, -1.0], [NAN, 0.0]),
    "relu6 of NaN": (ops.relu6, [NAN], [NAN]),
    "leaky_relu of NaN": (ops.leaky_relu, [NAN], [NAN]),
    "max": (ops.max, [1.0, NAN, 3.0], NAN),
    "min": (ops.min, [1.0, NAN, 3.0], NAN),
    "maximum": (lambda x: ops.maximum(x, 2.0), [1.0, NAN], [2.0, NAN]),
    "minimum": (lambda x: ops.minimum(2.0, x), [1.0, NAN], [1.0, NAN]),
    "clip": (lambda x: ops.clip(x, 0.0, 1.0), [NAN, -INF, INF], [NAN, 0.0, 1.0]),
    "clip crossed": (lambda x: ops.clip(x, 3.0, 1.0), [0.0, 2.0, 4.0], [1.0, 1.0, 1.0]),
    "sort": (ops.sort, [NAN, 2.0, -INF, 1.0], [-INF, 1.0, 2.0, NAN]),
    "argsort": (ops.argsort, [NAN, 2.0, -INF, NAN], [2, 1, 0, 3]),
    "argmax": (ops.argmax, [1.0, NAN, 3.0, NAN], 1),
    "argmin": (ops.argmin, [1.0, NAN, -3.0, NAN], 1),
    "argmax of ties": (ops.argmax, [1.0, 3.0, 3.0], 1),
    "argmin of zeros": (ops.argmin, [0.0, -0.0], 0),
    "top_k of ties": (lambda x: ops.top_k(x, 3)[1], [2.0, 5.0, 5.0, 5.0], [1, 2, 3]),
    "top_k of NaN": (lambda x: ops.top_k(x, 2)[1], [2.0, NAN, 5.0], [1, 2]),
    "round": (ops.round, [0.5, 1.5, 2.5, -0.5, -1.5], [0.0, 2.0, 2.0, -0.0, -2.0]),
    "cast": (lambda x: ops.cast(x, "int32"), [-1.9, 1.9, -0.5], [-1, 1, 0]),
    "cast to bool": (lambda x: ops.cast(x, "bool"), [0.0, -0.0, 0.1, NAN],
        [False, False, True, True]),
    "any of NaN": (ops.any, [0.0, NAN], True),
    "max_pool of NaN": (
        lambda x: ops.max_pool(ops.reshape(x, (1, -1, 1)), 2)[0, :, 0], [1.0, NAN, NAN, 2.0],
        [NAN, NAN],
    ),
    "softmax of -inf": (ops.softmax, [-INF, -INF], [NAN, NAN]),
    "softmax masked": (ops.softmax, [0.0, -INF], [1.0, 0.0]),
    "logsumexp of -inf": (ops.logsumexp, [-INF, -INF], -INF),
    "logsumexp of inf": (ops.logsumexp, [INF, 1.0], INF),
    "sum of nothing": (lambda x: ops.sum(x[:0]), [1.0], 0.0),
    "prod of nothing": (lambda x: ops.prod(x[:0]), [1.0], 1.0),
    "mean of nothing": (lambda x: ops.mean(x[:0]), [1.0], NAN),
    "any of nothing": (lambda x: ops.any(x[:0]), [1.0], False),
    "all of nothing": (lambda x: ops.all(x[:0]), [1.0], True),
    "var": (ops.var, [1.0, 3.0], 1.0),
    "floor_divide": (lambda x: ops.floor_divide(x, 2.0), [-3.0, 3.0], [-2.0, 1.0]),
    "mod": (lambda x: ops.mod(x, -3.0), [5.0, -5.0], [-1.0, -2.0]),
    "nan == nan": (lambda x: ops.equal(x, x), [NAN, 1.0], [False, True]),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("how", [lambda f: f, polyk.compile], ids=["eager", "compiled"])
def test_an_edge_is_as_written(backend, row, how):
    f, given, want = ROWS[row]
    found = polyk.to_numpy(how(f)(ops.convert_to_tensor(np.array(given, "float32"))))
    record.fact(row, given, want, found.tolist())
    np.testing.assert_array_equal(found, np.array(want))


SMALL = ["bool", "int8", "uint8", "int16"]


@pytest.mark.parametrize("dtype", SMALL)
def test_sums_of_small_ints_do_not_wrap(backend, dtype):
    x = ops.cast(ops.full((400,), 1 if dtype == "bool" else 120, "int32"), dtype)
    for f in (ops.sum, lambda v: ops.cumsum(v)[-1]):
        assert values(f(x)) == 400 * (1 if dtype == "bool" else 120)
        assert ops.dtype(f(x)) == "int32"


def test_the_mean_of_ints_is_a_float(backend):
    mean = ops.mean(ops.convert_to_tensor(np.array([1, 2], "int32")))
    assert (ops.dtype(mean), values(mean)) == ("float32", 1.5)


def test_average_pooling_does_not_count_padding(backend):
    x = ops.reshape(ops.convert_to_tensor([0.0, 1.0, 4.0, 9.0]), (1, 4, 1))
    pooled = ops.average_pool(x, 3, strides=2, padding="same")
    np.testing.assert_allclose(values(pooled)[0], [[5 / 3], [6.5]], rtol=1e-6)


def test_the_odd_cell_of_same_padding_is_at_the_end(backend):
    x = ops.ones((1, 4, 1))
    found = ops.conv(x, ops.convert_to_tensor([[[1.0]], [[10.0]]]), padding="same")
    assert values(ops.squeeze(found)) == [11, 11, 11, 1]


def test_gelu_is_exact_by_default(backend):
    x = ops.convert_to_tensor(np.array([-6.2, 1.0]))
    want = [-6.2 * 0.5 * math.erfc(6.2 / math.sqrt(2)), 0.5 * math.erfc(-1 / math.sqrt(2))]
    np.testing.assert_allclose(values(ops.gelu(x)), want, rtol=1e-11)


@pytest.mark.parametrize("op", ["scatter_update", "scatter_add"])
def test_scatter_leaves_the_callers_array_alone(backend, op):
    host = np.zeros(3, "float32")
    x = ops.convert_to_tensor(host)
    getattr(ops, op)(x, [[1]], [5.0])
    assert host.tolist() == values(x) == [0, 0, 0]


def test_array_and_copy_have_memory_of_their_own(backend):
    host = np.zeros(3, "float32")
    copies = [ops.array(host), ops.copy(ops.convert_to_tensor(host))]
    host[:] = 1.0
    assert [values(c) for c in copies] == [[0, 0, 0]] * 2


def test_a_readonly_backwards_fortran_array_is_read_as_it_is(backend):
    host = np.asfortranarray(np.arange(6.0, dtype="float32").reshape(2, 3))[::-1, ::2]
    host.flags.writeable = False
    assert values(ops.add(host, 1.0)) == [[4, 6], [1, 3]]


def test_a_byte_swapped_array_keeps_its_values(backend):
    assert values(ops.convert_to_tensor(np.array([1.0, 2.0], ">f4"))) == [1, 2]


# Shapes that are not known.

UNKNOWN = {
    "matmul": (lambda x: ops.matmul(x, np.ones((3, 5), "f4")), (None, 3), (None, 5)),
    "conv": (lambda x: ops.conv(x, np.ones((3, 3, 2, 4), "f4"), 2, "same"), (None, 9, 8, 2),
        (None, 5, 4, 4)),
    "flatten": (lambda x: ops.reshape(x, (x.shape[0], -1)), (None, 4, 3), (None, 12)),
    "sum": (lambda x: ops.sum(x, -1), (None, 7, 3), (None, 7)),
    "two unknown": (lambda x: ops.transpose(x, (1, 0, 2)), (None, None, 3), (None, None, 3)),
    "max_pool": (lambda x: ops.max_pool(x, 2), (None, 9, 9, 1), (None, 4, 4, 1)),
    "concatenate": (lambda x: ops.concatenate([x, x], 1), (None, 4), (None, 8)),
}  # fmt: skip


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_size_stays_unknown(name):
    f, given, want = UNKNOWN[name]
    with polyk.use(symbolic.SYMBOLIC):
        found = symbolic.infer(f, symbolic.Spec(given, "float32"))
    assert (found.shape, found.dtype) == (want, "float32")


# Errors.


def zeros(*shape):
    return lambda: ops.zeros(shape)


X, CUBE = zeros(2, 3), zeros(2, 3, 4)
ERRORS = [
    (lambda: ops.max(ops.zeros((2, 0)), 1), ShapeError, "max of an empty axis"),
    (lambda: ops.min(ops.zeros((0,))), ShapeError, "min of an empty axis"),
    (lambda: ops.argmax(ops.zeros((0,))), ShapeError, "argmax of an empty axis"),
    (lambda: ops.reshape(X(), (4, 2)), ShapeError, r"cannot reshape \(2, 3\)"),
    (lambda: ops.reshape(X(), (-1, -1)), ShapeError, "cannot reshape"),
    (lambda: ops.sum(X(), 2), ShapeError, "axis 2 is out of range for a tensor of 2 dim"),
    (lambda: ops.sum(X(), (0, -2)), ShapeError, "names an axis twice"),
    (lambda: ops.transpose(X(), (0, 0)), ShapeError, "once each"),
    (lambda: ops.squeeze(X(), 0), ShapeError, "not of size 1"),
    (lambda: ops.broadcast_to(X(), (2, 4)), ShapeError, "broadcast"),
    (lambda: ops.concatenate([X(), zeros(3, 3)()], 1), ShapeError, "do not fit"),
    (lambda: ops.concatenate([]), ValueError, "at least one tensor"),
    (lambda: ops.stack([X(), CUBE()]), ShapeError, "one shape"),
    (lambda: ops.split(X(), 2, 1), ShapeError, "does not divide into 2"),
    (lambda: ops.pad(X(), ((1, -1), (0, 0))), ShapeError, "not a pair"),
    (lambda: ops.pad(X(), 1, mode="mirror"), ValueError, "mode must be"),
    (lambda: ops.matmul(X(), X()), ShapeError, "matmul: the last axis"),
    (lambda: ops.matmul(X(), 2.0), ShapeError, "scalars"),
    (lambda: ops.dot(X(), zeros(2, 2)()), ShapeError, "do not fit"),
    (lambda: ops.einsum("ij,jk->ik", X()), ShapeError, "names 2 tensors; got 1"),
    (lambda: ops.einsum("ij,jk->iz", X(), zeros(3, 2)()), ShapeError, "output must name"),
    (lambda: ops.einsum("ij,ik->jk", X(), zeros(4, 2)()), ShapeError, "is both 2 and 4"),
    (lambda: ops.top_k(X(), 4), ShapeError, "k = 4"),
    (lambda: ops.conv(zeros(1, 4, 4, 3)(), zeros(2, 2, 2, 4)()), ShapeError, "3 channels"),
    (lambda: ops.conv(X(), zeros(2, 2, 2)()), ShapeError, "must both have one axis"),
    (lambda: ops.conv(zeros(1, 4, 3)(), zeros(2, 3, 1)(), 0), ShapeError, "strides must be"),
    (lambda: ops.conv(zeros(1, 4, 3)(), zeros(2, 3, 1)(), padding="full"), ShapeError, "padding"),
    (lambda: ops.max_pool(CUBE(), 2, data_format="NHWC"), ValueError, "data_format must be"),
    (lambda: ops.bitwise_and(X(), 1), DTypeError, "ints and bools; got float32"),
    (lambda: ops.take(X(), np.array([0.5], "f4")), DTypeError, "must be integers; got float32"),
    (lambda: ops.one_hot(np.array([0.5], "f4"), 3), DTypeError, "must be integers"),
    (lambda: ops.get_item(X(), (0, 0, 0)), IndexError, "3 indices for a tensor of 2 axes"),
    (lambda: ops.get_item(X(), 2), IndexError, "index 2 is out of range for axis 0 of size 2"),
    (lambda: ops.slice(X(), (1, 1), (2, 2)), IndexError, "out of range"),
    (lambda: ops.slice_update(X(), (1, 1), zeros(2, 2)()), IndexError, "out of range"),
    (lambda: ops.arange(0, 5, 0), ValueError, "step must not be 0"),
    (lambda: ops.zeros((-1, 2)), ShapeError, "no negative sizes"),
    (lambda: ops.categorical_crossentropy(X(), CUBE()), ShapeError, "must have one shape"),
    (lambda: ops.sparse_categorical_crossentropy([0, 1, 1], X()), ShapeError, "do not fit"),
    (lambda: ops.binary_crossentropy(X(), zeros(2, 1)()), ShapeError, "must have one shape"),
    (lambda: ops.linear(X(), zeros(2, 4)()), ShapeError, "does not fit a kernel"),
    (lambda: ops.dropout(X(), 1.0), ValueError, "rate must be in"),
    (lambda: ops.searchsorted([0.0], 1.0, side="middle"), ValueError, "side must be"),
    (lambda: ops.cross(X(), zeros(2, 4)()), ShapeError, "vectors of 2 or 3"),
    (lambda: ops.glu(X()), ShapeError, "no two halves"),
    (lambda: ops.tril(zeros(3)()), ShapeError, "at least two axes"),
]


@pytest.mark.parametrize("row", range(len(ERRORS)), ids=lambda i: f"{i}-{ERRORS[i][2]}")
def test_a_mistake_is_named(backend, row):
    call, error, words = ERRORS[row]
    with pytest.raises(error, match=words):
        call()


def test_a_gap_raises_with_its_reason(backend):
    gappy = type("Gappy", (type(backend),), {"gaps": {"softmax": "there is no exp here"}})
    with (
        polyk.use(gappy()),
        pytest.raises(polyk.UnsupportedOp, match="does not support softmax: there is no exp here"),
    ):
        ops.softmax(np.zeros(2, "float32"))
