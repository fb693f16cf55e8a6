"""Words to vectors and back, against Keras."""

import numpy as np
import pytest
import reference

import polyk
from polyk import layers

WORDS = np.array([[1, 4, 0], [2, 2, 5]])
VECTORS = np.random.default_rng(0).normal(size=(2, 3, 4))


@pytest.mark.parametrize("options", [{}, {"tie_weights": False}, {"logit_soft_cap": 0.5}], ids=str)
def test_scores_are_those_of_keras(float64, options):
    with reference.keras() as keras:
        its = keras.layers.ReversibleEmbedding(6, 4, **options)
        want = keras.ops.convert_to_numpy(its(WORDS))
        scores = keras.ops.convert_to_numpy(its(VECTORS, reverse=True))
        weights = its.get_weights()
    mine = layers.ReversibleEmbedding(6, 4, **options)
    mine.build((None, 3))
    mine.set_weights(weights)
    np.testing.assert_allclose(mine(WORDS), want)
    np.testing.assert_allclose(mine(VECTORS, reverse=True), scores, rtol=1e-9)


def test_a_model_ties_both_ends(backend):
    table = layers.ReversibleEmbedding(6, 4, mask_zero=True)
    words = layers.Input((3,), dtype="int32")
    model = polyk.Model(words, table(table(words), reverse=True))
    assert model.count_params() == 24
    assert model.predict(WORDS.astype("int32"), verbose=0).shape == (2, 3, 6)
