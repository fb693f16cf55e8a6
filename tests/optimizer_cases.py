"""Optimizers with options, weights to start from and gradients: for polyk and for Keras alike."""

import numpy as np

from polyk import ops, optimizers
from polyk.weights import Weight

STEPS = 12
START = [
    np.linspace(-1, 2, 6).reshape(3, 2),
    np.array([0.5, -0.25]),
    np.linspace(1, -1, 24).reshape(2, 3, 4),
]
EPSILON = {"epsilon": 2.0**-20}
BETAS = {"beta_1": 0.75, "beta_2": 0.9375}
EMA = {"learning_rate": 0.125, "use_ema": True, "ema_momentum": 0.75}
CASES = {  # the arguments are Keras's too; exact in float32, through which Keras passes them
    "sgd": ("SGD", {"learning_rate": 0.125}),
    "momentum": ("SGD", {"learning_rate": 0.0625, "momentum": 0.875}),
    "nesterov": ("SGD", {"learning_rate": 0.0625, "momentum": 0.875, "nesterov": True}),
    "rmsprop": ("RMSprop", {"learning_rate": 0.03125, "rho": 0.75, **EPSILON}),
    "rmsprop momentum": (
        "RMSprop",
        {"learning_rate": 0.03125, "rho": 0.875, "momentum": 0.5, **EPSILON},
    ),
    "rmsprop centered": (
        "RMSprop",
        {"learning_rate": 0.03125, "rho": 0.75, "momentum": 0.5, "centered": True, **EPSILON},
    ),
    "adagrad": ("Adagrad", {"learning_rate": 0.125, "initial_accumulator_value": 0.25, **EPSILON}),
    "adadelta": ("Adadelta", {"learning_rate": 0.875, "rho": 0.75, **EPSILON}),
    "adam": ("Adam", {"learning_rate": 0.03125, **BETAS, **EPSILON}),
    "amsgrad": ("Adam", {"learning_rate": 0.125, **BETAS, **EPSILON, "amsgrad": True}),
    "adamw": ("AdamW", {"learning_rate": 0.125, "weight_decay": 0.25, **BETAS, **EPSILON}),
    "adamax": ("Adamax", {"learning_rate": 0.125, **BETAS, **EPSILON}),
    "nadam": ("Nadam", {"learning_rate": 0.125, **BETAS, **EPSILON}),
    "lamb": ("Lamb", {"learning_rate": 0.125, **BETAS, **EPSILON}),
    "lion": ("Lion", {"learning_rate": 0.125, **BETAS}),
    "ftrl": (
        "Ftrl",
        {
            "learning_rate": 0.125,
            "learning_rate_power": -0.75,
            "beta": 0.25,
            "initial_accumulator_value": 0.125,
        },
    ),
    "ftrl penalties": (
        "Ftrl",
        {
            "learning_rate": 0.125,
            "initial_accumulator_value": 0.125,
            "l1_regularization_strength": 0.0625,
            "l2_regularization_strength": 0.125,
            "l2_shrinkage_regularization_strength": 0.03125,
        },
    ),
    "adafactor": ("Adafactor", {"learning_rate": 0.5, "beta_2_decay": -0.75, "epsilon_2": 2.0**-9}),
    "adafactor options": (
        "Adafactor",
        {
            "learning_rate": 0.125,
            "relative_step": False,
            "beta_2_decay": -0.5,
            "clip_threshold": 0.5,
            "epsilon_2": 2.0**-9,
        },
    ),
    "muon": (
        "Muon",
        {
            "learning_rate": 0.125,
            "adam_lr_ratio": 0.5,
            "adam_beta_1": 0.75,
            "adam_beta_2": 0.9375,
            "momentum": 0.875,
            "rms_rate": 0.25,
            "weight_decay": 0.25,
            "adam_weight_decay": 0.125,
            "muon_a": 3.5,
            "muon_b": -4.75,
            "muon_c": 2.0,
            **EPSILON,
        },
    ),
    "muon options": (
        "Muon",
        {
            "learning_rate": 0.125,
            "nesterov": False,
            "rms_rate": None,
            "weight_decay": None,
            "adam_weight_decay": None,
            "adam_beta_1": 0.75,
            "adam_beta_2": 0.9375,
            "momentum": 0.875,
            "muon_a": 3.5,
            "muon_b": -4.75,
            "muon_c": 2.0,
            **EPSILON,
        },
    ),
    "clipnorm": ("SGD", {"learning_rate": 0.125, "clipnorm": 1.5}),
    "clipvalue": ("SGD", {"learning_rate": 0.125, "clipvalue": 0.5}),
    "global_clipnorm": ("SGD", {"learning_rate": 0.125, "global_clipnorm": 1.5}),
    "weight decay": ("SGD", {"learning_rate": 0.125, "weight_decay": 0.25}),
    "averages": ("SGD", EMA),
    "overwriting averages": ("SGD", {**EMA, "momentum": 0.5, "ema_overwrite_frequency": 3}),
    "loss scale": ("SGD", {"learning_rate": 0.125, "momentum": 0.5, "loss_scale_factor": 8.0}),
    "accumulation": (
        "Adam",
        {"learning_rate": 0.125, "gradient_accumulation_steps": 3, **BETAS, **EPSILON},
    ),
    "accumulation with all": (
        "AdamW",
        {
            **EMA,
            "gradient_accumulation_steps": 3,
            "clipnorm": 1.0,
            "ema_overwrite_frequency": 2,
            "weight_decay": 0.25,
            **BETAS,
            **EPSILON,
        },
    ),
}


def wrapped(module):
    """Optimizers of more than one object, polyk's or Keras's."""
    inner = module.SGD(0.0625, momentum=0.5)
    rate = module.schedules.InverseTimeDecay(0.125, 8, 0.5)
    several = module.OptimizerMap(module.SGD(0.0625, momentum=0.5), {".*1": module.SGD(0.125)})
    return {
        "several": module.MultiOptimizer(several, loss_scale_factor=4.0),
        "scaled": module.LossScaleOptimizer(inner, 8.0, dynamic_growth_steps=4),
        "scheduled": module.SGD(rate, gradient_accumulation_steps=2),
    }


def weights_of(values, dtype="float64"):
    weights = [Weight(f"w{i}", np.shape(v), dtype) for i, v in enumerate(values)]
    for w, v in zip(weights, values, strict=True):
        w.assign(np.asarray(v, dtype))
    return weights


def gradient(value, t):
    return 2 * value + np.cos(t + np.arange(value.size).reshape(value.shape))


def make(name):
    kind, options = CASES[name]
    return getattr(optimizers, kind)(**options)


def walk(optimizer, steps=STEPS):
    """Where `steps` eager steps of `optimizer` lead, and its state."""
    weights = weights_of(START)
    for t in range(steps):
        grads = [ops.convert_to_tensor(gradient(w.numpy(), t)) for w in weights]
        optimizer.apply(grads, weights)
    return [w.numpy() for w in weights], [v.numpy() for v in optimizer.variables]


def assert_all_close(got, expected, rtol=1e-12):
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-13)
