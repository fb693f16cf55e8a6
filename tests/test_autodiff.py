"""value_and_grad, grad, vjp, custom_gradient and stop_gradient; the tape by itself."""

import gc
import weakref

import numpy as np
import pytest
from conftest import AVAILABLE

import polyk
from polyk import layers, ops
from polyk.autodiff import tape


def tensor(x, dtype="float32"):
    return ops.convert_to_tensor(np.asarray(x, dtype), dtype)


def assert_close(got, expected, **kwargs):
    np.testing.assert_allclose(polyk.to_numpy(got), expected, **{"rtol": 1e-5, **kwargs})


def cube(x):
    return ops.sum(x * x * x)


# value_and_grad and grad.


def test_value_and_gradient(backend):
    value, gradient = polyk.value_and_grad(cube)(tensor([1, 2]))
    assert isinstance(gradient, backend.tensor_types)
    assert_close(value, 9)
    assert_close(gradient, [3, 12])


def test_an_argnum_chooses_the_argument(backend):
    gradient = polyk.grad(lambda x, y: ops.sum(x * y), argnums=1)(tensor([1, 2]), tensor([3, 4]))
    assert_close(gradient, [1, 2])


def test_argnums_give_a_tuple_in_their_order(backend):
    fn = polyk.grad(lambda x, y, z: ops.sum(x * y * z), argnums=(2, 0))
    got = fn(tensor([1]), tensor([2]), tensor([3]))
    assert type(got) is tuple
    assert_close(got[0], [2])
    assert_close(got[1], [6])


def test_parameters_may_be_nested(backend):
    params = {"b": [tensor([1, 2]), (tensor(3), None)], "a": tensor([4, 5])}
    got = polyk.grad(lambda p: ops.sum(p["b"][0] * p["a"]) * p["b"][1][0])(params)
    assert list(got) == ["b", "a"]
    assert_close(got["b"][0], [12, 15])
    assert_close(got["b"][1][0], 14)
    assert got["b"][1][1] is None
    assert_close(got["a"], [3, 6])


def test_other_arguments_pass_through(backend):
    got = polyk.grad(lambda x, how, scale: ops.sum(x * scale) if how == "sum" else None)(
        tensor([1, 2]), "sum", 3
    )
    assert_close(got, [3, 3])


def test_aux_is_returned_beside_the_value(backend):
    fn = polyk.value_and_grad(lambda x: (cube(x), {"double": x * 2, "none": None}), has_aux=True)
    (value, aux), gradient = fn(tensor([1, 2]))
    assert_close(value, 9)
    assert_close(aux["double"], [2, 4])
    assert aux["none"] is None
    assert_close(gradient, [3, 12])


def test_aux_of_grad_comes_second(backend):
    gradient, aux = polyk.grad(lambda x: (cube(x), x + 1), has_aux=True)(tensor([1, 2]))
    assert_close(gradient, [3, 12])
    assert_close(aux, [2, 3])


def test_what_comes_out_is_no_longer_differentiated(backend):
    fn = polyk.value_and_grad(lambda x: (cube(x), x + 1), has_aux=True)
    (value, aux), gradient = fn(tensor([1, 2]))
    for x in (value, aux, gradient):
        assert backend.is_concrete(x)
        assert not getattr(x, "requires_grad", False)


def test_what_does_not_matter_gets_zeros(backend):
    x, y = polyk.grad(lambda x, y: ops.sum(x), argnums=(0, 1))(tensor([1, 2]), tensor([[3, 4]]))
    assert_close(x, [1, 1])
    np.testing.assert_array_equal(polyk.to_numpy(y), [[0, 0]])


def test_a_constant_function_has_the_gradient_zero(backend):
    value, gradient = polyk.value_and_grad(lambda x: tensor(5))(tensor([1, 2]))
    assert_close(value, 5)
    np.testing.assert_array_equal(polyk.to_numpy(gradient), [0, 0])


def test_steps_have_the_gradient_zero(backend):
    got = polyk.grad(lambda x: ops.sum(ops.round(x) + ops.floor(x) + ops.sign(x)))(tensor([0.3, 2]))
    np.testing.assert_array_equal(polyk.to_numpy(got), [0, 0])


def test_a_closure_is_differentiated_by_its_argument_only(backend):
    outer = tensor([3, 4])
    assert_close(polyk.grad(lambda x: ops.sum(x * outer))(tensor([1, 2])), [3, 4])


def test_the_same_tensor_as_two_arguments(backend):
    x = tensor([1, 2])
    first, second = polyk.grad(lambda a, b: ops.sum(a * a * b), argnums=(0, 1))(x, x)
    assert_close(first, [2, 8])
    assert_close(second, [1, 4])


def test_a_tensor_used_often_collects_every_share(backend):
    def fn(x):
        y = x * 2
        for _ in range(3):
            y = y + x * y
        return ops.sum(y)

    assert_close(polyk.grad(fn)(tensor([1.0])), [2 * 8 + 2 * 3 * 4])


def test_host_data_is_an_argument(backend):
    gradient = polyk.grad(cube)(np.array([1, 2], "float32"))
    assert isinstance(gradient, backend.tensor_types)
    assert_close(gradient, [3, 12])


def test_a_list_of_tensors_as_an_operand_is_differentiated(backend):
    x = tensor([1, 2])
    assert_close(polyk.grad(lambda p: ops.sum(ops.multiply(x, [p, [p * 2][0]])))(tensor(3)), 5)
    assert_close(polyk.grad(lambda p: ops.sum(ops.matmul(x, [[p, 0], [0, p]])))(tensor(3)), 3)


def test_each_gradient_has_the_dtype_of_its_argument(backend):
    args = [tensor([1, 2], d) for d in ("float16", "float32", "float64")]
    fn = polyk.grad(lambda a, b, c: ops.sum(ops.multiply(ops.multiply(a, b), c)), (0, 1, 2))
    got = fn(*args)
    assert [ops.dtype(g) for g in got] == ["float16", "float32", "float64"]
    for g in got:
        assert_close(g, [1, 4])


def test_ints_may_take_part(backend):
    n = tensor([2, 3], "int32")
    assert_close(polyk.grad(lambda x: ops.sum(ops.multiply(x, n)))(tensor([1, 2])), [2, 3])


@pytest.mark.parametrize(
    ("fn", "x", "error", "says"),
    [
        (lambda x: x, [1.0, 2.0], polyk.ShapeError, r"of a scalar; the function gave \(2,\)"),
        (ops.sum, [1, 2], polyk.DTypeError, "with respect to floats; got int32"),
        (lambda x: ops.argmax(x), [1.0, 2.0], polyk.DTypeError, "of a float; .* gave int32"),
        (lambda x: ops.any(x > 0), [1.0, 2.0], polyk.DTypeError, "of a float; .* gave bool"),
    ],
)
def test_what_has_no_gradient_is_refused(backend, fn, x, error, says):
    with pytest.raises(error, match=says):
        polyk.grad(fn)(ops.convert_to_tensor(x))


def test_an_error_inside_leaves_nothing_behind(backend):
    def fn(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        polyk.grad(fn)(tensor([1]))
    assert not tape._stack.tapes
    assert_close(polyk.grad(cube)(tensor([1, 2])), [3, 12])


# Higher orders.


def test_gradients_of_gradients(backend):
    def nth(fn, n):
        return nth(polyk.grad(fn), n - 1) if n else fn

    x = tensor(0.7)
    for order, expected in enumerate([np.sin, np.cos, lambda v: -np.sin(v), lambda v: -np.cos(v)]):
        assert_close(nth(ops.sin, order)(x), expected(0.7))


def test_a_gradient_penalty(backend):
    """The inner gradient is taken by x, the outer by w, which the inner one closes over."""

    def penalty(w, x):
        inner = polyk.grad(lambda x: ops.sum(ops.tanh(x * w)))(x)
        return ops.sum(ops.square(inner))

    w, x = np.array([0.5, -1.0]), np.array([1.5, 0.3])
    y = np.tanh(x * w)
    slope = w * (1 - y**2)
    expected = 2 * slope * (1 - y**2) * (1 - 2 * w * x * y)
    got = polyk.grad(penalty)(tensor(w, "float64"), tensor(x, "float64"))
    assert_close(got, expected, rtol=1e-10)


def test_mixed_partial_derivatives(backend):
    fn = polyk.grad(polyk.grad(lambda x, y: x * x * y * y * y), argnums=1)
    assert_close(fn(tensor(2), tensor(3)), 2 * 2 * 3 * 9)


def test_inner_values_are_not_confused_with_outer_ones(backend):
    """d/dx (x * d/dy (x + y)) is 1; a tape that mixes its levels gives 2."""
    got = polyk.grad(lambda x: x * polyk.grad(lambda y: x + y)(tensor(1)))(tensor(1))
    assert_close(got, 1)


# vjp.


def test_vjp_pulls_a_cotangent_back(backend):
    value, pull = polyk.vjp(
        lambda x, y: {"p": x * y, "q": [ops.sum(x)]}, tensor([1, 2]), tensor([3, 4])
    )
    assert_close(value["p"], [3, 8])
    x, y = pull({"p": tensor([1, 10]), "q": [tensor(100)]})
    assert_close(x, [103, 140])
    assert_close(y, [1, 20])


def test_vjp_checks_the_structure_of_the_cotangent(backend):
    _, pull = polyk.vjp(lambda x: (x, x * 2), tensor([1, 2]))
    with pytest.raises(ValueError):
        pull(tensor([1, 1]))


# custom_gradient and stop_gradient.


@polyk.custom_gradient
def clipped(x):
    """The identity, whose gradient is held within 1."""
    return x + 0, lambda upstream: ops.clip(upstream, -1, 1)


def test_a_custom_gradient_is_taken(backend):
    assert_close(clipped(tensor([5, -2])), [5, -2])
    assert_close(polyk.grad(lambda x: ops.sum(clipped(x) * 3))(tensor([5, -2])), [1, 1])


def test_a_custom_gradient_of_two_arguments(backend):
    @polyk.custom_gradient
    def fn(x, y):
        return x * y, lambda g: (g * 10, g * 100)

    x, y = polyk.grad(lambda x, y: ops.sum(fn(x, y)), (0, 1))(tensor([1, 2]), tensor([3, 4]))
    assert_close(x, [10, 10])
    assert_close(y, [100, 100])


def test_a_custom_gradient_is_itself_differentiable(backend):
    @polyk.custom_gradient
    def square(x):
        return x * x, lambda g: g * 3 * x * x  # as if it were x**3

    assert_close(polyk.grad(square)(tensor(2)), 12)
    assert_close(polyk.grad(polyk.grad(square))(tensor(2)), 12)


def test_a_custom_gradient_in_a_compiled_function(backend):
    fn = polyk.compile(polyk.grad(lambda x: ops.sum(clipped(x) * 3)))
    assert_close(fn(tensor([5, -2])), [1, 1])


def test_stop_gradient_stops_it(backend):
    got = polyk.grad(lambda x: ops.sum(x * ops.stop_gradient(x * x)))(tensor([1, 2]))
    assert_close(got, [1, 4])


def test_stop_gradient_of_containers(backend):
    got = polyk.grad(lambda x: ops.sum(ops.stop_gradient({"a": [x]})["a"][0] + x))(tensor([1]))
    assert_close(got, [1])


def gan_losses(name):
    """Three alternating steps of a generator and a discriminator."""
    with polyk.use(name):
        noise = polyk.random.normal((16, 2), seed=1, dtype="float64")
        real = polyk.random.normal((16, 3), 2.0, 0.5, seed=2, dtype="float64")
        make = polyk.Sequential([layers.Input((2,)), layers.Dense(3)], seed=0)
        judge = polyk.Sequential(
            [layers.Input((3,)), layers.Dense(8, "tanh"), layers.Dense(1)], seed=1
        )
        first, second = polyk.optimizers.SGD(0.1), polyk.optimizers.Adam(0.01)

        first.build(judge.trainable_weights)
        second.build(make.trainable_weights)

        def judge_loss():
            fake = judge(ops.stop_gradient(make(noise)))
            return ops.mean(ops.softplus(fake)) + ops.mean(ops.softplus(-judge(real)))

        def make_loss():
            return ops.mean(ops.softplus(-judge(make(noise))))

        def train():
            losses = []
            for loss, model, optimizer in ((judge_loss, judge, first), (make_loss, make, second)):
                value, grads = polyk.value_and_grad(loss, weights=model.trainable_weights)()
                optimizer.apply(grads)
                losses.append(value)
            return losses

        step = polyk.compile(train, state=[make, judge, first, second])
        return [[float(polyk.to_numpy(loss)) for loss in step()] for _ in range(3)]


def test_two_adversaries_train_alike_on_all_backends(float64):
    expected = gan_losses("numpy")
    assert expected[2][0] < expected[0][0]
    for name in AVAILABLE:
        np.testing.assert_allclose(gan_losses(name), expected, rtol=1e-9)


# The tape by itself.


def test_the_tape_differentiates_another_engine_as_that_engine_does(backend):
    def fn(xs):
        return ops.sum(ops.softmax(xs[0] @ xs[1]) * xs[2]), []

    rng = np.random.default_rng(0)
    xs = [tensor(rng.standard_normal(s), "float64") for s in ((2, 3), (3, 4), (2, 4))]
    (value, _), gradients = tape.value_and_grad(backend, fn)(xs)
    (expected, _), natural = backend.value_and_grad(fn)(xs)
    assert_close(value, polyk.to_numpy(expected), rtol=1e-12)
    for g, n in zip(gradients, natural, strict=True):
        assert isinstance(g, backend.tensor_types)
        assert_close(g, polyk.to_numpy(n), rtol=1e-10, atol=1e-14)


@pytest.fixture
def no_gc():
    """What dies now dies by its last reference."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_no_intermediate_outlives_the_gradient(no_gc):
    held = []

    def fn(x):
        for _ in range(4):
            x = ops.sin(x)
            held.append(weakref.ref(x.value))
        return ops.sum(x)

    with polyk.use("numpy"):
        polyk.grad(fn)(np.ones(3, "float32"))
    assert [ref() for ref in held] == [None] * 4


def test_walking_back_frees_as_it_goes(no_gc):
    held, alive = [], []

    @polyk.custom_gradient
    def first(x):
        return x + 0, lambda g: [alive.append(held[0]() is not None), g][1]

    def fn(x):
        x = ops.exp(ops.sin(first(x)))
        held.append(weakref.ref(x.value))
        return ops.sum(x)

    with polyk.use("numpy"):
        polyk.grad(fn)(np.ones(3, "float32"))
    assert alive == [False]


def test_a_recorded_tensor_says_so():
    shown = []
    with polyk.use("numpy"):
        polyk.grad(lambda x: [shown.append(repr(x)), cube(x)][1])(np.ones(2, "float32"))
    assert shown == ["<recorded array([1., 1.], dtype=float32)>"]
