"""A safe view of an HDF5 file: groups, plain arrays and attributes, found sound before any is read.

HDF5 can point at other files, claim arrays of petabytes in a few bytes, and hold references and
programs of filters. `View` walks the whole tree once and refuses all of that; what remains are
names, shapes and dtypes that a caller compares with what it expects before it asks for numbers.
The file itself is read by libhdf5, through h5py, which comes with ``pip install "polyk[hdf5]"``.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping
from typing import Any, Self

from polyk.errors import LoadError, need
from polyk.saving.safetensors import SIZES, Entry, _open_regular

MAGIC = b"\x89HDF\r\n\x1a\n"
MAX_ITEMS = 200_000  # groups, arrays and attributes
MAX_DEPTH = 32
MAX_RANK = 16
MAX_TEXT = 64 * 2**20
MAX_RATIO = 1032  # of deflate
NAME = re.compile(r"[^\x00-\x1f\x7f/\\]{1,512}")
FILTERS = {1, 2, 3}  # deflate, shuffle, Fletcher's checksum


def h5py() -> Any:
    """The package, or an error that says what to type."""
    return need("h5py", "reading and writing Keras's HDF5 files", "polyk[hdf5]")


class View:
    """An open file of which every item has been found sound.

    `entries` has the arrays by path (``layers/dense/vars/0``), `groups` the groups, the root as
    ``""``, each with its attributes: text, numbers, or lists of them. `source` is a path, or the
    bytes of a file that came from `path`.
    """

    metadata: Mapping[str, str] = {}

    def __init__(self, path: Any, source: bytes | None = None) -> None:
        self._h5py = h5py()
        self.path = path
        self._file: Any = io.BytesIO(source) if source is not None else _open_regular(path, True)
        self.entries: dict[str, Entry] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self._seen: set[int] = set()
        self._items = 0
        try:
            self.size = self._file.seek(0, io.SEEK_END)
            self._file.seek(0)
            if self._file.read(8) != MAGIC:
                raise self.fail("is no HDF5 file, or is damaged: it does not begin as one")
            self._root = self._open()
        except BaseException:
            self._file.close()
            raise

    def _open(self) -> Any:
        root = None
        try:
            root = self._h5py.File(self._file, "r")
            self._group(root, "", 0)
        except LoadError:
            raise
        except Exception as e:  # libhdf5 raises what it likes about a damaged file
            raise self.fail(f"is damaged: {type(e).__name__}: {e}"[:300]) from None
        finally:
            if root is not None and "" not in self.groups:
                root.close()
        return root

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._root.close()
        self._file.close()

    def fail(self, reason: str, item: str | None = None) -> LoadError:
        return LoadError(self.path, reason, item)

    # The walk.

    def _count(self, n: int = 1) -> None:
        self._items += n
        if self._items > MAX_ITEMS:
            raise self.fail(f"holds more than {MAX_ITEMS:,} items")

    def _group(self, group: Any, path: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self.fail(f"groups nested deeper than {MAX_DEPTH}", path[:100])
        self._once(group, path)
        attributes = self._attributes(group, path)
        self._count(len(group))
        for name in group:
            inner = f"{path}/{name}" if path else name
            if not NAME.fullmatch(name) or name in (".", ".."):
                raise self.fail(f"{name[:80]!r} is no name for an item")
            link = group.get(name, getlink=True)
            if type(link) is not self._h5py.HardLink:
                raise self.fail(f"is a link ({type(link).__name__}); none is followed", inner)
            self._item(group[name], inner, depth)
        self.groups[path] = attributes

    def _item(self, item: Any, path: str, depth: int) -> None:
        if isinstance(item, self._h5py.Group):
            self._group(item, path, depth + 1)
        elif isinstance(item, self._h5py.Dataset):
            self._once(item, path)
            self.entries[path] = self._array(item, path)
        else:
            raise self.fail("is neither a group nor an array", path)

    def _once(self, item: Any, path: str) -> None:
        address = self._h5py.h5o.get_info(item.id).addr
        if address in self._seen:
            raise self.fail("is in the file under two names", path)
        self._seen.add(address)

    def _array(self, found: Any, path: str) -> Entry:
        if found.external:
            raise self.fail("has its numbers in another file", path)
        if found.is_virtual:
            raise self.fail("is a virtual array, made of others", path)
        dtype = self._dtype(found.id.get_type(), path)
        shape = found.shape
        if shape is None or len(shape) > MAX_RANK:
            raise self.fail("has no shape, or one of too many axes", path)
        size = math.prod(shape) * SIZES[dtype]
        if size > self._stored(found, path):
            raise self.fail(f"{dtype} {shape} takes {size:,} bytes, which the file has not", path)
        return Entry(dtype, shape, 0, size)

    def _stored(self, found: Any, path: str) -> int:
        """The most bytes that what is stored of an array can stand for."""
        stored = int(found.id.get_storage_size())
        if stored > self.size:
            raise self.fail(f"claims {stored:,} bytes in a file of {self.size:,}", path)
        if found.chunks is None:
            return stored
        plan = found.id.get_create_plist()
        filters = {plan.get_filter(i)[0] for i in range(plan.get_nfilters())}
        if not filters <= FILTERS:
            raise self.fail(f"is packed by filters other than gzip: {sorted(filters)}", path)
        places = zip(found.shape, found.chunks, strict=True)
        if found.id.get_num_chunks() != math.prod(-(-n // c) for n, c in places):
            raise self.fail("is not all there: some of its chunks are missing", path)
        return stored * (MAX_RATIO if 1 in filters else 1)

    def _dtype(self, kind: Any, path: str) -> str:
        h5t = self._h5py.h5t
        if kind.get_class() in (h5t.INTEGER, h5t.FLOAT, h5t.ENUM):
            name = str(kind.dtype.newbyteorder("=").name)
            if name in SIZES:
                return name
        raise self.fail("is not of plain numbers", path)

    # Attributes.

    def _attributes(self, item: Any, path: str) -> dict[str, Any]:
        self._count(len(item.attrs))
        return {name: self._attribute(item, path, name) for name in item.attrs}

    def _attribute(self, item: Any, path: str, name: str) -> Any:
        where = f"{path}@{name[:80]}"
        found = self._h5py.h5a.open(item.id, name.encode())
        kind, shape = found.get_type(), found.shape
        h5t = self._h5py.h5t
        text = kind.get_class() == h5t.STRING
        if shape is None:
            return None
        if not text:
            self._dtype(kind, where)
        size = kind.get_size() * math.prod(shape)
        several = text and kind.is_variable_str() and math.prod(shape) > 1
        if size > MAX_TEXT or (several and math.prod(shape) * self.size > 16 * MAX_TEXT):
            raise self.fail(f"an attribute of shape {shape}: more than is read", where)
        return self._plain(item.attrs[name], where)

    def _plain(self, value: Any, where: str) -> Any:
        """Text as str, NumPy's numbers as Python's."""
        if hasattr(value, "tolist"):
            value = value.tolist()
        if isinstance(value, list):
            return [self._plain(x, where) for x in value]
        if not isinstance(value, bytes):
            return value
        if len(value) > MAX_TEXT:
            raise self.fail(f"a text of {len(value):,} bytes: more than is read", where)
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise self.fail("is no text in UTF-8", where) from None

    # What callers ask for.

    def texts(self, group: str, name: str) -> list[str]:
        """An attribute that is a list of texts, in one piece or in several (``name0``, ...)."""
        told = self.groups[group]
        parts = [told[name]] if name in told else []
        while f"{name}{len(parts)}" in told and name not in told:
            parts.append(told[f"{name}{len(parts)}"])
        found = [x for part in parts for x in (part if isinstance(part, list) else [part])]
        if not all(isinstance(x, str) for x in found):
            raise self.fail("is not a list of names", f"{group}@{name}")
        return found

    def read(self, path: str) -> Any:
        """The array at `path`, as a NumPy array of its own."""
        try:
            found = self._root[path][()]
        except Exception as e:
            raise self.fail(f"is damaged: {type(e).__name__}: {e}"[:300], path) from None
        import numpy as np

        return np.asarray(found, found.dtype.newbyteorder("="))
