"""Settings of the process."""

import numpy as np
import pytest

import polyk
from polyk import config, layers, losses, ops


@pytest.fixture(autouse=True)
def as_before():
    yield
    config.set_epsilon(1e-7)
    config.set_image_data_format("channels_last")
    config.set_floatx("float32")


def test_the_defaults_are_those_of_keras():
    assert (config.floatx(), config.epsilon(), config.image_data_format()) == (
        "float32", 1e-7, "channels_last",
    )  # fmt: skip
    with polyk.use("numpy"):
        assert config.backend() == "numpy"


def test_losses_keep_epsilon_away_from_zero():
    config.set_epsilon(0.01)
    loss = losses.binary_crossentropy(np.ones((1, 1)), np.zeros((1, 1)))
    np.testing.assert_allclose(polyk.to_numpy(loss), [-np.log(0.01)], rtol=1e-5)


def test_layers_take_images_in_the_layout_of_the_process():
    config.set_image_data_format("channels_first")
    layer = layers.Conv2D(4, 2)
    assert layer.data_format == "channels_first"
    assert layer.compute_output_shape((None, 3, 5, 5)) == (None, 4, 4, 4)
    with pytest.raises(ValueError, match="data_format must be one of channels_last"):
        config.set_image_data_format("NCHW")


def test_floatx_is_the_dtype_of_new_layers():
    config.set_floatx("float64")
    assert layers.Dense(2).dtype == "float64"


@pytest.mark.parametrize(
    ("op", "given", "expected"),
    [
        (
            lambda x, **k: ops.conv(x, np.ones((2, 2, 3, 5), "float32"), **k),
            (1, 3, 4, 4),
            (1, 5, 3, 3),
        ),
        (lambda x, **k: ops.max_pool(x, 2, **k), (1, 3, 4, 4), (1, 3, 2, 2)),
        (lambda x, **k: ops.adaptive_average_pool(x, 2, **k), (1, 3, 4, 4), (1, 3, 2, 2)),
        (lambda x, **k: ops.image.resize(x, (8, 8), **k), (1, 3, 4, 4), (1, 3, 8, 8)),
        (lambda x, **k: ops.image.rgb_to_grayscale(x, **k), (3, 4, 4), (1, 4, 4)),
    ],
)
def test_ops_without_a_data_format_follow_the_setting(op, given, expected):
    x = np.ones(given, "float32")
    config.set_image_data_format("channels_first")
    assert ops.shape(op(x)) == expected
    last = np.moveaxis(x, -3, -1)
    assert ops.shape(op(last, data_format="channels_last"))[-3:-1] == expected[-2:]
