"""Callbacks: which events come when, what they are told, and what a person sees of it."""

import contextlib
import io
import sys
import threading

import numpy as np
import pytest

import polyk
from polyk import callbacks, layers

X, Y = np.ones((6, 2), "float32"), np.zeros((6, 1), "float32")
EVENTS = [name for name in vars(callbacks.Callback) if name.startswith("on_")]


def regressor():
    model = polyk.Sequential([layers.Input((2,)), layers.Dense(1)], seed=0, backend="numpy")
    model.compile("sgd", "mse")
    return model


@pytest.fixture
def model():
    return regressor()


def recorder():
    """A callback that notes every event with its number, and the list of notes."""
    notes = []

    def note(event):
        return lambda *args: notes.append((event, *(a for a in args if isinstance(a, int))))

    return callbacks.LambdaCallback(**{event: note(event) for event in EVENTS}), notes


def fit(model, *given, **kwargs):
    return model.fit(X, Y, batch_size=4, verbose=0, callbacks=given, **kwargs)


# Events.


def test_the_events_of_fit_come_in_order(model):
    callback, notes = recorder()
    fit(model, callback, epochs=1)
    assert notes == [
        ("on_train_begin",),
        ("on_epoch_begin", 0),
        ("on_train_batch_begin", 0),
        ("on_train_batch_end", 0),
        ("on_train_batch_begin", 1),
        ("on_train_batch_end", 1),
        ("on_epoch_end", 0),
        ("on_train_end",),
    ]


def test_validation_comes_before_the_end_of_its_epoch(model):
    callback, notes = recorder()
    fit(model, callback, epochs=2, validation_data=(X, Y))
    start = notes.index(("on_test_begin",))
    assert notes[start - 1] == ("on_train_batch_end", 1)
    assert notes[start : start + 7] == [
        ("on_test_begin",),
        ("on_test_batch_begin", 0),
        ("on_test_batch_end", 0),
        ("on_test_batch_begin", 1),
        ("on_test_batch_end", 1),
        ("on_test_end",),
        ("on_epoch_end", 0),
    ]
    assert notes.count(("on_test_begin",)) == 2


@pytest.mark.parametrize("kind", ["test", "predict"])
def test_evaluate_and_predict_have_events_of_their_own(model, kind):
    callback, notes = recorder()
    if kind == "test":
        model.evaluate(X, Y, batch_size=6, callbacks=[callback])
    else:
        model.predict(X, batch_size=6, callbacks=[callback])
    steps = [f"on_{kind}{part}" for part in ("_begin", "_batch_begin", "_batch_end", "_end")]
    assert [event for event, *_ in notes] == steps


def test_callbacks_are_called_in_the_order_given(model):
    order = []
    given = [callbacks.LambdaCallback(on_train_end=lambda logs, i=i: order.append(i))
             for i in range(3)]  # fmt: skip
    fit(model, *given)
    assert order == [0, 1, 2]


def test_the_end_is_told_also_after_an_exception(model):
    callback, notes = recorder()

    def fail(batch, logs):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fit(model, callback, callbacks.LambdaCallback(on_train_batch_end=fail))
    assert notes[-1] == ("on_train_end",)


def test_a_callback_knows_its_model_and_the_plan(model):
    callback = callbacks.Callback()
    fit(model, callback, epochs=3)
    assert callback.model is model
    assert callback.params == {"epochs": 3, "steps": 2, "verbose": 0}


def test_a_method_set_on_the_object_is_called(model):
    callback, seen = callbacks.Callback(), []
    callback.on_epoch_end = lambda epoch, logs: seen.append(epoch)
    fit(model, callback, epochs=2)
    assert seen == [0, 1]


# Logs.


def test_logs_of_a_batch_are_the_metrics_so_far(model):
    seen = []
    keep = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(dict(logs)))
    history = fit(model, keep).history
    assert [list(logs) for logs in seen] == [["loss"], ["loss"]]
    assert seen[-1]["loss"] == history["loss"][0]


def test_logs_of_a_batch_are_read_when_they_are_looked_at(model, monkeypatch):
    reads = []
    read = model.get_metrics_result
    monkeypatch.setattr(model, "get_metrics_result", lambda: [reads.append(1), read()][1])
    held = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: logs)
    fit(model, held, epochs=2)
    assert len(reads) == 2  # the ends of the epochs
    look = callbacks.LambdaCallback(on_train_batch_end=lambda b, logs: (logs["loss"], len(logs)))
    fit(model, look, epochs=1)
    assert len(reads) == 2 + 2 + 1


def test_what_a_callback_adds_to_the_logs_the_next_one_sees(model):
    seen = []
    add = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(rate=0.5))
    see = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["rate"]))
    fit(model, add, see)
    assert seen == [0.5]


# LambdaCallback and History.


@pytest.mark.parametrize("name", ["on_epoch_stop", "model", "set_model", "on_"])
def test_an_unknown_event_is_refused(name):
    with pytest.raises(TypeError, match=f"LambdaCallback: there is no event {name!r}"):
        callbacks.LambdaCallback(**{name: print})


def test_history_shows_the_last_values(model):
    history = fit(model, epochs=2, validation_data=(X, Y))
    last = {k: f"{v[-1]:.4g}" for k, v in history.history.items()}
    assert repr(history) == (
        f"<History of 2 epochs: loss {last['loss']}, val_loss {last['val_loss']}>"
    )


def test_history_of_nothing():
    assert repr(callbacks.History()) == "<History of 0 epochs: >"


def test_the_model_keeps_the_history_of_its_last_fit(model):
    fit(model, epochs=2)
    history = fit(model, epochs=1)
    assert model.history is history
    assert history.epoch == [0]


# Callbacks of plugins.

LISTENER = """
import polyk

seen = []

@polyk.hookimpl
def polyk_callbacks(model):
    note = polyk.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.name))
    return {returned}
"""


@pytest.mark.parametrize(("returned", "times"), [("note", 2), ("[note, note]", 4), ("[]", 0)])
def test_a_plugin_attaches_callbacks(site, returned, times):
    site.plugin("listener", LISTENER.replace("{returned}", returned))
    model = regressor()
    fit(model, epochs=2)
    assert sys.modules["listener"].seen == [model.name] * times


def test_a_plugin_may_attach_nothing(site):
    site.plugin("listener", LISTENER.replace("{returned}", "None"))
    assert len(fit(regressor(), epochs=2).epoch) == 2


# The progress bar.


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def watch(monkeypatch, model):
    """Fit on a terminal and return what it shows; an exception is expected where one is named."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(error=None, work=None, **kwargs):
        threads = set(threading.enumerate())
        terminal = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", terminal)
            with pytest.raises(error, match="mine") if error else contextlib.nullcontext():
                (work or model.fit)(
                    *(X, Y)[: 1 if work == model.predict else 2], batch_size=4, **kwargs
                )
        for thread in set(threading.enumerate()) - threads:
            thread.join(5)
            assert not thread.is_alive()
        return terminal.getvalue()

    return run


def failing(event):
    def fail(batch, logs):
        raise KeyError("mine")

    return callbacks.LambdaCallback(**{event: fail})


HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"  # the cursor


def test_the_bar_is_drawn_and_each_epoch_leaves_a_line(watch):
    text = watch(epochs=2)
    assert HIDE in text
    assert text.rindex(SHOW) > text.rindex(HIDE)
    lines = [line for line in text.splitlines() if "loss" in line]
    assert len(lines) == 2
    assert lines[1].split("Epoch ")[-1].startswith("2/2 ")


def test_the_bar_shows_live_metrics(watch, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(callbacks.progress.time, "monotonic", lambda: next(clock))
    assert watch().count("loss") > 1


@pytest.mark.parametrize("event", ["on_train_batch_end", "on_test_batch_end"])
def test_the_bar_stops_after_an_exception(watch, event):
    text = watch(KeyError, validation_data=(X, Y), callbacks=[failing(event)])
    assert text.rindex(SHOW) > text.rindex(HIDE)


@pytest.mark.parametrize("verbose", [0, 2])
def test_no_bar_unless_asked_for(watch, verbose):
    text = watch(verbose=verbose)
    assert HIDE not in text
    assert text.startswith("Epoch 1/1") if verbose else not text


@pytest.mark.parametrize("name", ["evaluate", "predict"])
def test_evaluation_and_prediction_have_a_bar(watch, model, name):
    text = watch(work=getattr(model, name))
    assert text.rindex(SHOW) > text.rindex(HIDE)
    assert {"evaluate": "Evaluating", "predict": "Predicting"}[name] in text
    assert "loss" not in text.splitlines()[-1]


@pytest.mark.parametrize(("verbose", "lines"), [("auto", 0), (0, 0), (1, 1), (2, 1)])
def test_evaluation_leaves_a_line_if_asked(capsys, model, verbose, lines):
    model.evaluate(X, Y, verbose=verbose)
    model.predict(X, verbose=verbose)
    text = capsys.readouterr().err
    assert text.count("Evaluated") == len(text.splitlines()) == lines


def test_what_is_small_is_shown_by_its_digits():
    assert callbacks.progress._text({"loss": 1.25e-5, "acc": 0.5, "zero": 0.0}) == (
        "loss 1.250e-05  acc 0.5000  zero 0.0000"
    )


def test_the_bar_learns_the_length_of_an_epoch(watch, model):
    batches = [(X, Y)] * 3
    text = watch(work=lambda x, y, batch_size: model.fit(DataOf(batches), epochs=2))
    assert "0/?" in text and "0/3" in text


class DataOf:
    """Batches whose number is not told."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)
