"""Initial values: their distribution, their seeds, and what Keras would give."""

import math

import numpy as np
import pytest
from reference import keras

import polyk
from polyk import initializers, random

RANDOM = [
    "RandomUniform", "RandomNormal", "TruncatedNormal", "VarianceScaling", "GlorotUniform",
    "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal", "Orthogonal",
]  # fmt: skip


@pytest.fixture(autouse=True)
def on_numpy():
    with polyk.use("numpy"):
        yield


@pytest.mark.parametrize(
    ("initializer", "expected"),
    [
        ("zeros", [[0, 0, 0], [0, 0, 0]]),
        ("ones", [[1, 1, 1], [1, 1, 1]]),
        (initializers.Constant(2.5), [[2.5] * 3] * 2),
        (initializers.Constant([1, 2, 3]), [[1, 2, 3]] * 2),
        (initializers.Identity(2), [[2, 0, 0], [0, 2, 0]]),
        (np.arange(6).reshape(2, 3), [[0, 1, 2], [3, 4, 5]]),
    ],
)
def test_fixed_values(initializer, expected):
    value = initializers.get(initializer)((2, 3))
    assert value.dtype == "float32"
    np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("shape", [(), (5,), (4, 6), (3, 4, 6), (3, 3, 4, 6)])
def test_fans_are_those_of_keras(shape):
    with keras() as k:
        theirs = k.src.initializers.random_initializers.compute_fans(shape)
    assert initializers.compute_fans(shape) == theirs


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("glorot_uniform", 2 / 500),
        ("glorot_normal", 2 / 500),
        ("he_uniform", 2 / 200),
        ("he_normal", 2 / 200),
        ("lecun_uniform", 1 / 200),
        ("lecun_normal", 1 / 200),
        (initializers.VarianceScaling(3.0, "fan_out", "untruncated_normal"), 3 / 300),
        (initializers.VarianceScaling(1.0, input_axes=[1], output_axes=[0]), 1 / 300),
        ("uniform", 0.1**2 / 12),
        ("normal", 0.05**2),
        ("truncated_normal", (0.05 * 0.87962566) ** 2),
    ],
)
def test_variance(name, variance):
    x = initializers.get(name)((200, 300), "float64", random.key(1))
    assert abs(x.mean()) < 5 * math.sqrt(variance / x.size)
    assert x.var() == pytest.approx(variance, rel=0.03)


@pytest.mark.parametrize("name", ["HeUniform", "TruncatedNormal", "GlorotNormal"])
def test_bounds_are_those_of_keras(name):
    with keras() as k:
        theirs = k.ops.convert_to_numpy(getattr(k.initializers, name)(seed=1)((100, 100)))
    ours = initializers.get(name)((100, 100), seed=random.key(1))
    assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=5e-3)


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6), (2, 2, 3, 8)])
def test_orthogonal_rows_or_columns(shape):
    q = initializers.Orthogonal(gain=2.0)(shape, "float64", random.key(3)).reshape(-1, shape[-1])
    gram = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-12)


@pytest.mark.parametrize("name", RANDOM)
def test_the_stream_of_the_weight_decides(name):
    initializer = initializers.get(name)
    a, b, c = (initializer((3, 4), seed=random.key(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize("name", RANDOM)
def test_an_own_seed_wins(name):
    initializer = getattr(initializers, name)(seed=7)
    a, b = (initializer((3, 4), seed=random.key(seed)) for seed in (1, 2))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["Zeros", "Ones", "Constant", "Identity", *RANDOM])
def test_config_round_trip(name):
    config = initializers.serialize(initializers.get(name))
    assert initializers.serialize(initializers.deserialize(config)) == config
    with keras() as k:
        theirs = getattr(k.initializers, name)().get_config()
    assert config["config"] == {**theirs, **({"gain": 1.0} if name == "Identity" else {})}


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_dtype(name, dtype):
    assert initializers.get(name)((2, 2), dtype).dtype == dtype


def test_a_wrong_name():
    with pytest.raises(polyk.UnknownName, match="Did you mean 'glorot_uniform'"):
        initializers.get("glorot_unifrom")


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: initializers.Orthogonal()((3,)), polyk.ShapeError),
        (lambda: initializers.Identity()((3,)), polyk.ShapeError),
        (lambda: initializers.VarianceScaling(0), ValueError),
        (lambda: initializers.VarianceScaling(mode="fan"), ValueError),
        (lambda: initializers.VarianceScaling(distribution="gauss"), ValueError),
    ],
)
def test_refused(make, error):
    with pytest.raises(error):
        make()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"side": "imag", "window": "hamming", "scaling": "spectrum"},
        {"window": "blackman", "scaling": None, "periodic": True},
        {"window": "boxcar"},
        {"window": None},
        {"window": np.linspace(1, 2, 8)},
    ],
)
def test_fourier_transform_is_that_of_keras(options):
    pytest.importorskip("scipy")
    with keras() as k:
        expected = k.ops.convert_to_numpy(k.initializers.STFT(**options)((8, 1, 5), "float64"))
    ours = initializers.STFT(**options)((8, 1, 5), "float64")
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-15)
    assert initializers.STFT("imag")((1, 1, 1)) == 0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: initializers.STFT("left"), "side must be"),
        (lambda: initializers.STFT(scaling="loud"), "scaling must be"),
        (lambda: initializers.STFT(window="kaiser"), "window must be one of hann"),
        (lambda: initializers.STFT(window=[1.0])((2, 1, 3)), r"window must be \(2,\); got \(1,\)"),
    ],
)
def test_wrong_use_of_the_fourier_transform(make, says):
    with pytest.raises(ValueError, match=says):
        make()
