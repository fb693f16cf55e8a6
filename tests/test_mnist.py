"""A LeNet-style convnet learns the real MNIST on every backend.

A fifth of the training images by default; POLYK_FULL=1 trains on all 60,000, which takes minutes.
"""

import os
from pathlib import Path

import pytest

import polyk
from polyk import layers

FULL = os.environ.get("POLYK_FULL") == "1"
IMAGES, LEAST = (60_000, 0.985) if FULL else (12_000, 0.96)


@pytest.fixture(scope="module")
def mnist():
    root = os.environ.get("POLYK_DATA")
    if not root:
        pytest.skip("POLYK_DATA does not name the folder of data sets")
    folder = Path(root) / "mnist"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return polyk.data.load_mnist(folder)


@pytest.mark.slow
def test_lenet_learns_mnist_in_three_epochs(backend, mnist):
    (x, y), (x_test, y_test) = mnist
    stack = [
        layers.Input((28, 28, 1)),
        layers.Conv2D(16, 5, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(32, 5, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
    model = polyk.Sequential(stack, seed=0)
    model.compile(
        polyk.optimizers.Adam(0.001), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.fit(x[:IMAGES], y[:IMAGES], batch_size=64, epochs=3, verbose=0)
    _, accuracy = model.evaluate(x_test, y_test, batch_size=1000)
    print(f"{backend.name}: test accuracy {accuracy:.4f} from {IMAGES:,} images")
    assert accuracy >= LEAST
