"""A training step through polyk's fit against the hand-written step of the same engine."""

import argparse
import importlib
import os
import statistics
import time

threads = os.environ.get("BENCH_THREADS", "1")  # settled before any engine is loaded
for variable in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{variable}_NUM_THREADS"] = threads
os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = threads
if threads == "1":
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import numpy as np  # noqa: E402

import polyk  # noqa: E402
from polyk import layers  # noqa: E402

SHAPES = {"mlp": (784,), "convnet": (28, 28, 1), "lstm": (64, 32), "gru": (64, 32)}
BATCHES = {"mlp": 128, "convnet": 128, "lstm": 64, "gru": 64}


def polyk_model(workload, backend):
    """The model as a user of polyk writes it."""
    if workload == "mlp":
        body = [layers.Dense(512, activation="relu"), layers.Dense(512, activation="relu")]
    elif workload in ("lstm", "gru"):
        body = [{"lstm": layers.LSTM, "gru": layers.GRU}[workload](128)]
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
    model, batch = polyk_model(workload, backend), BATCHES[workload]
    native = importlib.import_module(f"native_{backend}")
    step = getattr(native, workload)(model.get_weights())

    def by_hand():
        for i in range(0, len(x), batch):
            loss = step(x[i : i + batch], y[i : i + batch])
        return float(loss)

    def by_polyk():
        history = model.fit(x, y, batch_size=batch, shuffle=False, verbose=0)
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
    x = rng.standard_normal(
        (steps * BATCHES[args.workload], *SHAPES[args.workload]), dtype=np.float32
    )
    y = rng.integers(0, 10, len(x)).astype(np.int32)
    runs = contenders(args.workload, args.backend, x, y)
    for run in runs.values():
        run(), run()
    clocks = {"wall": time.perf_counter, "cpu": time.process_time}
    times = {(name, clock): [] for name in runs for clock in clocks}
    for block in range(args.blocks):
        for name in list(runs) if block % 2 else list(runs)[::-1]:
            start = {clock: now() for clock, now in clocks.items()}
            runs[name]()
            for clock, now in clocks.items():
                times[name, clock].append((now() - start[clock]) / steps * 1e3)
    for (name, clock), t in times.items():
        print(f"{name:8} {clock:5} median {statistics.median(t):9.3f} ms/step   min {min(t):9.3f}")
    ratios = []
    for clock in clocks:
        for kind in (statistics.median, min):
            ratios.append(kind(times["polyk", clock]) / kind(times["native", clock]))
    wall, least_wall, cpu, least_cpu = ratios
    print(
        f"{args.backend} {args.workload}, {threads} thread(s): polyk/native "
        f"{wall:.2f} wall (minima {least_wall:.2f}), {cpu:.2f} cpu ({least_cpu:.2f})"
    )


if __name__ == "__main__":
    main()
