"""The view of HDF5: what it shows of a sound file, and all it refuses before reading any number."""

import numpy as np
import pytest

import polyk
from polyk.saving import hdf5

h5py = pytest.importorskip("h5py")


@pytest.fixture
def file(tmp_path):
    """A function that makes a file by calls on h5py, and opens the view of it."""

    def make(write, **kwargs):
        path = tmp_path / "f.h5"
        with h5py.File(path, "w", **kwargs) as f:
            write(f)
        return hdf5.View(path)

    return make


def test_it_shows_arrays_groups_and_attributes(file):
    def write(f):
        f["a/b/kernel"] = np.arange(6, dtype="float32").reshape(2, 3)
        f["a"].attrs["name"] = "é"
        f["a"].attrs["names"] = np.array([b"x", b"yz"])
        f["a"].attrs["n"] = 3

    with file(write) as view:
        assert view.entries["a/b/kernel"][:2] == ("float32", (2, 3))
        assert set(view.groups) == {"", "a", "a/b"}
        assert view.groups["a"] == {"name": "é", "names": ["x", "yz"], "n": 3}
        np.testing.assert_array_equal(view.read("a/b/kernel"), [[0, 1, 2], [3, 4, 5]])


def test_packed_arrays_are_read(file):
    data = np.random.default_rng(0).normal(size=(50, 40))

    def write(f):
        f.create_dataset("x", data=data, chunks=(7, 9), compression="gzip", shuffle=True)

    with file(write) as view:
        np.testing.assert_array_equal(view.read("x"), data)


def test_names_in_pieces_are_one_list(file):
    def write(f):
        f.attrs["names0"], f.attrs["names1"] = [b"a", b"b"], [b"c"]

    with file(write) as view:
        assert view.texts("", "names") == ["a", "b", "c"]


def soft(f):
    f["x"] = h5py.SoftLink("/y")


def external(f):
    f["x"] = h5py.ExternalLink("/etc/passwd", "/")


def elsewhere(f):
    f.create_dataset("x", (4,), "u1", external=[("/etc/passwd", 0, 4)])


def virtual(f):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    f.create_virtual_dataset("x", layout)


def twice(f):
    f["a"] = np.zeros(3)
    f["b"] = f["a"]


def cycle(f):
    f.create_group("a")["again"] = f["/"]


def huge(f):
    f.create_dataset("x", (10**12,), "f4", chunks=(10**6,), fillvalue=1.0)


def hole(f):
    f.create_dataset("x", (100,), "f4", chunks=(10,))[:10] = 1.0


def unwritten(f):
    f.create_dataset("x", (10**9,), "f8")


def compound(f):
    f["x"] = np.zeros(3, [("a", "f4"), ("b", "i4")])


def ragged(f):
    f.create_dataset("x", (2,), h5py.vlen_dtype(np.dtype("i4")))[0] = [1, 2]


def reference(f):
    f.create_dataset("x", (1,), h5py.ref_dtype)[0] = f["/"].ref


def named_type(f):
    f["x"] = np.dtype("f4")


def texts(f):
    f["x"] = ["a", "b"]


def filtered(f):
    f.create_dataset("x", data=np.zeros(100), compression="lzf")


def deep(f):
    f.create_group("/".join("a" * (hdf5.MAX_DEPTH + 2)))


def backslash(f):
    f.create_group("a\\b")


def amplified(f):
    text = "x" * 10**6
    kind = h5py.string_dtype()
    f["big"] = np.zeros(10**6)
    f.create_group("a").attrs.create("t", [text[:9]] * 3000, dtype=kind)


def attribute(f):
    f.attrs["x"] = f["/"].ref


HOSTILE = {
    soft: "SoftLink", external: "ExternalLink", elsewhere: "another file", virtual: "virtual",
    twice: "two names", cycle: "two names", huge: "chunks are missing", hole: "missing",
    unwritten: "which the file has not", compound: "plain numbers", ragged: "plain numbers",
    reference: "plain numbers", named_type: "neither a group", texts: "plain numbers",
    filtered: "filters", deep: "deeper", backslash: "no name", amplified: "more than is read",
    attribute: "plain numbers",
}  # fmt: skip


@pytest.mark.parametrize("write", HOSTILE, ids=lambda write: write.__name__)
def test_what_could_harm_is_refused_when_the_file_is_opened(file, write):
    with pytest.raises(polyk.LoadError, match=HOSTILE[write]):
        file(write)


def test_too_many_items_are_refused(file, monkeypatch):
    monkeypatch.setattr(hdf5, "MAX_ITEMS", 10)
    with pytest.raises(polyk.LoadError, match="more than 10 items"):
        file(lambda f: [f.create_group(str(i)) for i in range(11)])


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "f.h5").write_text("not a file of numbers")
    with pytest.raises(polyk.LoadError, match="no HDF5 file"):
        hdf5.View(tmp_path / "f.h5")


def test_a_damaged_file_ends_in_a_load_error(tmp_path):
    path = tmp_path / "f.h5"
    with h5py.File(path, "w") as f:
        f["a/kernel"] = np.arange(100.0)
    sound = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(sound)
        for place in rng.integers(8, 2000, 3):
            broken[place % len(sound)] = rng.integers(256)
        path.write_bytes(broken[: rng.integers(8, len(sound) + 1)])
        try:
            with hdf5.View(path) as view:
                for name in view.entries:
                    assert view.read(name).shape == view.entries[name].shape
        except polyk.LoadError:
            pass


def test_without_h5py_the_error_says_what_to_type(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(polyk.MissingPackage, match=r'pip install "polyk\[hdf5\]"'):
        hdf5.View(tmp_path / "f.h5")
