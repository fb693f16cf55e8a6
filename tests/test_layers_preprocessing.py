"""Layers on numbers, categories and words: against Keras, what they learn and what they refuse."""

import numpy as np
import pytest
import reference

import polyk
from polyk import layers, ops
from polyk.errors import DTypeError, ShapeError

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(2, 3, (50, 4))
CODES = RNG.integers(0, 6, (5, 3))
WORDS = np.array([["a", "b", "c"], ["b", "b", "zz"], ["", "c", "b"]])
TEXTS = np.array(["The cat, sat on the mat!", "a dog; and the cat", "dog dog dog"])
MODES = ("int", "one_hot", "multi_hot", "count")


@pytest.fixture(scope="module")
def theirs():
    """Keras's layers; those of words need TensorFlow."""
    pytest.importorskip("tensorflow")
    with reference.keras() as keras:
        yield keras.layers


def plain(x):
    """A tensor of any library as a NumPy array."""
    if hasattr(x, "detach"):
        return x.detach().numpy()
    return np.asarray(x.numpy() if hasattr(x, "numpy") else polyk.to_numpy(x))


def same(found, want):
    found, want = plain(found), plain(want)
    assert found.shape == want.shape
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)


def pair(theirs, layer, options, adapt, inputs):
    """The same layer of both, adapted to the same data, gives the same; so does its config."""
    mine, its = getattr(layers, layer)(**options), getattr(theirs, layer)(**options)
    if adapt is not None:
        mine.adapt(adapt)
        its.adapt(adapt)
    same(mine(inputs), its(inputs))
    if not mine.weights:
        same(type(mine).from_config(mine.get_config())(inputs), its(inputs))
    return mine, its


@pytest.mark.parametrize("axis", [-1, None, (0, 1), 0])
def test_normalization_learns_what_keras_learns(theirs, axis):
    pair(theirs, "Normalization", {"axis": axis}, NUMBERS, NUMBERS)


def test_normalization_learns_from_batches_what_it_learns_at_once():
    whole, parts = layers.Normalization(), layers.Normalization()
    whole.adapt(NUMBERS)
    parts.adapt((x, None) for x in (NUMBERS[:7], NUMBERS[7:30], NUMBERS[30:]))
    for a, b in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_normalization_is_undone_by_its_inverse():
    layer = layers.Normalization(mean=3.0, variance=4.0)
    back = layers.Normalization(mean=3.0, variance=4.0, invert=True)
    np.testing.assert_allclose(back(layer(NUMBERS)), NUMBERS, rtol=1e-5)


def test_normalization_in_a_model_is_saved_with_it(tmp_path):
    layer = layers.Normalization()
    layer.adapt(NUMBERS)
    model = polyk.Sequential([layers.Input((4,)), layer, layers.Dense(2)])
    want = model.predict(NUMBERS, verbose=0)
    model.save(tmp_path / "model.polyk")
    found = polyk.load_model(tmp_path / "model.polyk")
    np.testing.assert_array_equal(found.predict(NUMBERS, verbose=0), want)


def test_preprocessing_stands_before_a_model_in_fit(backend):
    norm = layers.Normalization()
    norm.adapt(NUMBERS)
    model = polyk.Sequential([layers.Input((4,)), norm, layers.Dense(1)])
    model.compile("sgd", "mse")
    y = NUMBERS.sum(1, keepdims=True)
    losses = model.fit(NUMBERS, y, epochs=2, batch_size=25, verbose=0).history["loss"]
    assert losses[1] < losses[0]


def test_discretization_learns_the_boundaries_of_keras(theirs):
    mine, its = pair(theirs, "Discretization", {"num_bins": 5}, RNG.normal(size=(1000,)), NUMBERS)
    np.testing.assert_allclose(mine.bin_boundaries, its.bin_boundaries, rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_discretization_encodes_as_keras(theirs, mode):
    options = {"bin_boundaries": [0.0, 1.0, 2.0], "output_mode": mode}
    pair(theirs, "Discretization", options, None, NUMBERS)


@pytest.mark.parametrize("mode", MODES[1:])
@pytest.mark.parametrize("codes", [CODES, CODES[:, :1], CODES[0]], ids=["rows", "column", "one"])
def test_categories_are_encoded_as_in_keras(theirs, mode, codes):
    pair(theirs, "CategoryEncoding", {"num_tokens": 6, "output_mode": mode}, None, codes)


def test_categories_are_counted_by_weight():
    layer = layers.CategoryEncoding(3, "count")
    found = layer(np.array([[0, 2, 2]]), count_weights=np.array([[0.5, 1.0, 2.0]]))
    assert polyk.to_numpy(found).tolist() == [[0.5, 0.0, 3.0]]


@pytest.mark.parametrize("mode", [*MODES, "tf_idf"])
@pytest.mark.parametrize("mask", [None, ""])
@pytest.mark.parametrize("limit", [None, 4])
def test_strings_find_the_places_that_keras_gives(theirs, mode, mask, limit):
    options = {"output_mode": mode, "mask_token": mask, "max_tokens": limit}
    unseen = np.array([["a", "q"], ["c", ""]])
    mine, its = pair(theirs, "StringLookup", options, WORDS, unseen)
    assert mine.get_vocabulary() == its.get_vocabulary()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mask", [None, 0])
@pytest.mark.parametrize("places", [1, 3])
def test_numbers_find_the_places_that_keras_gives(theirs, mode, mask, places):
    options = {"output_mode": mode, "mask_token": mask, "num_oov_indices": places}
    unseen = RNG.integers(-2, 13, (6, 4))
    mine, its = pair(theirs, "IntegerLookup", options, RNG.integers(0, 9, (20, 3)), unseen)
    assert mine.get_vocabulary() == its.get_vocabulary()
    same(mine(ops.convert_to_tensor(unseen)), its(unseen))


def test_integers_are_looked_up_inside_a_compiled_model(backend):
    layer = layers.IntegerLookup(vocabulary=[42, 7, 13], output_mode="one_hot")
    run = polyk.compile(lambda x: layer(x))
    found = run(ops.convert_to_tensor(np.array([[7], [5]], "int32")))
    assert polyk.to_numpy(found).tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]


def test_places_become_strings_again():
    layer = layers.StringLookup(vocabulary=["a", "b"], invert=True)
    assert layer(np.array([[0, 1], [2, 9]])).tolist() == [["[UNK]", "a"], ["b", "[UNK]"]]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ngrams": 2},
        {"ngrams": (2,)},
        {"output_mode": "multi_hot"},
        {"output_mode": "tf_idf"},
        {"output_sequence_length": 3},
        {"output_sequence_length": 9, "standardize": "lower"},
        {"split": "character", "standardize": "strip_punctuation"},
        {"standardize": None, "max_tokens": 4},
        {"output_mode": "count", "pad_to_max_tokens": True, "max_tokens": 20},
    ],
    ids=str,
)
def test_texts_become_the_numbers_that_keras_gives(theirs, options):
    unseen = np.array(["the dog flew", "Cat"])
    mine, its = pair(theirs, "TextVectorization", options, TEXTS, unseen)
    assert mine.get_vocabulary() == its.get_vocabulary()


def test_texts_are_tensors_of_the_backend_in_use(backend):
    layer = layers.TextVectorization(output_sequence_length=4)
    layer.adapt(["a b c", "a b", "a"])
    found = layer(["a c", "z"])
    assert isinstance(found, backend.tensor_types)
    assert polyk.to_numpy(found).tolist() == [[2, 4, 0, 0], [1, 0, 0, 0]]


def test_a_hash_is_settled():
    """BLAKE2b, and so not the bins of Keras, which needs TensorFlow's FarmHash."""
    words = np.array(["polyk", "keras", "", "7"])
    found = polyk.to_numpy(layers.Hashing(1000)(words))
    assert found.tolist() == polyk.to_numpy(layers.Hashing(1000)(words.tolist())).tolist()
    assert polyk.to_numpy(layers.Hashing(1000)(np.array([7])))[0] == found[3]
    assert polyk.to_numpy(layers.Hashing(1000, salt=3)(words)).tolist() != found.tolist()


def test_a_hash_spreads_and_keeps_a_bin_for_the_mask():
    words = np.array([*map(str, range(4000)), ""])
    bins = polyk.to_numpy(layers.Hashing(5, mask_value="")(words))
    counts = np.bincount(bins)
    assert counts[0] == 1 and bins[-1] == 0
    assert counts[1:].min() > 900


def test_a_cross_tells_where_one_feature_ends():
    layer = layers.HashedCrossing(10**6)
    one, other = (layer([np.array([a]), np.array([b])]) for a, b in (("ab", "c"), ("a", "bc")))
    assert int(one[0]) != int(other[0])


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: layers.CategoryEncoding(), ValueError, "give num_tokens, or take IntegerLookup"),
        (lambda: layers.CategoryEncoding(3, sparse=True), ValueError, "Leave sparse out"),
        (lambda: layers.CategoryEncoding(3, "magic"), ValueError, "output_mode must be"),
        (lambda: layers.Normalization(mean=1.0), ValueError, "give both mean and variance"),
        (lambda: layers.Normalization(axis=0)(NUMBERS), ShapeError, "must be known"),
        (lambda: layers.Discretization(), ValueError, "give either bin_boundaries, or num_bins"),
        (lambda: layers.Discretization(num_bins=3)(NUMBERS), ValueError, r"call adapt\(data\)"),
        (lambda: layers.StringLookup(vocabulary=["a", "a"]), ValueError, "'a' more than once"),
        (lambda: layers.StringLookup(max_tokens=1), ValueError, "max_tokens must be 2 or more"),
        (
            lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["b"]),
            ValueError,
            r"not in the vocabulary: \['b'\]. Give them a place by num_oov_indices=1",
        ),
        (lambda: layers.TextVectorization()(WORDS), ShapeError, r"texts are \(N,\) or \(N, 1\)"),
        (lambda: layers.HashedCrossing(3)([WORDS]), ValueError, "two features or more"),
        (lambda: layers.HashedCrossing(3)([NUMBERS, NUMBERS]), DTypeError, "not floats"),
    ],
)
def test_wrong_use_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize("name", ["StringLookup", "IntegerLookup", "TextVectorization"])
def test_a_vocabulary_is_no_path(name):
    config = {"layers": [{"class_name": name, "config": {"vocabulary": "/etc/passwd"}}]}
    with pytest.raises(TypeError, match="a vocabulary is a list of tokens; got '/etc/passwd'"):
        polyk.Sequential.from_config(config)
