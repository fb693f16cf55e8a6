"""Files go both ways: Keras 3 opens what polyk writes, polyk opens what Keras writes."""

from contextlib import contextmanager

import numpy as np
import pytest
import reference
from polyk_conformance.zoo import ZOO

import polyk
from polyk import dtype_policies

pytest.importorskip("h5py")

# Layers that prepare data have arguments that Keras does not write as they were given.
FAMILIES = [family for name, family in ZOO.items() if name not in ("preprocessing", "augmentation")]
FIRST_OF_EACH = list({s.layer: s for family in FAMILIES for s in reversed(family)}.values())


@pytest.fixture(autouse=True)
def in_float64():
    before = dtype_policies.dtype_policy()
    dtype_policies.set_dtype_policy("float64")
    yield
    dtype_policies.set_dtype_policy(before)


@contextmanager
def doubles():
    """Keras, with models in float64."""
    with reference.keras() as keras:
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("float64")
        try:
            yield keras
        finally:
            keras.config.set_dtype_policy(before)


class Case:
    """A layer by name and arguments; a value that needs a layer is a function of the module."""

    def __init__(self, layer, shape, *args, **options):
        self.layer, self.shape, self.args, self.options = layer, shape, args, options

    def __str__(self):
        return self.layer

    def make(self, module, **more):
        made = [a(module) if callable(a) else a for a in self.args]
        return getattr(module, self.layer)(*made, **self.options, **more)

    def inputs(self, dtype="float64"):
        return np.random.default_rng(0).normal(size=(2, *self.shape)).astype(dtype)


LINE = (5, 4)
MORE = [
    Case("LSTM", LINE, 3),
    Case("GRU", LINE, 3),
    Case("SimpleRNN", LINE, 3, return_sequences=True),
    Case("Bidirectional", LINE, lambda m: m.GRU(3)),
    Case("RNN", LINE, lambda m: [m.LSTMCell(3), m.GRUCell(2)]),
    Case("ConvLSTM1D", (3, 5, 2), 2, 2),
    Case("TimeDistributed", LINE, lambda m: m.Dense(2)),
    Case(
        "Dense", LINE, 3, activation="relu", kernel_regularizer="l2", kernel_constraint="max_norm"
    ),
    Case("Flatten", LINE),
    Case("Reshape", LINE, (2, 10)),
    Case("Masking", LINE),
]
CASES = [*FIRST_OF_EACH, *MORE]


def model_of(case, library, name):
    """A functional model of one layer."""
    arrays = case.inputs("float64")
    arrays = arrays if isinstance(arrays, list) else [arrays]
    module = library.layers
    inputs = [
        module.Input(a.shape[1:], dtype="float64", name=f"in{i}") for i, a in enumerate(arrays)
    ]
    outputs = case.make(module, dtype="float64")(inputs if len(inputs) > 1 else inputs[0])
    return library.Model(inputs if len(inputs) > 1 else inputs[0], outputs, name=name), arrays


def predict(model, arrays):
    found = model(arrays if len(arrays) > 1 else arrays[0], training=False)
    found = found if isinstance(found, (list, tuple)) else [found]
    return [np.asarray(x.detach() if hasattr(x, "detach") else x) for x in found]


def assert_equal(first, second, arrays):
    for have, want in zip(predict(first, arrays), predict(second, arrays), strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-9, atol=1e-9)


def shaken(model):
    """With weights that are not those of the start."""
    rng = np.random.default_rng(1)
    model.set_weights([w + rng.uniform(0.1, 0.5, np.shape(w)) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.layer)
def test_keras_opens_what_polyk_writes(tmp_path, case):
    ours, arrays = model_of(case, polyk, "m")
    shaken(ours)
    for name in ("m.keras", "m.h5"):
        ours.save(tmp_path / name)
        with doubles() as keras:
            theirs = keras.models.load_model(tmp_path / name, compile=False)
            assert_equal(theirs, ours, arrays)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.layer)
def test_polyk_opens_what_keras_writes(tmp_path, case):
    with doubles() as keras:
        theirs, arrays = model_of(case, keras, "m")
        shaken(theirs)
        for name in ("m.keras", "m.h5"):
            theirs.save(tmp_path / name)
            assert_equal(polyk.load_model(tmp_path / name, compile=False), theirs, arrays)


def graph(library):
    """A shared layer, a model within, attention on two inputs, an op, two outputs."""
    make = library.layers
    first, second = make.Input((5, 4), name="a"), make.Input((3, 4), name="b")
    inner = library.Sequential([make.Input((5, 4)), make.Dense(4)], name="inner")
    norm = make.LayerNormalization(name="norm")
    there = library.Model(second, make.Dense(4)(second), name="there")
    mixed = make.MultiHeadAttention(2, 3, name="mha")(inner(norm(first)), there(second))
    summed = make.Add(name="sum")([norm(mixed), first]) * 2.0
    state = make.LSTM(3, return_state=True, name="lstm")(summed)
    return library.Model([first, second], [state[0], state[2]], name="g")


# Keras looks for the state of ops, which have none.
@pytest.mark.filterwarnings("ignore:Skipping nested container")
@pytest.mark.parametrize("name", ["g.keras", "g.h5"])
def test_graphs_go_both_ways(tmp_path, name):
    arrays = [np.random.default_rng(i).normal(size=(2, n, 4)) for i, n in enumerate((5, 3))]
    ours = shaken(graph(polyk))
    ours.save(tmp_path / name)
    with doubles() as keras:
        theirs = keras.models.load_model(tmp_path / name, compile=False)
        assert_equal(theirs, ours, arrays)
        theirs = shaken(graph(keras))
        theirs.save(tmp_path / name)
        assert_equal(polyk.load_model(tmp_path / name, compile=False), theirs, arrays)


def test_a_layer_shared_with_a_model_within_is_opened_by_keras(tmp_path):
    """Keras cannot open its own file of such a model, in which the layer is in one place only."""
    layer, x = polyk.layers.Dense(4), polyk.layers.Input((4,))
    y = polyk.layers.Input((4,))
    ours = shaken(polyk.Model(x, layer(polyk.Model(y, layer(y))(x))))
    ours.save(tmp_path / "m.keras")
    with doubles() as keras:
        theirs = keras.models.load_model(tmp_path / "m.keras", compile=False)
        assert_equal(theirs, ours, [X[0]])


def compiled(library):
    make = library.layers
    model = library.Sequential([make.Input((4,)), make.Dense(3), make.BatchNormalization()])
    model.compile(library.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    return model


X, Y = np.random.default_rng(0).normal(size=(2, 8, 4)), np.zeros((8, 3))


@pytest.mark.parametrize("writer", ["polyk", "keras"])
def test_training_goes_on_in_the_other_library(tmp_path, writer):
    with doubles() as keras:
        libraries = {"polyk": polyk, "keras": keras}
        model = compiled(libraries.pop(writer))
        (reader,) = libraries.values()
        model.train_on_batch(X[0], Y)
        model.save(tmp_path / "m.keras")
        other = reader.models.load_model(tmp_path / "m.keras")
        np.testing.assert_allclose(float(np.asarray(other.optimizer.iterations.value)), 1.0)
        assert other.optimizer.__class__.__name__ == "Adam"
        for have, want in zip(other.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_allclose(have, want, rtol=1e-6)


@pytest.mark.parametrize("writer", ["polyk", "keras"])
@pytest.mark.parametrize("name", ["m.weights.h5", "m.keras", "m.h5"])
def test_weights_go_into_a_model_that_is_there(tmp_path, name, writer):
    with doubles() as keras:
        libraries = {"polyk": polyk, "keras": keras}
        model = shaken(compiled(libraries.pop(writer)))
        (reader,) = libraries.values()
        save = model.save_weights if "weights" in name else model.save
        save(tmp_path / name)
        other = compiled(reader)
        other.load_weights(tmp_path / name)
        assert_equal(other, model, [X[1]])


def test_what_keras_cannot_hold_is_not_written(tmp_path):
    model = polyk.Sequential([polyk.layers.Input((2,)), polyk.layers.Lambda(lambda x: x)])
    with pytest.raises(polyk.SaveError, match="Lambda"):
        model.save(tmp_path / "m.keras")
    assert not list(tmp_path.iterdir())
