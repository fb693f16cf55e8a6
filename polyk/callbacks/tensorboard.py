"""TensorBoard: scalars in the event files that the `tensorboard` command shows."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polyk.callbacks.base import Callback, Logs
from polyk.callbacks.rates import learning_rates
from polyk.errors import need


class TensorBoard(Callback):
    """Metrics and learning rates by epoch, and with `update_freq` also by batch.

    They are in the folders ``train`` and ``validation`` under `log_dir`; `update_freq` is "epoch",
    "batch" or a number of batches. `histogram_freq` writes the weights every so many epochs,
    `write_steps_per_second` the speed. Of Keras's other arguments, images, embeddings and profiles
    are refused; a graph is not written. Raises MissingPackage without the package `tensorboard`.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        refused = {"write_images": write_images, "profile_batch": profile_batch,
                   "embeddings_freq": embeddings_freq}  # fmt: skip
        for name in (name for name, value in refused.items() if value):
            raise ValueError(f"TensorBoard: {name} is not supported.")
        need("tensorboard", "the callback TensorBoard", "tensorboard")
        self.log_dir, self.histogram_freq = Path(log_dir), histogram_freq
        self.write_steps_per_second = write_steps_per_second
        self.update_freq: Any = 1 if update_freq == "batch" else update_freq
        self._writers: dict[str, Events] = {}
        self._batches = self._epoch_batches = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._batches = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._started, self._epoch_batches, self._last = time.monotonic(), 0, -1

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        steps, self._last = batch - self._last, batch
        before, self._batches = self._batches, self._batches + steps
        self._epoch_batches += steps
        freq = self.update_freq
        if freq != "epoch" and before // freq != self._batches // freq:
            self._write("train", "batch_", logs or {}, self._batches)

    def on_test_end(self, logs: Logs | None = None) -> None:
        step = int(getattr(self.model.optimizer, "iterations", self._batches))
        named = {f"{k}_vs_iterations": v for k, v in (logs or {}).items()}
        self._write("validation", "evaluation_", named, step)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        held_out = {k[4:]: v for k, v in logs.items() if k.startswith("val_")}
        train = {k: v for k, v in logs.items() if not k.startswith("val_")}
        if self.model.optimizer is not None:
            train |= learning_rates(self.model)
        if self.write_steps_per_second:
            train["steps_per_second"] = self._epoch_batches / (time.monotonic() - self._started)
        self._write("train", "epoch_", train, epoch)
        self._write("validation", "epoch_", held_out, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for w in self.model.weights:
                self._events("train").histogram(f"{w.path}/histogram", w.numpy(), epoch)
        for writer in self._writers.values():
            writer.flush()

    def _write(self, run: str, prefix: str, logs: Mapping[str, Any], step: int) -> None:
        for name, value in logs.items():
            if not getattr(value, "shape", ()):
                self._events(run).scalar(prefix + name, float(value), step)

    def _events(self, run: str) -> Events:
        if run not in self._writers:
            self._writers[run] = Events(self.log_dir / run)
        return self._writers[run]

    def on_train_end(self, logs: Logs | None = None) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()


class Events:
    """A file of events, written with the parts of `tensorboard` that load no framework."""

    def __init__(self, folder: Path) -> None:
        self._protos = [need(f"tensorboard.compat.proto.{name}", "TensorBoard", "tensorboard")
                        for name in ("event_pb2", "summary_pb2")]  # fmt: skip
        records = need("tensorboard.summary.writer.record_writer", "TensorBoard", "tensorboard")
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
        self._file = (folder / name).open("wb")
        self._records = records.RecordWriter(self._file)
        self._put(file_version="brain.Event:2")

    def _put(self, **fields: Any) -> None:
        event = self._protos[0].Event(wall_time=time.time(), **fields)
        self._records.write(event.SerializeToString())

    def _summary(self, step: int, **value: Any) -> None:
        summary = self._protos[1].Summary
        self._put(step=step, summary=summary(value=[summary.Value(**value)]))

    def scalar(self, tag: str, value: float, step: int) -> None:
        """A number."""
        self._summary(step, tag=tag, simple_value=value)

    def histogram(self, tag: str, values: Any, step: int) -> None:
        """How the numbers of an array are spread."""
        import numpy as np

        values = values.astype("float64").ravel()
        counts, edges = np.histogram(values, bins=30)
        histo = self._protos[1].HistogramProto(
            min=values.min(), max=values.max(), num=values.size, sum=values.sum(),
            sum_squares=(values**2).sum(), bucket_limit=edges[1:], bucket=counts,
        )  # fmt: skip
        self._summary(step, tag=tag, histo=histo)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()
