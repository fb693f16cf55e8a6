"""Random numbers: known answers, streams and seeds, distributions, the same bits compiled."""

import math
from statistics import NormalDist

import numpy as np
import pytest

import polyk
from polyk import ops, random
from polyk.random import Key, SeedGenerator

NORMAL = NormalDist()
ALL_ONES = 2**64 - 1


def numbers(draw, *args, **kwargs):
    """What a draw gives on NumPy, as an array."""
    with polyk.use("numpy"):
        return polyk.to_numpy(draw(*args, **kwargs))


def words(key):
    return [int(polyk.to_numpy(k)) & 0xFFFFFFFF for k in key]


# Keys.


@pytest.mark.parametrize(  # Random123's kat_vectors, threefry2x32 with 20 rounds
    ("key", "counter", "answer"),
    [
        (Key(0, 0), 0, (0x6B200159, 0x99BA4EFE)),
        (Key(0xFFFFFFFF, 0xFFFFFFFF), ALL_ONES, (0x1CB996FC, 0xBB002BE7)),
        (Key(0x13198A2E, 0x03707344), 0x243F6A8885A308D3, (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_known_answers(key, counter, answer):
    assert random.fold_in(key, counter) == answer


def test_a_draw_lists_both_words_of_each_block():
    key = Key(0x13198A2E, 0x03707344)
    bits = numbers(random.draw, 5, key).view(np.uint32)
    blocks = [random.fold_in(key, i) for i in range(3)]
    assert bits.tolist() == [word for block in blocks for word in block][:5]


def test_a_seed_has_64_bits():
    assert random.key(0x123456789ABCDEF0) == (0x12345678, 0x9ABCDEF0)
    assert random.key(-1) == (0xFFFFFFFF, 0xFFFFFFFF)


@pytest.mark.parametrize("seed", ["7", 7.0])
def test_a_seed_that_is_no_int_is_refused(seed):
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        random.uniform((2,), seed=seed)


@pytest.mark.parametrize("data", [0, 5, 2**31 - 1, -1, -7])
def test_fold_in_by_int_and_by_tensor_agree(backend, data):
    key = random.key(11)
    by_tensor = random.fold_in(key, ops.convert_to_tensor(data, "int32"))
    assert words(by_tensor) == words(random.fold_in(key, data))


@pytest.mark.parametrize("data", ["dropout", 6, -1, 2**40 + 3])
def test_a_key_of_tensors_derives_the_same_keys(backend, data):
    key = random.fold_in(random.key(11), 3)
    traced = random.fold_in(random.key(11), ops.convert_to_tensor(3, "int32"))
    assert words(random.fold_in(traced, data)) == words(random.fold_in(key, data))


def test_names_and_numbers_give_different_keys():
    key = random.key(0)
    found = {random.fold_in(key, data) for data in ("a", "b", "", 0, 1, 2**32)}
    assert len(found | {key}) == 7


def test_split_gives_streams_that_have_nothing_in_common():
    key = random.key(5)
    keys = [key, *random.split(key, 3)]
    draws = [numbers(random.normal, (20_000,), seed=k) for k in keys]
    correlation = np.corrcoef(draws) - np.eye(4)
    assert abs(correlation).max() < 4 / math.sqrt(20_000)


# Seeds.


def test_an_int_seed_gives_the_same_numbers_each_time():
    a, b = (numbers(random.uniform, (9,), seed=3) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, numbers(random.uniform, (9,), seed=4))


def test_a_numpy_int_is_a_seed(backend):
    mine = random.uniform((9,), seed=np.int64(3))
    np.testing.assert_array_equal(
        polyk.to_numpy(mine), polyk.to_numpy(random.uniform((9,), seed=3))
    )


def test_a_seed_generator_turns_a_page_at_each_draw(backend):
    generator = SeedGenerator(3)
    first, second = (polyk.to_numpy(random.uniform((9,), seed=generator)) for _ in range(2))
    assert not np.intersect1d(first, second).size
    np.testing.assert_array_equal(first, numbers(random.uniform, (9,), seed=3))


def test_equal_seed_generators_give_equal_pages():
    pages = [[numbers(random.uniform, (4,), seed=g) for _ in range(3)]
             for g in (SeedGenerator(3), SeedGenerator(3))]  # fmt: skip
    np.testing.assert_array_equal(*pages)


def test_seed_generators_without_a_seed_differ():
    first, second = (numbers(random.uniform, (4,), seed=SeedGenerator()) for _ in range(2))
    assert not np.array_equal(first, second)


def test_no_seed_follows_from_the_global_one_and_moves_on():
    def two():
        polyk.set_random_seed(21)
        return [numbers(random.uniform, (4,)) for _ in range(2)]

    first, again = two(), two()
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(*first)


# Distributions. Samples are fixed by their seeds; the bounds are those of chance in 1 of 1,000.


def assert_distributed(sample, cdf):
    """Kolmogorov-Smirnov."""
    x = np.sort(sample.astype("float64"))
    n = len(x)
    expected = np.array([cdf(v) for v in x.tolist()])
    edges = np.arange(n + 1) / n
    distance = max((edges[1:] - expected).max(), (expected - edges[:-1]).max())
    assert distance < 1.95 / math.sqrt(n)


def assert_frequencies(observed, expected, limit):
    """Pearson's chi-squared."""
    expected = np.asarray(expected, "float64")
    assert ((observed - expected) ** 2 / expected).sum() < limit


def test_uniform_is_uniform_and_below_one():
    x = numbers(random.uniform, (40_000,), seed=1)
    assert x.dtype == np.float32
    assert x.min() >= 0 and x.max() < 1
    assert_distributed(x, lambda v: v)


def test_uniform_between_bounds():
    x = numbers(random.uniform, (40_000,), -3.0, 5.0, seed=2)
    assert_distributed(x, lambda v: (v + 3) / 8)


def test_uniform_reaches_its_tails():
    x = numbers(random.uniform, (1_000_000,), seed=3)
    for tail in ((x < 1e-4).sum(), (x >= 1 - 1e-4).sum()):
        assert abs(tail - 100) < 35


def test_normal_is_normal():
    x = numbers(random.normal, (40_000,), seed=1)
    assert x.dtype == np.float32
    assert_distributed(x, NORMAL.cdf)


def test_normal_with_mean_and_deviation():
    x = numbers(random.normal, (40_000,), 2.0, 3.0, "float64", seed=2)
    assert x.dtype == np.float64
    assert_distributed(x, NormalDist(2, 3).cdf)


@pytest.mark.parametrize("bound", [2.0, 3.0, 4.0])
def test_normal_reaches_its_tails(bound):
    n = 2_000_000
    x = numbers(random.normal, (n,), seed=4)
    expected = n * NORMAL.cdf(-bound)
    for tail in ((x < -bound).sum(), (x > bound).sum()):
        assert abs(tail - expected) < 3.5 * math.sqrt(expected)


def test_neighbors_are_independent():
    x = numbers(random.normal, (200_000,), seed=5).astype("float64")
    for lag in (1, 2, 3):
        assert abs((x[:-lag] * x[lag:]).mean()) < 4 / math.sqrt(len(x))


def test_truncated_normal_stays_within_two_deviations():
    x = numbers(random.truncated_normal, (40_000,), seed=1)
    assert abs(x).max() <= 2
    low = NORMAL.cdf(-2)
    assert_distributed(x, lambda v: (NORMAL.cdf(v) - low) / (1 - 2 * low))


def test_truncated_normal_with_mean_and_deviation():
    plain = numbers(random.truncated_normal, (100,), dtype="float64", seed=1)
    moved = numbers(random.truncated_normal, (100,), 5.0, 0.5, "float64", seed=1)
    np.testing.assert_allclose(moved, 5 + 0.5 * plain, rtol=1e-12)


@pytest.mark.parametrize(("low", "high", "limit"), [(0, 10, 27.9), (-3, 4, 22.5), (5, 6, 1e-9)])
def test_randint_gives_each_int_equally_often(low, high, limit):
    x = numbers(random.randint, (100_000,), low, high, seed=2)
    assert x.dtype == np.int32
    count = np.bincount(x - low, minlength=high - low)
    assert len(count) == high - low
    assert_frequencies(count, np.full(high - low, 100_000 / (high - low)), limit)


@pytest.mark.parametrize("span", [3, 4097, 2**24 - 1, 2**24])
def test_randint_is_the_exact_share_of_the_span(span):
    whole = numbers(random.draw, 1000, 7).astype("int64") >> 8 & 0xFFFFFF
    x = numbers(random.randint, (1000,), 0, span, seed=7)
    np.testing.assert_array_equal(x, whole * span >> 24)


@pytest.mark.parametrize("bounds", [(3, 3), (4, 3), (0, 2**24 + 1)])
def test_randint_refuses_what_it_cannot_draw(bounds):
    with pytest.raises(ValueError, match=f"got {bounds[0]} to {bounds[1]}"):
        random.randint((2,), *bounds)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_bernoulli_frequency(p):
    x = numbers(random.bernoulli, (100_000,), p, seed=3)
    assert x.dtype == bool
    assert abs(x.mean() - p) < 3.3 * math.sqrt(p * (1 - p) / 100_000)


def test_bernoulli_of_what_is_certain():
    assert not numbers(random.bernoulli, (10_000,), 0.0, seed=3).any()
    assert numbers(random.bernoulli, (10_000,), 1.0, seed=3).all()


def test_categorical_frequencies():
    p = np.array([[0.1, 0.2, 0.3, 0.4], [0.97, 0.01, 0.01, 0.01]])
    x = numbers(random.categorical, np.log(p), 50_000, seed=4)
    assert x.shape == (2, 50_000)
    for row, expected in zip(x, p, strict=True):
        assert_frequencies(np.bincount(row, minlength=4), 50_000 * expected, 16.3)


def test_categorical_never_draws_what_is_impossible():
    logits = np.array([[-np.inf, 0.0, -np.inf, 1.0, -np.inf]], "float32")
    assert set(numbers(random.categorical, logits, 20_000, seed=5).ravel()) == {1, 3}


def test_a_permutation_is_one():
    order = numbers(random.permutation, 1000, seed=6)
    np.testing.assert_array_equal(np.sort(order), np.arange(1000))
    assert not np.array_equal(order, np.arange(1000))


def test_all_permutations_are_equally_likely():
    orders = [tuple(numbers(random.permutation, 3, seed=i)) for i in range(1200)]
    counts = [orders.count(order) for order in set(orders)]
    assert len(counts) == 6
    assert_frequencies(np.array(counts), [200] * 6, 20.5)


def test_shuffle_moves_whole_slices_along_an_axis():
    x = np.arange(60).reshape(3, 20)
    y = numbers(random.shuffle, x, axis=1, seed=7)
    assert not np.array_equal(x, y)
    np.testing.assert_array_equal(x, y[:, y[0].argsort()])


def test_the_table_of_the_normal_is_what_it_says():
    """The means of slices of equal mass, scaled to variance 1; the file holds the upper half."""
    n = 65_536
    edges = np.array([NORMAL.inv_cdf(i / n) for i in range(n // 2, n)])
    density = np.append(np.exp(-(edges**2) / 2) / math.sqrt(2 * math.pi), 0)
    means = n * (density[:-1] - density[1:])
    expected = means / math.sqrt((means**2).mean())
    table = random._table()
    np.testing.assert_array_equal(table[: n // 2], -table[: n // 2 - 1 : -1])
    np.testing.assert_array_max_ulp(table[n // 2 :], expected.astype("float32"), 1)


# Compiled.

DRAWS = {  # a multiply and an add that XLA would fuse, two constants that it would fold
    "uniform": lambda seed: random.uniform((999,), -1.0, 2.0, seed=seed),
    "normal": lambda seed: random.normal((999,), seed=seed),
    "normal scaled": lambda seed: random.normal((999,), 0.0, 0.05, seed=seed),
    "normal moved": lambda seed: random.normal((999,), -1.0, 2.3, "float64", seed=seed),
    "truncated_normal": lambda seed: random.truncated_normal((999,), 1.0, 0.3, seed=seed),
    "randint": lambda seed: random.randint((999,), -5, 1000, seed=seed),
    "permutation": lambda seed: random.permutation(999, seed=seed),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_a_compiled_function_draws_the_same_bits(backend, draw):
    def fn(step):
        return draw(random.fold_in(random.key(9), step))

    step = ops.convert_to_tensor(4, "int32")
    compiled = polyk.to_numpy(polyk.compile(fn)(step))
    np.testing.assert_array_equal(compiled, numbers(draw, random.fold_in(random.key(9), 4)))
