"""What a .keras file must be, whoever made it."""

import io
import json
import stat
import zipfile

import numpy as np
import pytest

import polyk
from polyk import layers
from polyk.saving import keras_archive

pytest.importorskip("h5py")


@pytest.fixture
def members(tmp_path):
    """The members of a sound file."""
    model = polyk.Sequential([layers.Input((2,)), layers.Dense(2, name="d")])
    model.save(tmp_path / "m.keras")
    return keras_archive.read(str(tmp_path / "m.keras"))


def write(path, members, method=zipfile.ZIP_STORED, **attributes):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            for key, value in attributes.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return path


def refused(path, reason):
    with pytest.raises(polyk.LoadError, match=reason):
        polyk.load_model(path)


def test_a_file_packed_anew_is_read(tmp_path, members):
    path = write(tmp_path / "n.keras", members, zipfile.ZIP_DEFLATED)
    assert polyk.load_model(path).layers[0].name == "d"


def test_the_same_model_makes_the_same_bytes(members):
    first, second = (bytes(keras_archive.pieces(members)[0]) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["../x", "/etc/x", "assets/x", "config.json/", "x.pkl"])
def test_members_of_other_names_are_refused(tmp_path, members, name):
    refused(write(tmp_path / "n.keras", {**members, name: b"x"}), "which is not read")


def test_a_missing_member_is_named(tmp_path, members):
    del members["config.json"]
    refused(write(tmp_path / "n.keras", members), "has no config.json")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path, members):
    twice = [*members.items(), ("config.json", b"{}")]
    refused(write(tmp_path / "n.keras", twice), "two members of one name")


def test_a_link_is_refused(tmp_path, members):
    path = write(tmp_path / "n.keras", members, external_attr=(stat.S_IFLNK | 0o777) << 16)
    refused(path, "is a link")


def test_a_bomb_is_not_unpacked(tmp_path, members):
    members["config.json"] = b" " * 200_000_000
    refused(write(tmp_path / "n.keras", members, zipfile.ZIP_DEFLATED), "claims 200,")


def test_other_packing_is_refused(tmp_path, members):
    refused(write(tmp_path / "n.keras", members, zipfile.ZIP_LZMA), "packed in a way")


@pytest.mark.parametrize("cut", [0, 2, 100, -30])
def test_a_file_cut_short_is_refused(tmp_path, members, cut):
    content = bytes(keras_archive.pieces(members)[0])
    (tmp_path / "n.keras").write_bytes(content[:cut])
    refused(tmp_path / "n.keras", "cut short|does not begin")


def test_a_changed_byte_is_found(tmp_path, members):
    content = bytearray(keras_archive.pieces(members)[0])
    place = content.index(members["model.weights.h5"]) + 3000
    content[place] ^= 1
    (tmp_path / "n.keras").write_bytes(content)
    refused(tmp_path / "n.keras", "damaged")


def forged(tmp_path, members, edit):
    told = json.loads(members["config.json"])
    edit(told)
    members["config.json"] = json.dumps(told).encode()
    return write(tmp_path / "n.keras", members)


def test_a_module_in_a_config_imports_nothing(tmp_path, members):
    def edit(told):
        told["config"]["layers"][1] = {"module": "os", "class_name": "system",
            "config": {"name": "f", "command": "true"}, "registered_name": "os>system"}  # fmt: skip

    refused(forged(tmp_path, members, edit), "layer 'f': there is no layer 'os>system'")


def test_code_in_a_config_is_refused(tmp_path, members):
    def edit(told):
        told["config"]["layers"][1] |= {"class_name": "Lambda"}

    refused(forged(tmp_path, members, edit), "layer 'd': Lambda holds code")


def test_a_layer_that_claims_more_than_the_file_has_allocates_nothing(tmp_path, members):
    def edit(told):
        told["config"]["layers"][1]["config"]["units"] = 10**12

    refused(forged(tmp_path, members, edit), r"has shape \(2, 2\); the model's has")


def test_weights_of_another_model_leave_it_as_it_was(tmp_path, members):
    path = write(tmp_path / "n.keras", members)
    model = polyk.Sequential([layers.Input((2,)), layers.Dense(2), layers.Dense(3)])
    before = model.get_weights()
    with pytest.raises(polyk.LoadError, match="it lacks layers/dense_1/vars/0"):
        model.load_weights(path)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_writer_s_zip_is_one_that_zip_reads(members):
    content = keras_archive.pieces(members)[0]
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
