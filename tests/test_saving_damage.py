"""Damaged files, and files for another model: each is refused, and the model left as it was."""

import numpy as np
import pytest
from hostile import model, raw, split

import polyk
from polyk.errors import LoadError
from polyk.saving.safetensors import encode


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    made = model(seed=1)
    made.train_on_batch(np.ones((2, 4)), np.ones((2, 3)))
    path = tmp_path_factory.mktemp("good") / "m.polyk"
    made.save(path)
    return path.read_bytes()


def test_every_flipped_bit_of_a_file_is_found(good, tmp_path):
    path, rng = tmp_path / "m.polyk", np.random.default_rng(0)
    header = 8 + int.from_bytes(good[:8], "little")
    places = {*range(8), *rng.integers(8, header, 150).tolist(), *range(header, len(good), 7)}
    for i in sorted(places):
        content = bytearray(good)
        content[i] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        with pytest.raises(LoadError):
            polyk.load_model(path)
            pytest.fail(f"byte {i}: {good[i : i + 20]!r}")


def test_every_shorter_file_is_refused(good, tmp_path):
    path = tmp_path / "m.polyk"
    for size in range(0, len(good), 41):
        path.write_bytes(good[:size])
        with pytest.raises(LoadError):
            polyk.load_model(path)


def stored(arrays, tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"".join(map(bytes, encode(arrays, {}))))
    return path


def changed(make):
    """Arrays of the model by path, after `make` had its way with them."""
    arrays = {w.path: w.numpy() for w in model(seed=2).weights}
    make(arrays)
    return arrays


DAMAGE = {
    "a layer too many": (
        lambda a: a.update({"more/kernel": np.ones(3, "float32")}), "no 'more/kernel'"),
    "a layer too few": (lambda a: a.pop("dec/kernel"), "lacks 'dec/kernel'"),
    "another name": (
        lambda a: a.update({"enk/kernel": a.pop("enc/kernel")}), "Did you mean 'enk/kernel'"),
    "another shape": (
        lambda a: a.update({"dec/bias": np.ones(4, "float32")}), "tensor 'dec/bias': has shape"),
    "ints for floats": (
        lambda a: a.update({"dec/bias": np.ones(3, "int64")}), "'dec/bias': is int64; the model's"),
    "half the width": (
        lambda a: a.update({"dec/bias": np.ones(3, "float16")}), "'dec/bias': is float16"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE)
def test_a_load_that_fails_leaves_the_model_as_it_was(tmp_path, case):
    make, reason = DAMAGE[case]
    made = model(seed=1)
    before = made.get_weights()
    with pytest.raises(LoadError, match=reason):
        made.load_weights(stored(changed(make), tmp_path))
    for a, b in zip(before, made.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checksum_that_fails_at_the_last_tensor_leaves_the_model_as_it_was(tmp_path):
    made, other = model(seed=1), model(seed=2)
    other.save_weights(tmp_path / "w.safetensors")
    content = bytearray((tmp_path / "w.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "w.safetensors").write_bytes(content)
    before = made.get_weights()
    with pytest.raises(LoadError, match="tensor 'enc/kernel': damaged: its checksum"):
        made.load_weights(tmp_path / "w.safetensors")
    for a, b in zip(before, made.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_layers_of_one_shape_are_not_mixed_up(tmp_path):
    swapped = changed(lambda a: a.update({"enc/kernel": a["dec/bias"], "dec/bias": a["enc/bias"]}))
    arrays = changed(lambda a: None)
    order = dict(reversed(arrays.items()))
    made = model(seed=1)
    made.load_weights(stored(order, tmp_path))
    for w in made.weights:
        np.testing.assert_array_equal(w.numpy(), arrays[w.path])
    with pytest.raises(LoadError):
        made.load_weights(stored(swapped, tmp_path))


def test_tensors_that_were_exchanged_within_a_file_are_found(tmp_path):
    made = model()
    made.set_weights([np.full(w.shape, i, "float32") for i, w in enumerate(made.weights)])
    made.save(tmp_path / "m.polyk")
    header, data = split((tmp_path / "m.polyk").read_bytes())
    header["enc/bias"], header["dec/bias"] = header["dec/bias"], header["enc/bias"]
    (tmp_path / "m.polyk").write_bytes(raw(header, data))
    with pytest.raises(LoadError, match="bias': damaged: its checksum"):
        polyk.load_model(tmp_path / "m.polyk")
