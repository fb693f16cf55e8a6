"""Optimizers: Keras's trajectories on every backend, clipping, schedules, what is refused."""

import json

import numpy as np
import pytest

import polyk
from polyk import ops, optimizers
from polyk.weights import Weight

STEPS = 20
START = [np.linspace(-1, 2, 6).reshape(3, 2), np.array([0.5, -0.25])]
CASES = {  # the arguments are Keras's too
    "sgd": ("SGD", {"learning_rate": 0.1}),
    "momentum": ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    "nesterov": ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    "adam": ("Adam", {"learning_rate": 0.03}),
    "adam options": ("Adam", {"learning_rate": 0.1, "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-3}),
    "clipnorm": ("SGD", {"learning_rate": 0.1, "clipnorm": 1.5}),
    "clipvalue": ("SGD", {"learning_rate": 0.1, "clipvalue": 0.5}),
    "global_clipnorm": ("Adam", {"learning_rate": 0.1, "global_clipnorm": 1.5}),
}
KERAS = """
import json, sys
import numpy as np
import keras

cases, start, steps = json.loads(sys.argv[1])
keras.backend.set_floatx("float64")
found = {}
for name, (kind, options) in cases.items():
    weights = [keras.Variable(np.array(v), dtype="float64") for v in start]
    optimizer = getattr(keras.optimizers, kind)(**options)
    optimizer.build(weights)
    for t in range(steps):
        now = [np.array(w) for w in weights]
        grads = [2 * v + np.cos(t + np.arange(v.size).reshape(v.shape)) for v in now]
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in grads])
    found[name] = [np.array(w).tolist() for w in weights]
print(json.dumps(found))
"""


def weights_of(values, dtype="float64"):
    weights = [Weight(f"w{i}", np.shape(v), dtype) for i, v in enumerate(values)]
    for w, v in zip(weights, values, strict=True):
        w.assign(np.asarray(v, dtype))
    return weights


def gradient(value, t):
    return 2 * value + np.cos(t + np.arange(value.size).reshape(value.shape))


def trajectory(name):
    """Where a case ends, by eager steps."""
    kind, options = CASES[name]
    weights, optimizer = weights_of(START), getattr(optimizers, kind)(**options)
    for t in range(STEPS):
        grads = [ops.convert_to_tensor(gradient(w.numpy(), t)) for w in weights]
        optimizer.apply(grads, weights)
    return [w.numpy() for w in weights]


def derived(name):
    """Where a case ends by the rule in core, on NumPy."""
    with polyk.use("numpy") as b, pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(b), "fused_update", lambda *args: False)
        return trajectory(name)


def assert_all_close(got, expected, rtol=1e-12):
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-13)


def test_trajectories_are_those_of_keras(python, monkeypatch, tmp_path, float64):
    pytest.importorskip("keras", minversion="3")
    pytest.importorskip("jax")
    for variable, value in (("BACKEND", "jax"), ("HOME", tmp_path)):
        monkeypatch.setenv(f"KERAS_{variable}", str(value))
    monkeypatch.setenv("JAX_ENABLE_X64", "1")
    expected = json.loads(python(KERAS, json.dumps([CASES, [v.tolist() for v in START], STEPS])))
    for name in CASES:
        assert_all_close(derived(name), expected[name])


@pytest.mark.parametrize("name", CASES)
def test_every_backend_takes_the_same_path(backend, float64, name):
    assert_all_close(trajectory(name), derived(name))


@pytest.mark.parametrize("name", ["nesterov", "adam", "global_clipnorm"])
def test_compiled_steps_take_the_same_path(backend, float64, name):
    kind, options = CASES[name]
    weights, optimizer = weights_of(START), getattr(optimizers, kind)(**options)
    optimizer.build(weights)
    step = polyk.compile(lambda *grads: optimizer.apply(grads), state=[*weights, optimizer])
    for t in range(STEPS):
        step(*(gradient(w.numpy(), t) for w in weights))
    assert_all_close([w.numpy() for w in weights], derived(name))
    assert optimizer.iterations.numpy() == STEPS


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_weights_of_several_dtypes_train_together(backend, kind):
    a, b = weights_of([[1.0, 2.0]], "float32") + weights_of([[3.0]], "float64")
    optimizer = getattr(optimizers, kind)(0.5)
    grads = [ops.convert_to_tensor(np.ones(w.shape, w.dtype)) for w in (a, b)]
    optimizer.apply(grads, [a, b])
    np.testing.assert_allclose(a.numpy(), [0.5, 1.5], rtol=1e-5)
    np.testing.assert_allclose(b.numpy(), [2.5], rtol=1e-6)


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_half_precision_weights_train(backend, kind):
    (w,) = weights_of([[1.0, 2.0]], "float16")
    grad = ops.convert_to_tensor(np.array([1.0, -1.0], "float16"))
    getattr(optimizers, kind)(0.25).apply([grad], [w])
    assert ops.dtype(w.value) == "float16"
    np.testing.assert_allclose(w.numpy(), [0.75, 2.25], rtol=1e-2)


def test_a_small_gradient_is_not_clipped(backend):
    for options in ({"clipnorm": 9.0}, {"clipvalue": 9.0}, {"global_clipnorm": 9.0}):
        (w,) = weights_of([[1.0, 2.0]])
        optimizers.SGD(1.0, **options).apply([ops.convert_to_tensor(np.array([0.5, 0]))], [w])
        np.testing.assert_array_equal(w.numpy(), [0.5, 2.0])


def test_a_gradient_of_zero_has_a_norm_to_divide_by(backend):
    (w,) = weights_of([[1.0, 2.0]])
    optimizers.SGD(1.0, clipnorm=1.0).apply([ops.zeros((2,), "float64")], [w])
    np.testing.assert_array_equal(w.numpy(), [1, 2])


# The learning rate.


@pytest.mark.parametrize("compiled", [False, True])
def test_a_schedule_is_told_the_step(backend, compiled):
    (w,) = weights_of([0.0], "float32")
    optimizer = optimizers.SGD(lambda step: 1.0 / (1.0 + ops.cast(step, "float32")))
    optimizer.build([w])
    step = lambda g: optimizer.apply([g])  # noqa: E731
    step = polyk.compile(step, state=[w, optimizer]) if compiled else step
    for n in range(3):
        assert optimizer.learning_rate == pytest.approx(1 / (n + 1))
        step(ops.convert_to_tensor(-1.0))
    assert w.numpy() == pytest.approx(1 + 1 / 2 + 1 / 3)


def test_the_learning_rate_can_be_set():
    optimizer = optimizers.Adam(0.5)
    assert optimizer.learning_rate == 0.5
    optimizer.learning_rate = 0.25
    assert optimizer.learning_rate == 0.25
    optimizer.learning_rate = lambda step: 0.125
    assert optimizer.learning_rate == 0.125
    optimizer.learning_rate = 2
    assert optimizer.learning_rate == 2.0


# Arrays of others.


@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam"])
def test_a_step_touches_neither_gradients_nor_what_was_read_before(backend, name):
    kind, options = CASES[name]
    optimizer = getattr(optimizers, kind)(**options)
    grads, weights = [np.ones_like(v) for v in START], weights_of(START)
    before = [w.numpy() for w in weights]
    for _ in range(3):
        optimizer.apply([ops.convert_to_tensor(g) for g in grads], weights)
    assert_all_close(before, START, rtol=0)
    for g in grads:
        np.testing.assert_array_equal(g, 1)
    assert not np.allclose(weights[0].numpy(), START[0])


# Names, configs, refusals.


@pytest.mark.parametrize("identifier", ["adam", "Adam", optimizers.Adam, optimizers.Adam()])
def test_an_optimizer_is_found_by_name_class_or_itself(identifier):
    assert type(optimizers.get(identifier)) is optimizers.Adam


@pytest.mark.parametrize("name", CASES)
def test_config_round_trip(name):
    kind, options = CASES[name]
    first = getattr(optimizers, kind)(**options)
    second = optimizers.get({"class_name": kind, "config": first.get_config()})
    assert type(second) is type(first)
    assert second.get_config() == first.get_config()


def test_pairs_of_gradients_and_weights():
    a, b = weights_of([1.0, 2.0])
    optimizers.SGD(1.0).apply_gradients([(np.float64(0.5), b), (np.float64(0.25), a)])
    assert (a.numpy(), b.numpy()) == (0.75, 1.5)


def test_a_rule_of_ones_own_needs_only_update(backend):
    class Sign(optimizers.Optimizer):
        def hyper(self, b, dtype):
            return {"rate": self.rate(dtype)}

        def update(self, b, p, g, rate):
            return (b.subtract(p, b.multiply(b.sign(g), rate)),)

    (w,) = weights_of([[1.0, 2.0]])
    Sign(0.5).apply([ops.convert_to_tensor(np.array([3.0, -9.0]))], [w])
    np.testing.assert_array_equal(w.numpy(), [0.5, 2.5])


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: optimizers.get("sdg"), LookupError, "no optimizer named 'sdg'. Did you mean"),
        (lambda: optimizers.get(3), LookupError, "3 is no optimizer, nor the name"),
        (lambda: optimizers.SGD(clipnorm=1, clipvalue=1), ValueError, "at most one of clipnorm"),
        (lambda: optimizers.SGD(momentum=1.5), ValueError, r"momentum must be in \[0, 1\]"),
        (lambda: optimizers.Adam(beta1=0.5), TypeError, "beta1"),
        (lambda: optimizers.SGD().apply([1.0], []), ValueError, "1 gradients .* for 0 weights"),
    ],
)
def test_wrong_use_is_told(make, error, says):
    with pytest.raises(error, match=says):
        make()
