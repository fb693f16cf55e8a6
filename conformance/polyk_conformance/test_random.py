"""Random numbers: Random123's vectors, and the same bits on every backend, eager and compiled.

The expected bits come from an implementation of their own in NumPy's uint32.
"""

import math
from importlib import resources

import numpy as np
import pytest

import polyk
from polyk import ops, random

# Key, counter, result: Random123's known answers for Threefry-2x32, 20 rounds.
VECTORS = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]
KEY = random.Key(0x13198A2E, 0x03707344)
KEYS = [random.Key(0, 0), KEY, random.Key(0xFFFFFFFF, 0x80000000)]


def threefry(key, x0, x1):
    x0, x1 = (np.array(x, np.uint32) for x in (x0, x1))
    keys = [np.uint32(k) for k in (*key, key[0] ^ key[1] ^ 0x1BD11BDA)]
    with np.errstate(over="ignore"):
        x0, x1 = x0 + keys[0], x1 + keys[1]
        for i in range(5):
            for r in ((13, 15, 26, 6), (17, 29, 16, 24))[i % 2]:
                x0 = x0 + x1
                x1 = (x1 << np.uint32(r) | x1 >> np.uint32(32 - r)) ^ x0
            x0, x1 = x0 + keys[(i + 1) % 3], x1 + keys[(i + 2) % 3] + np.uint32(i + 1)
    return x0, x1


def words(count, key, page=0):
    """Element i is word i & 1 of block i >> 1."""
    block = np.arange((count + 1) // 2)
    pair = threefry(key, np.full(block.shape, page), block)
    return np.stack(pair, 1).reshape(-1)[:count]


def table():
    with resources.files("polyk").joinpath("data/normal_table.npy").open("rb") as file:
        upper = np.load(file)
    return np.concatenate([-upper[::-1], upper])


def fractions(shape, key):
    return (words(math.prod(shape), key) >> np.uint32(8)).reshape(shape)


def uniform(shape, key):
    return fractions(shape, key).astype("f4") * np.float32(2.0**-24)


def normal(shape, key):
    bits = words(math.prod(shape), key)
    total = table()[bits & 0xFFFF] + table()[bits >> np.uint32(16)]
    return (total * np.float32(math.sqrt(0.5))).reshape(shape)


def truncated_normal(shape, key):
    tries = normal((8, *shape), key)
    inside = abs(tries) <= 2
    chosen = np.take_along_axis(tries, inside.argmax(0)[None], 0)[0]
    return np.where(inside.any(0), chosen, np.clip(tries[-1], -2, 2))


DRAWS = {
    "uniform": (lambda k: random.uniform((5, 7), seed=k), lambda k: uniform((5, 7), k)),
    "uniform-odd": (lambda k: random.uniform((3,), seed=k), lambda k: uniform((3,), k)),
    "uniform-range": (
        lambda k: random.uniform((4, 5), -0.3, 0.7, seed=k),
        lambda k: uniform((4, 5), k) * np.float32(0.7 + 0.3) + np.float32(-0.3),
    ),
    "uniform-double": (
        lambda k: random.uniform((6,), dtype="float64", seed=k),
        lambda k: fractions((6,), k) * 2.0**-24,
    ),
    "normal": (lambda k: random.normal((40, 5), seed=k), lambda k: normal((40, 5), k)),
    "normal-scaled": (
        lambda k: random.normal((40,), 0.1, 0.05, seed=k),
        lambda k: normal((40,), k) * np.float32(0.05) + np.float32(0.1),
    ),
    "truncated_normal": (
        lambda k: random.truncated_normal((50, 4), seed=k), lambda k: truncated_normal((50, 4), k),
    ),
    "randint": (
        lambda k: random.randint((9,), -3, 1000, seed=k),
        lambda k: (fractions((9,), k).astype("i8") * 1003 >> 24) - 3,
    ),
    "bernoulli": (
        lambda k: random.bernoulli((30,), 0.3, seed=k), lambda k: fractions((30,), k) < 0.3 * 2**24,
    ),
    "permutation": (
        lambda k: random.permutation(33, seed=k),
        lambda k: np.argsort(words(33, k).view(np.int32), kind="stable"),
    ),
    "shuffle": (
        lambda k: random.shuffle(ops.arange(33), seed=k),
        lambda k: np.argsort(words(33, k).view(np.int32), kind="stable"),
    ),
    "categorical": (
        lambda k: random.categorical(ops.log([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]]), 9, seed=k),
        lambda k: np.stack([
            np.searchsorted([0.5, 0.75], uniform((2, 9), k)[0], "right"), np.ones(9, int)
        ]),
    ),
    "dropout": (
        lambda k: random.dropout(ops.ones((8, 5)), 0.25, seed=k),
        lambda k: np.where(fractions((8, 5), k) >= 0.25 * 2**24, np.float32(4 / 3), 0),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("key", "counter", "want"), VECTORS)
def test_threefry_gives_the_known_answers(backend, key, counter, want):
    counter = (ops.cast(np.array([c], "uint32").view("int32"), "int32") for c in counter)
    signed = [int(np.uint32(k).view(np.int32)) for k in key]
    found = backend.threefry(*signed, *counter)
    assert [int(polyk.to_numpy(f).view(np.uint32)[0]) for f in found] == list(want)


@pytest.mark.parametrize(("key", "counter", "want"), VECTORS)
def test_the_reference_gives_the_known_answers(key, counter, want):
    assert tuple(int(x) for x in threefry(key, *counter)) == want


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("page", [0, 3])
def test_random_bits_are_laid_out_as_written(backend, key, page):
    found = polyk.to_numpy(backend.random_bits(tuple(key), 7, page))
    np.testing.assert_array_equal(found.view(np.uint32), words(7, key, page))


@pytest.mark.parametrize("name", DRAWS)
def test_a_draw_has_the_bits_of_the_reference(backend, name):
    draw, reference = DRAWS[name]
    np.testing.assert_array_equal(polyk.to_numpy(draw(KEY)), reference(KEY))


@pytest.mark.parametrize("name", DRAWS)
def test_a_compiled_draw_has_the_same_bits(backend, name):
    draw, reference = DRAWS[name]
    compiled = polyk.compile(lambda k0, k1: draw(random.Key(k0, k1)))
    key = [ops.convert_to_tensor(np.uint32(k).view(np.int32)) for k in KEY]
    np.testing.assert_array_equal(polyk.to_numpy(compiled(*key)), reference(KEY))


def test_a_key_folds_numbers_and_names(backend):
    key = random.key(2**40 + 7)
    assert key == (2**8, 7)
    assert random.fold_in(key, 5) == tuple(int(x) for x in threefry(key, 0, 5))
    assert len({random.fold_in(key, name) for name in ("kernel", "bias", 0, 1)}) == 4


def test_folding_in_a_tensor_is_folding_in_its_value(backend):
    folded = random.fold_in(KEY, ops.convert_to_tensor(np.array(9, "int32")))
    found = [int(polyk.to_numpy(k).view(np.uint32)) for k in folded]
    assert found == list(random.fold_in(KEY, 9))


def test_a_seed_generator_turns_a_page_at_each_draw(backend):
    stream = random.SeedGenerator(7)
    pages = [polyk.to_numpy(random.uniform((4,), seed=stream)) for _ in range(2)]
    for page, found in enumerate(pages):
        want = (words(4, random.key(7), page) >> np.uint32(8)) * np.float32(2.0**-24)
        np.testing.assert_array_equal(found, want.astype("f4"))


def test_the_global_seed_decides_all_that_follows(backend):
    def draws():
        polyk.set_random_seed(3)
        return [polyk.to_numpy(random.normal((3,))).tolist() for _ in range(2)]

    first, again = draws(), draws()
    assert first == again
    assert first[0] != first[1]


@pytest.mark.parametrize("span", [(0, 0), (5, 2), (0, 2**24 + 1)])
def test_randint_refuses_a_span_it_cannot_cover(backend, span):
    with pytest.raises(ValueError, match="needs 1 to"):
        random.randint((2,), *span, seed=1)


# The distributions, once: the bits are the same everywhere.


def distance(sample, distribution):
    """Kolmogorov-Smirnov: the largest gap between two distribution functions, times sqrt(n)."""
    n = len(sample)
    exact = np.vectorize(distribution)(np.sort(sample))
    steps = np.arange(n + 1) / n
    return max((exact - steps[:-1]).max(), (steps[1:] - exact).max()) * math.sqrt(n)


def phi(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


DISTRIBUTIONS = {
    "uniform": (uniform, lambda x: min(max(x, 0.0), 1.0)),
    "normal": (normal, phi),
    "truncated_normal": (truncated_normal, lambda x: (phi(x) - phi(-2)) / (phi(2) - phi(-2))),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("key", KEYS[:2])
def test_a_sample_follows_its_distribution(name, key):
    draw, distribution = DISTRIBUTIONS[name]
    assert distance(draw((20_000,), key), distribution) < 1.95  # exceeded once in a thousand


def test_the_tails_of_the_normal_are_those_of_the_normal():
    sample = np.concatenate([normal((2**20,), key) for key in KEYS])
    for bound in (3.0, 3.5, 4.0):
        expected = len(sample) * 2 * phi(-bound)
        assert abs(np.sum(abs(sample) > bound) - expected) < 4 * math.sqrt(expected)


def test_neighbors_and_pages_are_not_correlated():
    first, second = uniform((2**16,), KEY), uniform((2**16,), random.Key(KEY.k0, KEY.k1 + 1))
    for x, y in ((first[:-1], first[1:]), (first, second)):
        assert abs(np.corrcoef(x, y)[0, 1]) < 4 / math.sqrt(len(x))
