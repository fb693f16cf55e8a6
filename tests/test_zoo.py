"""What holds for every layer: signature, config, inferred shapes, dynamic batch, agreement."""

import inspect

import numpy as np
import pytest
import reference
from conftest import AVAILABLE
from polyk_conformance.zoo import ALL

import polyk
from polyk import layers, trees

PUBLIC = [c for c in vars(layers).values() if inspect.isclass(c) and issubclass(c, layers.Layer)]
OURS = [c for c in dict.fromkeys(PUBLIC) if c.__module__ in {
    f"polyk.layers.{m}" for m in (
        "activation", "conv", "einsum_dense", "merging", "normalization", "pooling",
        "regularization", "reshaping",
    )
} or c.__module__.startswith("polyk.layers.preprocessing")]  # fmt: skip
# Base takes it for all layers; the others belong to what Keras does to layers after training.
ELSEWHERE = {"activity_regularizer", "lora_rank", "lora_alpha", "gptq_unpacked_column_size",
    "quantization_config", "name", "dtype", "trainable", "autocast"}  # fmt: skip
ON_THE_HOST = {"HashedCrossing", "Hashing", "IntegerLookup", "StringLookup", "TextVectorization"}
# A number f is (0, f) where Keras's documents say so, and its code takes (-f, f); layers are dicts.
OTHER = {("RandomSaturation", "factor"), ("RandomShear", "x_factor"), ("RandomShear", "y_factor"),
    ("Pipeline", "layers")}  # fmt: skip
MISSING = {"dtype", "seed", "sparse"}  # which Keras forgets in some layers
FIRST_OF_EACH = list({s.layer: s for s in reversed(ALL)}.values())
each = pytest.mark.parametrize("specimen", ALL, ids=str)


def arguments(cls):
    """Name -> default, of a constructor; (2, 2) reads as 2."""
    found = inspect.signature(cls.__init__).parameters.values()
    named = [p for p in found if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]
    return {p.name: flat(p.default) for p in named if p.name not in ELSEWHERE}


def flat(default):
    while isinstance(default, tuple) and len(set(default)) == 1:
        default = default[0]
    return default.lower() if isinstance(default, str) else default


def shapes(inputs):
    return trees.map(lambda x: (None, *x.shape[1:]), inputs)


@pytest.mark.parametrize("cls", OURS, ids=lambda cls: cls.__name__)
def test_arguments_and_defaults_are_those_of_keras(cls):
    with reference.keras() as keras:
        want = arguments(getattr(keras.layers, cls.__name__))
    found = arguments(cls)
    if cls.__name__ == "LayerNormalization":
        want["rms_scaling"] = False  # which Keras takes from the other keywords
    if cls.__name__.startswith("AveragePooling"):
        want["pool_size"] = 2  # as for MaxPooling
    assert found == want
    assert (
        sorted(found) == sorted(want) if "Conv3DTr" in cls.__name__ else list(found) == list(want)
    )


def test_aliases_are_those_of_keras():
    with reference.keras() as keras:
        theirs = {n: c.__name__ for n, c in vars(keras.layers).items() if inspect.isclass(c)}
    names = {c.__name__ for c in OURS}
    for alias, name in theirs.items():
        if name in names:
            assert getattr(layers, alias).__name__ == name, alias


@pytest.mark.parametrize("cls", OURS, ids=lambda cls: cls.__name__)
def test_every_layer_has_a_specimen(cls):
    assert cls.__name__ in {s.layer for s in ALL} | {"ActivityRegularization", *ON_THE_HOST}


@each
def test_a_config_makes_an_equal_layer(specimen):
    first, inputs = specimen.make(layers), specimen.inputs()
    second = type(first).from_config(first.get_config())
    assert second.get_config() == first.get_config()
    want = first(inputs)
    second(inputs, training=False)
    second.set_weights(first.get_weights())
    np.testing.assert_array_equal(second(inputs), want)


@pytest.mark.parametrize("specimen", FIRST_OF_EACH, ids=str)
def test_a_config_holds_what_keras_says(specimen):
    with reference.keras() as keras:
        want = specimen.make(keras.layers).get_config()
    found = specimen.make(layers).get_config()
    for name in set(want) & set(arguments(getattr(layers, specimen.layer))):
        if not isinstance(want[name], dict) and (specimen.layer, name) not in OTHER:
            assert plain(found[name]) == plain(want[name]), name
    assert set(found) <= set(want) | {"rms_scaling", "trainable"} | MISSING


def plain(value):
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value


@each
def test_an_inferred_shape_is_the_real_one(specimen):
    layer, inputs = specimen.make(layers), specimen.inputs()
    shape = layer.compute_output_shape(shapes(inputs))
    assert shape[0] is None
    assert tuple(layer(inputs).shape[1:]) == shape[1:]


@pytest.mark.parametrize("specimen", FIRST_OF_EACH, ids=str)
def test_a_graph_takes_any_batch(specimen):
    inputs = specimen.inputs()
    entries = trees.map(lambda x: layers.Input(x.shape[1:]), inputs)
    layer = specimen.make(layers)
    model = polyk.Model(entries, layer(entries))
    for count in (1, 3):
        part = trees.map(lambda x, n=count: np.concatenate([x, x])[:n], inputs)
        found, want = (call(part, training=False) for call in (model, layer))
        np.testing.assert_allclose(found, want, rtol=1e-6)


@pytest.mark.parametrize("specimen", FIRST_OF_EACH, ids=str)
@pytest.mark.parametrize("other", [name for name in AVAILABLE if name != "numpy"])
def test_backends_agree(specimen, other):
    inputs, results, weights = specimen.inputs(), [], None
    for name in ("numpy", other):
        with polyk.use(name):
            layer = specimen.make(layers)
            layer.build(shapes(inputs))
            weights = weights or layer.get_weights()
            layer.set_weights(weights)
            results.append(polyk.to_numpy(layer(inputs, training=True)))
    np.testing.assert_allclose(results[1], results[0], rtol=2e-5, atol=2e-5)
