"""What an op on a small tensor costs over the engine's own call."""

import argparse
import importlib
import statistics
import timeit

import numpy as np

import polyk
from polyk import ops

NATIVE = {
    "numpy": ("numpy", {"add": "add", "exp": "exp", "matmul": "matmul", "sum": "sum"}),
    "torch": ("torch", {"add": "add", "exp": "exp", "matmul": "matmul", "sum": "sum"}),
    "jax": ("jax.numpy", {"add": "add", "exp": "exp", "matmul": "matmul", "sum": "sum"}),
    "tensorflow": (
        "tensorflow",
        {"add": "add", "exp": "exp", "matmul": "matmul", "sum": "reduce_sum"},
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="numpy", choices=list(NATIVE))
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    polyk.set_backend(args.backend)
    module, names = NATIVE[args.backend]
    native = importlib.import_module(module)
    x = ops.convert_to_tensor(np.ones((4, 4), np.float32))
    print(f"{'op':8} {'native':>9} {'polyk':>9} {'over':>9}   microseconds, medians")
    for name, own in names.items():
        count = 2000 if args.backend in ("numpy", "torch") else 200
        calls = {"native": getattr(native, own), "polyk": getattr(ops, name)}
        operands = (x, x) if name in ("add", "matmul") else (x,)
        times = {key: [] for key in calls}
        for _ in range(args.rounds):
            for key, fn in calls.items():
                timer = timeit.Timer(lambda fn=fn, xs=operands: fn(*xs))
                times[key].append(timer.timeit(count) / count * 1e6)
        over = statistics.median(b - a for a, b in zip(*times.values(), strict=True))
        middle = {key: statistics.median(t) for key, t in times.items()}
        print(f"{name:8} {middle['native']:9.2f} {middle['polyk']:9.2f} {over:9.2f}")


if __name__ == "__main__":
    main()
