"""The same seeded convnet trained on every backend: identical weights and masks, one curve.

`python examples/four_curves.py curves.png` also draws the curves (needs matplotlib);
`--float64` computes in double precision.
"""

import sys

import numpy as np

import polyk
from polyk import layers
from polyk.dtypes import set_floatx
from polyk.plugins import installed

if "--float64" in sys.argv:
    set_floatx("float64")
files = [a for a in sys.argv[1:] if not a.startswith("-")]
(x, y), _ = polyk.data.load_digits()


def train(backend):
    model = polyk.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(16, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(10),
        ],
        backend=backend,
        seed=0,
    )
    loss = polyk.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(polyk.optimizers.Adam(0.01), loss)
    first = model.get_weights()
    losses = []
    every_batch = polyk.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: losses.append(logs["loss"])
    )
    model.fit(x, y, batch_size=128, epochs=3, verbose=0, callbacks=[every_batch])
    return first, np.array(losses)


names = [name for name, entries in installed().items() if not entries[0].missing]
runs = {name: train(name) for name in names}
weights, curve = runs["numpy"]
for name, (first, losses) in runs.items():
    same = all(np.array_equal(a, b) for a, b in zip(first, weights, strict=True))
    worst = np.abs(losses / curve - 1).max()
    print(f"{name:11} first weights identical: {same}   loss {losses[-1]:.6f}   "
          f"largest relative difference from numpy {worst:.1e}")  # fmt: skip

if files:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4))
    for i, (name, (_, losses)) in enumerate(runs.items()):
        axes.plot(losses, label=name, linewidth=8 - 2 * i, alpha=0.6)
    axes.set(xlabel="training step", ylabel="mean loss of the epoch so far", yscale="log")
    axes.legend()
    figure.savefig(files[0], dpi=120)
    print(f"drawn to {files[0]}")
