"""Weights for other tools, and from them."""

import json

import numpy as np
import pytest
from hostile import entry, model, raw

from polyk import saving
from polyk.errors import LoadError


@pytest.mark.parametrize("size", ["5GB", 60])
def test_what_is_exported_is_loaded(tmp_path, size):
    first, second = model(seed=1), model(seed=2)
    files = saving.export_weights(first, tmp_path / "out", size)
    second.load_weights(files[-1])
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_names_are_those_of_hugging_face(tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    made = model(seed=1)
    (single,) = saving.export_weights(made, tmp_path)
    assert single.name == "model.safetensors"
    assert set(library.load_file(single)) == {"enc.kernel", "enc.bias", "dec.kernel", "dec.bias"}
    files = saving.export_weights(made, tmp_path, 60)
    assert [f.name for f in files] == [
        "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
    ]  # fmt: skip
    index = json.loads(files[-1].read_text())
    assert index["metadata"] == {"total_size": sum(w.nbytes for w in made.get_weights())}
    for tensor, name in index["weight_map"].items():
        assert tensor in library.load_file(tmp_path / name)


@pytest.mark.parametrize("size", [0, -1, "5", "5 TB", "GB", None, 1.5])
def test_a_wrong_shard_size_is_refused(tmp_path, size):
    with pytest.raises(ValueError, match="max_shard_size must be"):
        saving.export_weights(model(), tmp_path, size)


@pytest.mark.parametrize(
    "name", ["../x.safetensors", "/etc/x.safetensors", "a/b.safetensors", "x.bin", "", 1, "..",
             ".hidden.safetensors", "C:\\x.safetensors"],
)  # fmt: skip
def test_an_index_leads_to_files_beside_it_and_nowhere_else(tmp_path, name):
    index = tmp_path / "m.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"enc.kernel": name}}))
    with pytest.raises(LoadError, match="tensor 'enc.kernel': .* is no name of a file beside it"):
        model().load_weights(index)


def test_a_shard_is_no_link(tmp_path):
    (tmp_path / "secret").write_bytes(raw({"enc.kernel": entry([], 0, 4)}, b"\0" * 4))
    (tmp_path / "a.safetensors").symlink_to(tmp_path / "secret")
    index = tmp_path / "m.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"enc.kernel": "a.safetensors"}}))
    with pytest.raises(LoadError, match="cannot be opened"):
        model().load_weights(index)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": []}', "[" * 10_000])
def test_an_index_that_is_none_is_refused(tmp_path, text):
    index = tmp_path / "m.safetensors.index.json"
    index.write_text(text)
    with pytest.raises(LoadError, match="bad index"):
        model().load_weights(index)


def test_a_shard_with_other_tensors_is_refused(tmp_path):
    *_, index = saving.export_weights(model(), tmp_path, 60)
    told = json.loads(index.read_text())
    told["weight_map"]["enc.kernel"] = told["weight_map"]["dec.bias"]
    index.write_text(json.dumps(told))
    with pytest.raises(LoadError, match="does not hold the tensors that it should"):
        model().load_weights(index)


def test_models_in_a_folder_of_checkpoints(tmp_path):
    files = saving.Checkpoints(tmp_path / "runs", keep_last=2)
    assert files.load() is None
    for seed in range(4):
        made = model(seed=seed)
        path = files.save(made)
    assert [p.name for p in files.files()][1] == "checkpoint-00000003.polyk"
    np.testing.assert_array_equal(files.load().get_weights()[0], made.get_weights()[0])
    path.write_bytes(b"")
    with pytest.warns(UserWarning, match="Going back to checkpoint-00000003.polyk"):
        files.load()
