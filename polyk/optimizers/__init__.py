"""Optimizers, each its slots and one update rule, and schedules of learning rates."""

from __future__ import annotations

from typing import Any

from polyk.optimizers import schedules as schedules
from polyk.optimizers.adam import Adam as Adam
from polyk.optimizers.adam import Adamax as Adamax
from polyk.optimizers.adam import AdamW as AdamW
from polyk.optimizers.adam import Lamb as Lamb
from polyk.optimizers.adam import Nadam as Nadam
from polyk.optimizers.adam import ScheduleFreeAdamW as ScheduleFreeAdamW
from polyk.optimizers.adaptive import Adadelta as Adadelta
from polyk.optimizers.adaptive import Adagrad as Adagrad
from polyk.optimizers.adaptive import Ftrl as Ftrl
from polyk.optimizers.adaptive import RMSprop as RMSprop
from polyk.optimizers.base import REGISTRY as REGISTRY
from polyk.optimizers.base import Optimizer as Optimizer
from polyk.optimizers.matrices import Adafactor as Adafactor
from polyk.optimizers.matrices import Muon as Muon
from polyk.optimizers.sgd import SGD as SGD
from polyk.optimizers.sgd import Lion as Lion
from polyk.optimizers.wrappers import LossScaleOptimizer as LossScaleOptimizer
from polyk.optimizers.wrappers import MultiOptimizer as MultiOptimizer
from polyk.optimizers.wrappers import OptimizerMap as OptimizerMap


def get(identifier: Any) -> Any:
    """An optimizer from its name, config, class or itself; None for None."""
    return REGISTRY.get(identifier)


def serialize(optimizer: Any) -> Any:
    """A config from which `get` makes an equal optimizer, without its state."""
    return REGISTRY.serialize(optimizer)


deserialize = get
