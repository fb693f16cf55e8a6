"""Losses: values against Keras, gradients against differences, and targets that do not fit."""

import numpy as np
import pytest
from reference import check_gradient, keras

import polyk
from polyk import losses, ops

rng = np.random.default_rng(5)
P = rng.uniform(0.05, 0.95, (6, 4))
T = rng.uniform(0.05, 0.95, (6, 4))
LABELS = np.array([0, 3, 1, 1, 2, 0])
HOT = np.eye(4)[LABELS]
BITS = np.array([[0, 1, 1, 0]] * 6)
WEIGHTS = np.array([1.0, 0.5, 2.0, 0.0, 1.0, 3.0])
LOGITS = {"from_logits": True}
CASES = [
    ("mean_squared_error", {}, T),
    ("mean_absolute_error", {}, T),
    ("mean_absolute_percentage_error", {}, T),
    ("mean_squared_logarithmic_error", {}, T),
    ("huber", {}, T),
    ("huber", {"delta": 0.2}, T),
    ("log_cosh", {}, T),
    ("hinge", {}, BITS),
    ("hinge", {}, 2 * BITS - 1),
    ("squared_hinge", {}, BITS),
    ("categorical_hinge", {}, HOT),
    ("kl_divergence", {}, T),
    ("poisson", {}, T),
    ("cosine_similarity", {}, T),
    ("dice", {}, BITS),
    ("dice", {"axis": 1}, BITS),
    ("tversky", {"alpha": 0.3, "beta": 0.6}, BITS),
    ("tversky", {"axis": (0, 1)}, BITS),
    ("categorical_generalized_cross_entropy", {"q": 0.3}, LABELS),
    ("circle", {}, LABELS),
    ("circle", {"gamma": 2, "margin": 0.2, "remove_diagonal": False}, LABELS),
    ("binary_crossentropy", {}, BITS),
    ("binary_crossentropy", {**LOGITS, "label_smoothing": 0.1}, BITS),
    ("binary_focal_crossentropy", {}, BITS),
    ("binary_focal_crossentropy", {**LOGITS, "apply_class_balancing": True}, BITS),
    ("categorical_crossentropy", {}, HOT),
    ("categorical_crossentropy", {**LOGITS, "label_smoothing": 0.1}, HOT),
    ("categorical_focal_crossentropy", {}, HOT),
    ("categorical_focal_crossentropy", {**LOGITS, "label_smoothing": 0.1}, HOT),
    ("sparse_categorical_crossentropy", {}, LABELS),
    ("sparse_categorical_crossentropy", {}, LABELS[:, None]),
    ("sparse_categorical_crossentropy", {**LOGITS, "ignore_class": 1}, LABELS),
]
CLASSES = losses._classes.__all__


@pytest.fixture(autouse=True)
def on_numpy():
    with polyk.use("numpy"):
        yield


@pytest.mark.parametrize(("name", "options", "y_true"), CASES)
def test_value(name, options, y_true):
    with keras() as k:
        tensors = map(k.ops.convert_to_tensor, (y_true, P))  # Keras mixes arrays into some
        theirs = k.ops.convert_to_numpy(getattr(k.losses, name)(*tensors, **options))
    ours = getattr(losses, name)(y_true, P, **options)
    assert ours.dtype == "float64"
    exact = theirs.dtype == "float64" and name != "log_cosh"  # where log 2 is a float32
    np.testing.assert_allclose(ours, theirs, rtol=1e-12 if exact else 5e-6)


@pytest.mark.parametrize(("name", "options", "y_true"), CASES)
def test_gradient(name, options, y_true):
    function = getattr(losses, name)
    check_gradient(lambda p: ops.mean(function(y_true, p, **options)), P)


@pytest.mark.parametrize("weights", [None, WEIGHTS, WEIGHTS[:, None]])
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight"]
)
def test_reduction(reduction, weights):
    with keras() as k:
        theirs = float(k.losses.Huber(reduction=reduction)(T, P, weights))
    assert losses.Huber(reduction=reduction)(T, P, weights) == pytest.approx(theirs, rel=1e-6)


def test_circle_takes_the_mean_over_samples_that_cost_something():
    near = np.array([[1.0, 0], [1, 0], [0, 1], [1, 0]])
    with keras() as k:
        theirs = float(k.losses.Circle(gamma=4.0)(np.array([0, 0, 1, 2]), near))
    assert losses.Circle(gamma=4.0)(np.array([0, 0, 1, 2]), near) == pytest.approx(theirs)
    values = losses.circle([0, 0, 1, 2], near, gamma=4.0)
    assert (values[2], values[3]) == (0, 0)
    assert theirs == pytest.approx(values[:2].mean(), rel=1e-6)


def test_circle_against_references():
    labels, refs = np.array([1, 0, 3]), P[:3] / 2
    with keras() as k:
        theirs = k.losses.circle(LABELS, P, labels, refs, remove_diagonal=False, gamma=3)
        theirs = k.ops.convert_to_numpy(theirs)
    ours = losses.circle(LABELS, P, labels, refs, remove_diagonal=False, gamma=3)
    np.testing.assert_allclose(ours, theirs, rtol=5e-6)


def test_no_reduction_keeps_one_value_a_sample():
    expected = losses.mean_squared_error(T, P) * WEIGHTS
    np.testing.assert_array_equal(losses.get("mse")(T, P).shape, ())
    for reduction in ("none", None):
        loss = losses.MeanSquaredError(reduction)
        np.testing.assert_allclose(loss(T, P, WEIGHTS), expected)


def test_weights_of_samples_spread_over_their_steps():
    y, p = np.arange(12.0).reshape(2, 3, 2), np.zeros((2, 3, 2))
    loss = losses.MeanSquaredError("mean_with_sample_weight")
    assert loss(y, p, [0.0, 2.0]) == pytest.approx((y[1] ** 2).mean())


def test_ignored_classes_and_masked_steps_do_not_count_in_the_mean():
    loss = losses.SparseCategoricalCrossentropy(ignore_class=1)
    kept = LABELS != 1
    expected = -np.log(P / P.sum(1, keepdims=True))[kept, LABELS[kept]].mean()
    assert loss(LABELS, P) == pytest.approx(expected)
    plain = losses.SparseCategoricalCrossentropy()
    assert plain(LABELS, P, mask=kept) == pytest.approx(expected)


def test_a_mask_hides_nan():
    assert losses.get("mse")([[1.0], [np.nan]], [[0.0], [0.0]], mask=[True, False]) == 1


@pytest.mark.parametrize("given", [(6,), (6, 1)])
@pytest.mark.parametrize("predicted", [(6,), (6, 1)])
def test_a_last_axis_of_one_may_be_missing(given, predicted):
    y, p = T[:, 0].reshape(given), P[:, 0].reshape(predicted)
    expected = pytest.approx(((T[:, 0] - P[:, 0]) ** 2).mean())
    assert losses.get("mse")(y, p) == expected
    assert losses.get(lambda y, p: ops.square(ops.subtract(y, p)))(y, p) == expected
    losses.get("mse").check(y, predicted)


def test_half_precision_predictions_are_compared_in_float32():
    loss = losses.get("mse")(np.ones(4), np.full(4, 1000, "float16"))
    assert loss.dtype == "float32"
    assert loss == 999**2


@pytest.mark.parametrize("name", CLASSES)
def test_config_round_trip(name):
    loss = getattr(losses, name)()
    config = losses.serialize(loss)
    assert losses.serialize(losses.deserialize(config)) == config
    with keras() as k:
        theirs = getattr(k.losses, name)().get_config()
    assert {k: config["config"][k] for k in theirs} == theirs


@pytest.mark.parametrize("name", ["mse", "mae", "mape", "msle", "bce", "kld", "huber", "log_cosh"])
def test_names_and_functions_become_losses(name):
    loss = losses.get(name)
    assert isinstance(loss, losses.Loss)
    assert type(losses.get(type(loss).function)) is type(loss)


def test_a_plain_function_is_a_loss():
    def doubled(y_true, y_pred):
        return losses.mean_squared_error(y_true, y_pred) * 2

    loss = losses.get(doubled)
    assert loss.name == "doubled"
    assert loss(T, P) == pytest.approx(2 * losses.get("mse")(T, P))


def test_a_custom_class_is_a_loss():
    class Double(losses.Loss):
        def call(self, y_true, y_pred):
            return 2 * (y_true - y_pred)

    assert Double()(np.ones(3), np.zeros(3)) == 2
    assert losses.get(Double).name == "double"


@pytest.mark.parametrize(
    ("y_shape", "name"),
    [((8,), "Sparse"), ((8, 1), "Sparse"), ((8, 4), "Categorical")],
)
def test_crossentropy_fits_the_targets(y_shape, name):
    assert type(losses.resolve("crossentropy", (None, 4), y_shape)).__name__.startswith(name)
    assert type(losses.resolve("ce", (None, 1), y_shape)) is losses.BinaryCrossentropy


def test_a_wrong_name():
    with pytest.raises(polyk.UnknownName, match="no loss named 'hubber'. Did you mean 'huber'"):
        losses.get("hubber")


def test_a_wrong_reduction():
    with pytest.raises(ValueError, match="got 'average'"):
        losses.MeanSquaredError("average")


@pytest.mark.parametrize("shape", [(8,), (8, 1)])
def test_targets_are_not_broadcast(shape):
    text = rf"targets of shape {shape} do not fit predictions of shape \(8, 3\): .* sparse_cat"
    text = text.replace("(8,)", r"\(8,\)").replace("(8, 1)", r"\(8, 1\)")
    for check in (losses.get("mse").check, lambda y, s: losses.get("mse")(y, np.ones(s))):
        with pytest.raises(polyk.ShapeError, match=text):
            check(np.zeros(shape), (8, 3))


@pytest.mark.parametrize("name", ["mse", "bce", "categorical_crossentropy", "hinge"])
def test_other_shapes_are_refused_without_a_hint(name):
    with pytest.raises(polyk.ShapeError, match=r"\(8, 4\) .* \(None, 3\)") as error:
        losses.get(name).check(np.zeros((8, 4)), (None, 3))
    assert "sparse" not in str(error.value)


@pytest.mark.parametrize(
    ("labels", "shape", "text"),
    [
        ([0, 1, 3], (None, 3), "label 3 at index 2 is no class .* from 0 to 2"),
        ([0, -1], (None, 3), "label -1 at index 1"),
        ([[0, 1], [1, 5]], (None, 2, 3), r"label 5 at index \(1, 1\)"),
        ([0.0, 1.5], (None, 3), "label 1.5 at index 1"),
        ([0.0, np.nan], (None, 3), "label nan at index 1"),
        ([0, 1], (None, 1), "use binary_crossentropy"),
    ],
)
def test_a_label_out_of_range(labels, shape, text):
    with pytest.raises(IndexError, match=text):
        losses.SparseCategoricalCrossentropy().check(np.array(labels), shape)


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], LABELS.astype("float32")])
def test_labels_that_fit(labels):
    losses.SparseCategoricalCrossentropy().check(labels, (None, 4))


def test_the_ignored_class_is_a_label():
    losses.SparseCategoricalCrossentropy(ignore_class=-1).check(np.array([-1, 3]), (None, 4))


def test_one_hot_targets_are_no_labels():
    with pytest.raises(polyk.ShapeError, match="for one-hot targets use categorical_crossentropy"):
        losses.get("sparse_categorical_crossentropy").check(HOT, (None, 4))


def test_cosine_along_the_first_axis():
    expected = losses.cosine_similarity(T.T, P.T)
    np.testing.assert_allclose(losses.cosine_similarity(T, P, axis=0), expected)
    check_gradient(lambda p: ops.sum(losses.cosine_similarity(T, p, axis=0)), P)


def test_a_loss_of_the_whole_batch_takes_no_sample_weights():
    with pytest.raises(polyk.ShapeError, match="one number for the whole batch"):
        losses.Dice()(BITS, P, WEIGHTS)


def test_sample_weights_that_do_not_fit():
    with pytest.raises(polyk.ShapeError, match=r"sample weights of shape \(4,\)"):
        losses.get("mse")(T, P, np.ones(4))


@pytest.mark.parametrize("labels", [[[1, 2], [3, 0], [0, 0]], [[2, 2], [1, 1], [1, 3]]], ids=str)
def test_ctc_costs_what_keras_charges(labels):
    logits = rng.normal(size=(3, 5, 4))
    with keras() as k:
        wanted = k.ops.convert_to_numpy(k.losses.ctc(np.array(labels), logits.astype("float32")))
    got = ops.convert_to_numpy(losses.ctc(np.array(labels), logits))
    np.testing.assert_allclose(got, wanted, rtol=1e-5)
    mean = losses.CTC()(np.array(labels), logits)
    np.testing.assert_allclose(ops.convert_to_numpy(mean), got.mean(), rtol=1e-6)


def test_ctc_trains_a_model():
    model = polyk.Sequential([polyk.layers.Input((6, 2)), polyk.layers.Dense(4)], seed=0)
    model.compile("adam", losses.CTC())
    x, y = rng.normal(size=(8, 6, 2)), rng.integers(0, 4, (8, 3))
    history = model.fit(x, y, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_ctc_says_which_shapes_it_takes():
    with pytest.raises(polyk.ShapeError, match=r"targets \(N, labels\)"):
        losses.ctc(np.zeros((2, 3)), np.zeros((2, 3)))
