"""Formats that engines write: reloaded without polyk, for any batch size, they predict the same."""

import numpy as np
import pytest

import polyk
from polyk import layers
from polyk.errors import SaveError


def images():
    return polyk.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ],
        seed=0,
        backend="numpy",
    )


def sequences():
    x, extra = layers.Input((6, 4)), layers.Input((2,))
    h = layers.LSTM(5, return_sequences=True)(x)
    h = layers.LayerNormalization()(layers.MultiHeadAttention(2, 3)(h, h))
    h = layers.Concatenate()([layers.GlobalAveragePooling1D()(h), extra])
    return polyk.Model([x, extra], layers.Dense(2)(h), seed=0, backend="numpy")


def run_torch(path, xs):
    torch = pytest.importorskip("torch")
    return torch.export.load(path).module()(*map(torch.tensor, xs)).detach().numpy()


def run_stablehlo(path, xs):
    jax_export = pytest.importorskip("jax.export")
    return np.asarray(jax_export.deserialize(bytearray(path.read_bytes())).call(*xs))


def run_savedmodel(path, xs):
    tf = pytest.importorskip("tensorflow")
    loaded = tf.saved_model.load(str(path))
    return loaded.serve(*xs).numpy()


FRAMEWORK = {"torch": "torch", "stablehlo": "jax", "savedmodel": "tensorflow"}
RUN = {"torch": run_torch, "stablehlo": run_stablehlo, "savedmodel": run_savedmodel}


@pytest.mark.filterwarnings("ignore")  # what the frameworks say of their own formats
@pytest.mark.parametrize("make", [images, sequences])
@pytest.mark.parametrize("form", RUN)
def test_what_is_reloaded_predicts_the_same(tmp_path, form, make):
    pytest.importorskip(FRAMEWORK[form])
    model, path = make(), tmp_path / "model.pt2"
    before = model.get_weights()
    model.export(path, format=form)
    for batch in (1, 5):
        draw = np.random.default_rng(batch).normal
        inputs = [draw(size=(batch, *x.shape[1:])).astype("float32") for x in model.inputs]
        expected = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
        np.testing.assert_allclose(RUN[form](path, inputs), expected, rtol=1e-5, atol=1e-6)
    assert model.backend.name == "numpy"
    assert all(map(np.array_equal, before, model.get_weights()))


@pytest.mark.filterwarnings("ignore")  # what the frameworks say of their own formats
@pytest.mark.parametrize("form", ["torch", "stablehlo"])
def test_sequences_of_any_length(tmp_path, form):
    pytest.importorskip(FRAMEWORK[form])
    x = layers.Input((None, 4))
    h = layers.GlobalAveragePooling1D()(layers.Conv1D(3, 2)(x))
    model, path = polyk.Model(x, layers.Dense(2)(h), backend="numpy"), tmp_path / "model.pt2"
    model.export(path, format=form)
    data = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    expected = model.predict(data, verbose=0)
    np.testing.assert_allclose(RUN[form](path, [data]), expected, rtol=1e-5, atol=1e-6)


def test_a_model_that_does_not_know_its_inputs_is_refused(tmp_path):
    model = polyk.Sequential([layers.Dense(2)])
    with pytest.raises(SaveError, match="does not know its inputs: give input_signature"):
        model.export(tmp_path / "m", format="torch")
