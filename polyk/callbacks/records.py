"""The epochs' logs, written to a CSV file or sent to a server."""

from __future__ import annotations

import csv
import json
import os
import urllib.error
import urllib.parse
import urllib.request
import warnings
from typing import Any

from polyk.callbacks.base import Callback, Logs


class CSVLogger(Callback):
    """One line an epoch in the file `filename`: the epoch, then the metrics by name.

    `append` goes on with a file that exists. What an epoch lacks is ``NA``.
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.csv_file: Any = None
        self.writer: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._close()
        self.csv_file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        if self.writer is None:
            names = sorted(logs)
            if not any(name.startswith("val_") for name in names):
                names += [f"val_{name}" for name in names]  # validation may come later
            self.writer = csv.DictWriter(
                self.csv_file, ["epoch", *names], restval="NA", extrasaction="ignore",
                delimiter=self.sep,
            )  # fmt: skip
            if not self.csv_file.tell():
                self.writer.writeheader()
        self.writer.writerow({"epoch": epoch, **{k: _cell(v) for k, v in logs.items()}})
        self.csv_file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._close()

    def _close(self) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
        self.csv_file = self.writer = None


def _cell(value: Any) -> Any:
    return f"[{', '.join(map(str, value))}]" if getattr(value, "shape", ()) else value


class RemoteMonitor(Callback):
    """Post each epoch's number and logs to ``root + path``, as JSON.

    As a form's field `field`, or with `send_as_json` as the body. A server out of reach is a
    warning.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        self.root, self.path, self.field = root, path, field
        self.headers, self.send_as_json = headers or {}, send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        text = json.dumps({"epoch": epoch, **{k: _plain(v) for k, v in (logs or {}).items()}})
        kind = "json" if self.send_as_json else "x-www-form-urlencoded"
        body = text if self.send_as_json else urllib.parse.urlencode({self.field: text})
        request = urllib.request.Request(
            self.root + self.path, body.encode(),
            {"Content-Type": f"application/{kind}", **self.headers},
        )  # fmt: skip
        try:
            urllib.request.urlopen(request, timeout=10).close()
        except urllib.error.HTTPError:
            pass  # it was reached; what it thinks of the data is its own affair
        except OSError as e:
            warnings.warn(
                f"RemoteMonitor cannot reach {self.root}: {e}.", UserWarning, stacklevel=2
            )


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
