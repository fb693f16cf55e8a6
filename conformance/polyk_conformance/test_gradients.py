"""Gradients in float64: native, of core's tape on the same primitives, and of second order.

The reference is a fourth-order central difference of the oracle along a few directions: it knows
nothing of any backend. No case is near a kink; `test_edges` holds the kinks.
"""

import functools
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

import polyk
from polyk import ops
from polyk.autodiff import tape
from polyk_conformance import record
from polyk_conformance.bounded import Bounded
from polyk_conformance.cases import CASES
from polyk_conformance.cases.case import as_list, map_arrays

pytestmark = pytest.mark.conformance(level="Autodiff", mode="gradient")

STEP = 1e-4
EPS = np.finfo(float).eps
SMOOTH = [case for case in CASES if case.smooth]
ONE_EACH = list({case.op: case for case in reversed(SMOOTH)}.values())
CURVED = [
    case
    for case in ONE_EACH
    if case.op
    in [
        "exp",
        "log",
        "sqrt",
        "rsqrt",
        "sin",
        "tanh",
        "erf",
        "sigmoid",
        "softplus",
        "gelu",
        "silu",
        "elu",
        "relu",
        "divide",
        "multiply",
        "power",
        "hypot",
        "logaddexp",
        "maximum",
        "prod",
        "cumprod",
        "logsumexp",
        "norm",
        "std",
        "var",
        "softmax",
        "log_softmax",
        "matmul",
        "einsum",
        "conv",
        "conv_transpose",
        "max_pool",
        "average_pool",
        "batch_normalization",
        "layer_normalization",
        "take",
        "sort",
        "sparse_categorical_crossentropy",
        "categorical_crossentropy",
        "scatter_add",
        "cholesky",
        "solve",
        "eigh",
        "svd",
        "qr",
        "fft",
        "segment_max",
        "image.map_coordinates",
    ]
]

CARRIED = ("cond", "scan", "map")

each_smooth = pytest.mark.parametrize("case", SMOOTH, ids=str)


class Slope(NamedTuple):
    """A direction, the derivative of the oracle's loss along it, and how far that may be off."""

    direction: list
    value: float
    slack: float


def to_double(tree):
    return map_arrays(lambda x: x.astype(float) if x.dtype.kind == "f" else x, tree)


def value_of(want):
    return want.v if isinstance(want, Bounded) else np.asarray(want)


@cache
def cotangents(case):
    """One array of weights for each result, 0 for those that are not floats."""
    rng = np.random.default_rng(11)
    wants = case.but(args=to_double(case.args)).want()
    floating = [d.startswith("float") for d in case.dtypes(len(wants))]
    return [
        rng.uniform(0.5, 1.5, np.shape(value_of(w))) if f else None
        for w, f in zip(wants, floating, strict=True)
    ]


def oracle_loss(case, args):
    """The sum of the results, weighted, and the sum of the sizes of its terms."""
    wants = case.but(args=args).want()
    pairs = [
        (value_of(w), c) for w, c in zip(wants, cotangents(case), strict=True) if c is not None
    ]
    return sum((w * c).sum() for w, c in pairs), sum(abs(w * c).sum() for w, c in pairs)


@cache
def slopes(case):
    """The oracle's derivatives along three random directions and some coordinates."""
    args = to_double(case.args)
    rng = np.random.default_rng(12)
    shapes = [np.shape(args[i]) for i in case.smooth]
    directions = [[rng.uniform(-1, 1, s) for s in shapes] for _ in range(3)]
    for which, shape in enumerate(shapes):
        size = int(np.prod(shape))
        for place in rng.permutation(size)[:4]:
            unit = [np.zeros(s) for s in shapes]
            unit[which].flat[place] = 1.0
            directions.append(unit)
    return [slope(case, args, d) for d in directions]


def slope(case, args, direction):
    found, size = [], 0.0
    for step in (-2, -1, 1, 2):
        moved = list(args)
        for i, d in zip(case.smooth, direction, strict=True):
            moved[i] = args[i] + step * STEP * d
        loss, size = oracle_loss(case, tuple(moved))
        found.append(loss)
    value = (found[0] - 8 * found[1] + 8 * found[2] - found[3]) / (12 * STEP)
    return Slope(direction, value, 64 * EPS * size / STEP)


def loss_of(case):
    """The same loss in ops, of the smooth arguments alone."""
    record.begin(case)
    args = map_arrays(ops.convert_to_tensor, to_double(case.args))
    weights = [None if c is None else ops.convert_to_tensor(c) for c in cotangents(case)]

    def loss(*values):
        given = list(args)
        for i, v in zip(case.smooth, values, strict=True):
            given[i] = v
        results = as_list(case.call(*given))
        parts = [
            ops.sum(ops.multiply(y, c))
            for y, c in zip(results, weights, strict=True)
            if c is not None
        ]
        return total(parts)

    return loss, [args[i] for i in case.smooth]


def check_against_slopes(case, gradients):
    arrays = [polyk.to_numpy(g) for g in gradients]
    for array, i in zip(arrays, case.smooth, strict=True):
        assert array.dtype == np.float64
        assert array.shape == np.shape(case.args[i])
    for direction, want, slack in slopes(case):
        terms = [g * d for g, d in zip(arrays, direction, strict=True)]
        size = sum(abs(t).sum() for t in terms)
        got = sum(t.sum() for t in terms)
        record.share(got, want, slack + 1e-9 * size)


@each_smooth
def test_a_gradient_is_the_slope_of_the_oracle(backend, case):
    loss, values = loss_of(case)
    positions = tuple(range(len(values)))
    gradients = polyk.compile(polyk.grad(loss, positions))(*values)
    check_against_slopes(case, gradients)


@pytest.mark.parametrize("case", ONE_EACH[::6], ids=str)
def test_an_eager_gradient_is_the_slope_of_the_oracle(backend, case):
    loss, values = loss_of(case)
    check_against_slopes(case, polyk.grad(loss, tuple(range(len(values))))(*values))


# The control flow of an engine that traces carries that engine's tensors only.
@pytest.mark.conformance(mode="tape")
@pytest.mark.parametrize("case", [c for c in SMOOTH if c.op not in CARRIED], ids=str)
def test_the_tape_on_these_primitives_gives_the_slope(backend, case):
    loss, values = loss_of(case)

    def gradients(*xs):
        return tape.value_and_grad(backend, lambda leaves: (loss(*leaves), []))(list(xs))[1]

    check_against_slopes(case, polyk.compile(gradients)(*values))


@pytest.mark.conformance(mode="second")
@pytest.mark.parametrize("case", CURVED, ids=str)
def test_a_second_derivative_is_the_slope_of_the_first(backend, case):
    first_loss, values = loss_of(case)
    positions = tuple(range(len(values)))
    rng = np.random.default_rng(13)
    weights, direction = (
        [ops.convert_to_tensor(rng.uniform(0.5, 1.5, v.shape)) for v in values] for _ in range(2)
    )

    def loss(*xs):  # squared, so that linear ops have something to bend
        return first_loss(*xs) * first_loss(*xs)

    def along(*xs):
        gradients = polyk.grad(loss, positions)(*xs)
        return total([ops.sum(ops.multiply(g, w)) for g, w in zip(gradients, weights, strict=True)])

    def moved(step):
        return [v + d * (step * STEP) for v, d in zip(values, direction, strict=True)]

    compiled = polyk.compile(along)
    found = [float(polyk.to_numpy(compiled(*moved(step)))) for step in (-2, -1, 1, 2)]
    want = (found[0] - 8 * found[1] + 8 * found[2] - found[3]) / (12 * STEP)
    hessian = polyk.compile(polyk.grad(along, positions))(*values)
    parts = [polyk.to_numpy(h * d) for h, d in zip(hessian, direction, strict=True)]
    size = sum(abs(p).sum() for p in parts) + abs(found[0])
    record.share(sum(p.sum() for p in parts), want, 1e-8 * size)
    assert any(p.any() for p in parts), "the second derivative is detached"


def total(parts):
    return functools.reduce(ops.add, parts)


@pytest.mark.parametrize("case", ONE_EACH[::8], ids=str)
def test_a_gradient_has_the_dtype_of_its_argument(backend, case):
    loss, values = loss_of(case)
    narrow = [ops.cast(v, "float32") for v in values]
    gradients = polyk.compile(polyk.grad(loss, tuple(range(len(values)))))(*narrow)
    assert [ops.dtype(g) for g in gradients] == ["float32"] * len(values)


def test_an_argument_that_does_not_matter_gets_zeros(backend):
    x, y = ops.ones((2, 3)), ops.ones((4,))
    gradient = polyk.grad(lambda a, b: ops.sum(a), argnums=1)(x, y)
    np.testing.assert_array_equal(polyk.to_numpy(gradient), np.zeros(4))


def test_gradients_come_in_the_structure_of_the_argument(backend):
    params = {"w": ops.ones((2,)), "deep": [ops.ones(()), (ops.zeros((3,)),)]}
    value, grads = polyk.value_and_grad(lambda p: ops.sum(p["w"]) * p["deep"][0])(params)
    assert float(polyk.to_numpy(value)) == 2.0
    assert [polyk.to_numpy(g).tolist() for g in (grads["w"], grads["deep"][0])] == [[1, 1], 2]
    assert polyk.to_numpy(grads["deep"][1][0]).tolist() == [0, 0, 0]


def test_aux_comes_back_as_values(backend):
    (value, aux), gradient = polyk.value_and_grad(
        lambda x: (ops.sum(x * x), {"twice": x * 2.0}), has_aux=True
    )(ops.ones((2,)))
    assert float(polyk.to_numpy(value)) == 2.0
    assert polyk.to_numpy(aux["twice"]).tolist() == [2, 2]
    assert polyk.to_numpy(gradient).tolist() == [2, 2]


def test_stop_gradient_stops_it(backend):
    gradient = polyk.grad(lambda x: ops.sum(x * ops.stop_gradient(x)))(ops.full((2,), 3.0))
    assert polyk.to_numpy(gradient).tolist() == [3, 3]


def test_a_custom_gradient_replaces_the_true_one(backend):
    @polyk.custom_gradient
    def backwards(x):
        return x * 2.0, lambda g: g * -7.0

    gradient = polyk.grad(lambda x: ops.sum(backwards(x)))(ops.ones((2,)))
    assert polyk.to_numpy(gradient).tolist() == [-7, -7]


def test_vjp_pulls_a_cotangent_back(backend):
    x, kernel = ops.convert_to_tensor([[1.0, 2.0]]), ops.convert_to_tensor([[3.0], [4.0]])
    y, pull = polyk.vjp(ops.matmul, x, kernel)
    dx, dk = pull(ops.full((1, 1), 10.0))
    assert polyk.to_numpy(y).tolist() == [[11]]
    assert polyk.to_numpy(dx).tolist() == [[30, 40]]
    assert polyk.to_numpy(dk).tolist() == [[10], [20]]


def test_a_gradient_with_respect_to_ints_is_refused(backend):
    with pytest.raises(polyk.DTypeError, match="float"):
        polyk.grad(ops.sum)(ops.zeros((2,), "int32"))


def test_a_loss_that_is_no_scalar_is_refused(backend):
    with pytest.raises(polyk.ShapeError, match="scalar"):
        polyk.grad(lambda x: x * 2.0)(ops.ones((2,)))
