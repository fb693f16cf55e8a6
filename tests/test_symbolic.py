"""Shape inference: sizes that are not known, no computation, errors while inferring."""

import time

import numpy as np
import pytest

import polyk
from polyk import layers, ops
from polyk.symbolic import Spec, infer
from polyk.weights import shapes_only


def shape_of(fn, *shapes, dtype="float32"):
    """The shape that `fn` gives for inputs of `shapes`."""
    return infer(fn, *(Spec(s, dtype) for s in shapes)).shape


# Sizes that are not known.


@pytest.mark.parametrize(
    ("fn", "shape", "expected"),
    [
        (lambda x: x + 1, (None, 3), (None, 3)),
        (lambda x: ops.matmul(x, ops.ones((3, 5))), (None, None, 3), (None, None, 5)),
        (lambda x: ops.reshape(x, (-1, 6)), (None, 2, 3), (None, 6)),
        (lambda x: ops.reshape(x, (2, -1)), (None, 4), (2, None)),
        (lambda x: ops.transpose(x, (2, 0, 1)), (None, 3, None), (None, None, 3)),
        (lambda x: ops.concatenate([x, x], axis=0), (None, 3), (None, 3)),
        (lambda x: ops.concatenate([x, x], axis=1), (None, 3), (None, 6)),
        (lambda x: ops.sum(x, axis=0), (None, None, 3), (None, 3)),
        (lambda x: ops.mean(x, axis=(0, 1), keepdims=True), (None, None, 3), (1, 1, 3)),
        (lambda x: x[:, ::2], (None, 7), (None, 4)),
        (lambda x: x[:, -1], (None, None, 3), (None, 3)),
        (lambda x: ops.expand_dims(x, 1), (None, 3), (None, 1, 3)),
        (lambda x: ops.pad(x, ((0, 0), (1, 2))), (None, None), (None, None)),
        (lambda x: ops.repeat(x, 2, axis=1), (None, 3), (None, 6)),
        (lambda x: ops.one_hot(ops.argmax(x, axis=-1), 4), (None, None, 9), (None, None, 4)),
        (lambda x: ops.einsum("bij,bjk->bik", x, x), (None, 3, 3), (None, 3, 3)),
        (lambda x: ops.max_pool(x, 2), (None, None, None, 3), (None, None, None, 3)),
        (lambda x: ops.take(x, [0, 2], axis=1), (None, 5), (None, 2)),
        (lambda x: ops.softmax(ops.logsumexp(x, axis=1)), (None, None, 2), (None, 2)),
    ],
)  # fmt: skip
def test_what_is_not_known_stays_none(fn, shape, expected):
    assert shape_of(fn, shape) == expected


def test_the_same_axis_is_the_same_size_in_every_argument():
    assert shape_of(lambda x, y: x + y, (None, 3), (None, 1)) == (None, 3)
    assert shape_of(lambda x, y: ops.matmul(x, y), (None, None, 4), (None, 4, 2)) == (None, None, 2)


def test_many_unknown_axes():
    unknown = (None,) * 7
    assert shape_of(lambda x: ops.sum(x, axis=0), unknown) == unknown[1:]


def test_known_shapes_are_computed_exactly():
    assert shape_of(lambda x: ops.reshape(x, (-1, 6)), (4, 3)) == (2, 6)


def test_results_keep_their_structure_and_dtypes():
    got = infer(lambda x: {"a": [x > 0], "b": (ops.argmax(x, 1), 7)}, Spec((None, 3), "float16"))
    assert (got["a"][0].shape, got["a"][0].dtype) == ((None, 3), "bool")
    assert (got["b"][0].shape, got["b"][0].dtype) == ((None,), "int32")
    assert got["b"][1] == 7


def test_an_int_input_becomes_float_where_a_tensor_would():
    assert infer(lambda x: ops.exp(x), Spec((None,), "int32")).dtype == "float32"
    assert infer(lambda x: x * 2, Spec((None,), "int32")).dtype == "int32"


# No computation.


def test_no_size_is_too_large():
    start = time.monotonic()
    big = (None, 10**5, 10**5)
    assert shape_of(lambda x: ops.softmax(ops.matmul(x, x) + x), big) == big
    assert layers.Dense(10**7).compute_output_shape(big) == (None, 10**5, 10**7)
    assert time.monotonic() - start < 1


def test_nothing_is_asked_of_the_backend_in_use(monkeypatch):
    def poisoned(*args, **kwargs):
        raise AssertionError("computed")

    stack = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.MaxPooling2D(),
             layers.Flatten(), layers.Dropout(0.5), layers.Dense(3, "softmax")]  # fmt: skip
    with polyk.use("numpy") as b, monkeypatch.context() as patch:
        for op in ("matmul", "conv", "max_pool", "add", "multiply", "exp", "sum", "random_bits"):
            patch.setattr(type(b), op, poisoned)
        x = Spec((None, 8, 8, 1), "float32")
        for layer in stack:
            x = layer.compute_output_spec(x)
        assert x.shape == (None, 3)


def test_inference_gives_weights_no_value():
    layer = layers.Dense(3)
    layer.compute_output_shape((None, 2))
    assert [w.backend for w in layer.weights] == [None, None]


def test_inference_writes_to_no_weight():
    layer = layers.BatchNormalization()
    layer.build((None, 2))
    before = layer.get_weights()
    with shapes_only():
        infer(lambda x: layer(x, training=True), Spec((None, 2), "float32"))
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("look", [bool, float, int, polyk.to_numpy])
def test_a_value_is_not_known(look):
    with pytest.raises(TypeError, match="not known while shapes are inferred"):
        infer(look, Spec((None,), "float32"))


# Errors.


@pytest.mark.parametrize(
    ("fn", "shapes"),
    [
        (lambda x, y: x + y, [(None, 3), (None, 4)]),
        (ops.matmul, [(None, 3), (4, 2)]),
        (lambda x: ops.reshape(x, (-1, 4)), [(5, 3)]),
        (lambda x: ops.broadcast_to(x, (2, 4)), [(2, 3)]),
        (lambda x: ops.sum(x, axis=2), [(None, 3)]),
        (lambda x, y: ops.concatenate([x, y], axis=0), [(None, 3), (None, 4)]),
        (lambda x, y: ops.stack([x, y]), [(None, 3), (None, 4)]),
        (lambda x: ops.conv(x, ops.ones((3, 3, 2, 4))), [(None, 8, 8, 3)]),
        (lambda x: ops.transpose(x, (0, 1)), [(None, 3, 4)]),
        (lambda x: ops.split(x, 2, axis=1), [(None, 3)]),
    ],
)
def test_a_wrong_shape_is_found_while_inferring(fn, shapes):
    with pytest.raises((polyk.ShapeError, ValueError, IndexError)):
        shape_of(fn, *shapes)


def test_a_layer_that_does_not_fit_is_found_when_the_graph_is_made():
    x = layers.Input((5,))
    dense = layers.Dense(2)
    dense(x)
    with pytest.raises(polyk.ShapeError, match="last axis is 5, got .None, 4."):
        dense(layers.Input((4,)))
