"""A training step through polyk's fit against the hand-written step of the same engine."""

import argparse
import importlib
import statistics
import time

import numpy as np

import polyk
from polyk import layers

BATCH = 128
SHAPES = {"mlp": (784,), "convnet": (28, 28, 1)}


def polyk_model(workload, backend):
    """The model as a user of polyk writes it."""
    if workload == "mlp":
        body = [layers.Dense(512, activation="relu"), layers.Dense(512, activation="relu")]
    else:
        body = [
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
        ]
    stack = [layers.Input(SHAPES[workload]), *body, layers.Dense(10)]
    model = polyk.Sequential(stack, backend=backend, seed=0)
    loss = polyk.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    return model


def contenders(workload, backend, x, y):
    """Name -> a function that takes one training step for each batch of (x, y)."""
    model = polyk_model(workload, backend)
    native = importlib.import_module(f"native_{backend}")
    step = getattr(native, workload)(model.get_weights())

    def by_hand():
        for i in range(0, len(x), BATCH):
            loss = step(x[i : i + BATCH], y[i : i + BATCH])
        return float(loss)

    def by_polyk():
        history = model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
        return history.history["loss"][-1]

    return {"native": by_hand, "polyk": by_polyk}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="numpy")
    parser.add_argument("--workload", default="mlp", choices=list(SHAPES))
    parser.add_argument("--steps", type=int, default=0, help="steps in a block")
    parser.add_argument("--blocks", type=int, default=9)
    args = parser.parse_args()
    steps = args.steps or (50 if args.workload == "mlp" else 5)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((steps * BATCH, *SHAPES[args.workload]), dtype=np.float32)
    y = rng.integers(0, 10, len(x)).astype(np.int32)
    runs = contenders(args.workload, args.backend, x, y)
    for run in runs.values():
        run(), run()
    times = {name: [] for name in runs}
    for block in range(args.blocks):
        order = list(runs) if block % 2 else list(runs)[::-1]
        for name in order:
            start = time.perf_counter()
            runs[name]()
            times[name].append((time.perf_counter() - start) / steps * 1e3)
    middle = {name: statistics.median(t) for name, t in times.items()}
    for name, t in times.items():
        print(f"{name:8} median {middle[name]:8.3f} ms/step   min {min(t):8.3f}   max {max(t):8.3f}")
    best = min(times["polyk"]) / min(times["native"])
    print(f"{args.backend} {args.workload}: polyk/native {middle['polyk'] / middle['native']:.2f} "
          f"(of the minima {best:.2f})")  # fmt: skip


if __name__ == "__main__":
    main()
