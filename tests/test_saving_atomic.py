"""Files are whole or not there: kills at random moments, full disks, failing calls, odd places."""

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import time

import pytest

from polyk.errors import LoadError
from polyk.saving import atomic
from polyk.saving.checkpoints import Checkpoints

NEW = [b"new" * 1000, memoryview(b"er" * 1000)]


@pytest.fixture
def place(tmp_path):
    (tmp_path / "m").write_bytes(b"old")
    return tmp_path / "m"


def test_a_file_is_written_and_replaced(tmp_path, place):
    atomic.write(tmp_path / "n", NEW)
    atomic.write(place, NEW)
    assert (tmp_path / "n").read_bytes() == place.read_bytes() == b"".join(map(bytes, NEW))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "n"]


class Failing:
    """`os` whose `at`-th call that touches the disk fails."""

    CALLS = ("open", "write", "fsync", "replace", "close", "fchmod", "stat")

    def __init__(self, code=0, at=0):
        self.code, self.at, self.calls = code, at, []

    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in self.CALLS:
            return real

        def call(*args, **kwargs):
            self.calls.append(name)
            if len(self.calls) == self.at:
                if name == "close":
                    real(*args)
                raise OSError(self.code, os.strerror(self.code))
            return real(*args, **kwargs)

        return call


def test_the_order_is_write_sync_replace_sync(place, monkeypatch):
    seen = Failing()
    monkeypatch.setattr(atomic, "os", seen)
    atomic.write(place, NEW)
    assert [c for c in seen.calls if c not in ("close", "stat", "fchmod")] == [
        "open", "write", "write", "fsync", "replace", "open", "fsync",
    ]  # fmt: skip


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EPERM, errno.EROFS])
@pytest.mark.parametrize("at", range(1, 12))
def test_whichever_call_fails_the_file_is_old_or_new_and_alone(place, monkeypatch, code, at):
    failing = Failing(code, at)
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "os", failing)
        try:
            atomic.write(place, NEW)
        except OSError as e:
            assert e.errno == code
    harmless = failing.calls[at - 1] == "fchmod" and code == errno.EPERM
    new = harmless or "replace" in failing.calls[: at - 1]
    assert place.read_bytes() == (b"".join(map(bytes, NEW)) if new else b"old")
    assert [p.name for p in place.parent.iterdir()] == ["m"]


def test_a_piece_that_cannot_be_made_leaves_the_old_file(place):
    def pieces():
        yield b"new"
        raise ValueError("no more")

    with pytest.raises(ValueError):
        atomic.write(place, pieces())
    assert place.read_bytes() == b"old"
    assert len(list(place.parent.iterdir())) == 1


def test_a_write_that_takes_a_part_is_continued(place, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:7]))
    atomic.write(place, NEW)
    assert place.read_bytes() == b"".join(map(bytes, NEW))


def test_permissions_are_those_of_the_old_file_or_the_usual_ones(tmp_path, place):
    place.chmod(0o640)
    atomic.write(place, NEW)
    assert stat.S_IMODE(place.stat().st_mode) == 0o640
    before = os.umask(0o027)
    atomic.write(tmp_path / "n", NEW)
    os.umask(before)
    assert stat.S_IMODE((tmp_path / "n").stat().st_mode) == 0o640


def test_a_link_stays_and_its_target_is_replaced(tmp_path, place):
    (tmp_path / "sub").mkdir()
    link = tmp_path / "sub/link"
    link.symlink_to("../m")
    atomic.write(link, NEW)
    assert link.is_symlink() and place.read_bytes() == b"".join(map(bytes, NEW))


def test_only_files_are_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(FileExistsError, match="is not a file"):
            atomic.write(tmp_path / name, NEW)


def test_a_missing_folder_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        atomic.write(tmp_path / "none/m", NEW)


def test_what_a_killed_writer_left_is_removed_when_it_is_old(tmp_path):
    old, new = (tmp_path / f".polyk-{c * 16}.tmp" for c in "ab")
    other = tmp_path / ".other.tmp"
    for path in (old, new, other):
        path.write_bytes(b"")
    os.utime(old, (time.time() - 2 * atomic.STALE,) * 2)
    atomic.remove_stale(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([new, other])


# Checkpoints.


def contents(files):
    return [p.read_bytes() for p in files.files()]


def test_the_newest_few_are_kept(tmp_path):
    files = Checkpoints(tmp_path / "new/folder", keep_last=3)
    for i in range(12):
        files.write([b"%d" % i])
    assert contents(files) == [b"11", b"10", b"9"]
    assert files.files()[0].name == "checkpoint-00000012.polyk"


def test_an_old_one_goes_only_after_the_new_one_is_safe(tmp_path, monkeypatch):
    files = Checkpoints(tmp_path, keep_last=1)
    files.write([b"1"])
    monkeypatch.setattr(atomic, "os", Failing(errno.ENOSPC, 3))
    with pytest.raises(OSError):
        files.write([b"2"])
    assert contents(files) == [b"1"]


def test_other_files_are_left_alone(tmp_path):
    (tmp_path / "checkpoint-best.polyk").write_bytes(b"mine")
    files = Checkpoints(tmp_path, keep_last=1)
    files.write([b"1"])
    files.remove()
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-best.polyk"]


def test_reading_goes_back_to_the_newest_sound_one(tmp_path):
    files = Checkpoints(tmp_path, keep_last=3)
    for content in (b"good", b"bad", b"worse"):
        files.write([content])

    def read(path):
        if path.read_bytes() != b"good":
            raise LoadError(path, "damaged")
        return path.name

    with pytest.warns(UserWarning) as caught:
        assert files.newest(read) == "checkpoint-00000001.polyk"
    assert [str(w.message).split(":")[0].rpartition("/")[2] for w in caught] == [
        "checkpoint-00000003.polyk", "checkpoint-00000002.polyk",
    ]  # fmt: skip


def test_keep_last_is_at_least_one(tmp_path):
    with pytest.raises(ValueError, match="keep_last must be at least 1"):
        Checkpoints(tmp_path, keep_last=0)


# Kills. The child saves a model over and over; whatever moment it dies at, a whole file is there.

FORKS = """
import itertools, os, sys
import numpy as np
from polyk.saving import atomic, document
for n in range(200):
    pid = os.fork()
    if pid:
        print(pid, f"m{n}", flush=True)
        os.waitpid(pid, 0)
        continue
    for i in itertools.count():
        array = np.full(20_000, i, "int32")
        told = document.pieces({"version": 1}, {"a": array, "b": array})
        atomic.write(os.path.join(sys.argv[1], f"m{n}"), told)
"""


def check_whole(path):
    from polyk.saving.safetensors import Reader, checksum
    from polyk.saving.strict_json import loads

    with Reader(path) as file:
        told = loads(file.metadata["polyk"].encode())["checksums"]
        arrays = {name: file.read(name) for name in file.entries}
    assert {name: checksum(a) for name, a in arrays.items()} == told
    assert len({int(n) for a in arrays.values() for n in (a[0], a[-1])}) == 1
    return int(arrays["a"][0])


def test_200_kills_lose_nothing(tmp_path):
    """Forks of one child that has imported all: a kill takes milliseconds."""
    rng, saves = random.Random(0), []
    command = [sys.executable, "-c", FORKS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        for line in parent.stdout:
            pid, name = line.split()
            while not (tmp_path / name).exists():
                time.sleep(0.0005)
            time.sleep(rng.uniform(0, 0.012))
            os.kill(int(pid), signal.SIGKILL)
            saves.append(check_whole(tmp_path / name))
    assert len(saves) == 200 and max(saves) > 0
