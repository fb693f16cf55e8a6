"""polyk: write a model once, run it on any array engine.

Importing this module imports nothing else; each public name is imported when first used.
"""

TYPE_CHECKING = False  # type checkers take this name for true; saves importing typing
if TYPE_CHECKING:
    from polyk import activations as activations
    from polyk import backend as backend
    from polyk import callbacks as callbacks
    from polyk import config as config
    from polyk import constraints as constraints
    from polyk import data as data
    from polyk import dtype_policies as dtype_policies
    from polyk import export as export
    from polyk import initializers as initializers
    from polyk import interop as interop
    from polyk import layers as layers
    from polyk import losses as losses
    from polyk import metrics as metrics
    from polyk import mixed_precision as mixed_precision
    from polyk import models as models
    from polyk import ops as ops
    from polyk import optimizers as optimizers
    from polyk import preprocessing as preprocessing
    from polyk import random as random
    from polyk import regularizers as regularizers
    from polyk import saving as saving
    from polyk import utils as utils
    from polyk.array_api import ArrayAPIBackend as ArrayAPIBackend
    from polyk.autodiff import custom_gradient as custom_gradient
    from polyk.autodiff import grad as grad
    from polyk.autodiff import value_and_grad as value_and_grad
    from polyk.autodiff import vjp as vjp
    from polyk.compilation import compile as compile
    from polyk.config import version as version
    from polyk.contract import Backend as Backend
    from polyk.dtype_policies import DTypePolicy as DTypePolicy
    from polyk.errors import BackendAPIMismatch as BackendAPIMismatch
    from polyk.errors import BackendConflict as BackendConflict
    from polyk.errors import BackendError as BackendError
    from polyk.errors import BrokenBackend as BrokenBackend
    from polyk.errors import DTypeError as DTypeError
    from polyk.errors import LoadError as LoadError
    from polyk.errors import MissingFramework as MissingFramework
    from polyk.errors import MissingPackage as MissingPackage
    from polyk.errors import PolykError as PolykError
    from polyk.errors import SaveError as SaveError
    from polyk.errors import ShapeError as ShapeError
    from polyk.errors import UnknownBackend as UnknownBackend
    from polyk.errors import UnknownName as UnknownName
    from polyk.errors import UnsupportedOp as UnsupportedOp
    from polyk.graph import KerasTensor as KerasTensor
    from polyk.hookspecs import hookimpl as hookimpl
    from polyk.initializers import Initializer as Initializer
    from polyk.layers import Input as Input
    from polyk.layers import InputSpec as InputSpec
    from polyk.layers import Layer as Layer
    from polyk.losses import Loss as Loss
    from polyk.metrics import Metric as Metric
    from polyk.models import Model as Model
    from polyk.models import Sequential as Sequential
    from polyk.optimizers import Optimizer as Optimizer
    from polyk.random import set_random_seed as set_random_seed
    from polyk.regularizers import Regularizer as Regularizer
    from polyk.saving import load_model as load_model
    from polyk.select import device as device
    from polyk.select import get_backend as get_backend
    from polyk.select import set_backend as set_backend
    from polyk.select import to_numpy as to_numpy
    from polyk.select import use as use
    from polyk.weights import Variable as Variable

__version__ = "0.1.0"

_names = {  # module -> what it gives to ``polyk.``; the modules themselves come last
    "array_api": "ArrayAPIBackend",
    "autodiff": "custom_gradient grad value_and_grad vjp",
    "compilation": "compile",
    "config": "version",
    "contract": "Backend",
    "dtype_policies": "DTypePolicy",
    "errors": (
        "BackendAPIMismatch BackendConflict BackendError BrokenBackend DTypeError LoadError "
        "MissingFramework MissingPackage PolykError SaveError ShapeError UnknownBackend "
        "UnknownName UnsupportedOp"
    ),
    "graph": "KerasTensor",
    "hookspecs": "hookimpl",
    "initializers": "Initializer",
    "layers": "Input InputSpec Layer",
    "losses": "Loss",
    "metrics": "Metric",
    "models": "Model Sequential",
    "optimizers": "Optimizer",
    "random": "set_random_seed",
    "regularizers": "Regularizer",
    "saving": "load_model",
    "select": "device get_backend set_backend to_numpy use",
    "weights": "Variable",
    "": (
        "activations backend callbacks config constraints data dtype_policies export "
        "initializers interop layers losses metrics mixed_precision models ops optimizers "
        "preprocessing random regularizers saving utils"
    ),
}
_home = {name: module for module, names in _names.items() for name in names.split()}
__all__ = [*_home]


def __getattr__(name: str) -> object:
    if name not in _home:
        raise AttributeError(f"module 'polyk' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"polyk.{_home[name] or name}")
    value = globals()[name] = getattr(module, name) if _home[name] else module
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_home})
