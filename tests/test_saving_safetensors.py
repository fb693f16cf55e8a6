"""The format by itself: what is read, what is refused, and that the library sees it the same."""

import os
import random
import struct

import numpy as np
import pytest
from hostile import entry, raw
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from polyk.errors import LoadError, SaveError
from polyk.saving import strict_json
from polyk.saving.safetensors import CODES, Reader, encode

DTYPES = [d for d in CODES if d != "bfloat16"]


def write(path, arrays, metadata=None):
    path.write_bytes(b"".join(map(bytes, encode(arrays, metadata or {}))))
    return path


def read(path):
    with Reader(path) as file:
        return {name: file.read(name) for name in file.entries}


@settings(max_examples=60, deadline=None)
@given(
    arrays=st.dictionaries(
        st.text("abc/._-é", min_size=1, max_size=8),
        st.sampled_from(DTYPES).flatmap(
            lambda d: hnp.arrays(
                d, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
            )
        ),
        max_size=4,
    ),
    metadata=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)
def test_what_is_written_is_read_here_and_by_the_library(tmp_path_factory, arrays, metadata):
    library = pytest.importorskip("safetensors.numpy")
    path = write(tmp_path_factory.mktemp("f") / "x.safetensors", arrays, metadata)
    for found in (read(path), library.load_file(path)):
        assert set(found) == set(arrays)
        for name, array in arrays.items():
            assert found[name].dtype == array.dtype and found[name].shape == array.shape
            assert found[name].tobytes() == array.tobytes()


def test_what_the_library_writes_is_read(tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    arrays = {"a": np.arange(6, dtype="float16").reshape(2, 3), "b": np.array(True)}
    library.save_file(arrays, tmp_path / "x.safetensors", {"format": "np"})
    found = read(tmp_path / "x.safetensors")
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_bfloat16_is_kept(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = np.array([1.5, -2.25, 3e38], ml_dtypes.bfloat16)
    found = read(write(tmp_path / "x.safetensors", {"a": array}))["a"]
    assert found.dtype == array.dtype and found.tobytes() == array.tobytes()


def test_order_of_memory_and_of_bytes_do_not_matter(tmp_path):
    array = np.arange(6, dtype=">f4").reshape(2, 3).T
    found = read(write(tmp_path / "x.safetensors", {"a": array}))["a"]
    np.testing.assert_array_equal(found, array)
    assert found.dtype.isnative


def test_tensors_are_aligned(tmp_path):
    path = write(tmp_path / "x", {"a": np.ones(3, "int8"), "b": np.ones(2), "c": np.ones(1, "f4")})
    with Reader(path) as file:
        assert [e.start for e in file.entries.values()] == [0, 16, 20]
        assert struct.unpack("<Q", path.read_bytes()[:8])[0] % 8 == 0


@pytest.mark.parametrize("name", ["", "a\n", "a\\b", "x" * 513, "__metadata__"])
def test_names_that_would_not_be_read_are_not_written(name):
    with pytest.raises(SaveError, match="cannot be the name of a tensor"):
        list(encode({name: np.ones(1)}, {}))


GOOD = {"a": entry([2], 0, 8)}
REFUSED = {
    "empty": (b"", "0 bytes are too few"),
    "seven bytes": (b"1234567", "7 bytes are too few"),
    "text": (b"this is a text, not a file of tensors", "no safetensors file, or cut short"),
    "huge header": (struct.pack("<Q", 2**63) + b"{}", "claims a header of 9,223,372"),
    "header cut": (raw(GOOD, b"\0" * 8)[:-20], "cut short"),
    "data cut": (raw(GOOD, b"\0" * 7), "the tensors take 8 bytes; the file has 7"),
    "data left over": (raw(GOOD, b"\0" * 9), "the tensors take 8 bytes; the file has 9"),
    "no brace": (raw(b" {}"), "does not begin with"),
    "no object": (raw(b"{]"), "bad header: not valid JSON"),
    "not utf-8": (raw(b'{"\xff":1}'), "bad header: not valid JSON"),
    "duplicate": (
        raw(b'{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},'
            b'"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', b"\0" * 4),
        "the key 'a' occurs twice",
    ),
    "not a number": (raw(b'{"a":NaN}'), "NaN is not a JSON number"),
    "infinite number": (raw(b'{"a":1e999}'), "out of range"),
    "long number": (raw(b'{"a":' + b"9" * 5000 + b"}"), "a number of 5000 digits"),
    "deep": (raw(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "nested deeper than 100"),
    "unknown key": (raw({"a": {**GOOD["a"], "x": 1}}, b"\0" * 8), "dtype, shape and data_offsets"),
    "missing key": (raw({"a": {"dtype": "F32", "shape": [2]}}, b"\0" * 8), "data_offsets only"),
    "unknown dtype": (raw({"a": entry([2], 0, 8, "F99")}, b"\0" * 8), "unknown dtype 'F99'"),
    "dtype an object": (raw({"a": entry([2], 0, 8, {})}, b"\0" * 8), "unknown dtype"),
    "negative size": (raw({"a": entry([-2], 0, 8)}, b"\0" * 8), "no valid shape"),
    "float size": (raw({"a": entry([2.0], 0, 8)}, b"\0" * 8), "no valid shape"),
    "bool size": (raw({"a": entry([True], 0, 4)}, b"\0" * 4), "no valid shape"),
    "rank 33": (raw({"a": entry([1] * 33, 0, 4)}, b"\0" * 4), "no valid shape"),
    "backwards": (raw({"a": entry([2], 8, 0)}, b"\0" * 8), "does not take the -8 bytes"),
    "three offsets": (raw({"a": {**GOOD["a"], "data_offsets": [0, 8, 8]}}, b"\0" * 8), "offsets"),
    "petabytes": (raw({"a": entry([2**50], 0, 2**52)}, b"\0" * 8), "the tensors take 4,503,5"),
    "more than its bytes": (raw({"a": entry([2**28], 0, 8)}, b"\0" * 8), "does not take the 8"),
    "overflow": (raw({"a": entry([2**32, 2**32, 0], 0, 0)}), "impossible shape"),
    "hole": (raw({"a": entry([1], 4, 8)}, b"\0" * 8), "begins at 4, not at 0"),
    "overlap": (
        raw({"a": entry([2], 0, 8), "b": entry([2], 0, 8)}, b"\0" * 8), "begins at 0, not at 8",
    ),
    "metadata of numbers": (raw({"__metadata__": {"a": 1}}), "must map strings to strings"),
    "control character": (raw({"a\x01": entry([2], 0, 8)}, b"\0" * 8), "no name for a tensor"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_unsound_files_are_refused_with_the_reason(tmp_path, case):
    content, reason = REFUSED[case]
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(LoadError, match=reason) as caught:
        Reader(path)
    assert str(path) in str(caught.value)


def test_a_bool_is_0_or_1(tmp_path):
    (tmp_path / "x").write_bytes(raw({"a": entry([2], 0, 2, "BOOL")}, b"\0\2"))
    with Reader(tmp_path / "x") as file, pytest.raises(LoadError, match="tensor 'a': a bool"):
        file.read("a")


def test_only_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(LoadError, match="is not a file|Is a directory"):
            Reader(place)
    with pytest.raises(FileNotFoundError):
        Reader(tmp_path / "none")


def test_links_are_followed_unless_forbidden(tmp_path):
    path = write(tmp_path / "x", {"a": np.ones(2)})
    (tmp_path / "link").symlink_to(path)
    Reader(tmp_path / "link").__exit__()
    with pytest.raises(LoadError, match="cannot be opened"):
        Reader(tmp_path / "link", follow_symlinks=False)


STRICTER = (
    "no name for a tensor",
    "no valid shape",
    "a number of",
    "out of range",
    "unknown dtype",
)


@pytest.fixture
def memory_file(tmp_path):
    """A file that is quick to write over and over: (path, write)."""
    if not hasattr(os, "memfd_create"):
        yield tmp_path / "x", (tmp_path / "x").write_bytes
        return
    fd = os.memfd_create("x")

    def write(content):
        os.ftruncate(fd, len(content))
        os.pwrite(fd, content, 0)

    yield f"/proc/self/fd/{fd}", write
    os.close(fd)


def test_30000_mutants_have_the_verdict_of_the_library(memory_file):
    """Whatever is done to a small file: refused by a `LoadError` here, or read as there.

    Where this reader is stricter on purpose (`STRICTER`), it alone may refuse.
    """
    library = pytest.importorskip("safetensors")
    rng = random.Random(0)
    arrays = {"a": np.arange(3, dtype="float32"), "b/c": np.array(7), "e": np.ones((0, 2), "int8")}
    good = b"".join(map(bytes, encode(arrays, {"k": "v"})))
    (path, write_file), verdicts = memory_file, {True: 0, False: 0}
    for _ in range(30_000):
        content = mutate(good, rng)
        write_file(content)
        try:
            theirs = dict(library.deserialize(content))
        except library.SafetensorError:
            theirs = None
        try:
            ours = read(path)
        except LoadError as e:
            assert theirs is None or any(reason in str(e) for reason in STRICTER)
            verdicts[False] += 1
            continue
        assert theirs is not None, content
        assert {n: a.tobytes() for n, a in ours.items()} == {
            n: bytes(told["data"]) for n, told in theirs.items()
        }
        verdicts[True] += 1
    assert min(verdicts.values()) > 1000


def mutate(content, rng):
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        i = rng.randrange(len(content))
        kind = rng.randrange(5)
        if kind == 0:
            content[i] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[i] = rng.choice(b'"{}[]:,0123456789 \\ux')
        elif kind == 2:
            del content[i : i + rng.randrange(1, 9)]
        elif kind == 3:
            content[i:i] = content[i : i + rng.randrange(1, 30)]
        else:
            content[:8] = struct.pack("<Q", rng.randrange(len(content)))
        content = content or bytearray(b"\0")
    return bytes(content)


def test_json_limits(monkeypatch):
    monkeypatch.setattr(strict_json, "MAX_ITEMS", 10)
    with pytest.raises(ValueError, match="more than 10 items"):
        strict_json.loads(b"[" + b"1," * 10 + b"1]")
    monkeypatch.setattr(strict_json, "MAX_SIZE", 10)
    with pytest.raises(ValueError, match="JSON of 11 bytes; at most 10"):
        strict_json.loads(b"[1,2,3,4,5]")


def test_brackets_in_strings_are_not_depth():
    text = b'["' + b"[" * 200 + b'", "\\"[[[["]'
    assert strict_json.loads(text) == ["[" * 200, '"[[[[']


def test_a_long_open_string_takes_no_quadratic_time():
    with pytest.raises(ValueError):
        strict_json.loads(b"[" * 200 + b'"' + b'\\"' * 2_000_000)


@pytest.mark.parametrize("value", [0.1, 1e-320, -0.0, float("inf"), float("-inf"), 2**60, None])
def test_numbers_survive_exactly(value):
    back = strict_json.loads(strict_json.dumps({"x": [value]}).encode())["x"][0]
    assert repr(back) == repr(value)


def test_what_is_not_plain_is_named():
    with pytest.raises(ValueError, match=r"config.layers\[1\] is <object"):
        strict_json.dumps({"layers": [1, object()]}, "config")
    with pytest.raises(ValueError, match="keys that are not strings"):
        strict_json.dumps({1: 2})
