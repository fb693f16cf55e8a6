"""Weights of Flax's modules in polyk's layers: the outputs are the same, both ways."""

import numpy as np
import pytest

import polyk
from polyk import interop, layers

jax = pytest.importorskip("jax")
nn = pytest.importorskip("flax.linen")


@pytest.fixture(autouse=True)
def _float64(float64):
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def build(*stack):
    return polyk.Sequential(list(stack), backend="numpy", seed=0)


def attention():
    x = layers.Input((5, 6))
    return polyk.Model(x, layers.MultiHeadAttention(2, 3)(x, x), backend="numpy")


WIDE = {"dtype": "float64", "param_dtype": "float64"}
CASES = {  # theirs, ours, the shape of the input
    "stack": (
        nn.Sequential([nn.Dense(3, **WIDE) for _ in range(11)]),
        lambda: build(layers.Input((4,)), *(layers.Dense(3) for _ in range(11))),
        (4,),
    ),
    "conv": (
        nn.Sequential(
            [nn.Conv(4, (3, 2), padding="VALID", **WIDE), nn.LayerNorm(epsilon=1e-3, **WIDE)]
        ),
        lambda: build(
            layers.Input((6, 5, 3)), layers.Conv2D(4, (3, 2)), layers.LayerNormalization()
        ),
        (6, 5, 3),
    ),
    "transposed": (
        nn.ConvTranspose(4, (3, 2), strides=(2, 2), padding="VALID", **WIDE),
        lambda: build(layers.Input((4, 3, 3)), layers.Conv2DTranspose(4, (3, 2), strides=2)),
        (4, 3, 3),
    ),
    "depthwise": (
        nn.Conv(6, (3, 2), feature_group_count=3, padding="VALID", **WIDE),
        lambda: build(layers.Input((5, 4, 3)), layers.DepthwiseConv2D((3, 2), depth_multiplier=2)),
        (5, 4, 3),
    ),
    "batch norm": (
        nn.BatchNorm(use_running_average=True, epsilon=1e-3, **WIDE),
        lambda: build(layers.Input((4, 3)), layers.BatchNormalization()),
        (4, 3),
    ),
    "lstm": (
        nn.RNN(nn.OptimizedLSTMCell(4, **WIDE)),
        lambda: build(layers.Input((5, 3)), layers.LSTM(4, return_sequences=True)),
        (5, 3),
    ),
    "gru": (
        nn.RNN(nn.GRUCell(4, **WIDE)),
        lambda: build(layers.Input((5, 3)), layers.GRU(4, return_sequences=True)),
        (5, 3),
    ),
    "attention": (nn.MultiHeadDotProductAttention(2, qkv_features=6, **WIDE), attention, (5, 6)),
}


def started(module, x):
    """The variables of a module, none of them 0 or 1."""
    draw = np.random.default_rng(1)
    first = module.init(jax.random.key(0), x)
    return jax.tree.map(lambda a: draw.uniform(0.1, 1, a.shape), first)


@pytest.mark.parametrize("name", CASES)
def test_the_outputs_are_those_of_flax_and_back(name):
    module, make, shape = CASES[name]
    model, x = make(), np.random.default_rng(0).normal(size=(2, *shape))
    theirs = started(module, x)
    found = interop.load_variables(model, theirs)
    assert not found.missing and not found.unused
    np.testing.assert_allclose(
        model.predict(x, verbose=0), module.apply(theirs, x), rtol=1e-9, atol=1e-9
    )
    model.set_weights([w + 0.1 for w in model.get_weights()])
    back = interop.variables(model, like=theirs)
    assert jax.tree.structure(back) == jax.tree.structure(theirs)
    np.testing.assert_allclose(
        model.predict(x, verbose=0), module.apply(back, x), rtol=1e-9, atol=1e-9
    )
