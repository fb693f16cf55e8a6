"""One model on several backends in one process: the same weights, the same predictions."""

import numpy as np

import polyk
from polyk import layers
from polyk.plugins import installed

(x, y), (x_test, _) = polyk.data.load_digits()
model = polyk.Sequential(
    [
        layers.Input((8, 8, 1)),
        layers.Conv2D(16, 3, activation="relu"),
        layers.GlobalMaxPooling2D(),
        layers.Dense(10, activation="softmax"),
    ],
    seed=0,
)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, epochs=1, verbose=0)
first = model.predict(x_test)
home = model.backend.name
for name, entries in installed().items():
    if not entries[0].missing:
        model.to(name)
        worst = np.abs(model.predict(x_test) - first).max()
        print(f"trained on {home}, predicting on {name}: largest difference {worst:.1e}")
