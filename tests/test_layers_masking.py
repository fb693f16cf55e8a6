"""Masks: where they come from, how they travel, and what losses and metrics make of them."""

import numpy as np
import pytest
import reference

import polyk
from polyk import layers, ops
from polyk.masks import keep_masks, mask_of

WORDS = np.array([[3, 1, 0, 0], [2, 0, 0, 0], [1, 2, 3, 0]], "int32")
TARGETS = np.random.default_rng(0).standard_normal((3, 4, 1))


class Seen(layers.Layer):
    """Keeps the mask it was given, and makes masked steps zero."""

    supports_masking = True

    def call(self, inputs, mask=None):
        self.seen = mask
        if mask is None or isinstance(mask, list):
            return ops.add(*inputs) if isinstance(inputs, list) else inputs
        return ops.multiply(inputs, ops.cast(ops.expand_dims(mask, -1), inputs.dtype))


class Dropping(layers.Layer):
    """Does not support masking."""

    def call(self, inputs):
        return inputs + 1


class Pair(layers.Layer):
    """Takes two tensors with a mask each."""

    def call(self, query, value, query_mask=None, value_mask=None):
        self.seen = query_mask, value_mask
        return query + value


def embed():
    return layers.Embedding(4, 2, mask_zero=True)


def test_a_call_that_takes_a_mask_is_given_that_of_its_input(backend):
    seen = Seen()
    model = polyk.Sequential([embed(), layers.Dense(2), layers.Activation("tanh"), seen])
    model(WORDS)
    np.testing.assert_array_equal(polyk.to_numpy(seen.seen), WORDS != 0)


def test_a_mask_reaches_the_call_in_a_compiled_step(backend):
    """Steps that are masked have an output of zero: what the mask did is in the prediction."""
    inputs = layers.Input((4,), dtype="int32")
    model = polyk.Model(inputs, Seen()(layers.Dense(3, bias_initializer="ones")(embed()(inputs))))
    outputs = model.predict(WORDS)
    np.testing.assert_array_equal(np.abs(outputs).sum(-1) != 0, WORDS != 0)


def test_an_explicit_mask_wins():
    seen = Seen()

    class Both(polyk.Model):
        def __init__(self):
            super().__init__()
            self.embed = embed()

        def call(self, x):
            return seen(self.embed(x), mask=ops.equal(x, 3))

    Both()(WORDS)
    np.testing.assert_array_equal(polyk.to_numpy(seen.seen), WORDS == 3)


def test_an_explicit_mask_of_a_graph_is_data():
    words = layers.Input((4,), dtype="int32")
    seen = Seen()
    model = polyk.Model(words, seen(layers.Embedding(4, 2)(words), mask=ops.equal(words, 3)))
    model(WORDS)
    np.testing.assert_array_equal(polyk.to_numpy(seen.seen), WORDS == 3)


def test_several_inputs_give_a_list_of_masks():
    words, dense = layers.Input((4,), dtype="int32"), layers.Input((4, 2))
    seen = Seen()
    model = polyk.Model([words, dense], seen([embed()(words), dense]))
    model([WORDS, np.ones((3, 4, 2), "float32")])
    masks = seen.seen
    assert masks[1] is None
    np.testing.assert_array_equal(polyk.to_numpy(masks[0]), WORDS != 0)


def test_arguments_are_given_masks_by_name():
    words = layers.Input((4,), dtype="int32")
    pair = Pair()
    polyk.Model(words, pair(layers.Embedding(4, 2)(words), value=embed()(words)))(WORDS)
    query_mask, value_mask = pair.seen
    assert query_mask is None
    np.testing.assert_array_equal(polyk.to_numpy(value_mask), WORDS != 0)


def test_a_layer_that_does_not_support_masking_ends_it_with_a_warning():
    seen = Seen()
    model = polyk.Sequential([embed(), Dropping(name="wall"), seen])
    with pytest.warns(UserWarning, match="Dropping 'wall' .* does not support masking"):
        model(WORDS)
    assert seen.seen is None


def test_masking_masks_steps_of_one_value(backend):
    x = np.ones((2, 3, 2), "float32")
    x[0, 1] = -1
    x[1, 2, 0] = -1
    seen = Seen()
    y = polyk.to_numpy(polyk.Sequential([layers.Masking(-1.0), seen])(x))
    np.testing.assert_array_equal(
        polyk.to_numpy(seen.seen), [[True, False, True], [True, True, True]]
    )
    np.testing.assert_array_equal(y[0, 1], 0)
    np.testing.assert_array_equal(y[1], x[1])


def test_masks_pass_through_a_model_inside_a_model():
    inner_in = layers.Input((4, 2))
    seen = Seen()
    inner = polyk.Model(inner_in, seen(layers.Dense(2)(inner_in)))
    after = Seen()
    polyk.Sequential([embed(), inner, after])(WORDS)
    for mask in (seen.seen, after.seen):
        np.testing.assert_array_equal(polyk.to_numpy(mask), WORDS != 0)


def test_a_model_may_be_called_with_a_mask():
    seen = Seen()
    mask = np.array([[True, False]])
    polyk.Sequential([layers.Dense(2), seen])(np.ones((1, 2, 2), "float32"), mask=mask)
    np.testing.assert_array_equal(polyk.to_numpy(seen.seen), mask)


def test_masks_end_with_the_outermost_call():
    layer = embed()
    with keep_masks():
        y = layer(WORDS)
        np.testing.assert_array_equal(polyk.to_numpy(mask_of(y)), WORDS != 0)
    assert mask_of(y) is None
    assert mask_of(layer(WORDS)) is None


def masked_model(library, ids):
    return library.Sequential([
        library.layers.Embedding(4, 3, mask_zero=True), library.layers.Dense(1)
    ])  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
def test_loss_and_metrics_leave_masked_steps_out_as_in_keras(float64, weighted):
    """With a weight for each step: one for each sample Keras 3.15 cannot multiply by a mask."""
    sample_weight = np.arange(12.0).reshape(3, 4) if weighted else None
    with reference.keras() as keras:
        theirs = masked_model(keras, WORDS)
        theirs.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"])
        theirs.build((None, 4))
        ours = masked_model(polyk, WORDS)
        ours.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mse"])
        ours(WORDS)
        ours.set_weights(theirs.get_weights())
        kwargs = {"sample_weight": sample_weight, "return_dict": True, "verbose": 0}
        wanted = theirs.evaluate(WORDS, TARGETS, **kwargs)
        got = ours.evaluate(WORDS, TARGETS, **kwargs)
    np.testing.assert_allclose([got[k] for k in wanted], list(wanted.values()), rtol=1e-6)


def test_a_weight_for_each_sample_is_one_for_each_of_its_steps():
    model = masked_model(polyk, WORDS)
    model.compile("sgd", "mse", weighted_metrics=["mae"])
    model(WORDS)
    each = np.array([1.0, 2.0, 0.5])
    kwargs = {"return_dict": True, "verbose": 0}
    short = model.evaluate(WORDS, TARGETS, sample_weight=each, **kwargs)
    long = model.evaluate(WORDS, TARGETS, sample_weight=np.tile(each[:, None], 4), **kwargs)
    assert short == pytest.approx(long, rel=1e-6)


def test_a_masked_model_trains_alike_everywhere(backend):
    def trained():
        model = masked_model(polyk, WORDS)
        model.seed = 0
        model.compile(polyk.optimizers.SGD(0.1), "mse", metrics=["mae"])
        history = model.fit(WORDS, TARGETS, epochs=2, verbose=0).history
        return [*history["loss"], *history["mae"]]

    polyk.set_random_seed(0)
    got = trained()
    with polyk.use("numpy"):
        polyk.set_random_seed(0)
        np.testing.assert_allclose(got, trained(), rtol=1e-4)
