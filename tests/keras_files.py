"""How many of Keras's files polyk opens and repeats: ``python tests/keras_files.py FOLDER``.

FOLDER has files of Keras, and beside them ``golden.npz`` with inputs and outputs of whole models
(keys ``path|in0``, ``path|out0``).
"""

import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

import polyk
from polyk.saving.hdf5 import View

# Layers of Keras 1 and 2 that neither Keras 3 nor polyk has, and code.
REFUSED = ("LocallyConnected2D", "TensorFlowOpLayer")


def models(folder):
    """Paths of the whole models of `folder` of which golden.npz has outputs."""
    with np.load(Path(folder) / "golden.npz") as golden:
        return sorted({key.partition("|")[0] for key in golden.files})


def arrays(folder, path):
    """Inputs and outputs recorded for a model."""
    with np.load(Path(folder) / "golden.npz") as golden:
        found = {key: golden[key] for key in golden.files if key.startswith(path + "|")}
    return [[found[k] for k in sorted(found) if f"|{kind}" in k] for kind in ("in", "out")]


def writer(path):
    """The version of Keras and the backend that a file names."""
    with View(path) as file:
        told = file.groups[""] | file.groups.get("model_weights", {})
    return str(told.get("keras_version", "1")), told.get("backend")


def error(model, inputs, outputs):
    """The largest difference of predictions, beside the largest recorded number."""
    found = model.predict(inputs[0] if len(inputs) == 1 else inputs, verbose=0)
    found = found if isinstance(found, list) else [found]
    pairs = list(zip(found, outputs, strict=True))
    size = max(1.0, *(np.abs(want).max() for _, want in pairs))
    return max(np.abs(np.asarray(have) - want).max() for have, want in pairs) / size


def judge(folder, path):
    """In one word, or few, what comes of a file."""
    try:
        model = polyk.load_model(Path(folder) / path, compile=False)
    except polyk.LoadError as e:
        return "refused: " + next((name for name in REFUSED if name in str(e)), str(e))
    found = error(model, *arrays(folder, path))
    return "equal" if found < 1e-5 else f"differs by {found:.1g} ({writer(Path(folder) / path)[1]})"


def main(folder):
    counts = Counter()
    for path in models(folder):
        version = writer(Path(folder) / path)[0]
        counts[version, judge(folder, path)] += 1
    for (version, verdict), n in sorted(counts.items()):
        print(f"{n:4}  Keras {version:8} {verdict}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1])
