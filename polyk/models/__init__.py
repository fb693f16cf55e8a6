"""Models: layers that train.

`model` is the base class and what a user sees; `functional` and `sequential` are the two ways to
put layers together; `training` holds the one train step, `feed` cuts data into batches. What saves
and loads them is in `polyk.saving`, and here too under Keras's names.
"""

from polyk.models.cloning import clone_model
from polyk.models.functional import Functional
from polyk.models.model import Model
from polyk.models.sequential import Sequential

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]


def __getattr__(name: str) -> object:
    if name not in ("load_model", "model_from_json", "save_model"):
        raise AttributeError(f"module 'polyk.models' has no attribute {name!r}")
    from polyk import saving

    return getattr(saving, name)
