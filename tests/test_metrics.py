"""Metrics: two batches against Keras, their state, and which accuracy "accuracy" is."""

import re

import numpy as np
import pytest
from reference import keras

import polyk
from polyk import losses, metrics, ops

rng = np.random.default_rng(6)
P = rng.uniform(0.05, 0.95, (12, 4)).astype("float32")
BITS = rng.integers(0, 2, (12, 4)).astype("float32")
LABELS = rng.integers(0, 4, 12)
HOT = np.eye(4, dtype="float32")[LABELS]
WEIGHTS = rng.uniform(0.1, 2, 12).astype("float32")
STEPS = rng.uniform(0.05, 0.95, (12, 3, 4)).astype("float32")
STEP_LABELS = rng.integers(0, 4, (12, 3))
MEANS = [
    "BinaryAccuracy", "BinaryCrossentropy", "CosineSimilarity", "Hinge", "KLDivergence",
    "LogCoshError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Poisson", "R2Score", "RootMeanSquaredError", "SquaredHinge",
]  # fmt: skip
COUNTS = [
    "FalseNegatives", "FalsePositives", "Precision", "Recall", "TrueNegatives", "TruePositives",
]  # fmt: skip
CASES = [
    *((name, {}, BITS, P) for name in [*MEANS, *COUNTS]),
    *((name, {"thresholds": [0.2, 0.7]}, BITS, P) for name in COUNTS),
    *((name, {"top_k": 2, "class_id": 1}, HOT, P) for name in ("Precision", "Recall")),
    ("Precision", {"top_k": 2}, HOT, P),
    ("Accuracy", {}, LABELS, LABELS[::-1].copy()),
    ("BinaryAccuracy", {"threshold": 0.3}, BITS, P),
    ("CategoricalAccuracy", {}, HOT, P),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, HOT, P),
    ("CategoricalHinge", {}, HOT, P),
    ("TopKCategoricalAccuracy", {"k": 2}, HOT, P),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, LABELS, P),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, STEP_LABELS, STEPS),
    ("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, LABELS, P.argsort(1)),
    ("SparseCategoricalAccuracy", {}, LABELS, P),
    ("SparseCategoricalAccuracy", {}, LABELS[:, None], P),
    ("SparseCategoricalAccuracy", {}, STEP_LABELS, STEPS),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, STEP_LABELS, STEPS),
    *(("AUC", {"curve": curve, "summation_method": method, "num_thresholds": 20}, BITS, P)
      for curve in ("ROC", "PR") for method in ("interpolation", "minoring", "majoring")),
    ("AUC", {"from_logits": True, "thresholds": [0.5, 0.6]}, BITS, P),
    ("R2Score", {"class_aggregation": None}, BITS, P),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, BITS, P),
    ("R2Score", {"num_regressors": 2}, BITS[:, :1], P[:, :1]),
    ("F1Score", {}, HOT, P),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2]}, LABELS, LABELS[::-1].copy()),
    ("IoU", {"num_classes": 4, "target_class_ids": [1], "sparse_y_pred": False}, LABELS, P),
    ("MeanIoU", {"num_classes": 5, "ignore_class": 1}, LABELS, LABELS[::-1].copy()),
    ("MeanIoU", {"num_classes": 3}, LABELS, LABELS[::-1].copy()),
    ("BinaryIoU", {"threshold": 0.3}, BITS[:, 0], P[:, 0]),
    ("BinaryIoU", {"target_class_ids": [1]}, BITS[:, 0], P[:, 0]),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": [0, 1]}, HOT, P),
    ("OneHotMeanIoU", {"num_classes": 4}, HOT, P),
    *((name, {"axis": axis}, BITS, P) for axis in (-1, 1)
      for name in ("ConcordanceCorrelation", "PearsonCorrelation")),
    *((f"{name}At{bound}", {bound.lower(): 0.45, **options}, HOT, P)
      for options in ({}, {"num_thresholds": 7, "class_id": 2}, {"num_thresholds": 1})
      for name, bound in (("Precision", "Recall"), ("Recall", "Precision"),
                          ("Sensitivity", "Specificity"), ("Specificity", "Sensitivity"))),
    *(("FBetaScore", {"average": average, "beta": 2.0, "threshold": 0.5}, BITS, P)
      for average in (None, "micro", "macro", "weighted")),
]  # fmt: skip
IOU = {"BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"}
ROUNDED = {  # Keras: counts at many thresholds, and IoU, in float32; 1e-7 in the ratios of F
    "AUC", "PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity",
    "SpecificityAtSensitivity", "F1Score", "FBetaScore", *IOU,
}  # fmt: skip
NEEDED = {
    "IoU": {"num_classes": 2, "target_class_ids": [0, 1]},
    "MeanIoU": {"num_classes": 2},
    "OneHotIoU": {"num_classes": 4, "target_class_ids": [0, 1]},
    "OneHotMeanIoU": {"num_classes": 4},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}
ALL = sorted({cls.__name__ for cls in metrics.REGISTRY.table.values()} - {"MeanMetricWrapper"})


@pytest.fixture(autouse=True)
def on_numpy():
    with polyk.use("numpy"):
        yield


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize(("name", "options", "y_true", "y_pred"), CASES)
def test_two_batches(name, options, y_true, y_pred, weights):
    ours = getattr(metrics, name)(dtype="float64", **options)
    y_true, y_pred = (y.astype("float64") if y.dtype == "float32" else y for y in (y_true, y_pred))
    with keras() as k:
        theirs = getattr(k.metrics, name)(dtype="float64", **options)
        for rows in (slice(5), slice(5, None)):
            w = None if weights is None else weights[rows].astype("float64")
            ours.update_state(y_true[rows], y_pred[rows], sample_weight=w)
            theirs.update_state(y_true[rows], y_pred[rows], sample_weight=w)
        expected = k.ops.convert_to_numpy(theirs.result())
        exact = k.config.backend() in ("tensorflow", "torch") and name not in ROUNDED
    rtol, atol = (1e-11, 1e-13) if exact else (2e-5, 1e-6)
    np.testing.assert_allclose(ours.result(), expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", ["Mean", "Sum"])
@pytest.mark.parametrize(
    ("values", "weights"), [(3.0, None), (P, None), (P, WEIGHTS), (P, P), (STEPS, P[:, :3])]
)
def test_plain_values(name, values, weights):
    with keras() as k:
        expected = float(getattr(k.metrics, name)(dtype="float32")(values, weights))
    assert getattr(metrics, name)()(values, weights) == pytest.approx(expected, rel=1e-5)


def test_ignored_classes_do_not_count():
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=1)
    loss = losses.SparseCategoricalCrossentropy(ignore_class=1)
    assert metric(LABELS, P) == pytest.approx(loss(LABELS, P))


@pytest.mark.parametrize("name", ALL)
def test_reset_starts_over(name):
    metric = getattr(metrics, name)(**NEEDED.get(name, {}))
    args = (P,) if name in ("Mean", "Sum") else (LABELS if "Sparse" in name else HOT, P)
    first = np.array(metric(*args))
    metric.update_state(*args)
    metric.reset_state()
    assert not any(w.numpy().any() for w in metric.state)
    np.testing.assert_allclose(metric(*args), first)


@pytest.mark.parametrize("name", ALL)
def test_config_round_trip(name):
    metric = getattr(metrics, name)(name="mine", dtype="float64", **NEEDED.get(name, {}))
    config = metrics.serialize(metric)
    assert metrics.serialize(metrics.deserialize(config)) == config
    assert {w.dtype for w in metric.state} <= {"float64"}


@pytest.mark.parametrize("name", ALL)
def test_default_name_is_that_of_keras(name):
    with keras() as k:
        theirs = getattr(k.metrics, name)(**NEEDED.get(name, {})).name
    assert getattr(metrics, name)(**NEEDED.get(name, {})).name == re.sub(
        r"_\d+$", "", theirs
    )  # Keras counts


@pytest.mark.parametrize(
    ("output_shape", "y_shape", "name"),
    [
        ((None, 1), (8,), "BinaryAccuracy"),
        ((None, 1), (8, 1), "BinaryAccuracy"),
        ((None, 4), (8,), "SparseCategoricalAccuracy"),
        ((None, 4), (8, 1), "SparseCategoricalAccuracy"),
        ((None, 4), (8, 4), "CategoricalAccuracy"),
        ((None, 5, 4), (8, 5), "SparseCategoricalAccuracy"),
    ],
)
@pytest.mark.parametrize("identifier", ["accuracy", "acc"])
def test_accuracy_fits_the_targets_and_keeps_its_name(identifier, output_shape, y_shape, name):
    metric = metrics.resolve(identifier, None, output_shape, y_shape)
    assert (type(metric).__name__, metric.name) == (name, identifier)


def test_crossentropy_takes_the_logits_of_the_loss():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    metric = metrics.resolve("ce", loss, (None, 4), (12,))
    assert metric(LABELS, P) == pytest.approx(loss(LABELS, P))


def test_accuracy_of_binary_logits_divides_at_zero():
    loss = losses.BinaryCrossentropy(from_logits=True)
    metric = metrics.resolve("accuracy", loss, (None, 1), (2, 1))
    assert metric(np.array([[1.0], [0.0]]), np.array([[0.1], [-0.1]])) == 1


def test_a_score_by_columns_is_built_for_the_predictions():
    metric = metrics.resolve("r2_score", None, (None, 4), (12, 4))
    assert [w.shape for w in metric.state] == [(4,)] * 4


def test_functions_and_losses_become_means():
    def offset(y_true, y_pred):
        return ops.mean(ops.subtract(y_true, y_pred), axis=-1)

    metric = metrics.resolve(offset, None, (None, 4), (12, 4))
    assert metric.name == "offset"
    assert metric(HOT, P) == pytest.approx((HOT - P).mean(), rel=1e-5)
    assert metrics.get(losses.Huber(delta=0.2)).name == "huber_loss"


def test_a_custom_metric_with_one_inside():
    class Twice(metrics.Metric):
        def __init__(self):
            super().__init__()
            self.inner = metrics.Sum()
            self.calls = self.add_variable(initializer="zeros", name="calls")

        def update_state(self, x):
            self.inner.update_state(x)
            self.calls.assign(self.calls + 1)

        def result(self):
            return self.inner.result() * 2 / self.calls

    metric = Twice()
    assert metric([1.0, 2.0]) == 6
    assert metric([3.0]) == 6
    assert [w.path for w in metric.state] == ["twice/calls", "sum/total"]


def test_an_update_compiles():
    metric = metrics.SparseCategoricalAccuracy()
    step = polyk.compile(lambda y, p: metric.update_state(y, p), state=[metric])
    step(LABELS, P)
    assert metric.result() == pytest.approx((P.argmax(1) == LABELS).mean())


@pytest.mark.parametrize("name", ["accurcy", "Precison"])
def test_a_wrong_name(name):
    with pytest.raises(polyk.UnknownName, match="Did you mean"):
        metrics.get(name)


def test_targets_are_not_broadcast():
    with pytest.raises(polyk.ShapeError, match=r"\(12, 1\) do not fit predictions of shape"):
        metrics.get("mse").update_state(P[:, :1], P)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: metrics.Precision(thresholds=2), "thresholds must be in"),
        (lambda: metrics.AUC(curve="RC"), "curve must be"),
        (lambda: metrics.AUC(summation_method="middle"), "summation_method must be"),
        (lambda: metrics.AUC(num_thresholds=1), "2 or more"),
        (lambda: metrics.R2Score("mean"), "class_aggregation"),
        (lambda: metrics.F1Score(average="mean"), "average"),
        (lambda: metrics.FBetaScore(beta=0), "beta"),
    ],
)
def test_refused(make, text):
    with pytest.raises(ValueError, match=text):
        make()
