"""A folder of numbered files of which the newest few are kept and the newest sound one is read."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from polyk.errors import LoadError
from polyk.saving import atomic, document
from polyk.saving.models import load_model


class Checkpoints:
    """Files ``<name>-00000001.polyk``, ... in `folder`, whole before an old one goes.

    >>> checkpoints = saving.Checkpoints("runs/a", keep_last=3)
    >>> checkpoints.save(model)
    >>> model = checkpoints.load()
    """

    def __init__(self, folder: Any, name: str = "checkpoint", keep_last: int = 2) -> None:
        if keep_last < 1:
            raise ValueError(f"keep_last must be at least 1; got {keep_last}.")
        self.folder, self.name, self.keep_last = Path(folder), name, keep_last

    def files(self) -> list[Path]:
        """The files there are, the newest first."""
        pattern = re.compile(re.escape(self.name) + r"-(\d{8,18})\.polyk")
        with suppress(FileNotFoundError):
            found = [(pattern.fullmatch(p.name), p) for p in self.folder.iterdir()]
            return [p for _, p in sorted(((int(m[1]), p) for m, p in found if m), reverse=True)]
        return []

    def save(self, model: Any) -> Path:
        """Add a file with `model`, as ``model.save`` writes it."""
        return self.write(document.pieces(*document.snapshot(model)))

    def load(self, **kwargs: Any) -> Any:
        """The newest model that can be read, as `polyk.load_model` reads it; None if none is there.

        Raises `LoadError` if there are files and none can be read.
        """
        return self.newest(lambda path: load_model(path, **kwargs))

    def write(self, pieces: Iterable[Any]) -> Path:
        """Add a file; when it is safe on disk, remove those beyond the newest `keep_last`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic.remove_stale(self.folder)
        found = self.files()
        number = int(found[0].stem.rpartition("-")[2]) + 1 if found else 1
        path = self.folder / f"{self.name}-{number:08d}.polyk"
        atomic.write(path, pieces)
        for old in self.files()[self.keep_last :]:
            with suppress(OSError):
                os.unlink(old)
        return path

    def newest(self, read: Callable[[Path], Any]) -> Any:
        """What `read` makes of the newest file it can read; None if there is no file.

        A warning names each file that was passed over; if all were, the first one's error is
        raised: starting over in silence would be worse.
        """
        errors: list[LoadError] = []
        for path in self.files():
            try:
                found = read(path)
            except LoadError as e:
                errors.append(e)
                continue
            for error in errors:
                warnings.warn(f"{error}. Going back to {path.name}.", UserWarning, stacklevel=4)
            return found
        if errors:
            raise errors[0]
        return None

    def remove(self) -> None:
        """Remove all of them, and the folder if nothing else is in it."""
        for path in self.files():
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()
