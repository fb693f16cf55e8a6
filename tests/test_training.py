"""fit, evaluate, predict: what they compute, and what they refuse."""

import numpy as np
import pytest
from conftest import AVAILABLE

import polyk
from polyk import callbacks, layers, ops

rng = np.random.default_rng(0)
X = rng.standard_normal((50, 4)).astype("float32")
LABELS = rng.integers(0, 3, 50).astype("int32")


def classifier(**kwargs):
    stack = [layers.Input((4,)), layers.Dense(8, "relu"), layers.Dense(3, "softmax")]
    model = polyk.Sequential(stack, seed=0, **kwargs)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_fit_records_history_and_validates(backend):
    model = classifier()
    history = model.fit(X, LABELS, epochs=3, validation_split=0.2, verbose=0)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert [len(v) for v in history.history.values()] == [3] * 4
    assert history.history["loss"][2] < history.history["loss"][0]


def test_the_reported_loss_weighs_batches_by_their_size(backend):
    model = classifier()
    model.compile(
        polyk.optimizers.SGD(0.0), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = model.fit(X, LABELS, batch_size=32, verbose=0)
    p = model.predict(X)
    loss = -np.log(p[np.arange(50), LABELS]).mean()
    np.testing.assert_allclose(history.history["loss"][0], loss, rtol=1e-5)
    np.testing.assert_allclose(
        history.history["accuracy"][0], (p.argmax(1) == LABELS).mean(), rtol=1e-6
    )
    both = model.evaluate(X, LABELS, batch_size=7)
    np.testing.assert_allclose(both[0], loss, rtol=1e-5)


def test_one_step_of_sgd_by_hand(backend):
    model = polyk.Sequential([layers.Input((4,)), layers.Dense(1)], seed=0)
    model.compile(polyk.optimizers.SGD(0.1), "mse")
    kernel, bias = model.get_weights()
    y = rng.standard_normal((50, 1)).astype("float32")
    error = X @ kernel + bias - y
    loss = model.train_on_batch(X, y)
    np.testing.assert_allclose(loss, (error**2).mean(), rtol=1e-5)
    new_kernel, new_bias = model.get_weights()
    np.testing.assert_allclose(
        new_kernel, kernel - 0.1 * 2 * X.T @ error / 50, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(new_bias, bias - 0.1 * 2 * error.mean(0), rtol=1e-4, atol=1e-6)


def test_curves_of_all_backends_agree(backend):
    """A convnet with dropout and batch norm; issue: float32 to 1e-3 relative."""
    assert_same_curve(backend, 1e-3)


def test_curves_of_all_backends_agree_in_float64(backend, float64):
    assert_same_curve(backend, 1e-8)


def assert_same_curve(backend, tolerance):
    (x, y), _ = polyk.data.load_digits()

    def train(name):
        stack = [
            layers.Input((8, 8, 1)), layers.Conv2D(8, 3, use_bias=False),
            layers.BatchNormalization(), layers.Activation("relu"), layers.MaxPooling2D(2),
            layers.Flatten(), layers.Dropout(0.25), layers.Dense(10),
        ]  # fmt: skip
        model = polyk.Sequential(stack, backend=name, seed=0)
        loss = polyk.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(polyk.optimizers.Adam(0.01), loss)
        return model.get_weights(), model.fit(x, y, batch_size=128, epochs=3, verbose=0)

    weights, history = train(backend.name)
    wanted_weights, wanted = train("numpy")
    for v, w in zip(weights, wanted_weights, strict=True):
        np.testing.assert_array_equal(v, w)
    np.testing.assert_allclose(history.history["loss"], wanted.history["loss"], rtol=tolerance)
    assert history.history["loss"][-1] < history.history["loss"][0] / 2


def test_an_lstm_over_embeddings_learns(backend):
    words = np.random.default_rng(1).integers(0, 20, (200, 8))
    y = (words[:, 0] > 9).astype("float32")
    stack = [
        layers.Input((8,), dtype="int32"),
        layers.Embedding(20, 8),
        layers.LSTM(8, go_backwards=True),
        layers.Dense(1, "sigmoid"),
    ]
    model = polyk.Sequential(stack, seed=0)
    model.compile(polyk.optimizers.Adam(0.03), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(words, y, epochs=6, verbose=0)
    assert history.history["accuracy"][-1] > 0.95


def test_class_and_sample_weights_multiply():
    def loss_with(**kwargs):
        model = classifier()
        return model.train_on_batch(X, LABELS, **kwargs)[0]

    weights = np.where(LABELS == 1, 5.0, 1.0)
    np.testing.assert_allclose(
        loss_with(class_weight={1: 5.0}), loss_with(sample_weight=weights), rtol=1e-6
    )
    twice = loss_with(class_weight={1: 5.0}, sample_weight=2 * np.ones(50))
    np.testing.assert_allclose(twice, 2 * loss_with(sample_weight=weights), rtol=1e-6)


def test_several_outputs_have_losses_and_metrics_of_their_own(backend):
    x = layers.Input((4,))
    h = layers.Dense(5, "relu")(x)
    model = polyk.Model(
        x, [layers.Dense(1, name="size")(h), layers.Dense(3, "softmax", name="kind")(h)], seed=0
    )
    model.compile(
        "sgd", {"size": "mse", "kind": "sparse_categorical_crossentropy"}, {"size": 0.5},
        metrics={"kind": ["accuracy"]},
    )  # fmt: skip
    logs = model.fit(X, [np.ones(50), LABELS], verbose=0).history
    assert list(logs) == ["loss", "size_loss", "kind_loss", "kind_accuracy"]
    size, kind = model.predict(X)
    assert size.shape == (50, 1) and kind.shape == (50, 3)


def test_regularizers_add_to_the_loss():
    def loss(**kwargs):
        model = polyk.Sequential([layers.Input((4,)), layers.Dense(1, **kwargs)], seed=0)
        model.compile("sgd", "mse")
        return model.train_on_batch(X, np.zeros(50)), model

    plain, model = loss()
    penalized, other = loss(kernel_regularizer=polyk.regularizers.L2(0.5))
    kernel = polyk.Sequential([layers.Input((4,)), layers.Dense(1)], seed=0).get_weights()[0]
    np.testing.assert_allclose(penalized - plain, 0.5 * (kernel**2).sum(), rtol=1e-4)


def test_constraints_hold_after_each_step(backend):
    model = polyk.Sequential(
        [layers.Input((4,)), layers.Dense(2, kernel_constraint="non_neg")], seed=0
    )
    model.compile("sgd", "mse")
    model.fit(X, np.ones((50, 2)), verbose=0)
    assert (model.get_weights()[0] >= 0).all()


def test_a_frozen_layer_does_not_move(backend):
    model = classifier()
    model.layers[0].trainable = False
    before = model.get_weights()
    model.fit(X, LABELS, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[2], after[2])
    model.layers[0].trainable = True
    model.fit(X, LABELS, verbose=0)
    assert not np.array_equal(before[0], model.get_weights()[0])


def test_shuffling_follows_the_seed(backend):
    def train(name):
        model = polyk.Sequential([layers.Input((4,)), layers.Dense(1)], seed=5, backend=name)
        model.compile("sgd", "mse")
        return model.fit(X, X[:, :1], batch_size=8, epochs=2, verbose=0).history["loss"]

    np.testing.assert_allclose(train(backend.name), train("numpy"), rtol=1e-5)


def test_steps_per_epoch_and_initial_epoch():
    seen = []
    note = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    history = classifier().fit(
        X,
        LABELS,
        batch_size=10,
        epochs=3,
        initial_epoch=1,
        steps_per_epoch=2,
        verbose=0,
        callbacks=[note],
    )
    assert history.epoch == [1, 2]
    assert seen == [0, 1, 0, 1]


def test_a_callback_can_stop_training():
    class Stop(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    assert len(classifier().fit(X, LABELS, epochs=9, verbose=0, callbacks=[Stop()]).epoch) == 2


def test_verbose_prints_one_line_an_epoch(capsys):
    classifier().fit(X, LABELS, epochs=2, verbose=2)
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("Epoch 2/2") and "accuracy" in lines[1]


def test_predict_takes_any_length_and_keeps_structure(backend):
    x = layers.Input((4,))
    model = polyk.Model(x, {"a": x * 2, "b": ops.sum(x, axis=1)})
    got = model.predict(X, batch_size=16)
    np.testing.assert_allclose(got["a"], X * 2)
    np.testing.assert_allclose(got["b"], X.sum(1), rtol=1e-5, atol=1e-6)


def test_run_eagerly_gives_the_same(backend):
    losses = []
    for eager in (False, True):
        model = classifier()
        model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
        losses.append(model.fit(X, LABELS, epochs=2, verbose=0).history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_a_nan_loss_names_the_step(backend):
    x = X.copy()
    x[25] = np.nan
    with pytest.warns(RuntimeWarning, match=r"became NaN or infinite in epoch 1, at step 3 of 5"):
        classifier().fit(x, LABELS, batch_size=10, shuffle=False, verbose=0)


def test_the_learning_rate_can_change_between_compiled_steps(backend):
    model = classifier()
    model.compile(polyk.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.fit(X, LABELS, verbose=0)
    before = model.get_weights()
    model.optimizer.learning_rate = 0.0
    model.fit(X, LABELS, verbose=0)
    for v, w in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)


def fit(model, x, y, **kwargs):
    return model.fit(x, y, verbose=0, **kwargs)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda m: fit(m, X[:10], LABELS[:9]), ValueError, "x has 10, y has 9"),
        (lambda m: fit(m, X[:0], LABELS[:0]), ValueError, "no data: x has 0 samples"),
        (lambda m: fit(m, X, LABELS + 1), (ValueError, IndexError), "3"),
        (lambda m: fit(m, X, LABELS - 1), (ValueError, IndexError), "-1"),
        (lambda m: fit(m, X, rng.standard_normal((50, 2))), ValueError, r"\(50, 2\)"),
        (lambda m: fit(m, X[:, :3], LABELS), ValueError, "expected an input"),
        (lambda m: fit(m, np.array([["a"] * 4] * 50), LABELS), TypeError, "x must be numbers"),
        (lambda m: fit(m, X, LABELS, batch_size=0), ValueError, "batch_size must be at least 1"),
        (lambda m: fit(m, X, LABELS, validation_split=1.5), ValueError, "validation_split=1.5"),
        (lambda m: fit(m, X, [LABELS, LABELS]), ValueError, "1 outputs; y has 2"),
        (lambda m: fit(m, X, None), ValueError, "y is missing"),
        (lambda m: fit(m, X, LABELS, callbacks=[print]), TypeError, "callbacks must be"),
        (lambda m: m.compile("adamm", "mse"), LookupError, "Did you mean 'adam'"),
        (lambda m: (m.compile("adam", "msee"), fit(m, X, LABELS)), LookupError, "Did you mean"),
        (lambda m: (m.compile("adam", None), fit(m, X, LABELS)), ValueError, "has no loss"),
        (lambda m: (m.compile("adam", "mse", metrics=["acuracy"]), fit(m, X, X[:, :3])),
         LookupError, "accuracy"),
    ],
)  # fmt: skip
def test_wrong_data_is_refused_before_training(call, error, says):
    model = classifier()
    before = model.get_weights()
    with pytest.raises(error, match=says):
        call(model)
    for v, w in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)


def test_targets_are_never_broadcast_to_the_predictions():
    model = polyk.Sequential([layers.Input((4,)), layers.Dense(3)])
    model.compile("sgd", "mse")
    with pytest.raises(polyk.ShapeError, match=r"\(50, 1\).*\(.*, 3\)"):
        model.fit(X, np.ones((50, 1)), verbose=0)


def test_training_before_compile_is_told():
    model = polyk.Sequential([layers.Input((4,)), layers.Dense(3)])
    with pytest.raises(RuntimeError, match=r"call model.compile\(.*\) before fit"):
        model.fit(X, LABELS)
    with pytest.raises(ValueError, match="has no weights yet"):
        polyk.Sequential([layers.Dense(3)]).summary()


@pytest.mark.skipif("torch" not in AVAILABLE, reason="torch is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_whole_step_under_torch_compile_gives_the_same():
    losses = []
    for jit in ("auto", "full"):
        stack = [layers.Input((4,)), layers.Dense(4, "relu"), layers.Dropout(0.5), layers.Dense(1)]
        model = polyk.Sequential(stack, backend="torch", seed=0)
        model.compile("adam", "mse", jit_compile=jit)
        losses.append(model.fit(X[:48], X[:48, :1], batch_size=16, verbose=0).history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
