"""Optimizers: Keras's trajectories on every backend, clipping, schedules, what is refused."""

import numpy as np
import pytest
from optimizer_cases import CASES, START, STEPS, assert_all_close, gradient, make, walk, weights_of

import polyk
from polyk import ops, optimizers

SEVERAL = ["nesterov", "rmsprop centered", "adamw", "nadam", "lamb", "adafactor", "muon",
           "global_clipnorm", "overwriting averages", "accumulation"]  # fmt: skip


def derived(name, steps=STEPS):
    """Where a case ends by the rule in core, on NumPy."""
    with polyk.use("numpy") as b, pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(b), "fused_update", lambda *args: False)
        return walk(make(name), steps)[0]


@pytest.mark.parametrize("name", ["momentum", *SEVERAL])
def test_every_backend_takes_the_same_path(backend, float64, name):
    assert_all_close(walk(make(name), 3)[0], derived(name, 3))


@pytest.mark.parametrize("name", SEVERAL)
def test_compiled_steps_take_the_same_path(backend, float64, name):
    weights, optimizer = weights_of(START), make(name)
    optimizer.build(weights)
    step = polyk.compile(lambda *grads: optimizer.apply(grads), state=[*weights, optimizer])
    for t in range(STEPS):
        step(*(gradient(w.numpy(), t) for w in weights))
    assert_all_close([w.numpy() for w in weights], derived(name))
    n = optimizer.gradient_accumulation_steps or 1
    assert ops.convert_to_numpy(optimizer.iterations) == STEPS // n


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
    assert optimizer.learning_rate == optimizer.lr == 0.25
    optimizer.learning_rate = lambda step: 0.125
    assert optimizer.learning_rate == 0.125
    optimizer.learning_rate = 2
    assert optimizer.learning_rate == 2.0
    optimizer.learning_rate.assign(3)
    assert float(optimizer.learning_rate.numpy()) == 3.0


def test_compiled_steps_see_a_new_learning_rate(backend):
    (w,) = weights_of([0.0], "float32")
    optimizer = optimizers.SGD(1.0)
    optimizer.build([w])
    step = polyk.compile(lambda g: optimizer.apply([g]), state=[w, optimizer])
    for rate in (1.0, 0.5, 0.25):
        optimizer.learning_rate = rate
        step(ops.convert_to_tensor(-1.0))
        assert optimizer.learning_rate == rate
    assert w.numpy() == 1.75


def test_a_schedule_stays_once_steps_were_taken():
    (w,) = weights_of([1.0])
    optimizer = optimizers.SGD(lambda: 0.5)
    optimizer.apply([1.0], [w])
    assert w.numpy() == 0.5
    with pytest.raises(TypeError, match="neither set nor replaced after the first step"):
        optimizer.learning_rate = 0.25


def test_the_rate_and_decay_of_keras_2():
    (w,) = weights_of([0.0])
    optimizer = optimizers.SGD(lr=1.0, decay=0.5)
    for _ in range(3):
        optimizer.apply([-1.0], [w])
    assert w.numpy() == pytest.approx(1 + 1 / 1.5 + 1 / 2)
    assert optimizers.get({"class_name": "SGD", "config": optimizer.get_config()}).decay == 0.5


def test_someone_else_may_write_the_step_count():
    optimizer = optimizers.SGD(lambda step: step + 1.0)
    (w,) = weights_of([0.0])
    optimizer.apply([0.0], [w])
    optimizer.iterations.assign(9)
    optimizer.apply([-1.0], [w])
    assert w.numpy() == 10.0


# Gradients.


def test_a_missing_gradient_leaves_its_weight_alone():
    a, b = weights_of([1.0, 2.0])
    optimizers.SGD(0.5, weight_decay=0.1).apply([None, 1.0], [a, b])
    assert (a.numpy(), b.numpy()) == (1.0, pytest.approx(2 - 0.1 - 0.5))


def test_weights_can_be_spared_the_decay():
    a, b, c = weights_of([1.0, 1.0, 1.0])
    optimizer = optimizers.SGD(0.5, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=[a], var_names=["w2"])
    optimizer.apply([0.0] * 3, [a, b, c])
    assert [w.numpy() for w in (a, b, c)] == [1.0, 0.75, 1.0]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_scaled_loss_skips_what_is_not_finite(backend, compiled):
    (w,) = weights_of([1.0], "float32")
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.5), 4.0, dynamic_growth_steps=2)
    optimizer.build([w])
    step = lambda g: optimizer.apply([g])  # noqa: E731
    step = polyk.compile(step, state=[w, optimizer]) if compiled else step
    seen = []
    for g in (4.0, np.inf, 2.0, 2.0):
        step(ops.convert_to_tensor(g))
        seen.append((float(w.numpy()), float(ops.convert_to_numpy(optimizer.scale_loss(1.0)))))
    assert seen == [(0.5, 4.0), (0.5, 2.0), (0.0, 2.0), (-0.5, 4.0)]
    assert optimizer.iterations.numpy() == 3


def test_several_optimizers_in_a_compiled_step(backend):
    a, b = weights_of([0.0, 0.0], "float32")
    chosen = optimizers.OptimizerMap(optimizers.SGD(1.0), {"w1": optimizers.SGD(0.5)})
    optimizer = optimizers.MultiOptimizer(chosen)
    optimizer.build([a, b])
    step = polyk.compile(lambda *grads: optimizer.apply(grads), state=[a, b, optimizer])
    for _ in range(2):
        step(ops.convert_to_tensor(-1.0), ops.convert_to_tensor(-1.0))
    assert (a.numpy(), b.numpy()) == (2.0, 1.0)
    assert [o.iterations.numpy() for o in (optimizer, *optimizer.optimizers)] == [2, 2, 2]
    again = optimizers.get(optimizers.serialize(optimizer))
    assert [o.learning_rate for o in again.optimizers] == [0.5, 1.0]


def test_a_wrapped_optimizer_applies_constraints_once():
    (w,) = weights_of([[8.0]])
    w.constraint = polyk.constraints.MinMaxNorm(0.0, 4.0, rate=0.5)
    optimizers.LossScaleOptimizer(optimizers.SGD(1.0)).apply([np.zeros((1,))], [w])
    np.testing.assert_allclose(w.numpy(), [6.0], rtol=1e-6)


def test_schedule_free_keeps_the_mean_of_its_walk():
    """The update of the paper. (On TensorFlow and torch Keras takes z after its step for it.)"""
    (w,) = weights_of([1.0])
    optimizer = optimizers.ScheduleFreeAdamW(0.25, beta_1=0.75, beta_2=0.5, epsilon=0.0)
    x = z = y = 1.0
    v = 0.0
    for t, g in enumerate([1.0, 2.0, -1.0], 1):
        optimizer.apply([g], [w])
        v = v / 2 + g * g / 2
        z -= 0.25 * g / np.sqrt(v / (1 - 0.5**t))
        x += (z - x) / t
        y = 0.25 * z + 0.75 * x
        assert w.numpy() == pytest.approx(y)


def test_an_optimizer_as_keras_writes_them(backend):
    class Heavy(optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.momentums = self.add_optimizer_variables(variables, "momentum")

        def update_step(self, gradient, variable, learning_rate):
            m = self.momentums[self._get_variable_index(variable)]
            self.assign(m, ops.subtract(m * 0.5, ops.multiply(gradient, learning_rate)))
            self.assign_add(variable, m)

    a, b = weights_of([1.0, 2.0], "float32")
    optimizer = Heavy(0.5)
    for _ in range(2):
        optimizer.apply([ops.convert_to_tensor(g) for g in (1.0, -1.0)], [a, b])
        optimizer.build([a, b])
    assert (a.numpy(), b.numpy()) == (-0.25, 3.25)
    assert len(optimizer.variables) == 4


# Arrays of others.


@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam"])
def test_a_step_touches_neither_gradients_nor_what_was_read_before(backend, name):
    optimizer = make(name)
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
    first = make(name)
    second = optimizers.get({"class_name": CASES[name][0], "config": first.get_config()})
    assert type(second) is type(first)
    assert second.get_config() == first.get_config()


def test_pairs_of_gradients_and_weights():
    a, b = weights_of([1.0, 2.0])
    optimizers.SGD(1.0).apply_gradients([(np.float64(0.5), b), (np.float64(0.25), a)])
    assert (a.numpy(), b.numpy()) == (0.75, 1.5)


def test_a_rule_of_ones_own_needs_only_update(backend):
    class Sign(optimizers.Optimizer):
        def update(self, p, g, rate):
            return (ops.subtract(p, ops.multiply(ops.sign(g), rate)),)

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
        (
            lambda: optimizers.Adam(beta1=0.5),
            TypeError,
            "no argument 'beta1'. Did you mean 'beta_1'",
        ),
        (lambda: optimizers.AdamW(weight_decay=None), ValueError, "for none use Adam"),
        (lambda: optimizers.SGD(gradient_accumulation_steps=1), ValueError, "2 or more"),
        (lambda: optimizers.SGD(use_ema=True, ema_momentum=2), ValueError, "ema_momentum must be"),
        (lambda: optimizers.SGD(ema_overwrite_frequency=0), ValueError, "must be 1 or more"),
        (lambda: optimizers.Ftrl(learning_rate_power=1), ValueError, "learning_rate_power must be"),
        (lambda: optimizers.Ftrl(beta=1, initial_accumulator_value=-1), ValueError, "0 or more"),
        (
            lambda: optimizers.MultiOptimizer(optimizers.OptimizerMap("sgd")).lr,
            AttributeError,
            "no one",
        ),
        (
            lambda: optimizers.OptimizerMap("sgd", {"a": "sgd", ".": "sgd"})["b"].x,
            AttributeError,
            "x",
        ),
        (
            lambda: optimizers.OptimizerMap("sgd", {"a.": "sgd", ".b": "sgd"})["ab"],
            ValueError,
            "all match",
        ),
        (lambda: optimizers.Lion(beta_1=0), ValueError, "beta_1 must be"),
        (
            lambda: optimizers.Optimizer().apply([1.0], weights_of([1.0])),
            NotImplementedError,
            "nei",
        ),
        (lambda: optimizers.SGD().apply([1.0], []), ValueError, "1 gradients .* for 0 weights"),
    ],
)
def test_wrong_use_is_told(make, error, says):
    with pytest.raises(error, match=says):
        make()


@pytest.mark.parametrize(
    "optimizer",
    [
        optimizers.LossScaleOptimizer(optimizers.SGD(0.1), 8.0),
        optimizers.SGD(0.1, loss_scale_factor=8.0),
    ],
)
def test_fit_scales_the_loss(optimizer):
    def fitted(optimizer):
        model = polyk.Sequential([polyk.layers.Input((2,)), polyk.layers.Dense(1)], seed=1)
        model.compile(optimizer, "mse")
        history = model.fit(np.eye(2), np.ones((2, 1)), epochs=3, verbose=0)
        return history.history["loss"]

    with polyk.use("numpy"):
        np.testing.assert_allclose(fitted(optimizer), fitted(optimizers.SGD(0.1)), rtol=1e-6)


def test_what_an_update_is_told_are_plain_numbers(backend):
    """An engine without float64 must not be handed a numpy.float64."""
    seen = []

    class Spy(optimizers.Adam):
        def update(self, p, g, *slots, **hyper):
            seen.extend(v for v in hyper.values() if isinstance(v, np.generic))
            return super().update(p, g, *slots, **hyper)

    w = polyk.Variable([1.0, 2.0])
    Spy(0.1, weight_decay=0.01).apply([ops.ones((2,))], [w])
    assert not seen
