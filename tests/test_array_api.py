"""Third-party backends on the array API: the example package, found, proved and trained."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from polyk import Sequential, plugins, select, set_random_seed
from polyk.array_api import ArrayAPIBackend
from polyk.autodiff import tape  # noqa: F401  registered before `site` stands in for the registry

pytest.importorskip("array_api_strict")
EXAMPLE = Path(__file__).parents[1] / "examples/polyk-strict"


@pytest.fixture
def strict(site):
    """The example's backend, installed under its own name."""
    source = (EXAMPLE / "polyk_strict.py").read_text()
    site.install("polyk-strict", "strict = polyk_strict:StrictBackend",
                 requires=["array-api-strict>=2"], polyk_strict=source)  # fmt: skip
    with select.use("strict") as backend:
        yield backend


def test_the_example_is_short_and_needs_nothing_private():
    lines = (EXAMPLE / "polyk_strict.py").read_text().splitlines()
    assert len(lines) < 100
    assert not any("polyk." in line and "._" in line for line in lines)


def test_it_is_found_by_its_entry_point(strict):
    assert isinstance(strict, ArrayAPIBackend)
    assert strict.name == "strict"
    assert plugins.installed()["strict"][0].requires == ("array-api-strict",)


def test_it_computes_with_the_library_and_not_with_numpy(strict):
    import array_api_strict as xp

    x = strict.asarray(np.arange(6.0, dtype="float32").reshape(2, 3))
    assert isinstance(strict.matmul(x, strict.transpose(x, (1, 0))), type(xp.zeros(())))
    assert strict.to_numpy(strict.sum(x, (0,))).tolist() == [3.0, 5.0, 7.0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_dtype_that_the_namespace_lacks_is_refused(strict, dtype):
    from polyk import DTypeError

    assert dtype not in strict.dtypes
    with pytest.raises(DTypeError, match=f"has no dtype {dtype}"):
        strict.full((2,), 0.0, dtype)


def test_scatter_writes_into_a_copy(strict):
    x = strict.full((3,), 1.0, "float32")
    places = strict.asarray(np.array([[0], [0], [2]], "int32"))
    updates = strict.asarray(np.array([1.0, 2.0, 5.0], "float32"))
    assert strict.to_numpy(strict.scatter_add(x, places, updates)).tolist() == [4, 1, 6]
    assert strict.to_numpy(strict.scatter_update(x, places, updates)).tolist() == [2, 1, 5]
    assert strict.to_numpy(x).tolist() == [1, 1, 1]


def test_argmax_takes_the_first_nan(strict):
    x = strict.asarray(np.array([[1.0, np.nan, np.nan], [2.0, 3.0, 3.0]], "float32"))
    assert strict.to_numpy(strict.argmax(x, 1)).tolist() == [1, 1]


def test_it_trains_the_convnet_of_the_demo(strict):
    from polyk.cli.demo import build
    from polyk.data import load_digits

    (x, y), _ = load_digits()
    set_random_seed(0)
    model = build()
    assert isinstance(model, Sequential)
    model.compile("adam", "sparse_categorical_crossentropy")
    history = model.fit(x[:64], y[:64], batch_size=16, epochs=2, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert model.backend is strict


def test_the_kit_proves_it_in_one_command(strict):
    done = subprocess.run(
        [sys.executable, "-m", "polyk", "conformance", "strict", "--profile", "quick", "--op",
         "max_pool"], capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failed" in done.stdout
