"""Models and weights in files: what comes back is what was saved, on any backend."""

import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import AVAILABLE

import polyk
from polyk import layers, saving
from polyk.errors import LoadError, SaveError
from polyk.saving.paths import weight_paths

rng = np.random.default_rng(0)
X = rng.standard_normal((24, 6)).astype("float32")
Y = rng.integers(0, 3, 24)


def dense(backend=None, **names):
    model = polyk.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(5, activation="relu", name=names.get("first")),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax", name=names.get("second")),
        ],
        seed=1,
        backend=backend,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def trained():
    model = dense("numpy")
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    return model


@pytest.fixture
def path(tmp_path, trained):
    trained.save(tmp_path / "m.polyk")
    return tmp_path / "m.polyk"


def same(a, b):
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_loaded_model_is_the_saved_one(path, trained):
    loaded = polyk.load_model(path)
    same(loaded, trained)
    np.testing.assert_array_equal(loaded.predict(X), trained.predict(X))
    assert loaded.name == trained.name


def test_a_loaded_model_trains_on_as_the_saved_one_would(path):
    first, second = polyk.load_model(path), polyk.load_model(path)
    histories = [m.fit(X, Y, batch_size=8, epochs=2, verbose=0).history for m in (first, second)]
    assert histories[0] == histories[1]
    same(first, second)


def test_training_goes_on_bit_for_bit_from_a_loaded_model(tmp_path):
    straight = dense("numpy")
    straight.fit(X, Y, batch_size=8, epochs=1, verbose=0)
    straight.save(tmp_path / "m.polyk")
    resumed = polyk.load_model(tmp_path / "m.polyk")
    for model in (straight, resumed):
        model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    same(straight, resumed)


@pytest.mark.parametrize("name", AVAILABLE)
def test_every_backend_reads_what_another_wrote(path, trained, name):
    with polyk.use(name):
        loaded = polyk.load_model(path)
    assert loaded.backend.name == name
    same(loaded, trained)
    np.testing.assert_allclose(loaded.predict(X), trained.predict(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", AVAILABLE)
def test_what_any_backend_wrote_is_read_here(tmp_path, name):
    model = dense(name)
    model.train_on_batch(X, Y)
    model.save(tmp_path / "m.polyk")
    same(polyk.load_model(tmp_path / "m.polyk"), model)


def test_the_file_opens_with_the_safetensors_library(path, trained):
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(path, "np") as file:
        assert file.metadata()["format"] == "polyk"
        np.testing.assert_array_equal(file.get_tensor("dense/kernel"), trained.get_weights()[0])


def test_names_in_files_do_not_depend_on_how_many_layers_came_before(trained):
    dense()  # takes names such as dense_7 from the process
    assert list(weight_paths(dense())) == list(weight_paths(trained))
    assert "dense_1/kernel" in weight_paths(trained)


def test_names_made_from_automatic_ones_are_automatic_too(tmp_path):
    def both_ways():
        return polyk.Sequential([layers.Input((3, 2)), layers.Bidirectional(layers.LSTM(2))])

    first, second = both_ways(), both_ways()
    first.save_weights(tmp_path / "w.safetensors")
    second.load_weights(tmp_path / "w.safetensors")
    same(first, second)


def test_weights_are_loaded_by_name_and_not_by_order(tmp_path):
    model = dense(first="a", second="b")
    model.save_weights(tmp_path / "w.safetensors")
    with pytest.raises(LoadError, match=r"lacks 'x/kernel', 'x/bias'; the model has no 'a/"):
        dense(first="x", second="b").load_weights(tmp_path / "w.safetensors")


def test_weights_are_loaded_into_a_model_made_anew(tmp_path, trained):
    trained.save_weights(tmp_path / "w.safetensors")
    model = dense()
    model.load_weights(tmp_path / "w.safetensors")
    same(model, trained)


def test_weights_are_loaded_from_the_file_of_a_model(path, trained):
    model = dense()
    model.load_weights(path)
    same(model, trained)


def test_weights_alone_are_no_model(tmp_path, trained):
    trained.save_weights(tmp_path / "w.safetensors")
    with pytest.raises(LoadError, match="holds weights and no model"):
        polyk.load_model(tmp_path / "w.safetensors")


def test_partial_loading_says_what_it_left(path):
    model = polyk.Sequential([layers.Input((6,)), layers.Dense(5), layers.Dense(4)])
    before = model.get_weights()
    with pytest.warns(UserWarning, match="2 weights are loaded. Left as they were: dense_1/kernel"):
        model.load_weights(path, partial=True)
    after = model.get_weights()
    assert not np.array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[2], after[2])


def test_a_json_architecture_makes_an_equal_model(trained):
    text = trained.to_json()
    again = polyk.models.model_from_json(text)
    assert json.loads(text) == json.loads(again.to_json())
    assert again.count_params() == trained.count_params()
    assert again.predict(X).shape == (24, 3)


def test_a_model_without_an_input_is_built_as_it_was(tmp_path):
    model = polyk.Sequential([layers.Dense(4), layers.Dense(2)])
    model.build((None, 6))
    model.save(tmp_path / "m.polyk")
    same(polyk.load_model(tmp_path / "m.polyk"), model)


def test_models_inside_models(tmp_path):
    inner = polyk.Sequential([layers.Input((6,)), layers.Dense(4), layers.Dense(4)], name="inner")
    model = polyk.Sequential([layers.Input((6,)), inner, layers.Dense(2)])
    assert list(weight_paths(model))[2] == "inner/dense_1/kernel"
    model.save(tmp_path / "m.polyk")
    loaded = polyk.load_model(tmp_path / "m.polyk")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_functional_models_with_ops_several_inputs_and_shared_layers(tmp_path):
    a, b = layers.Input((6,), name="a"), layers.Input((6,), name="b")
    shared = layers.Dense(4, activation="relu")
    h = polyk.ops.concatenate([shared(a), shared(b)], -1)[:, 1:] * 2.0
    outputs = {"x": layers.Dense(2)(layers.Dropout(0.2)(h)), "y": layers.Dense(1, name="last")(h)}
    model = polyk.Model({"a": a, "b": b}, outputs)
    model.compile("adam", {"x": "mse", "y": "mae"}, metrics={"x": ["mae"]})
    data, targets = {"a": X, "b": X + 1}, {"x": X[:, :2], "y": X[:, :1]}
    model.fit(data, targets, verbose=0)
    assert list(weight_paths(model))[::2] == ["dense/kernel", "dense_1/kernel", "last/kernel"]
    model.save(tmp_path / "m.polyk")
    loaded = polyk.load_model(tmp_path / "m.polyk")
    for trained in (model, loaded):
        trained.fit(data, targets, epochs=2, verbose=0)
    same(model, loaded)


class Tower(polyk.Model):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.parts = [layers.Dense(units), layers.Dense(1)]

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return x


def test_a_subclassed_model_comes_back_if_its_class_is_offered(tmp_path):
    model = Tower(4)
    out = model(X)
    model.save(tmp_path / "m.polyk")
    with pytest.raises(LoadError, match="no layer named 'Tower'.*register_serializable"):
        polyk.load_model(tmp_path / "m.polyk")
    loaded = polyk.load_model(tmp_path / "m.polyk", custom_objects={"Tower": Tower})
    np.testing.assert_array_equal(polyk.to_numpy(loaded(X)), polyk.to_numpy(out))


def test_a_function_of_the_user_comes_back_if_offered(tmp_path):
    def twice(x):
        return x * 2

    model = polyk.Sequential([layers.Input((6,)), layers.Dense(2, activation=twice)])
    model.save(tmp_path / "m.polyk")
    with pytest.raises(LoadError, match="no activation named 'twice'"):
        polyk.load_model(tmp_path / "m.polyk")
    with saving.custom_object_scope({"twice": twice}):
        np.testing.assert_array_equal(
            polyk.load_model(tmp_path / "m.polyk").predict(X), model.predict(X)
        )


def test_a_lambda_in_a_layer_is_refused_when_saving(tmp_path):
    model = polyk.Sequential([layers.Input((6,)), layers.Dense(2, activation=lambda x: x)])
    with pytest.raises(SaveError, match="holds a lambda.*register_serializable"):
        model.save(tmp_path / "m.polyk")
    assert not list(tmp_path.iterdir())
    model.save_weights(tmp_path / "w.safetensors")


def test_a_lambda_layer_is_refused_when_saving(tmp_path):
    model = polyk.Sequential([layers.Input((6,)), layers.Lambda(polyk.ops.tanh, name="squash")])
    with pytest.raises(SaveError, match="'squash'.*holds code.*Write a layer class"):
        model.save(tmp_path / "m.polyk")


def test_a_lambda_for_a_loss_costs_the_training_state_and_says_so(tmp_path):
    model = dense()
    model.compile("sgd", lambda y, p: (y - p) ** 2)
    with pytest.warns(UserWarning, match="compiled is not saved: it holds a lambda"):
        model.save(tmp_path / "m.polyk")
    assert polyk.load_model(tmp_path / "m.polyk").optimizer is None


def test_optimizer_and_compilation_can_be_left_out(path, tmp_path, trained):
    assert polyk.load_model(path, compile=False).optimizer is None
    trained.save(tmp_path / "small.polyk", include_optimizer=False)
    assert polyk.load_model(tmp_path / "small.polyk").optimizer is None
    assert (tmp_path / "small.polyk").stat().st_size < path.stat().st_size


def test_slots_of_layers_frozen_later_are_kept(tmp_path):
    model = dense()
    model.train_on_batch(X, Y)
    model.layers[0].trainable = False
    model.save(tmp_path / "m.polyk")
    loaded = polyk.load_model(tmp_path / "m.polyk")
    assert [w.shape for w in loaded.optimizer.state] == [w.shape for w in model.optimizer.state]


def test_a_model_without_weights_cannot_be_saved(tmp_path):
    with pytest.raises(SaveError, match="has no weights yet: call it, fit it, or build"):
        polyk.Sequential([layers.Dense(2)]).save(tmp_path / "m.polyk")


def test_overwrite_false_keeps_what_is_there(path, trained):
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        trained.save(path, overwrite=False)
    assert path.read_bytes() == before


def test_there_is_no_unsafe_mode(path):
    with pytest.raises(ValueError, match="no unsafe way"):
        polyk.load_model(path, safe_mode=False)


def test_a_new_process_reads_it(path, trained):
    code = (
        "import polyk, sys, numpy as np; m = polyk.load_model(sys.argv[1]); print(m.count_params())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == trained.count_params()


def test_numbers_that_are_none_are_told(tmp_path):
    model = dense()
    weights = model.get_weights()
    weights[0][1, 2] = np.nan
    model.set_weights(weights)
    model.save_weights(tmp_path / "w.safetensors")
    with pytest.warns(UserWarning, match="NaN or infinity in 'dense/kernel'"):
        dense().load_weights(tmp_path / "w.safetensors")


def test_losses_and_metrics_of_the_user_are_offered_when_loading(tmp_path):
    def far(y_true, y_pred):
        return polyk.ops.mean(polyk.ops.abs(y_true - y_pred), -1)

    model = dense()
    model.compile(polyk.optimizers.SGD(0.1), far, metrics=["mse", far])
    model.train_on_batch(X, np.eye(3)[Y])
    model.save(tmp_path / "m.polyk")
    with pytest.raises(LoadError, match="named 'far'"):
        polyk.load_model(tmp_path / "m.polyk")
    loaded = polyk.load_model(tmp_path / "m.polyk", custom_objects={"far": far})
    targets = np.eye(3)[Y].astype("float32")
    assert loaded.evaluate(X, targets, verbose=0) == model.evaluate(X, targets, verbose=0)


def test_a_plugin_may_bring_a_format(site, trained, tmp_path):
    site.plugin(
        "shelf",
        """
import polyk

class Shelf:
    kept = {}

    def save(self, model, path):
        self.kept[path] = model

    def load(self, path):
        return self.kept[path]

@polyk.hookimpl
def polyk_checkpoint_format(path):
    return Shelf() if str(path).endswith(".shelf") else None
""",
    )
    trained.save("m.shelf")
    assert polyk.load_model("m.shelf") is trained
    trained.save(tmp_path / "m.polyk")
    same(polyk.load_model(tmp_path / "m.polyk"), trained)
