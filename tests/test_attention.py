"""Attention layers: beside Keras in float64, then what masks and dropout do on every backend."""

import numpy as np
import pytest
from twins import Twins, flat, normal

import polyk
from polyk import layers, ops

Q, V, K = normal(2, 3, 4), normal(2, 5, 4, seed=1), normal(2, 5, 4, seed=2)
IN_Q = np.array([[1, 1, 0], [1, 1, 1]], bool)
IN_V = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 1]], bool)
PAIRS = np.random.default_rng(0).integers(0, 2, (2, 3, 5)).astype(bool)
PAIRS[:, :, 0] = PAIRS[:, :, 3] = True  # Keras makes something else of rows of nothing


def label(value):
    return "-".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else value


def check(twins):
    twins.check_names()
    twins.check_outputs()
    twins.check_gradients()


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
@pytest.mark.parametrize("options", [{}, {"use_scale": True}, {"use_scale": False}], ids=label)
@pytest.mark.parametrize("three", [False, True])
def test_attention_beside_keras(name, options, three):
    xs = (Q, V, K) if three else (Q, V)
    check(
        Twins(lambda of: getattr(of, name)(**options), *xs, call=lambda layer, *xs: layer(list(xs)))
    )


@pytest.mark.parametrize("use_scale", [False, True])
def test_attention_by_sums_beside_keras(use_scale):
    check(
        Twins(
            lambda of: of.Attention(use_scale, score_mode="concat"),
            Q,
            V,
            call=lambda layer, *xs: layer(list(xs), return_attention_scores=True),
        )
    )


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
@pytest.mark.parametrize("mask", [[IN_Q, IN_V], [None, IN_V], None], ids=["both", "value", "none"])
@pytest.mark.parametrize("use_causal_mask", [False, True])
def test_masked_attention_beside_keras(name, mask, use_causal_mask):
    mask = mask and [m if m is None else m.copy() for m in mask]
    if mask and use_causal_mask:
        mask[1][:, 0] = True  # no row of nothing
    check(
        Twins(
            lambda of: getattr(of, name)(),
            Q,
            V,
            call=lambda layer, *xs: layer(
                list(xs), mask=mask, use_causal_mask=use_causal_mask, return_attention_scores=True
            ),
        )
    )


def test_attention_takes_two_or_three():
    with pytest.raises(polyk.errors.ShapeError, match=r"expected \[query, value\]"):
        layers.Attention()([Q])
    with pytest.raises(ValueError, match="score_mode"):
        layers.Attention(score_mode="cosine")


# Heads.

HEADS = {
    "plain": (lambda of: of.MultiHeadAttention(2, 3), {}),
    "value_dim": (lambda of: of.MultiHeadAttention(2, 3, value_dim=5, use_bias=False), {}),
    "output_shape": (lambda of: of.MultiHeadAttention(2, 3, output_shape=(2, 3)), {}),
    "gate": (lambda of: of.MultiHeadAttention(2, 3, value_dim=2, use_gate=True), {}),
    "window": (lambda of: of.MultiHeadAttention(2, 3, sliding_window=3), {}),
    "dropped": (lambda of: of.MultiHeadAttention(2, 3, dropout=0.5), {}),
    "causal": (lambda of: of.MultiHeadAttention(2, 3), {"use_causal_mask": True}),
    "pairs": (lambda of: of.MultiHeadAttention(2, 3), {"attention_mask": PAIRS}),
    "pairs-causal": (
        lambda of: of.MultiHeadAttention(2, 3), {"attention_mask": PAIRS, "use_causal_mask": True},
    ),
    "by-head": (
        lambda of: of.MultiHeadAttention(2, 3),
        {"attention_mask": np.stack([PAIRS, PAIRS[::-1]], 1)},
    ),
    "steps": (lambda of: of.MultiHeadAttention(2, 3), {"value_mask": IN_V, "key_mask": IN_V}),
    "grouped": (lambda of: of.GroupQueryAttention(3, 4, 2), {}),
    "one-key-head": (lambda of: of.GroupQueryAttention(3, 4, 1, use_gate=True), {}),
    "grouped-causal": (
        lambda of: of.GroupQueryAttention(3, 4, 2, sliding_window=2), {"use_causal_mask": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("return_attention_scores", [False, True])
@pytest.mark.parametrize("three", [False, True])
def test_heads_beside_keras(name, return_attention_scores, three):
    """Keras always returns the scores: without them it takes its softmax in float32."""
    make, kwargs = HEADS[name]

    def call(layer, *xs):
        scores = return_attention_scores or not isinstance(layer, layers.Layer)
        result = layer(*xs, return_attention_scores=scores, **kwargs)
        return result if return_attention_scores or not scores else result[0]

    check(Twins(make, *((Q, V, K) if three else (Q, V)), call=call))


@pytest.mark.parametrize("axes", [None, 2, (1, 2), (-2,)])
@pytest.mark.parametrize("return_attention_scores", [False, True])
def test_heads_over_other_axes_beside_keras(axes, return_attention_scores):
    x, y = normal(2, 2, 3, 4), normal(2, 2, 3, 4, seed=4)
    check(
        Twins(
            lambda of: of.MultiHeadAttention(2, 3, attention_axes=axes),
            x,
            y,
            call=lambda layer, *xs: layer(*xs, return_attention_scores=return_attention_scores),
        )
    )


def test_a_mask_over_two_axes_beside_keras():
    x = normal(2, 2, 3, 4)
    mask = np.random.default_rng(3).integers(0, 2, (2, 2, 3, 2, 3)).astype(bool)
    mask[..., 0, 0] = True
    check(
        Twins(
            lambda of: of.MultiHeadAttention(2, 3, attention_axes=(1, 2)),
            x,
            call=lambda layer, x: layer(x, x, attention_mask=mask, return_attention_scores=True),
        )
    )


@pytest.mark.parametrize("scores", [False, True])
def test_a_query_that_may_attend_to_nothing_gets_the_bias(backend, scores):
    """Keras gives zeros where it returns the scores, and the mean of all values elsewhere."""
    layer = layers.MultiHeadAttention(2, 3)
    q, v = Q.astype("float32"), V.astype("float32")
    layer(q, v)
    layer.set_weights([w + 0.1 for w in layer.get_weights()])
    result = layer(q, v, query_mask=IN_Q, return_attention_scores=scores)
    result = polyk.to_numpy(result[0] if scores else result)
    np.testing.assert_allclose(result[0, 2], layer.get_weights()[-1], rtol=1e-6)
    alone = polyk.to_numpy(layer(q, v))
    np.testing.assert_allclose(result[1], alone[1], rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["pairs-causal", "dropped", "grouped"])
def test_every_backend_gives_what_numpy_gives(backend, name):
    make, kwargs = HEADS[name]
    q, v = Q.astype("float32"), V.astype("float32")

    def run():
        polyk.set_random_seed(1)
        layer = make(layers)
        layer(q, v)

        def loss():
            return ops.sum(ops.square(layer(q, v, training=True, **kwargs)))

        value, gradients = polyk.value_and_grad(loss, weights=layer.trainable_weights)()
        return [*flat(layer(q, v, **kwargs)), polyk.to_numpy(value), *flat(gradients)]

    with polyk.use("numpy"):
        want = run()
    for found, expected in zip(run(), want, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)


def test_lengths_may_be_unknown(backend):
    x, memory = layers.Input((None, 4)), layers.Input((None, 6))
    y = layers.MultiHeadAttention(2, 3)(x, memory, use_causal_mask=True)
    y = layers.GroupQueryAttention(3, 4, 2)(y, y)
    y = layers.Attention()([y, y])
    assert y.shape == (None, None, 4)
    model = polyk.Model([x, memory], y)
    for n, targets, sources in ((1, 2, 3), (2, 4, 1)):
        xs = normal(n, targets, 4).astype("float32"), normal(n, sources, 6).astype("float32")
        assert model(list(xs)).shape == (n, targets, 4)


def test_fit_learns_where_to_look(backend):
    """The answer stands at the step that is marked."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 6, 3)).astype("float32")
    marked = rng.integers(0, 6, 64)
    x[:, :, 2] = np.arange(6) == marked[:, None]
    y = x[np.arange(64), marked, 0]
    inputs = layers.Input((6, 3))
    hidden = layers.MultiHeadAttention(2, 4)(inputs, inputs)
    model = polyk.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling1D()(hidden)), seed=0)
    model.compile(polyk.optimizers.Adam(0.03), "mse")
    losses = model.fit(x, y, batch_size=32, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("name", HEADS)
def test_config_makes_an_equal_layer(name):
    first = HEADS[name][0](layers)
    second = type(first).from_config(first.get_config())
    assert second.get_config() == first.get_config()


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="num_heads must be a positive int"):
        layers.MultiHeadAttention(0, 3)
    with pytest.raises(ValueError, match="multiple of num_key_value_heads"):
        layers.GroupQueryAttention(3, 4, 3)
    with pytest.raises(polyk.errors.ShapeError, match="agree in all axes"):
        layers.MultiHeadAttention(2, 3)(Q, V, K[:, :4])
