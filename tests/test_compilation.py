"""polyk.compile: what a compiled function returns, changes, repeats and refuses."""

import numpy as np
import pytest
from conftest import AVAILABLE

import polyk
from polyk import layers, ops, random
from polyk.weights import Weight

TRACING = {"jax", "tensorflow"}  # Python runs once for each combination of shapes


def tensor(x):
    return ops.convert_to_tensor(np.asarray(x, "float32"))


def weight(value=0.0, name="w"):
    w = Weight(name, np.shape(value))
    w.assign(np.asarray(value, "float32"))
    return w


def assert_close(got, expected):
    np.testing.assert_allclose(polyk.to_numpy(got), expected, rtol=1e-6)


# Pure functions.


def test_containers_go_in_and_come_out(backend):
    @polyk.compile
    def fn(pair, extra):
        a, (b, c) = pair["a"], pair["b"]
        return {"sum": a + b, "rest": [c * 2, (extra, None)]}

    got = fn({"b": (tensor(2), tensor([3, 4])), "a": tensor(1)}, tensor([5]))
    assert_close(got["sum"], 3)
    assert_close(got["rest"][0], [6, 8])
    assert_close(got["rest"][1][0], [5])
    assert got["rest"][1][1] is None


def test_a_compiled_function_takes_host_data(backend):
    got = polyk.compile(lambda x, y: ops.matmul(x, y))(np.ones((2, 3), "float32"), [[1.0]] * 3)
    assert isinstance(got, backend.tensor_types)
    assert_close(got, [[3], [3]])


def test_a_list_of_tensors_is_an_operand(backend):
    assert_close(polyk.compile(ops.multiply)(tensor([1, 2]), [3, tensor(4)]), [3, 8])


def test_other_shapes_work(backend):
    fn = polyk.compile(lambda x: ops.sum(x * x, axis=-1))
    assert_close(fn(tensor([1, 2])), 5)
    assert_close(fn(tensor([[1, 2], [3, 4], [0, 1]])), [5, 25, 1])
    assert_close(fn(tensor([2, 0])), 4)


def test_other_dtypes_work(backend):
    fn = polyk.compile(lambda x: x * 2)
    for dtype in ("float32", "int32", "float16"):
        assert ops.dtype(fn(ops.ones((2,), dtype))) == dtype


def test_another_structure_is_another_function(backend):
    fn = polyk.compile(lambda x: {"one": x} if not isinstance(x, list) else x[::-1])
    assert_close(fn(tensor(1))["one"], 1)
    assert_close(fn([tensor(1), tensor(2)])[0], 2)
    assert_close(fn(tensor(3))["one"], 3)


def test_another_structure_of_the_result_is_found_by_its_shapes(backend):
    fn = polyk.compile(lambda x: x if len(x.shape) == 1 else {"rows": x})
    assert_close(fn(tensor([1, 2])), [1, 2])
    assert_close(fn(tensor([[1, 2]]))["rows"], [[1, 2]])
    assert_close(fn(tensor([3, 4])), [3, 4])


def test_side_effects_happen_once_for_each_shape(backend):
    seen = []

    @polyk.compile
    def fn(x):
        seen.append(tuple(x.shape))
        return x + 1

    for x in ([1], [2], [1, 2], [3], [3, 4]):
        fn(tensor(x))
    once = [(1,), (2,)]
    assert seen == (once if backend.name in TRACING else [(1,), (1,), (2,), (1,), (2,)])


def test_gradients_compile(backend):
    grad = polyk.compile(polyk.grad(lambda p: ops.sum(ops.tanh(p["w"]) * p["x"])))
    got = grad({"w": tensor([0, 1]), "x": tensor([2, 3])})
    assert_close(got["w"], [2, 3 * (1 - np.tanh(1) ** 2)])
    assert_close(got["x"], np.tanh([0, 1]))


def test_a_compiled_function_runs_inside_another(backend):
    inner = polyk.compile(lambda x: x * 2)
    assert_close(polyk.compile(lambda x: inner(x) + 1)(tensor([1, 2])), [3, 5])


def test_a_compiled_function_is_differentiable(backend):
    inner = polyk.compile(lambda x: ops.sum(x**3))
    assert_close(polyk.grad(inner)(tensor([1, 2])), [3, 12])


def test_an_error_in_the_function_is_raised_each_time(backend):
    @polyk.compile
    def fn(x):
        raise KeyError("mine")

    for _ in range(2):
        with pytest.raises(KeyError, match="mine"):
            fn(tensor(1))


def test_one_function_serves_the_backend_of_its_arguments():
    fn = polyk.compile(lambda x: x + 1)
    for name in AVAILABLE:
        with polyk.use(name) as b:
            assert isinstance(fn(tensor([1])), b.tensor_types)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler imports its old one
def test_full_compilation_gives_the_same_numbers():
    """torch.compile on torch, XLA on TensorFlow: slow to compile, so one tiny function."""
    for name in {"torch", "tensorflow"} & set(AVAILABLE):
        with polyk.use(name):
            fn = lambda x: ops.softmax(ops.exp(x) * 2)  # noqa: E731
            x = tensor([0.5, 1.0, -1.0])
            assert_close(polyk.compile(fn, jit="full")(x), polyk.to_numpy(fn(x)))


# State.


def test_updates_of_state_survive(backend):
    total, count = weight([0, 0]), weight(0.0, "count")

    def step(x):
        total.assign(total + x)
        count.assign(count + 1)
        return ops.sum(total) / count

    step = polyk.compile(step, state=[total, count])
    assert_close(step(tensor([1, 2])), 3)
    assert_close(step(tensor([3, 4])), 5)
    np.testing.assert_array_equal(total.numpy(), [4, 6])


def test_state_that_is_only_read_is_read_anew(backend):
    scale = weight(2.0)
    step = polyk.compile(lambda x: x * scale, state=[scale])
    assert_close(step(tensor([1])), [2])
    scale.assign(5.0)
    assert_close(step(tensor([1])), [5])


def test_state_accepts_inputs_of_other_shapes(backend):
    count = weight()

    def step(x):
        count.assign(count + ops.sum(x))

    step = polyk.compile(step, state=[count])
    for x in ([1], [1, 2], [1], [[1, 2], [3, 4]]):
        assert step(tensor(x)) is None
    assert count.numpy() == 1 + 3 + 1 + 10


def test_state_without_a_value_gets_one(backend):
    count = Weight("count", (), initializer=polyk.initializers.get("ones"))
    step = polyk.compile(lambda: count.assign(count + 1), state=[count])
    step(), step()
    assert count.backend is backend
    assert count.numpy() == 3


def test_weights_that_share_their_value_part_ways(backend):
    a = weight([1, 2])
    b = weight([0, 0])
    b.assign(a.value)

    def step():
        a.assign(a * 2)
        b.assign(b + a)

    step = polyk.compile(step, state=[a, b])
    step(), step()
    np.testing.assert_array_equal(a.numpy(), [4, 8])
    np.testing.assert_array_equal(b.numpy(), [1 + 2 + 4, 2 + 4 + 8])


def test_weights_swap_in_a_step(backend):
    a, b = weight([1, 2]), weight([3, 4])

    def step():
        old = ops.copy(a.value)
        a.assign(b.value)
        b.assign(old)

    step = polyk.compile(step, state=[a, b])
    for _ in range(3):
        step()
    np.testing.assert_array_equal(a.numpy(), [3, 4])
    np.testing.assert_array_equal(b.numpy(), [1, 2])


def test_returning_a_weight_gives_its_value_then(backend):
    w = weight([1, 2])

    def step():
        w.assign(w * 2)
        return w.value + 0

    step = polyk.compile(step, state=[w])
    first, second = step(), step()
    assert_close(first, [2, 4])
    assert_close(second, [4, 8])


def test_an_error_in_a_step_leaves_weights_alone(backend):
    w, late = weight([1, 2]), weight(0.0, "late")
    wanted = {"fail": True}

    def step(x):
        if backend.name in TRACING:
            w.assign(w * x)
        if wanted["fail"]:
            raise KeyError("mine")
        w.assign(w + x)
        late.assign(ops.sum(w))

    step = polyk.compile(step, state=[w, late])
    with pytest.raises(KeyError, match="mine"):
        step(tensor(3))
    np.testing.assert_array_equal(w.numpy(), [1, 2])
    assert late.numpy() == 0
    wanted["fail"] = False
    step(tensor(1))
    np.testing.assert_array_equal(w.numpy(), [2, 3])


def test_random_draws_move_on_inside_a_step(backend):
    generator = random.SeedGenerator(3)
    step = polyk.compile(lambda: random.uniform((4,), seed=generator), state=[generator.counter])
    drawn = [polyk.to_numpy(step()) for _ in range(3)]
    with polyk.use("numpy"):
        twin = random.SeedGenerator(3)
        expected = [random.uniform((4,), seed=twin) for _ in range(3)]
    np.testing.assert_array_equal(drawn, expected)


def test_two_models_take_one_step(backend):
    """A student follows a teacher; both have an optimizer, and both are changed."""
    x = tensor(np.random.default_rng(0).standard_normal((8, 3)))
    teacher, student = (polyk.Sequential([layers.Input((3,)), layers.Dense(2)], seed=s)
                        for s in (0, 1))  # fmt: skip
    fast, slow = polyk.optimizers.SGD(0.1), polyk.optimizers.Adam(0.01)
    fast.build(student.trainable_weights)
    slow.build(teacher.trainable_weights)

    def train(x):
        def gap():
            return ops.mean(ops.square(student(x) - ops.stop_gradient(teacher(x))))

        loss, grads = polyk.value_and_grad(gap, weights=student.trainable_weights)()
        fast.apply(grads)
        size = polyk.value_and_grad(
            lambda: ops.mean(ops.square(teacher(x))), weights=teacher.trainable_weights
        )
        slow.apply(size()[1])
        return loss

    before = teacher.get_weights()
    step = polyk.compile(train, state=[teacher, student, fast, slow])
    losses = [float(polyk.to_numpy(step(x))) for _ in range(20)]
    assert losses[-1] < losses[0] / 4
    assert int(slow.iterations.numpy()) == int(fast.iterations.numpy()) == 20
    assert not np.array_equal(before[0], teacher.get_weights()[0])


@pytest.mark.skipif(len(AVAILABLE) < 2, reason="needs a second backend")
def test_state_of_two_backends_is_refused():
    other = next(name for name in AVAILABLE if name != "numpy")
    with polyk.use("numpy"):
        a = weight()
    with polyk.use(other):
        b = weight(name="far")
    step = polyk.compile(lambda: a.assign(b.value), state=[a, b])
    says = f"weight 'far' lives on '{other}', others on 'numpy'. Move the model: "
    with pytest.raises(ValueError, match=says):
        step()
