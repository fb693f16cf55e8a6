"""Models of several outputs, trained beside Keras in float64: the same logs to the last digits."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import multi_output
import numpy as np
import pytest

import polyk


@pytest.fixture(scope="module")
def wanted():
    """What Keras says of every case, on the engine on which it does not take means in float32.

    It runs eagerly: in a graph, where the batch size is not known, it weighs the short last batch
    as a whole one in the losses of the outputs.
    """
    if not find_spec("keras") or not find_spec("tensorflow"):
        pytest.skip("Keras with TensorFlow is not installed")
    done = subprocess.run(
        [sys.executable, Path(multi_output.__file__)], capture_output=True, text=True,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", multi_output.CASES)
def test_logs_are_those_of_keras(wanted, float64, case):
    found = multi_output.train(polyk, case, backend="numpy")
    assert sorted(found) == sorted(wanted[case])
    assert sorted(found["evaluated"]) == sorted(wanted[case].pop("evaluated"))
    for name, values in wanted[case].items():
        np.testing.assert_allclose(found[name], values, rtol=1e-10, err_msg=name)


@pytest.mark.parametrize("case", ["lists", "dicts"])
def test_every_backend_says_the_same(backend, float64, case):
    found, usual = multi_output.train(polyk, case), multi_output.train(polyk, case, backend="numpy")
    for name in usual.keys() - {"evaluated"}:
        np.testing.assert_allclose(found[name], usual[name], rtol=1e-10)


def test_the_logs_come_in_order():
    found = multi_output.train(polyk, "lists", backend="numpy")
    assert list(found)[:-1] == ["loss", "a_loss", "b_loss", "a_mae", "b_accuracy"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"loss": {"a": "mse", "c": "mse"}}, r"loss names outputs \['c'\]; there are \['a', 'b'\]"),
        ({"loss": ["mse"]}, "loss has 1 entries for 2 outputs"),
        ({"loss": "mse", "metrics": ["mae"]}, "metrics has 1 entries for 2 outputs"),
        ({"loss": "mse", "loss_weights": [1.0, 2.0, 3.0]}, "loss_weights has 3 entries"),
        ({"loss": "mse", "weighted_metrics": {"z": "mae"}}, "weighted_metrics names outputs"),
    ],
)
def test_what_does_not_fit_the_outputs_is_told(monkeypatch, arguments, says):
    monkeypatch.setitem(multi_output.CASES, "wrong", (list, arguments, [multi_output.A] * 2, None))
    with pytest.raises(ValueError, match=says):
        multi_output.train(polyk, "wrong", backend="numpy")
