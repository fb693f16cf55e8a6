"""Weights as other tools expect them: safetensors in Hugging Face's layout, in shards if large.

``model.safetensors``; or ``model-00001-of-00003.safetensors`` and so on with
``model.safetensors.index.json``, which says in which shard each tensor is. Names have dots:
``encoder.dense.kernel``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from polyk.errors import LoadError
from polyk.saving import atomic, strict_json
from polyk.saving.document import built_weights, on_host
from polyk.saving.safetensors import Entry, Reader, encode

INDEX = ".index.json"
_UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
_SIBLING = re.compile(r"[\w\-][\w.\-]{0,200}\.safetensors")


def export_weights(
    model: Any, directory: Any, max_shard_size: int | str = "5GB", name: str = "model"
) -> list[Path]:
    """Write the weights to `directory` in Hugging Face's layout; returns the files written.

    `max_shard_size` is a number of bytes, or a text such as "500MB"; a larger tensor has a shard
    of its own. Each file is whole or not there; the index comes last.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    with model._scope():
        arrays = {path.replace("/", "."): on_host(w) for path, w in built_weights(model).items()}
    shards = _shards(arrays, _bytes(max_shard_size))
    if len(shards) == 1:
        atomic.write(folder / f"{name}.safetensors", encode(arrays, {"format": "polyk-weights"}))
        return [folder / f"{name}.safetensors"]
    files = [folder / f"{name}-{i:05d}-of-{len(shards):05d}.safetensors"
             for i in range(1, len(shards) + 1)]  # fmt: skip
    for file, shard in zip(files, shards, strict=True):
        atomic.write(file, encode(shard, {"format": "polyk-weights"}))
    places = {tensor: file.name for file, shard in zip(files, shards, strict=True)
              for tensor in shard}  # fmt: skip
    total = sum(array.nbytes for array in arrays.values())
    told = {"metadata": {"total_size": total}, "weight_map": places}
    index = folder / f"{name}.safetensors{INDEX}"
    atomic.write(index, [strict_json.dumps(told).encode()])
    return [*files, index]


def _bytes(size: int | str) -> int:
    found = re.fullmatch(r"(\d+)\s*([KMG]I?B)", str(size).upper())
    count = int(found[1]) * _UNITS[found[2]] if found else size
    if not isinstance(count, int) or count < 1:
        raise ValueError(f"max_shard_size must be a number of bytes or as '5GB'; got {size!r}.")
    return count


def _shards(arrays: Mapping[str, Any], limit: int) -> list[dict[str, Any]]:
    shards: list[dict[str, Any]] = [{}]
    room = limit
    for name, array in arrays.items():
        if array.nbytes > room and shards[-1]:
            shards.append({})
            room = limit
        shards[-1][name] = array
        room -= array.nbytes
    return shards


class Shards:
    """The tensors of several open files under one set of names, as a `Reader` has them."""

    metadata: Mapping[str, str] = {}

    def __init__(self, path: Any, files: Mapping[str, Reader], places: Mapping[str, str]) -> None:
        self.path, self._files, self._places = path, files, places
        self.entries: dict[str, Entry] = {n: files[f].entries[n] for n, f in places.items()}

    def read(self, name: str) -> Any:
        """The tensor called `name`, as a NumPy array of its own."""
        return self._files[self._places[name]].read(name)

    def fail(self, reason: str, tensor: str | None = None) -> LoadError:
        return LoadError(self.path, reason, tensor)


@contextmanager
def open_weights(path: Any) -> Iterator[Any]:
    """The tensors of a file, or of the shards that an index names, which must lie beside it."""
    path = os.fspath(path)
    if not path.endswith(INDEX):
        with Reader(path) as file:
            yield file
        return
    places = _places(path)
    with ExitStack() as stack:
        files = {name: stack.enter_context(Reader(Path(path).parent / name, False))
                 for name in sorted(set(places.values()))}  # fmt: skip
        for name, file in files.items():
            if set(file.entries) != {tensor for tensor, place in places.items() if place == name}:
                raise LoadError(path, f"{name} does not hold the tensors that it should")
        yield Shards(path, files, places)


def _places(path: str) -> dict[str, str]:
    """The index at `path`, checked: tensor -> name of a file in the same folder."""
    if os.path.getsize(path) > strict_json.MAX_SIZE:
        raise LoadError(path, "too large for an index")
    try:
        told = strict_json.loads(Path(path).read_bytes())
    except ValueError as e:
        raise LoadError(path, f"bad index: {e}") from None
    places = told.get("weight_map") if isinstance(told, dict) else None
    if not isinstance(places, dict):
        raise LoadError(path, "bad index: it has no weight_map")
    for tensor, name in places.items():
        if not isinstance(name, str) or not _SIBLING.fullmatch(name):
            raise LoadError(path, f"{str(name)[:80]!r} is no name of a file beside it", tensor)
    return places
