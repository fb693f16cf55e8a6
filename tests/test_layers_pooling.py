"""Pooling layers against Keras; masks and uneven windows."""

import numpy as np
import pytest
from against_keras import compare
from polyk_conformance.zoo import ZOO

import polyk
from polyk import layers, ops

LINE = np.arange(24, dtype="float32").reshape(2, 4, 3)


# On torch, Keras averages over windows that begin one cell later than on its other backends.
ELSEWHERE = "AveragePooling2D(pool_size=3,strides=2,padding=same)"


@pytest.mark.parametrize(
    "specimen", [s for s in ZOO["pooling"] if not str(s).startswith(ELSEWHERE)], ids=str
)
def test_a_layer_is_that_of_keras(float64, specimen):
    compare(specimen)


def test_a_mask_leaves_steps_out_of_the_mean(backend):
    mask = np.array([[True, True, False, False], [True, False, True, True]])
    found = polyk.to_numpy(layers.GlobalAveragePooling1D()(LINE, mask=mask))
    np.testing.assert_allclose(found, [LINE[0, :2].mean(0), LINE[1, [0, 2, 3]].mean(0)], rtol=1e-6)
    first = layers.GlobalAveragePooling1D(data_format="channels_first", keepdims=True)
    found = polyk.to_numpy(first(LINE.transpose(0, 2, 1), mask=mask))
    np.testing.assert_allclose(found[0, :, 0], LINE[0, :2].mean(0), rtol=1e-6)


def test_the_mask_ends_at_a_global_mean():
    assert layers.GlobalAveragePooling1D().compute_mask(LINE, np.ones((2, 4), bool)) is None


def test_adaptive_windows_overlap_where_they_must():
    x = np.arange(5, dtype="float32").reshape(1, 5, 1)
    assert ops.adaptive_max_pool(x, 3)[0, :, 0].tolist() == [1, 3, 4]
    assert ops.adaptive_average_pool(x, 3)[0, :, 0].tolist() == [0.5, 2, 3.5]
    assert ops.adaptive_average_pool(x, 7)[0, :, 0].tolist() == [0, 0.5, 1.5, 2, 2.5, 3.5, 4]


def test_adaptive_pooling_is_that_of_torch():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).normal(size=(2, 7, 5, 3)).astype("float32")
    for size in ((3, 2), (4, 4), (7, 1), (9, 6)):
        for kind in ("avg", "max"):
            pool = getattr(torch.nn.functional, f"adaptive_{kind}_pool2d")
            want = pool(torch.tensor(x).permute(0, 3, 1, 2), size).permute(0, 2, 3, 1).numpy()
            op = "adaptive_average_pool" if kind == "avg" else "adaptive_max_pool"
            np.testing.assert_allclose(getattr(ops, op)(x, size), want, rtol=1e-5, atol=1e-6)


def test_an_infinity_stays_in_its_windows():
    x = np.array([np.inf, 1, 2, 3, 4], "float32").reshape(1, 5, 1)
    assert ops.adaptive_average_pool(x, 2)[0, :, 0].tolist() == [np.inf, 3]


def test_the_first_of_several_maxima_takes_the_gradient():
    x = np.array([1.0, 1, 1, 0, 1], "float64").reshape(1, 5, 1)
    slope = polyk.grad(lambda x: ops.sum(ops.adaptive_max_pool(x, 2)))(x)
    assert slope[0, :, 0].tolist() == [1, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: layers.MaxPooling1D(0), "pool_size"),
        (lambda: layers.MaxPooling1D(2, padding="causal"), "padding must be"),
        (lambda: layers.MaxPooling2D(2), "expected an input of 4 axes"),
        (lambda: layers.GlobalMaxPooling2D(), "expected an input of 4 axes"),
        (lambda: layers.AdaptiveMaxPooling1D(0), "output_size"),
        (lambda: layers.AdaptiveMaxPooling1D((2, 2)), "output_size"),
    ],
)
def test_wrong_use_is_told(make, says):
    with pytest.raises(ValueError, match=says):
        make()(LINE)
