"""Models that train in every way go on from a file as they would have."""

import numpy as np
import pytest
from conftest import AVAILABLE
from test_saving import X, dense, same

import polyk
from polyk import layers, optimizers

OPTIMIZERS = {
    c.__name__ for c in optimizers.REGISTRY.table.values()
    if c.__name__[0] != "_" and not c.__module__.endswith("wrappers")
}  # fmt: skip
COMMON = {
    "plain": {}, "averages": {"use_ema": True}, "sums": {"gradient_accumulation_steps": 2},
    "schedule": {"learning_rate": optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)},
}  # fmt: skip


@pytest.mark.parametrize("common", COMMON)
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_optimizer_goes_on_bit_for_bit(tmp_path, name, common):
    straight = dense("numpy")
    straight.compile(optimizers.get(name).from_config(COMMON[common]), "mse")
    targets = X[:, :3]
    straight.fit(X, targets, batch_size=8, verbose=0)
    straight.save(tmp_path / "m.polyk")
    resumed = polyk.load_model(tmp_path / "m.polyk")
    for model in (straight, resumed):
        model.fit(X, targets, batch_size=8, verbose=0)
    for a, b in zip(straight._all_state(), resumed._all_state(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_frozen_layers_stay_frozen(tmp_path):
    model = dense()
    model.layers[0].trainable = False
    model.save(tmp_path / "m.polyk")
    loaded = polyk.load_model(tmp_path / "m.polyk")
    assert [x.trainable for x in loaded.layers] == [x.trainable for x in model.layers]
    assert len(loaded.trainable_weights) == len(model.trainable_weights)


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_narrow_weights_keep_their_bits(tmp_path, name):
    if name == "bfloat16":
        pytest.importorskip("ml_dtypes")
    if "torch" not in AVAILABLE:
        pytest.skip("NumPy has no bfloat16, and the others are slow to start")
    model = polyk.Sequential([layers.Input((6,)), layers.Dense(2, dtype=name)], backend="torch")
    model.save(tmp_path / "m.polyk")
    with polyk.use("torch"):
        loaded = polyk.load_model(tmp_path / "m.polyk")
    assert loaded.weights[0].dtype == name
    np.testing.assert_array_equal(loaded.weights[0].numpy(), model.weights[0].numpy())


def test_mixed_precision_goes_on(tmp_path):
    model = polyk.Sequential(
        [layers.Input((6,)), layers.Dense(3, dtype="mixed_float16"), layers.Dense(2)]
    )
    model.compile("adam", "mse")
    model.train_on_batch(X, X[:, :2])
    model.save(tmp_path / "m.polyk")
    loaded = polyk.load_model(tmp_path / "m.polyk")
    assert loaded.layers[0].compute_dtype == "float16"
    same(loaded, model)
