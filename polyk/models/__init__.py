"""Models: layers that train.

`model` is the base class and what a user sees; `functional` and `sequential` are the two ways to
put layers together; `training` holds the one train step, `feed` cuts data into batches.
"""

from polyk.models.functional import Functional
from polyk.models.model import Model
from polyk.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential"]
