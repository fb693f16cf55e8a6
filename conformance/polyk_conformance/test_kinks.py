"""Derivatives where there is none: the values the design settles on, exactly.

Each row holds for an engine's own gradients and for core's tape on its primitives.
"""

import math

import numpy as np
import pytest

import polyk
from polyk import ops
from polyk.autodiff import tape
from polyk_conformance import record

pytestmark = pytest.mark.conformance(level="Autodiff", mode="gradient")

INF, NAN = math.inf, math.nan
POOL = {"pool_size": 2, "strides": 1}

# label: function, arguments, the gradient of the sum of its results for each argument.
KINKS = {
    "relu at 0": (ops.relu, [[-1, 0, 2]], [[0, 0, 1]]),
    "relu at -0": (ops.relu, [[-0.0]], [[0]]),
    "relu6 at its bounds": (ops.relu6, [[0, 3, 6, 7]], [[0, 1, 0, 0]]),
    "leaky_relu at 0": (lambda x: ops.leaky_relu(x, 0.25), [[0, -1, 1]], [[0.25, 0.25, 1]]),
    "elu at 0": (ops.elu, [[0]], [[1]]),
    "celu at 0": (lambda x: ops.celu(x, 2.0), [[0]], [[1]]),
    "softplus at 0": (ops.softplus, [[0]], [[0.5]]),
    "softsign at 0": (ops.softsign, [[0]], [[1]]),
    "hard_tanh at its bounds": (ops.hard_tanh, [[-1, 0, 1, 2]], [[1, 1, 1, 0]]),
    "abs at 0": (ops.abs, [[-3, 0, -0.0, 3]], [[-1, 0, 0, 1]]),
    "sign": (ops.sign, [[-2, 0, 2]], [[0, 0, 0]]),
    "floor": (ops.floor, [[1.5, 2]], [[0, 0]]),
    "ceil": (ops.ceil, [[1.5, 2]], [[0, 0]]),
    "round": (ops.round, [[1.5, 2]], [[0, 0]]),
    "trunc": (ops.trunc, [[1.5, -2]], [[0, 0]]),
    "maximum of equals": (ops.maximum, [[1, 2], [1, 3]], [[0.5, 0], [0.5, 1]]),
    "minimum of equals": (ops.minimum, [[1, 2], [1, 3]], [[0.5, 1], [0.5, 0]]),
    "maximum with a scalar": (lambda x: ops.maximum(x, 0.0), [[0, 1]], [[0.5, 1]]),
    "max of ties": (ops.max, [[1, 3, 3, 3]], [[0, 1 / 3, 1 / 3, 1 / 3]]),
    "max of ties in rows": (lambda x: ops.max(x, 1), [[[2, 2], [1, 0]]], [[[0.5, 0.5], [1, 0]]]),
    "min of ties": (ops.min, [[1, 3, 1]], [[0.5, 0, 0.5]]),
    "max of infinities": (ops.max, [[-INF, -INF]], [[0.5, 0.5]]),
    "clip at its bounds": (lambda x: ops.clip(x, -1.0, 1.0), [[-2, -1, 0, 1, 2]],
        [[0, 1, 1, 1, 0]]),
    "max_pool of ties": (
        lambda x: ops.max_pool(ops.reshape(x, (1, 4, 1)), **POOL), [[5, 5, 5, 1]], [[1, 1, 1, 0]],
    ),
    "max_pool of -inf": (
        lambda x: ops.max_pool(ops.reshape(x, (1, 2, 1)), **POOL), [[-INF, -INF]], [[1, 0]],
    ),
    "x ** 0 at 0": (ops.power, [[0, 2], [0, 0]], [[0, 0], [0, math.log(2)]]),
    "x ** 0.0 at 0": (lambda x: ops.power(x, 0.0), [[0, 2]], [[0, 0]]),
    "x ** 2 at 0": (lambda x: ops.power(x, 2), [[0, -3]], [[0, -6]]),
    "(-x) ** 2": (ops.square, [[-3]], [[-6]]),
    "x ** 1 at 0": (lambda x: ops.power(x, 1), [[0]], [[1]]),
    "norm at 0": (ops.norm, [[0, 0]], [[0, 0]]),
    "norm of rows, one 0": (lambda x: ops.norm(x, axis=1), [[[0, 0], [3, 4]]],
    [[[0, 0], [0.6, 0.8]]]),
    "std of equals": (ops.std, [[2, 2, 2]], [[0, 0, 0]]),
    "hypot at 0": (ops.hypot, [[0], [0]], [[0], [0]]),
    "sinc at 0": (ops.sinc, [[0]], [[0]]),
    "prod with a 0": (ops.prod, [[2, 0, 5]], [[0, 10, 0]]),
    "prod with two 0s": (ops.prod, [[0, 0, 5]], [[0, 0, 0]]),
    "cumprod with a 0": (ops.cumprod, [[2, 0, 5]], [[1, 12, 0]]),
    "divide_no_nan at 0": (ops.divide_no_nan, [[1, 6], [0, 2]], [[0, 0.5], [0, -1.5]]),
    "logsumexp with -inf": (ops.logsumexp, [[-INF, 0]], [[0, 1]]),
    "logaddexp of equals": (ops.logaddexp, [[1], [1]], [[0.5], [0.5]]),
    "logaddexp of -inf": (ops.logaddexp, [[-INF], [0]], [[0], [1]]),
    "softmax with a mask": (lambda x: ops.softmax(x)[0], [[0, -INF]], [[0, 0]]),
    "where, the other NaN": (lambda x: ops.where(x > 0, x, NAN), [[1, 2]], [[1, 1]]),
    "take twice": (lambda x: ops.take(x, [1, 1, -1]), [[1, 2, 3]], [[0, 2, 1]]),
    "scatter over": (
        lambda x, u: ops.scatter_update(x, [[0], [0]], u), [[1, 2], [3, 4]], [[0, 1], [0, 1]],
    ),
    "broadcast": (ops.add, [[[1], [2]], [1, 2, 3]], [[[3], [3]], [2, 2, 2]]),
    "cast to int": (lambda x: ops.cast(ops.cast(x, "int32"), "float64"), [[1.5]], [[0]]),
    "log_softmax far out": (
        lambda x: ops.log_softmax(x)[0], [[-1000.0, 0.0]], [[1.0, -1.0]],
    ),
    "binary_crossentropy far out": (
        lambda x: ops.binary_crossentropy([0.0, 1.0], x, from_logits=True), [[200, -200]],
        [[1, -1]],
    ),
}  # fmt: skip


def native(backend, loss, values):
    return polyk.compile(polyk.grad(loss, tuple(range(len(values)))))(*values)


def by_tape(backend, loss, values):
    def gradients(*xs):
        return tape.value_and_grad(backend, lambda leaves: (loss(*leaves), []))(list(xs))[1]

    return polyk.compile(gradients)(*values)


@pytest.mark.parametrize("run", [native, by_tape], ids=["native", "tape"])
@pytest.mark.parametrize("kink", KINKS)
def test_a_derivative_at_a_kink_is_the_one_agreed(backend, kink, run):
    f, args, wants = KINKS[kink]
    values = [ops.convert_to_tensor(np.array(a, float)) for a in args]
    gradients = run(backend, lambda *xs: ops.sum(f(*xs)), values)
    if run is native:
        found = [polyk.to_numpy(g).tolist() for g in gradients]
        record.fact(f"derivative of {kink}", args, wants, found)
    for gradient, want in zip(gradients, wants, strict=True):
        found = polyk.to_numpy(gradient)
        np.testing.assert_allclose(found, np.array(want, float), rtol=1e-12, atol=0)
