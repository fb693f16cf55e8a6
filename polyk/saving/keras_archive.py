"""The ``.keras`` file: a zip of three members of fixed names, read in memory by strict rules."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from typing import Any

from polyk.errors import LoadError
from polyk.saving import strict_json
from polyk.saving.safetensors import _open_regular

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
MEMBERS = (METADATA, CONFIG, WEIGHTS)
MAX_GROWTH = 8  # what is stored may take this much more room than the file, and a little more
ENCRYPTED = 0x1


def read(path: str) -> dict[str, bytes]:
    """The members of the file at `path`; raises `LoadError` for one that is not as Keras writes."""
    with _open_regular(path, True) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        if file.read(4) != b"PK\x03\x04":
            raise LoadError(path, "is no .keras file: it does not begin as a zip")
        try:
            with zipfile.ZipFile(file) as archive:
                _check(archive.infolist(), size, path)
                return {info.filename: archive.read(info) for info in archive.infolist()}
        except LoadError:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as e:
            raise LoadError(path, f"is damaged, or cut short: {e}") from None


def _check(members: list[zipfile.ZipInfo], size: int, path: str) -> None:
    names = [info.filename for info in members]
    if len(set(names)) != len(names):
        raise LoadError(path, "has two members of one name")
    extra = [name for name in names if name not in MEMBERS]
    if extra:
        raise LoadError(path, f"has the member {extra[0][:80]!r}, which is not read")
    missing = [name for name in MEMBERS if name not in names]
    if missing:
        raise LoadError(path, f"has no {missing[0]}")
    for info in members:
        if stat.S_ISLNK(info.external_attr >> 16) or info.flag_bits & ENCRYPTED:
            raise LoadError(path, f"{info.filename} is a link, or encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise LoadError(path, f"{info.filename} is packed in a way that is not read")
    if sum(info.compress_size for info in members) > size:
        raise LoadError(path, "its members overlap")
    claimed = sum(info.file_size for info in members)
    if claimed > MAX_GROWTH * size + strict_json.MAX_SIZE:
        raise LoadError(path, f"claims {claimed:,} bytes in a file of {size:,}")


def pieces(members: dict[str, bytes]) -> list[Any]:
    """The bytes of a file of these members, the same for the same content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in MEMBERS:
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o600 << 16
            archive.writestr(info, members[name])
    return [buffer.getbuffer()]
