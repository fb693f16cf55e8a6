"""The trainings of test_multi_output.py, on Keras or polyk: run as a script it is Keras's turn."""

import json
import sys

import numpy as np

rng = np.random.default_rng(0)
X = rng.standard_normal((20, 4))
A, B = rng.standard_normal((20, 2)), rng.integers(0, 3, 20)
WA, WB = rng.uniform(0.5, 2, (2, 20))
BOTH = ["mse", "sparse_categorical_crossentropy"]
NAMED = {"a": "mse", "b": "sparse_categorical_crossentropy"}

# name -> (form of the outputs, arguments of compile, y, sample_weight)
CASES = {
    "lists": (list, {"loss": BOTH, "loss_weights": [0.5, 2.0],
                     "metrics": [["mae"], ["accuracy"]]}, [A, B], None),
    "names": (list, {"loss": NAMED, "loss_weights": {"a": 0.5, "b": 2.0},
                     "metrics": {"b": ["accuracy"], "a": "mae"}}, {"a": A, "b": B}, None),
    "dicts": (dict, {"loss": NAMED, "metrics": {"a": ["mae", "mse"]}}, {"a": A, "b": B}, None),
    "one loss": (list, {"loss": "mae"}, [A, np.eye(3)[B]], None),
    "one output counts": (list, {"loss": [None, BOTH[1]], "metrics": [None, ["accuracy"]]},
                          [A, B], None),
    "weights": (list, {"loss": BOTH, "weighted_metrics": [["mae"], ["accuracy"]]},
                [A, B], [WA, WB]),
    "weights of all": (list, {"loss": BOTH, "weighted_metrics": [["mae"], ["accuracy"]]},
                       [A, B], WA),
    "names twice": (list, {"loss": BOTH, "metrics": [["mae"], ["accuracy"]],
                           "weighted_metrics": [["mae"], ["accuracy"]]}, [A, B], [WA, WB]),
    "single": (None, {"loss": "mse", "metrics": ["mae", "mae"], "weighted_metrics": ["mae"]},
               A, WA),
    "single in a list": (None, {"loss": ["mse"], "loss_weights": [0.25], "metrics": [["mae"]]},
                         A, None),
}  # fmt: skip


def train(library, case, **options):
    """The history of two epochs on either library, which begins with the same weights."""
    form, arguments, y, sample_weight = CASES[case]
    layers = library.layers
    x = layers.Input((4,), name="x")
    h = layers.Dense(5, activation="tanh", name="h")(x)
    a, b = layers.Dense(2, name="a")(h), layers.Dense(3, activation="softmax", name="b")(h)
    outputs = {list: [a, b], dict: {"a": a, "b": b}, None: a}[form]
    model = library.Model(x, outputs, **options)
    start = np.random.default_rng(1)
    model.set_weights([start.standard_normal(w.shape) / 2 for w in model.get_weights()])
    model.compile(optimizer=library.optimizers.SGD(0.125), run_eagerly=True, **arguments)
    told = {"y": y, "sample_weight": sample_weight, "batch_size": 8, "shuffle": False}
    history = model.fit(X, epochs=3, verbose=0, **told).history
    found = model.evaluate(X, y, sample_weight=sample_weight, verbose=0, return_dict=True)
    return {**{k: [float(v) for v in values] for k, values in history.items()},
            "evaluated": {k: float(v) for k, v in found.items()}}  # fmt: skip


if __name__ == "__main__":
    import keras

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    json.dump({case: train(keras, case) for case in CASES}, sys.stdout)
