"""Callbacks that watch a metric, beside Keras's: both hear the same logs, on a fake model."""

import contextlib
import itertools
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from reference import keras

import polyk
from polyk import callbacks, layers, metrics

CURVES = {
    "falling": [5.0, 4.0, 3.0, 2.0, 1.0, 0.5],
    "bumpy": [3.0, 2.0, 2.5, 2.4, 1.0, 1.5, 1.4, 1.3, 1.2, 0.9, 2.0, 2.0],
    "flat": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    "rising": [1.0, 2.0, 3.0, 4.0, 5.0],
    "slow": [1.0, 0.95, 0.9, 0.85, 0.8, 0.79, 0.78, 0.77],
    "late": [None, None, 2.0, 3.0, 3.0, 1.0],
}


class FakeModel:
    """What the callbacks look at: a rate, weights (the number of the epoch), what is saved."""

    def __init__(self, names=()):
        self.optimizer = SimpleNamespace(learning_rate=1.0)
        self.metrics = [SimpleNamespace(name=name) for name in names]
        self.stop_training = False
        self.epoch, self.saved = 0, []

    def get_weights(self):
        return self.epoch

    def set_weights(self, epoch):
        self.epoch = epoch

    def save(self, path, overwrite):
        self.saved.append(str(path))

    def save_weights(self, path, overwrite):
        self.saved.append(str(path))


def drive(callback, curve, batches=0):
    """Train the fake model; what happened, epoch by epoch."""
    model, story = FakeModel(), []
    callback.set_model(model)
    callback.set_params({"epochs": len(curve)})
    callback.on_train_begin({})
    for epoch, value in enumerate(curve):
        model.epoch = epoch
        logs = {"loss": 0.5} | ({} if value is None else {"val_loss": value})
        callback.on_epoch_begin(epoch, {})
        for batch in range(batches):
            callback.on_train_batch_end(batch, {"loss": 0.5})
        callback.on_epoch_end(epoch, logs)
        story.append((float(model.optimizer.learning_rate), *sorted(logs.items()), *model.saved))
        if model.stop_training:
            break
    callback.on_train_end({})
    return story, model.epoch


def same(name, curve, *args, batches=0, **kwargs):
    with keras() as k, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = drive(getattr(k.callbacks, name)(*args, **kwargs), curve, batches)
        assert drive(getattr(callbacks, name)(*args, **kwargs), curve, batches) == wanted


@pytest.mark.parametrize("curve", CURVES.values(), ids=list(CURVES))
def test_early_stopping_stops_when_keras_does(curve):
    options = itertools.product((0, 1, 3), (0, 0.2), (None, 1.1), (False, True), (0, 2))
    for patience, min_delta, baseline, restore, start in options:
        same("EarlyStopping", curve, patience=patience, min_delta=min_delta, baseline=baseline,
             restore_best_weights=restore, start_from_epoch=start)  # fmt: skip
    same("EarlyStopping", curve, mode="max", patience=1)


@pytest.mark.parametrize("curve", CURVES.values(), ids=list(CURVES))
def test_the_rate_is_reduced_when_keras_does(curve):
    for patience, cooldown, min_lr, min_delta in itertools.product(
        (1, 2), (0, 2), (0, 0.3), (0, 0.2)
    ):
        same("ReduceLROnPlateau", curve, factor=0.5, patience=patience, cooldown=cooldown,
             min_lr=min_lr, min_delta=min_delta)  # fmt: skip


def test_checkpoints_are_written_when_keras_writes_them(tmp_path):
    path = str(tmp_path / "at" / "{epoch:02d}-{val_loss:.2f}.keras")
    for name, best, threshold in itertools.product(
        ("bumpy", "slow", "flat"), (False, True), (None, 2.2)
    ):
        same("ModelCheckpoint", CURVES[name], path, save_best_only=best,
             initial_value_threshold=threshold)  # fmt: skip
    same("ModelCheckpoint", CURVES["bumpy"], str(tmp_path / "{epoch}.weights.h5"),
         save_weights_only=True, mode="max", save_best_only=True)  # fmt: skip


@pytest.mark.parametrize("freq", [1, 2, 3, 7])
def test_checkpoints_by_batches_are_those_of_keras(tmp_path, freq):
    path = str(tmp_path / "{epoch}-{batch}.keras")
    same("ModelCheckpoint", CURVES["flat"], path, save_freq=freq, batches=4)


def test_a_schedule_sets_the_rate():
    same("LearningRateScheduler", CURVES["flat"], lambda epoch, rate: rate * 0.9)
    same("LearningRateScheduler", CURVES["flat"], lambda epoch: 0.1 * (epoch + 1))


def test_more_or_less_is_better_of_the_same_metrics_as_in_keras():
    from polyk.callbacks.monitor import _DOWN, _UP

    with keras() as k:
        for name in (_UP | _DOWN) - {"IoU"}:
            ours, theirs = getattr(metrics, name, None), getattr(k.metrics, name)
            assert ours is None or issubclass(ours, metrics.Metric)
            with contextlib.suppress(TypeError):  # those that need arguments
                assert theirs()._direction == ("up" if name in _UP else "down"), name


@pytest.mark.parametrize(("name", "better"), [("accuracy", 0.9), ("mse", 0.1), ("loss", 0.1)])
def test_the_direction_of_a_metric_of_the_model_is_known(name, better):
    model = polyk.Sequential([layers.Input((2,)), layers.Dense(1, "sigmoid")], backend="numpy")
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy", "mse"])
    model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
    watch = callbacks.EarlyStopping(f"val_{name}")
    watch.set_model(model)
    assert watch.improves(better, 0.5)
    assert not watch.improves(0.5, better)


def test_an_unknown_direction_is_asked_for():
    watch = callbacks.EarlyStopping("val_score")
    watch.set_model(FakeModel())
    watch.on_epoch_end(0, {"val_score": 1.0})
    with pytest.raises(ValueError, match="more or less of 'val_score' is better. Say mode="):
        watch.on_epoch_end(1, {"val_score": 1.0})


def test_a_missing_metric_is_told():
    watch = callbacks.EarlyStopping("val_acc")
    with pytest.warns(UserWarning, match="watches 'val_acc', which is not in the logs.*loss, acc"):
        watch.on_epoch_end(0, {"loss": 1.0, "acc": 0.5})


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda c: c.EarlyStopping(mode="best"), "mode must be 'auto', 'min' or 'max'"),
        (lambda c: c.ReduceLROnPlateau(factor=1.0), "factor must be below 1"),
        (lambda c: c.ModelCheckpoint("a.keras", save_freq="batch"), "save_freq must be 'epoch' or"),
    ],
)
def test_wrong_arguments_are_told(make, says):
    with pytest.raises(ValueError, match=says):
        make(callbacks)


def test_a_template_names_what_there_is(tmp_path):
    checkpoint = callbacks.ModelCheckpoint(tmp_path / "{acc}.keras")
    checkpoint.set_model(FakeModel())
    with pytest.raises(KeyError, match="names 'acc'; there are: epoch, loss"):
        checkpoint.on_epoch_end(0, {"loss": 1.0})


# With a real model.

X, Y = np.ones((8, 2), "float32"), np.zeros((8, 1), "float32")


def regressor(**kwargs):
    model = polyk.Sequential([layers.Input((2,)), layers.Dense(1)], seed=0)
    model.compile(polyk.optimizers.SGD(0.1, **kwargs), "mse")
    return model


def test_the_rate_changes_without_another_compilation(backend):
    model, rates = regressor(), []
    see = callbacks.LambdaCallback(on_epoch_end=lambda e, logs: rates.append(logs["learning_rate"]))
    schedule = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    logs = model.fit(X, Y, batch_size=4, epochs=3, verbose=0, callbacks=[schedule, see]).history
    np.testing.assert_allclose(rates, [0.05, 0.025, 0.0125], rtol=1e-6)
    np.testing.assert_allclose(logs["learning_rate"], rates)
    assert len(model._functions) == 1


def test_the_best_weights_come_back():
    model = regressor()
    model.optimizer.learning_rate = -0.1  # uphill
    stop = callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
    first = []
    keep = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: first.append(model.get_weights())
    )
    history = model.fit(X, Y, epochs=9, verbose=0, callbacks=[stop, keep])
    assert history.epoch == [0, 1, 2]
    for v, w in zip(first[0], model.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)


@pytest.mark.parametrize("raise_error", [False, True])
def test_training_ends_at_the_first_nan(backend, raise_error):
    model, seen = regressor(), []
    count = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    x = X.copy()
    x[5] = np.nan
    stop = callbacks.TerminateOnNaN(raise_error)
    expected = pytest.raises(RuntimeError, match="nan at batch 2") if raise_error else (
        pytest.warns(RuntimeWarning, match="NaN")
    )  # fmt: skip
    with expected:
        model.fit(x, Y, batch_size=2, shuffle=False, epochs=3, verbose=0, callbacks=[count, stop])
    assert seen == [0, 1, 2]


def test_a_callback_may_stop_training_within_an_epoch():
    stop = callbacks.LambdaCallback(
        on_train_batch_end=lambda b, logs: setattr(model, "stop_training", True)
    )
    model, seen = regressor(), []
    count = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    history = model.fit(X, Y, batch_size=2, epochs=3, verbose=0, callbacks=[stop, count])
    assert history.epoch == [0] and seen == [0]


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_averages_stand_in_for_the_weights(swap_on_epoch):
    model, seen = regressor(), {}
    weight = model.weights[0]
    average = polyk.weights.Weight("average", weight.shape)
    average.assign(np.full(weight.shape, 7.0))
    model.optimizer.build(model.trainable_weights)
    model.optimizer.use_ema, model.optimizer.averages = True, {weight: average}
    model.optimizer._average = lambda: None  # they stay what they are

    def look(event):
        return lambda *args: seen.setdefault(event, []).append(float(weight.numpy().mean()) == 7)

    events = ("on_test_batch_end", "on_train_batch_end", "on_epoch_end", "on_predict_batch_end")
    swap = callbacks.SwapEMAWeights(swap_on_epoch)
    watch = [swap, callbacks.LambdaCallback(**{event: look(event) for event in events})]
    model.fit(X, Y, epochs=2, validation_data=(X, Y), verbose=0, callbacks=watch)
    assert seen == {
        "on_train_batch_end": [False] * 2,
        "on_test_batch_end": [True] * 2,
        "on_epoch_end": [swap_on_epoch] * 2,
    }
    assert (weight.numpy() == 7).all()  # as after any training with averages
    model.predict(X, callbacks=watch)
    assert seen["on_predict_batch_end"] == [True]


def test_averages_are_asked_of_the_optimizer():
    with pytest.raises(ValueError, match="needs an optimizer with use_ema=True"):
        regressor().evaluate(X, Y, verbose=0, callbacks=[callbacks.SwapEMAWeights()])


def test_a_checkpoint_is_a_model_again(tmp_path):
    model = regressor()
    save = callbacks.ModelCheckpoint(tmp_path / "deep" / "{epoch}", "loss", save_best_only=True)
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[save])
    twin = polyk.load_model(tmp_path / "deep" / "2")
    for v, w in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)
