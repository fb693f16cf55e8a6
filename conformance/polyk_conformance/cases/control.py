"""Control flow: the function carried along is the case's own, so each has a runner here."""

import numpy as np

from polyk import ops
from polyk_conformance.bounded import Bounded
from polyk_conformance.cases.case import Case, array, floats

X = floats(3, 2, seed=1)


class Program(Case):
    """A case whose call is `run(*tensors)`; `run` takes NumPy arrays and tensors alike."""

    def call(self, *args):
        return self.kwargs["run"](*args)

    def want(self):
        with np.errstate(all="ignore"):
            result = self.reference(*self.args)
        return list(result) if isinstance(result, tuple) else [result]


def program(op, label, run, reference, *args, dtype="float32", smooth=()):
    return Program(op, label, args, {"run": run}, reference, dtype, smooth)


def near(value, terms=4):
    return Bounded(value, terms * np.maximum(abs(value), 1.0))


def branch(x, y):
    return ops.cond(ops.sum(x) > 0, lambda: x * 2.0, lambda: y - 1.0)


def halve(x):
    return ops.while_loop(lambda v: ops.max(v) > 0.5, lambda v: (v * 0.5,), (x,))[0]


def count_and_double(x):
    def body(i, v):
        return i + 1, v * 2.0

    start = ops.convert_to_tensor(0)
    return ops.while_loop(lambda i, v: i < 5, body, (start, x), maximum_iterations=3)


def running_sum(x, reverse=False):
    def step(carry, row):
        return ops.add(carry, row), ops.multiply(carry, row)

    return ops.scan(step, ops.zeros_like(ops.get_item(x, 0)), x, reverse=reverse)


def scanned(x, reverse=False):
    rows = x[::-1] if reverse else x
    before = np.cumsum(rows, 0) - rows
    ys = before * rows
    return near(rows.sum(0)), near(ys[::-1] if reverse else ys)


def count_up():
    return ops.scan(lambda c, _: (c + 1, c), ops.convert_to_tensor(0), length=4)


def powers(x):
    return ops.fori_loop(1, 4, lambda i, v: v * ops.cast(i, "float32"), x)


def rows(x):
    return ops.map(lambda row: {"sum": ops.sum(row), "twice": row * 2.0}, x)


def picked(i, x):
    return ops.switch(i, [lambda v: v + 1.0, lambda v: v * 2.0, lambda v: -v], x)


def running(x, reverse=False):
    return ops.associative_scan(lambda a, b: a * b, x, reverse=reverse)


def running_pairs(x):
    """Of the affine maps v -> a v + b, composed."""
    pairs = ops.associative_scan(
        lambda f, g: (f[0] * g[0], f[1] * g[0] + g[1]), (x, x * 2.0), axis=1
    )
    return pairs[1]


def running_pairs_reference(x):
    total, rows = np.zeros(x.shape[0]), []
    for column in x.T:
        total = total * column + 2 * column
        rows.append(total)
    return near(np.stack(rows, 1), 64)


def squared(x):
    return ops.custom_gradient(lambda v: (v * v, lambda g: g * v * 2.0))(x)


def pushed(x):
    return ops.jvp(lambda v: ops.sum(v * v), (x,), (ops.ones_like(x),))


def outside(index, want):
    return program(
        "switch", f"index-{index}", picked, lambda i, x: want(x), array(index, "int32"), X
    )


UP = abs(X) + 1
CASES = [
    program("cond", "true", branch, lambda x, y: x * 2, UP, X),
    program("cond", "false", branch, lambda x, y: near(y - 1), -UP, X),
    program("while_loop", "until", halve, lambda x: x / 4, array([2.0, 1.5])),
    program(
        "while_loop", "limit", count_and_double, lambda x: (np.int32(3), x * 8), X,
        dtype=("int32", "float32"),
    ),
    program("scan", "carry", running_sum, scanned, X),
    program("scan", "reverse", lambda x: running_sum(x, True), lambda x: scanned(x, True), X),
    program("scan", "length", count_up, lambda: (np.int32(4), np.arange(4)), dtype="int32"),
    program("fori_loop", "powers", powers, lambda x: near(x * 6, 12), X),
    program(
        "map", "tree", lambda x: list(rows(x).values()), lambda x: (near(x.sum(1)), x * 2), X,
    ),
    program("associative_scan", "odd", running, lambda x: near(np.cumprod(x, 0), 16),
            floats(5, 2, seed=3)),
    program("associative_scan", "reverse", lambda x: running(x, True),
            lambda x: near(np.cumprod(x[::-1], 0)[::-1], 16), X),
    program("associative_scan", "pairs", running_pairs, running_pairs_reference,
            floats(2, 6, seed=4)),
    program("vectorized_map", "rows", lambda x: ops.vectorized_map(lambda r: ops.sum(r) + r, x),
            lambda x: near(x.sum(1, keepdims=True) + x), X),
    program("vectorize", "outer",
            lambda x: ops.vectorize(lambda a, b: a * b)(ops.expand_dims(x, 1), x),
            lambda x: near(x[:, None] * x), floats(3, seed=5)),
    program("custom_gradient", "square", squared, lambda x: near(x * x), X),
    program("jvp", "square", pushed, lambda x: (near((x * x).sum()), near(2 * x.sum(), 32)), X),
    program("stop_gradient", "tree", lambda x: ops.stop_gradient({"a": x})["a"], lambda x: x, X),
    outside(0, lambda x: near(x + 1)), outside(1, lambda x: x * 2), outside(2, lambda x: -x),
    outside(-3, lambda x: near(x + 1)), outside(9, lambda x: -x),
]  # fmt: skip
CASES += [c.but(label=f"smooth-{c.label}", smooth=(0,)) for c in CASES
          if str(c) in ("cond-true", "scan-carry", "map-tree", "associative_scan-odd",
                        "custom_gradient-square")]  # fmt: skip
