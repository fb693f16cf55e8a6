"""Callbacks that write or send what happened: CSV, HTTP, TensorBoard, a picture of the history."""

import csv
import json
import struct
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from reference import keras

import polyk
from polyk import callbacks, layers

LOGS = [{"loss": 2.0, "acc": 0.5}, {"loss": 1.0, "acc": 0.75, "val_loss": 3.0}]


def drive(callback, logs=LOGS):
    callback.on_train_begin({})
    for epoch, values in enumerate(logs):
        callback.on_epoch_begin(epoch, {})
        callback.on_epoch_end(epoch, dict(values))
    callback.on_train_end({})


@pytest.mark.parametrize(("separator", "append"), [(",", False), (";", True)])
def test_the_csv_file_is_that_of_keras(tmp_path, separator, append):
    with keras() as k:
        for name, kind in (("ours", callbacks.CSVLogger), ("theirs", k.callbacks.CSVLogger)):
            for logs in (LOGS, LOGS[::-1][:1]):
                drive(kind(str(tmp_path / name), separator, append), logs[:1] if append else logs)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_an_array_in_the_logs_is_a_cell(tmp_path):
    drive(callbacks.CSVLogger(tmp_path / "log"), [{"f1": np.array([0.5, 1.0])}])
    rows = list(csv.DictReader((tmp_path / "log").read_text().splitlines()))
    assert rows == [{"epoch": "0", "f1": "[0.5, 1.0]", "val_f1": "NA"}]


@pytest.fixture
def server():
    """A server on this machine, and the list of (path, kind, body) that it was sent."""
    sent = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sent.append((self.path, self.headers["Content-Type"], self.headers.get("X-Key"), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    http = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}", sent
    http.shutdown()
    thread.join()
    http.server_close()


def test_epochs_are_posted_as_a_form_or_as_json(server):
    root, sent = server
    values = [{"loss": np.float32(0.5)}]
    drive(callbacks.RemoteMonitor(root), values)
    drive(callbacks.RemoteMonitor(root, "/x", headers={"X-Key": "k"}, send_as_json=True), values)
    wanted = {"epoch": 0, "loss": 0.5}
    assert sent[0][:3] == ("/publish/epoch/end/", "application/x-www-form-urlencoded", None)
    assert json.loads(urllib.parse.parse_qs(sent[0][3])["data"][0]) == wanted
    assert sent[1][:3] == ("/x", "application/json", "k")
    assert json.loads(sent[1][3]) == wanted


def test_a_server_out_of_reach_is_a_warning():
    with pytest.warns(UserWarning, match="cannot reach http://127.0.0.1:9"):
        drive(callbacks.RemoteMonitor("http://127.0.0.1:9"), LOGS[:1])


# TensorBoard.


def scalars(folder):
    """``{tag: {step: value}}`` of the event files in `folder`, read by the format's own rules."""
    pb = pytest.importorskip("tensorboard.compat.proto.event_pb2")
    found = {}
    for path in folder.glob("events.out.tfevents.*"):
        data = path.read_bytes()
        while data:
            (size,) = struct.unpack("<Q", data[:8])
            event = pb.Event.FromString(data[12 : 12 + size])
            data = data[16 + size :]
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def regressor():
    model = polyk.Sequential([layers.Input((2,)), layers.Dense(1)], backend="numpy", seed=0)
    model.compile(polyk.optimizers.SGD(0.125), "mse")
    return model


X, Y = np.ones((8, 2), "float32"), np.zeros((8, 1), "float32")


def test_epochs_and_batches_are_written_for_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    board = callbacks.TensorBoard(tmp_path, update_freq=2, histogram_freq=1)
    history = regressor().fit(
        X, Y, batch_size=2, epochs=2, validation_data=(X, Y), verbose=0, callbacks=[board]
    )
    train, held_out = scalars(tmp_path / "train"), scalars(tmp_path / "validation")
    losses = dict(enumerate(history.history["loss"]))
    assert train["epoch_loss"] == pytest.approx(losses)
    assert train["epoch_learning_rate"] == {0: 0.125, 1: 0.125}
    assert list(train["batch_loss"]) == [2, 4, 6, 8]
    assert sum(tag.endswith("kernel/histogram") for tag in train) == 1
    assert held_out["epoch_loss"] == pytest.approx(dict(enumerate(history.history["val_loss"])))
    assert list(held_out["evaluation_loss_vs_iterations"]) == [4, 8]


def test_what_tensorboard_does_not_write_is_refused(tmp_path):
    pytest.importorskip("tensorboard")
    with pytest.raises(ValueError, match="profile_batch is not supported"):
        callbacks.TensorBoard(tmp_path, profile_batch=2)


@pytest.mark.parametrize(
    ("module", "feature", "command"),
    [
        ("tensorboard", lambda: callbacks.TensorBoard(), 'pip install "tensorboard"'),
        ("matplotlib", lambda: callbacks.History().plot(), r'pip install "polyk\[plot\]"'),
    ],
)
def test_a_missing_package_is_named_with_what_to_type(monkeypatch, module, feature, command):
    for name in [n for n in sys.modules if n.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(
        polyk.MissingPackage, match=f"needs {module}, which is not installed.\n.*{command}"
    ):
        feature()


def test_the_history_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    history = regressor().fit(X, Y, epochs=3, validation_split=0.5, verbose=0)
    figure = history.plot(path=tmp_path / "history.png")
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")
    (axes,) = figure.axes
    lines = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert lines == history.history
