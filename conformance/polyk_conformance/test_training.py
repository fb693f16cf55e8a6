"""Whole trainings: the same seed gives the same curve.

In float64 the losses of a hundred steps agree with the reference engine to 1e-10 (measured: 1e-14).
In float32 they stay inside an envelope that is computed, not chosen: how far the float64 curve
moves when the first weights move by one float32 unit in the last place.
"""

import threading
from functools import cache

import numpy as np
import pytest

import polyk
from polyk import dtypes, layers
from polyk_conformance import record, reference
from polyk_conformance.checks import assert_close

pytestmark = pytest.mark.conformance(level="Train", mode="training")

STEPS = 100
SHORT, REPLICAS = 30, 6
RNG = np.random.default_rng(8)


def rounded(*shape):
    """Numbers that float32 holds exactly, for float64 and float32 train on the same data."""
    return RNG.normal(size=shape).astype("float32").astype("float64")


def labels(n, classes):
    return RNG.integers(0, classes, n).astype("int32")


def mlp():
    return [layers.Dense(16, activation="tanh"), layers.Dense(3)]


def convnet():
    return [
        layers.Conv2D(4, 3, padding="same", use_bias=False), layers.BatchNormalization(),
        layers.Activation("relu"), layers.MaxPooling2D(2), layers.Flatten(), layers.Dropout(0.25),
        layers.Dense(3),
    ]  # fmt: skip


def recurrent():
    return [layers.LSTM(6), layers.Dense(3)]


def embedded():
    return [layers.Embedding(20, 5), layers.GlobalAveragePooling1D(), layers.Dense(3)]


# Layers, optimizer, data of one batch: (name of the optimizer, its rate).
MODELS = {
    "mlp": (mlp, ("sgd", 0.05), rounded(16, 8), labels(16, 3)),
    "convnet": (convnet, ("adam", 0.003), rounded(8, 6, 6, 2), labels(8, 3)),
    "lstm": (recurrent, ("adam", 0.01), rounded(6, 5, 4), labels(6, 3)),
    "embedding": (embedded, ("adam", 0.01), RNG.integers(0, 20, (8, 6)).astype("int32"),
                  labels(8, 3)),
}  # fmt: skip


def build(name, seed=4):
    make, (optimizer, rate), x, y = MODELS[name]
    polyk.set_random_seed(seed)
    model = polyk.Sequential([layers.Input(x.shape[1:]), *make()])
    optimizer = polyk.optimizers.get(optimizer)
    optimizer.learning_rate = rate
    loss = polyk.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss)
    return model


def losses(engine, name, steps, nudge=0):
    """First weights, the losses of each step, last weights."""
    _, _, x, y = MODELS[name]
    x = x.astype(dtypes.floatx()) if x.dtype.kind == "f" else x
    with polyk.use(engine):
        model = build(name)
        first = model.get_weights()
        if nudge:
            model.set_weights([nudged(w, nudge + i) for i, w in enumerate(first)])
        curve = [model.train_on_batch(x, y, return_dict=True)["loss"] for _ in range(steps)]
        return first, [float(v) for v in curve], model.get_weights()


def nudged(weight, seed):
    """Each element one float32 ulp up or down."""
    if weight.dtype.kind != "f":
        return weight
    narrow = weight.astype("float32")
    away = np.random.default_rng(seed).choice([-np.inf, np.inf], weight.shape)
    return np.nextafter(narrow, away.astype("float32")).astype(weight.dtype)


@cache
def by_reference(name):
    return losses(reference.engine(), name, STEPS)


@cache
def envelope(name):
    """For each step, how far replicas get from the curve that starts at the float32 weights."""
    curves = [losses(reference.engine(), name, SHORT, 10 * (i + 1))[1] for i in range(REPLICAS)]
    away = abs(np.array(curves) - np.array(by_reference(name)[1][:SHORT])).max(0)
    return 4 * np.maximum.accumulate(away)


@pytest.mark.parametrize("name", MODELS)
def test_float64_trains_as_the_reference_does(backend, float64, name):
    first, curve, last = losses(backend, name, STEPS)
    want_first, want_curve, want_last = by_reference(name)
    for mine, its in zip(first, want_first, strict=True):
        np.testing.assert_array_equal(mine, its)
    record.begin(name)
    for step, (got, want) in enumerate(zip(curve, want_curve, strict=True)):
        assert np.isfinite(got), f"step {step}: {got}"
        record.share(got, want, 1e-10 * abs(want))
    assert curve[-1] < curve[0], "nothing was learned"
    assert_close(name, last, want_last, 1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_float32_trains_inside_the_envelope(backend, name):
    dtypes.set_floatx("float64")
    try:
        want, allowed = by_reference(name)[1][:SHORT], envelope(name)
    finally:
        dtypes.set_floatx("float32")
    _, curve, _ = losses(backend, name, SHORT)
    record.begin(name)
    for got, value, room in zip(curve, want, allowed, strict=True):
        record.share(got, value, room + 2.0**-22 * abs(value), "float32")


def test_two_backends_train_in_two_threads(backend, float64):
    engines = {"mine": backend, "reference": reference.engine()}
    found = {}

    def train(key):
        found[key] = losses(engines[key], "mlp", 20)[1]

    threads = [threading.Thread(target=train, args=(key,)) for key in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == set(engines)
    assert_close("mlp", [np.array(found["mine"])], [np.array(found["reference"])])


def test_a_model_goes_on_elsewhere_as_if_nothing_had_happened(backend, float64):
    _, _, x, y = MODELS["embedding"]
    whole = losses(backend, "embedding", 6)[1]
    model = build("embedding")
    half = [model.train_on_batch(x, y, return_dict=True)["loss"] for _ in range(3)]
    model.to(reference.engine())
    rest = [model.train_on_batch(x, y, return_dict=True)["loss"] for _ in range(3)]
    assert_close("embedding", [np.array([*map(float, half), *map(float, rest)])], [np.array(whole)])
