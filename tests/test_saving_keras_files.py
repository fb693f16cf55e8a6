"""Models that Keras 1 and 2 wrote: they open, and say what they said then."""

import json
import os
from pathlib import Path

import keras_files
import numpy as np
import pytest
from conftest import AVAILABLE

import polyk
from polyk import layers

h5py = pytest.importorskip("h5py")
FOLDER = Path(os.environ.get("POLYK_DATA", "")) / "keras_models"
RECORDED = keras_files.models(FOLDER) if (FOLDER / "golden.npz").is_file() else []
recorded = pytest.mark.skipif(not RECORDED, reason="POLYK_DATA has no keras_models/golden.npz")
OTHERS = {  # what is known of the few that are not equal
    "LocallyConnected2D": 4,
    "TensorFlowOpLayer": 1,
    "leaves nothing of an input": 1,  # its output is empty
    "theano": 2,  # Keras 2 turns such kernels around, as Theano did; tf_keras, asked here, does not
}


@recorded
def test_every_model_says_what_keras_says():
    verdicts = [keras_files.judge(FOLDER, path) for path in RECORDED]
    others = [v for v in verdicts if v != "equal"]
    assert {word: sum(word in v for v in others) for word in OTHERS} == OTHERS
    assert len(others) == sum(OTHERS.values())
    assert len(verdicts) > 140


@recorded
@pytest.mark.parametrize("backend", [b for b in AVAILABLE if b != "numpy"])
@pytest.mark.parametrize("end", ["tfkeras/rnn_104.h5", "tfkeras/cnn3d_16.h5", "tfkeras/misc_1.h5"])
def test_they_say_it_on_every_backend(backend, end):
    (path,) = [p for p in RECORDED if p.endswith(end)]
    with polyk.use(backend):
        assert keras_files.judge(FOLDER, path) == "equal"


@recorded
@pytest.mark.parametrize("end", ["simple_lstm_tf_keras_1_model.h5", "lstm_tf_model.h5"])
def test_models_of_keras_1_open(end):
    (path,) = FOLDER.rglob(end)
    model = polyk.load_model(path, compile=False)
    assert all(np.isfinite(w).all() for w in model.get_weights())


MOBILENET = FOLDER.parent / "mobilenet_025_224"
PHOTOS = [("creative_commons_elephant.jpg", "African_elephant", 0.41),
    ("chelsea.png", "Egyptian_cat", 0.34), ("coffee.png", "espresso", 0.92),
    ("china.jpg", "stupa", 0.66)]  # fmt: skip


@pytest.mark.skipif(not MOBILENET.is_dir(), reason="POLYK_DATA has no mobilenet_025_224")
def test_a_pretrained_mobilenet_says_of_photos_what_it_says_in_keras():
    image = pytest.importorskip("PIL.Image")
    folder = FOLDER.parent
    names = json.loads((folder / "imagenet/imagenet_class_index.json").read_text())
    photos = [image.open(folder / "photos" / name).convert("RGB") for name, *_ in PHOTOS]
    x = np.stack([np.asarray(p.resize((224, 224)), "float32") for p in photos]) / 127.5 - 1
    model = polyk.load_model(MOBILENET / "mobilenet_025_224_keras3.keras")
    said = model.predict(x, verbose=0)
    for row, (_, name, p) in zip(said, PHOTOS, strict=True):
        assert names[str(row.argmax())][1] == name
        assert row.max() == pytest.approx(p, abs=0.005)
    other = polyk.load_model(MOBILENET / "mobilenet_025_224_legacy.h5")
    np.testing.assert_allclose(other.predict(x, verbose=0), said, atol=1e-6)
    other = polyk.models.clone_model(model)
    other.load_weights(MOBILENET / "mobilenet_2_5_224_tf.weights.h5")
    np.testing.assert_allclose(other.predict(x, verbose=0), said, atol=1e-6)


# Files as Keras 1 and 2 wrote them, made here.


def legacy(path, config, weights, **attributes):
    """A file of a Sequential: `weights` has for each layer its arrays by name."""
    with h5py.File(path, "w") as f:
        f.attrs.update({"keras_version": "2.2.4", "backend": "tensorflow", **attributes})
        f.attrs["model_config"] = json.dumps(config)
        top = f.create_group("model_weights")
        top.attrs["layer_names"] = [name.encode() for name in weights]
        for name, arrays in weights.items():
            group = top.create_group(name)
            group.attrs["weight_names"] = [n.encode() for n in arrays]
            for n, array in arrays.items():
                group[n] = array
    return path


def sequential(*items, version=2):
    told = [{"class_name": kind, "config": config} for kind, config in items]
    config = told if version == 1 else {"name": "s", "layers": told}
    return {"class_name": "Sequential", "config": config}


def random(*shapes):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def named(arrays):
    return {f"w{i}": array for i, array in enumerate(arrays)}


def predict(path, x):
    return polyk.load_model(path, compile=False).predict(x, verbose=0)


def alike(layer, weights, x):
    """What a layer of polyk with these weights makes of x."""
    model = polyk.Sequential([layers.Input(x.shape[1:]), layer])
    model.set_weights(weights)
    return model.predict(x, verbose=0)


def test_a_dense_layer_of_keras_1(tmp_path):
    config = {"name": "d", "output_dim": 3, "init": "glorot_uniform", "activation": "tanh",
        "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.1}, "bias": True,
        "b_constraint": None, "batch_input_shape": [None, 4], "input_dim": 4}  # fmt: skip
    kernel, bias, x = random((4, 3), (3,), (2, 4))
    told = sequential(("Dense", config), version=1)
    path = legacy(tmp_path / "m.h5", told, {"d": named([kernel, bias])}, keras_version="1.2.2")
    np.testing.assert_allclose(predict(path, x), np.tanh(x @ kernel + bias), rtol=1e-5)
    model = polyk.load_model(path)
    assert float(model.layers[0].kernel_regularizer.l2) == pytest.approx(0.1)


def gates(units, wide, n):
    return random(*[(wide, units), (units, units), (units,)] * n)


@pytest.mark.parametrize(("kind", "order"), [("LSTM", "ifco"), ("GRU", "zrh")])
def test_the_gates_of_keras_1_become_one_kernel(tmp_path, kind, order):
    saved = "icfo" if kind == "LSTM" else "zrh"
    arrays = gates(3, 4, len(saved))
    by_gate = {g: arrays[3 * i : 3 * i + 3] for i, g in enumerate(saved)}
    joined = [np.concatenate([by_gate[g][k] for g in order], -1) for k in range(3)]
    config = {"name": "r", "output_dim": 3, "inner_activation": "hard_sigmoid", "init": "uniform",
        "inner_init": "orthogonal", "forget_bias_init": "one", "activation": "tanh",
        "consume_less": "gpu", "dropout_W": 0.0, "batch_input_shape": [None, 5, 4]}  # fmt: skip
    told = sequential((kind, config), version=1)
    path = legacy(tmp_path / "m.h5", told, {"r": named(arrays)}, keras_version="1.2.2")
    x = random((2, 5, 4))[0]
    more = {"reset_after": False} if kind == "GRU" else {}
    layer = getattr(layers, kind)(3, recurrent_activation="hard_sigmoid_keras2", **more)
    np.testing.assert_allclose(predict(path, x), alike(layer, joined, x), rtol=1e-5)


def test_kernels_of_keras_1_with_channels_first(tmp_path):
    config = {"name": "c", "nb_filter": 3, "nb_row": 2, "nb_col": 2, "dim_ordering": "th",
        "border_mode": "valid", "subsample": [1, 1],
        "batch_input_shape": [None, 4, 5, 6]}  # fmt: skip
    kernel, bias, x = random((3, 4, 2, 2), (3,), (2, 4, 5, 6))
    told = sequential(("Convolution2D", config), version=1)
    path = legacy(tmp_path / "m.h5", told, {"c": named([kernel, bias])}, keras_version="1.1.0")
    layer = layers.Conv2D(3, 2, data_format="channels_first")
    want = alike(layer, [kernel.transpose(2, 3, 1, 0), bias], x)
    np.testing.assert_allclose(predict(path, x), want, rtol=1e-5, atol=1e-6)


def test_theano_s_kernels_are_turned_around(tmp_path):
    config = {
        "name": "c",
        "filters": 3,
        "kernel_size": [2, 3],
        "batch_input_shape": [None, 5, 6, 2],
    }
    kernel, bias, x = random((2, 3, 2, 3), (3,), (2, 5, 6, 2))
    weights = {"c": named([kernel, bias])}
    path = legacy(tmp_path / "m.h5", sequential(("Conv2D", config)), weights, backend="theano")
    want = alike(layers.Conv2D(3, (2, 3)), [kernel[::-1, ::-1], bias], x)
    np.testing.assert_allclose(predict(path, x), want, rtol=1e-5, atol=1e-6)


def test_cudnn_s_lstm_is_an_lstm(tmp_path):
    kernel, recurrent, bias, x = random((4, 12), (3, 12), (24,), (2, 5, 4))
    config = {"name": "r", "units": 3, "batch_input_shape": [None, 5, 4]}
    weights = {"r": named([kernel, recurrent, bias])}
    path = legacy(tmp_path / "m.h5", sequential(("CuDNNLSTM", config)), weights)
    plain = [
        np.concatenate([k.ravel().reshape(k.shape[::-1]).T for k in np.split(kernel, 4, 1)], 1),
        np.concatenate([k.T for k in np.split(recurrent, 4, 1)], 1),
        bias[:12] + bias[12:],
    ]
    np.testing.assert_allclose(predict(path, x), alike(layers.LSTM(3), plain, x), rtol=1e-4)


def node(name, kind, inbound, **config):
    return {"name": name, "class_name": kind, "config": {"name": name, **config},
        "inbound_nodes": inbound}  # fmt: skip


def test_a_graph_with_a_shared_layer_and_a_model_within(tmp_path):
    inner = {"name": "inner", "input_layers": [["x", 0, 0]], "output_layers": [["h", 0, 0]],
        "layers": [node("x", "InputLayer", [], batch_input_shape=[None, 4]),
                   node("h", "Dense", [[["x", 0, 0]]], units=4)]}  # fmt: skip
    graph = {"name": "m", "input_layers": [["a", 0, 0], ["b", 0, 0]],
        "output_layers": [["sum", 0, 0]],
        "layers": [node("a", "InputLayer", [], batch_input_shape=[None, 4]),
                   node("b", "InputLayer", [], batch_input_shape=[None, 4]),
                   {"name": "inner", "class_name": "Model", "config": inner,
                    "inbound_nodes": [[["a", 0, 0, {}]], [["b", 0, 0, {}]]]},
                   node("sum", "Merge", [[["inner", 1, 0], ["inner", 2, 0]]],
                        mode="sum")]}  # fmt: skip
    kernel, bias, a, b = random((4, 4), (4,), (2, 4), (2, 4))
    told = {"class_name": "Model", "config": graph}
    path = legacy(tmp_path / "m.h5", told, {"inner": named([kernel, bias])})
    np.testing.assert_allclose(predict(path, [a, b]), (a + b) @ kernel + 2 * bias, rtol=1e-4)


DENSE = {"name": "d", "units": 2, "batch_input_shape": [None, 2]}


@pytest.mark.parametrize(
    ("kind", "config", "reason"),
    [
        ("Lambda", {"name": "f", "function": ["4wEAAAA=", None, None]}, "'f': Lambda holds code"),
        ("os.system", {"name": "f"}, "there is no layer 'os.system'"),
        ("LocallyConnected1D", {"name": "f"}, "'f': there is no layer 'LocallyConnected1D'"),
        ("Dense", {**DENSE, "kernel": "x"}, "'d': Dense has an argument 'kernel'"),
        ("LSTM", {**DENSE, "time_major": True}, "'d': LSTM has time_major=True"),
        ("Dense", {**DENSE, "kernel_initializer": {"class_name": "evil"}}, "evil"),
        ("Dense", {**DENSE, "backend": "os:system"}, "'backend'"),
    ],
)
def test_what_a_file_may_not_say_is_refused(tmp_path, kind, config, reason):
    path = legacy(tmp_path / "m.h5", sequential((kind, config)), {})
    with pytest.raises(polyk.LoadError, match=reason) as caught:
        polyk.load_model(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ({}, "has 0 layers with weights, the model has 1"),
        ({"d": named(random((2, 2)))}, "has 2 weights; the file has 1"),
        ({"d": named(random((2, 3), (2,)))}, "has shape"),
        ({"d": named([np.zeros((2, 2), "int32"), np.zeros(2, "float32")])}, "is int32"),
        ({"d": named(random((200, 200), (2,)))}, "40,002 numbers, more than"),
    ],
)
def test_weights_that_do_not_fit_leave_the_model_as_it_was(tmp_path, weights, reason):
    path = legacy(tmp_path / "m.h5", sequential(("Dense", DENSE)), weights)
    model = polyk.Sequential([layers.Input((2,)), layers.Dense(2)])
    before = model.get_weights()
    with pytest.raises(polyk.LoadError, match=reason):
        model.load_weights(path)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_weights_go_by_order_where_names_differ(tmp_path):
    kernel, bias = random((2, 2), (2,))
    config = sequential(("Dense", DENSE))
    path = legacy(tmp_path / "m.h5", config, {"d": named([kernel, bias])})
    model = polyk.Sequential([layers.Input((2,)), layers.Dense(2, name="other")])
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_weights()[0], kernel)
