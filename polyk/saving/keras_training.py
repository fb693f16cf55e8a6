"""What Keras's files say of training: optimizer, losses, metrics, and the optimizer's state."""

from __future__ import annotations

import warnings
from typing import Any

from polyk import losses, metrics, optimizers
from polyk.errors import PolykError
from polyk.saving.keras_config import plain, takes

RENAMED = {"lr": "learning_rate"}
KEYS = ("loss", "metrics", "weighted_metrics", "loss_weights")


def compiled(model: Any, told: Any, path: str) -> bool:
    """Compile `model` as a file says; if that cannot be done a warning says why."""
    told = told if isinstance(told, dict) else {}
    optimizer = told.get("optimizer", told.get("optimizer_config"))
    if optimizer is None:
        return False
    try:
        settings = {key: _made(key, plain(told[key])) for key in KEYS if told.get(key)}
        model.compile(optimizer=_optimizer(plain(optimizer)), **settings)
        model.optimizer.build(model.trainable_weights)
        return True
    except (PolykError, ValueError, TypeError, KeyError, AttributeError) as e:
        model.optimizer = None
        warnings.warn(
            f"{path}: the model is loaded and not compiled: {e}", UserWarning, stacklevel=4
        )
        return False


def _optimizer(told: Any) -> Any:
    """An optimizer of a config; arguments that polyk has not must say nothing."""
    if not isinstance(told, dict):
        return optimizers.get(told)
    cls = optimizers.REGISTRY.find(told["class_name"])
    config = {RENAMED.get(k, k): v for k, v in told["config"].items()}
    decay = config.pop("decay", 0.0)
    known = takes(cls)
    left = [k for k, v in config.items() if k not in known and v and k not in ("jit_compile",)]
    if left or decay:
        raise ValueError(f"{told['class_name']} has {left or 'decay'}, which polyk has not.")
    config = {k: v for k, v in config.items() if k in known and (k != "epsilon" or v is not None)}
    return cls.from_config(config)


def _made(key: str, told: Any) -> Any:
    """Losses or metrics, by name, config, or in lists and dicts of them."""
    if key == "loss_weights":
        return told
    get = losses.get if key == "loss" else metrics.get
    if isinstance(told, dict) and "class_name" in told:
        if told["class_name"] == "MeanMetricWrapper":
            return told["config"]["name"]
        config = {k: v for k, v in told["config"].items() if k != "fn" and v != "auto"}
        return get({"class_name": told["class_name"], "config": config})
    if isinstance(told, dict):
        return {k: _made(key, v) for k, v in told.items()}
    return [_made(key, v) for v in told] if isinstance(told, list) else told


def restore(optimizer: Any, arrays: list[Any], path: str) -> None:
    """Set the state of an optimizer, if all of it fits; else it begins anew, with a warning."""
    state = optimizer.state
    fits = len(state) == len(arrays) and all(
        w.shape == a.shape and (w.dtype[:3] == a.dtype.name[:3])
        for w, a in zip(state, arrays, strict=True)
    )
    if not fits:
        told = f"{path}: the optimizer's state does not fit, so the optimizer begins anew."
        warnings.warn(told, UserWarning, stacklevel=4)
        return
    for weight, array in zip(state, arrays, strict=True):
        weight.assign(array.astype(weight.dtype))
