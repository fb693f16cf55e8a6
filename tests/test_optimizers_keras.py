"""Every optimizer and every option takes Keras's path in float64, and keeps Keras's variables.

Keras runs on TensorFlow in a process of its own: on its other backends much goes through float32.
What still does there is named in `ROUNDED`, with how near the paths stay.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from optimizer_cases import CASES, START, assert_all_close, make, walk, wrapped
from reference import keras

import polyk
from polyk import optimizers

ROUNDED = {"nadam": 1e-5, "scheduled": 1e-6}  # the constant 0.96; the whole schedule
KERAS = """
import json
import keras
from optimizer_cases import CASES, START, STEPS, gradient, wrapped

def walk(optimizer):
    read = keras.ops.convert_to_numpy
    weights = [
        keras.Variable(v, dtype="float64", name=f"w{i}") for i, v in enumerate(START)
    ]
    optimizer.build(weights)
    for t in range(STEPS):
        optimizer.apply([keras.ops.convert_to_tensor(gradient(read(w), t)) for w in weights])
    last = [read(w).tolist() for w in weights]
    state = [read(v).tolist() for v in optimizer.variables]
    optimizer.finalize_variable_values(weights)
    return last, state, [read(w).tolist() for w in weights]

keras.config.set_floatx("float64")
made = {name: getattr(keras.optimizers, kind)(**options) for name, (kind, options) in CASES.items()}
print(json.dumps({name: walk(o) for name, o in {**made, **wrapped(keras.optimizers)}.items()}))
"""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """name -> weights, variables, and weights after `finalize_variable_values`, by Keras."""
    pytest.importorskip("keras", minversion="3")
    pytest.importorskip("tensorflow")
    home = str(tmp_path_factory.mktemp("keras"))
    done = subprocess.run(
        [sys.executable, "-c", KERAS], capture_output=True, text=True, cwd=Path(__file__).parent,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "KERAS_HOME": home},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(autouse=True)
def on_numpy(float64):
    with polyk.use("numpy"):
        yield


@pytest.fixture(params=[False, True], ids=["by core", "by the engine"])
def fused(request, monkeypatch):
    """Whether the engine may take the whole step."""
    if not request.param:
        engine = type(polyk.get_backend())
        monkeypatch.setattr(engine, "fused_update", lambda *args: False)


@pytest.mark.parametrize("name", [*CASES, *wrapped(optimizers)])
def test_weights_and_variables(theirs, name, fused):
    weights, variables, finalized = theirs[name]
    rtol = ROUNDED.get(name, 1e-12)
    optimizer = make(name) if name in CASES else wrapped(optimizers)[name]
    ours, our_variables = walk(optimizer)
    assert_all_close(ours, weights, rtol)
    assert [v.shape for v in our_variables] == [np.shape(v) for v in variables]
    assert_all_close(our_variables, variables, rtol)
    optimizer.finalize_variable_values(optimizer.slots)
    assert_all_close([w.numpy() for w in optimizer.slots], finalized, rtol)
    assert not np.allclose(weights[0], START[0], atol=1e-2)


@pytest.mark.parametrize("name", CASES)
def test_config(name):
    kind, options = CASES[name]
    with keras() as k:
        expected = getattr(k.optimizers, kind)(**options, name="x").get_config()
    assert {**make(name).get_config(), "name": "x"} == expected
