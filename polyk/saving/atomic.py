"""Files that are whole or not there: written beside their place, synced, then moved into it.

A crash or a full disk at any moment leaves the file that was there before. The order is what
matters: write, fsync the file, replace, fsync the folder.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

STALE = 3600.0  # seconds after which a temporary file belongs to no living writer
_TEMPORARY = re.compile(r"\.polyk-[0-9a-f]{16}\.tmp")
_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def write(path: Any, pieces: Iterable[Any], overwrite: bool = True) -> None:
    """Make `pieces` (bytes) the content of the file `path`.

    A symbolic link stays, and its target is replaced; an existing file's permissions stay. Raises
    OSError and leaves what was there, if anything fails before the last step.
    """
    place = Path(os.path.realpath(path))
    mode = _mode(place, overwrite)
    temporary = place.parent / f".polyk-{secrets.token_hex(8)}.tmp"
    fd = os.open(temporary, _FLAGS, 0o666)
    try:
        try:
            if mode is not None and hasattr(os, "fchmod"):
                with suppress(PermissionError):  # a file system without permissions
                    os.fchmod(fd, mode)
            for piece in pieces:
                _write_all(fd, piece)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(temporary, place)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(place.parent)


def _mode(place: Path, overwrite: bool) -> int | None:
    """The permissions of the file that is there; None if there is none."""
    try:
        found = os.stat(place).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found):
        raise FileExistsError(errno.EEXIST, "is there already and is not a file", str(place))
    if not overwrite:
        raise FileExistsError(errno.EEXIST, "is there already (overwrite=False)", str(place))
    return stat.S_IMODE(found)


def _write_all(fd: int, piece: Any) -> None:
    left = memoryview(piece)
    while len(left):
        left = left[os.write(fd, left) :]


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable, where the system has a way to."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # one may write into it and not read it
        return
    try:
        os.fsync(fd)
    except OSError as e:
        if e.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that cannot
            raise
    finally:
        os.close(fd)


def remove_stale(folder: Path) -> None:
    """Remove what writers that were killed an hour ago or more left in `folder`."""
    for found in folder.iterdir():
        if _TEMPORARY.fullmatch(found.name):
            with suppress(OSError):
                if time.time() - found.lstat().st_mtime > STALE:
                    found.unlink()
