"""What a backend says of itself, compilation, random bits, training state."""

import numpy as np

from mutants.mutant import REAL, plant


def remembers(fn, **options):
    """The first result for ever."""
    found = []

    def run(*xs):
        if not found:
            found.append(fn(*xs))
        return found[0]

    return run


def narrow(fn, **options):
    """What is compiled gives float32 where the function gives float64."""

    def run(*xs):
        return [y.astype("f4") if y.dtype == "f8" else y for y in map(np.asarray, fn(*xs))]

    return run


def values_once(fn):
    """Gradients of a function of the first call's aux values."""
    run = type(REAL).value_and_grad(REAL, fn)

    def wrong(xs):
        (loss, aux), grads = run(xs)
        return (loss, [a * 0 for a in aux]), grads

    return wrong


def bits(change):
    """`random_bits` with its arguments changed."""
    return lambda key, count, draw: REAL.random_bits(*change(key, count, draw))


def offset_page(key, count, draw):
    return np.concatenate([REAL.random_bits(key, 2, draw), REAL.random_bits(key, count, draw)])[
        1 : count + 1
    ]


def told(**wrong):
    """`fused_update` that mistakes some of what it is told."""
    return lambda rule, w, g, slots, hyper: REAL.fused_update(
        rule, w, g, slots, {k: wrong.get(k, v) for k, v in hyper.items()}
    )


RANDOM = ("test_random",)
plant(
    "compile-bakes",
    "compile keeps the values of the first call",
    "compile",
    checks=("second_call", "moves_on", "test_compiled", "second_derivative"),
    compile=remembers,
)
plant("compile-narrows", "compile computes in float32", "exp", checks=("compiled",), compile=narrow)
plant(
    "aux-lost",
    "what comes beside the loss is zeros",
    "aux",
    checks=("aux_comes",),
    value_and_grad=values_once,
)
plant(
    "dtypes-claim",
    "bfloat16 is claimed and missing",
    "dtype",
    checks=("honored_or_refused",),
    dtypes=(*REAL.dtypes, "bfloat16"),
)
plant("shape-list", "shapes are lists", "shape", shape=lambda x: list(x.shape))
plant(
    "dtype-guess",
    "the dtype of every float is float32",
    "dtype",
    dtype=lambda x: "float32" if x.dtype.kind == "f" else REAL.dtype(x),
)

plant(
    "bits-key",
    "the words of the key are swapped",
    "random_bits",
    checks=RANDOM,
    random_bits=bits(lambda key, n, draw: (key[::-1], n, draw)),
)
plant(
    "bits-page",
    "every draw is the first page",
    "random_bits",
    checks=RANDOM,
    random_bits=bits(lambda key, n, draw: (key, n, 0)),
)
plant(
    "bits-halves",
    "the words of a block are swapped",
    "random_bits",
    checks=RANDOM,
    random_bits=lambda key, n, draw: (
        REAL.random_bits(key, n + n % 2, draw).reshape(-1, 2)[:, ::-1].reshape(-1)[:n]
    ),
)
plant(
    "bits-count",
    "the bits depend on how many are drawn",
    "random_bits",
    checks=RANDOM,
    random_bits=lambda key, n, draw: np.roll(REAL.random_bits(key, n, draw), n // 2),
)
plant(
    "bits-offset",
    "the stream starts one word late",
    "random_bits",
    checks=RANDOM,
    random_bits=offset_page,
)
plant(
    "bits-state",
    "the bits depend on what was drawn before",
    "random_bits",
    checks=RANDOM,
    random_bits=lambda key, n, draw, _calls=[]: (  # noqa: B006
        _calls.append(0),
        REAL.random_bits(key, n, len(_calls)),
    )[1],
)
plant(
    "dropout-scale",
    "dropout does not divide by the rate kept",
    "dropout",
    checks=("draw_has_the_bits",),
    dropout=lambda x, rate, bits, shape: (
        REAL.dropout(x, rate, bits, shape) * x.dtype.type(1 - rate)
    ),
)
plant(
    "dropout-inverted",
    "dropout keeps what it should drop",
    "dropout",
    checks=("draw_has_the_bits",),
    dropout=lambda x, rate, bits, shape: (
        x / x.dtype.type(1 - rate) - REAL.dropout(x, rate, bits, shape)
    ),
)
plant(
    "dropout-mask",
    "dropout draws one mask for all rows",
    "dropout",
    checks=("dropout",),
    dropout=lambda x, rate, bits, shape: REAL.dropout(
        x, rate, np.broadcast_to(bits[: shape[-1]], shape).reshape(-1), shape
    ),
)

TRAINING = ("test_optimizers", "test_training")
plant(
    "update-nothing",
    "the fused update says it is done and did nothing",
    "fused_update",
    checks=TRAINING,
    fused_update=lambda rule, w, g, slots, hyper: True,
)
plant(
    "update-nesterov",
    "Nesterov's momentum is plain momentum",
    "SGD",
    checks=TRAINING,
    fused_update=told(nesterov=False),
)
plant(
    "update-epsilon", "epsilon is left out", "Adam", checks=TRAINING, fused_update=told(epsilon=0.0)
)
plant(
    "update-beta", "beta_2 is 0.99 always", "Adam", checks=TRAINING, fused_update=told(beta_2=0.99)
)
plant(
    "update-first",
    "only the first weight is updated",
    "fused_update",
    checks=TRAINING,
    fused_update=lambda rule, w, g, slots, hyper: REAL.fused_update(
        rule, w[:1], g[:1], [s[:1] for s in slots], hyper
    ),
)
plant(
    "cell-aliases",
    "a weight shares memory with the array it came from",
    "new_cell",
    checks=("assign", *TRAINING),
    new_cell=lambda value: value,
)
plant(
    "cell-stale",
    "writing a weight keeps the old value",
    "write_cell",
    checks=TRAINING,
    write_cell=lambda cell, value: cell,
)
