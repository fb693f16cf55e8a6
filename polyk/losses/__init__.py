"""Losses: functions, and classes that add a reduction, sample weights and a check of targets."""

from __future__ import annotations

from typing import Any

from polyk.losses import classes as _classes
from polyk.losses import functions as _functions
from polyk.losses.base import REGISTRY as REGISTRY
from polyk.losses.base import Loss as Loss
from polyk.losses.base import LossFunctionWrapper as LossFunctionWrapper
from polyk.losses.base import reduce_values as reduce_values
from polyk.losses.base import spread as spread
from polyk.losses.classes import *  # noqa: F403
from polyk.losses.functions import *  # noqa: F403
from polyk.losses.targets import kind_of

_CLASS_OF = {cls.function: cls for cls in map(vars(_classes).__getitem__, _classes.__all__)}

mse = MSE = _functions.mean_squared_error
mae = MAE = _functions.mean_absolute_error
mape = MAPE = _functions.mean_absolute_percentage_error
msle = MSLE = _functions.mean_squared_logarithmic_error
bce = BCE = _functions.binary_crossentropy
kld = KLD = _functions.kl_divergence

_PREFIX = {"binary": "binary", "sparse": "sparse_categorical", "categorical": "categorical"}


def get(identifier: Any) -> Any:
    """A `Loss` from its name ("mse"), class, config, or function; None for None."""
    found = REGISTRY.get(identifier)
    if found is None or isinstance(found, Loss):
        return found
    return _CLASS_OF.get(found, lambda: LossFunctionWrapper(found))()


def resolve(identifier: Any, output_shape: Any, y_shape: Any) -> Any:
    """As `get`; "crossentropy" or "ce" becomes the one that fits predictions and targets."""
    if str(identifier).lower() not in ("crossentropy", "ce"):
        return get(identifier)
    return get(f"{_PREFIX[kind_of(output_shape, y_shape)]}_crossentropy")


def serialize(loss: Any) -> Any:
    """A config from which `get` makes an equal loss; the name of a function."""
    return REGISTRY.serialize(loss)


deserialize = get
