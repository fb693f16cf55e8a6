"""Each optimizer beside its equations, and beside the reference engine, in float64."""

import inspect
import math

import numpy as np
import pytest

import polyk
from polyk import ops, optimizers
from polyk.weights import Weight
from polyk_conformance import reference
from polyk_conformance.checks import assert_close

pytestmark = pytest.mark.conformance(level="Train", mode="optimizer")

FIRST = [np.random.default_rng(i).normal(size=s) for i, s in enumerate([(3, 2), (4,)])]
STEPS = 6


def gradients(step):
    return [np.sin(w * (step + 1)) + 0.1 * step for w in FIRST]


def sgd(p, g, t, state, rate=0.1):
    return p - rate * g


def momentum(p, g, t, state, rate=0.1):
    v = state["v"] = 0.9 * state.get("v", 0.0) - rate * g
    return p + v


def nesterov(p, g, t, state, rate=0.1):
    v = state["v"] = 0.9 * state.get("v", 0.0) - rate * g
    return p + 0.9 * v - rate * g


def adam(p, g, t, state, rate=0.1, epsilon=1e-2):
    """D. Kingma, J. Ba, 2014, with epsilon where the last formula of section 2 has it."""
    m = state["m"] = 0.9 * state.get("m", 0.0) + 0.1 * g
    v = state["v"] = 0.999 * state.get("v", 0.0) + 0.001 * g * g
    alpha = rate * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return p - alpha * m / (np.sqrt(v) + epsilon)


def clipped(p, g, t, state):
    return sgd(p, np.clip(g, -0.3, 0.3), t, state)


def shrunk(p, g, t, state):
    return sgd(p, g * min(1.0, 0.5 / np.linalg.norm(g)), t, state)


RULES = {
    "SGD": (lambda: optimizers.SGD(0.1), sgd),
    "SGD-momentum": (lambda: optimizers.SGD(0.1, momentum=0.9), momentum),
    "SGD-nesterov": (lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True), nesterov),
    "SGD-clipvalue": (lambda: optimizers.SGD(0.1, clipvalue=0.3), clipped),
    "SGD-clipnorm": (lambda: optimizers.SGD(0.1, clipnorm=0.5), shrunk),
    "Adam": (lambda: optimizers.Adam(0.1, epsilon=1e-2), adam),
}


def required(cls):
    """The arguments that have no default: those of a wrapper around another optimizer."""
    found = inspect.signature(cls).parameters.values()
    return [p for p in found if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]


CLASSES = {
    name: cls for name, cls in vars(optimizers).items()
    if isinstance(cls, type) and issubclass(cls, optimizers.Optimizer)
    and cls is not optimizers.Optimizer and not required(cls)
}  # fmt: skip


def taken(engine, make, compiled):
    """The weights after some steps of an optimizer."""
    with polyk.use(engine):
        weights = [Weight(f"w{i}", value.shape) for i, value in enumerate(FIRST)]
        for weight, value in zip(weights, FIRST, strict=True):
            weight.assign(value.copy())
        optimizer = make()
        optimizer.build(weights)

        def step(*grads):
            optimizer.apply(list(grads), weights)

        run = polyk.compile(step, state=[optimizer, *weights]) if compiled else step
        for t in range(STEPS):
            run(*(engine.asarray(g) for g in gradients(t)))
        return [w.numpy() for w in weights]


@pytest.mark.parametrize("name", RULES)
def test_an_optimizer_takes_the_steps_of_its_equations(backend, float64, name):
    make, rule = RULES[name]
    wants = []
    for i, p in enumerate(FIRST):
        state = {}
        for t in range(STEPS):
            p = rule(p, gradients(t)[i], t + 1, state)
        wants.append(p)
    assert_close(name, taken(backend, make, compiled=not backend.eager), wants)


@pytest.mark.parametrize("name", CLASSES)
def test_every_optimizer_steps_as_on_the_reference(backend, float64, name):
    got, want = (taken(e, CLASSES[name], True) for e in (backend, reference.engine()))
    assert_close(name, got, want)


def test_the_global_norm_is_that_of_all_gradients(backend, float64):
    got = taken(backend, lambda: optimizers.SGD(0.1, global_clipnorm=0.5), not backend.eager)
    wants = list(FIRST)
    for t in range(STEPS):
        norm = math.sqrt(sum((g * g).sum() for g in gradients(t)))
        wants = [p - 0.1 * g * min(1.0, 0.5 / norm)
                 for p, g in zip(wants, gradients(t), strict=True)]  # fmt: skip
    assert_close("global_clipnorm", got, wants)


def test_a_weight_keeps_its_value_when_the_array_it_came_from_changes(backend):
    weight, host = Weight("w", (3,)), np.zeros(3, "float32")
    weight.assign(host)
    host += 1
    assert weight.numpy().tolist() == [0, 0, 0]
    weight.assign(np.full(3, 2.0, "float32"))
    assert weight.numpy().tolist() == [2, 2, 2]


def test_a_step_leaves_alone_the_tensor_that_a_weight_was_given(backend):
    weight, given = Weight("w", (3,)), ops.ones((3,))
    for _ in range(2):
        weight.assign(given)
    optimizers.SGD(0.5).apply([ops.ones((3,))], [weight])
    assert weight.numpy().tolist() == [0.5] * 3
    assert polyk.to_numpy(given).tolist() == [1] * 3
