"""The safetensors format: 8 bytes, a JSON header, the tensors. Read without trust, written whole.

https://github.com/huggingface/safetensors. The header is judged in full, and against the size of
the file, before a byte of a tensor is read: what it declares is never allocated on its word. Every
failure is a `LoadError`. Nothing here knows of models.
"""

from __future__ import annotations

import math
import os
import re
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Self

from polyk.errors import LoadError, SaveError
from polyk.saving import strict_json

CODES = {
    "float64": "F64", "int64": "I64", "uint64": "U64", "float32": "F32", "int32": "I32",
    "uint32": "U32", "bfloat16": "BF16", "float16": "F16", "int16": "I16", "uint16": "U16",
    "int8": "I8", "uint8": "U8", "bool": "BOOL",
}  # fmt: skip
NAMES = {code: name for name, code in CODES.items()}
SIZES = {name: 1 if name == "bool" else int(name.lstrip("abfintlou")) // 8 for name in CODES}

MAX_RANK = 32
NAME = re.compile(r"[^\x00-\x1f\x7f\\]{1,512}")  # no control characters, no backslash


class Entry(NamedTuple):
    """What the header says of a tensor: its bytes are [start, stop) of the data."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


class Reader:
    """An open file whose header has been found sound.

    >>> with Reader("m.safetensors") as file:
    ...     kernel = file.read("dense/kernel")
    """

    def __init__(self, path: Any, follow_symlinks: bool = True) -> None:
        self.path = os.fspath(path)
        self._file = _open_regular(self.path, follow_symlinks)
        try:
            self.size = os.fstat(self._file.fileno()).st_size
            self.metadata, self.entries, self._data = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def fail(self, reason: str, tensor: str | None = None) -> LoadError:
        return LoadError(self.path, reason, tensor)

    def _read_header(self) -> tuple[dict[str, str], dict[str, Entry], int]:
        head = self._file.read(8)
        if len(head) < 8:
            raise self.fail(f"{self.size} bytes are too few for a safetensors file")
        (length,) = struct.unpack("<Q", head)
        if length > min(self.size - 8, strict_json.MAX_SIZE):
            raise self.fail(
                "no safetensors file, or cut short: it claims a header of "
                f"{length:,} bytes and has {self.size:,} in all"
            )
        text = self._file.read(length)
        if not text.startswith(b"{"):
            raise self.fail("no safetensors file: its header does not begin with '{'")
        try:
            metadata, entries = parse_header(text, self.size - 8 - length)
        except ValueError as e:
            raise e if isinstance(e, LoadError) else self.fail(f"bad header: {e}") from None
        return metadata, entries, 8 + length

    def read(self, name: str) -> Any:
        """The tensor called `name`, as a NumPy array of its own."""
        import numpy as np

        entry = self.entries[name]
        array = np.empty(entry.shape, numpy_dtype(entry.dtype, name))
        wanted = entry.stop - entry.start
        self._file.seek(self._data + entry.start)
        if wanted and self._file.readinto(array.reshape(-1).view(np.uint8)) != wanted:
            raise self.fail("the file was cut short while it was read", name)
        if entry.dtype == "bool" and wanted and array.view(np.uint8).max() > 1:
            raise self.fail("a bool that is neither 0 nor 1", name)
        return array.astype(array.dtype.newbyteorder("="), copy=False)


def _open_regular(path: str, follow_symlinks: bool) -> Any:
    """`path` opened for reading if it is a file: a pipe or a device would block or never end."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not follow_symlinks:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        fd = os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise
    except OSError as e:
        raise LoadError(path, f"cannot be opened: {e.strerror}") from e
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise LoadError(path, "is not a file")
    return os.fdopen(fd, "rb")


def parse_header(text: bytes, size: int) -> tuple[dict[str, str], dict[str, Entry]]:
    """Metadata and tensors of a header before `size` bytes of data; a ValueError if unsound."""
    header = strict_json.loads(text)
    if not isinstance(header, dict):
        raise ValueError("it is not an object")
    metadata = header.pop("__metadata__", None) or {}
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("__metadata__ must map strings to strings")
    entries = {name: _entry(name, told) for name, told in header.items()}
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1][2:]):
        if entry.start != end:
            raise ValueError(f"tensor {name!r} begins at {entry.start:,}, not at {end:,}")
        end = entry.stop
    if end != size:
        raise ValueError(f"the tensors take {end:,} bytes; the file has {size:,}")
    return metadata, entries


def _entry(name: str, told: Any) -> Entry:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is no name for a tensor")
    if not isinstance(told, dict) or set(told) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"tensor {name!r} must have dtype, shape and data_offsets only")
    dtype, shape, offsets = NAMES.get(str(told["dtype"])), told["shape"], told["data_offsets"]
    if dtype is None:
        raise ValueError(f"tensor {name!r} is of an unknown dtype {str(told['dtype'])[:20]!r}")
    if not _sizes(shape) or len(shape) > MAX_RANK:
        raise ValueError(f"tensor {name!r} has no valid shape")
    if not _sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"tensor {name!r} has no valid data_offsets")
    start, stop = offsets
    if math.prod(max(d, 1) for d in shape) >= 2**60:
        raise ValueError(f"tensor {name!r} has the impossible shape {shape}")
    if math.prod(shape) * SIZES[dtype] != stop - start:
        raise ValueError(
            f"tensor {name!r}: {dtype} {shape} does not take the {stop - start:,} bytes given"
        )
    return Entry(dtype, tuple(shape), start, stop)


def _sizes(x: Any) -> bool:
    return isinstance(x, list) and all(type(d) is int and 0 <= d < 2**63 for d in x)


def numpy_dtype(dtype: str, name: str) -> Any:
    """NumPy's dtype, little-endian; that of bfloat16 comes with ml_dtypes."""
    import numpy as np

    if dtype != "bfloat16":
        return np.dtype(dtype).newbyteorder("<")
    try:
        from ml_dtypes import bfloat16
    except ImportError:
        raise ImportError(f"tensor {name!r} is bfloat16; for that: pip install ml_dtypes") from None
    return np.dtype(bfloat16)


def checksum(array: Any) -> str:
    """The CRC-32 of an array's bytes, in eight hex digits."""
    return f"{zlib.crc32(_bytes(array)):08x}"


def _bytes(array: Any) -> Any:
    """The array's bytes in row-major order, little-endian."""
    import numpy as np

    dtype = numpy_dtype(array.dtype.name, "a tensor")
    flat = np.ascontiguousarray(array, dtype).reshape(-1)
    return flat.view(np.uint8).data if flat.size else b""


def encode(arrays: Mapping[str, Any], metadata: Mapping[str, str]) -> Iterator[Any]:
    """The pieces of a file, in order: wide tensors first, so that each is aligned."""
    order = sorted(arrays, key=lambda name: (-SIZES[arrays[name].dtype.name], name))
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    end = 0
    for name in order:
        if not NAME.fullmatch(name) or name == "__metadata__":
            raise SaveError(f"{name!r} cannot be the name of a tensor in a file")
        start, end = end, end + arrays[name].nbytes
        header[name] = {
            "dtype": CODES[arrays[name].dtype.name],
            "shape": list(arrays[name].shape),
            "data_offsets": [start, end],
        }
    text = strict_json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > strict_json.MAX_SIZE:
        raise SaveError(f"a header of {len(text):,} bytes would not be read back")
    yield struct.pack("<Q", len(text)) + text
    yield from (_bytes(arrays[name]) for name in order)
