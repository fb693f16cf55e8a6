"""A model as a function of its weights, from which a backend makes a module of its framework."""

from __future__ import annotations

from typing import Any

from polyk import trees
from polyk.models.model import Model
from polyk.saving.document import built_weights
from polyk.weights import Weight, current_frame, frame


class Pure:
    """A built model, its weights by path, and how to run it on other values of them.

    `trainable` are the weights that training changes, `fixed` the others, `counters` those of its
    random streams, which `others` holds beside the state of metrics. With `inputs` the tensors are
    given one by one, and nested like that for the model.
    """

    def __init__(self, model: Model, inputs: Any = None) -> None:
        paths = built_weights(model)
        trained, known = set(model.trainable_weights), set(paths.values())
        self.model, self.name, self.inputs = model, model.name, inputs
        self.trainable = {path: w for path, w in paths.items() if w in trained}
        self.fixed = {path: w for path, w in paths.items() if w not in trained}
        self.counters = [g.counter for g in model.seed_generators]
        self.others = [w for w in model.state if w not in known]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs for the weights as they are; updates of state take effect."""
        if self.inputs is not None:
            args = (trees.unflatten(self.inputs, list(args)),)
        return self.model(*args, **kwargs)

    def run(
        self, values: dict[Weight, Any], args: Any, kwargs: Any
    ) -> tuple[Any, dict[Weight, Any]]:
        """The outputs for other `values` of weights, and what the call wrote, which is not kept."""
        with frame({**(current_frame() or {}), **values}) as inside:
            before = dict(inside)
            outputs = self(*args, **kwargs)
        return outputs, {w: v for w, v in inside.items() if before.get(w) is not v}

    def nested(self, values: dict[str, Any]) -> dict[str, Any]:
        """``{"a/b": x}`` as ``{"a": {"b": x}}``."""
        tree: dict[str, Any] = {}
        for path, value in values.items():
            *folders, last = path.split("/")
            inside = tree
            for folder in folders:
                inside = inside.setdefault(folder, {})
            inside[last] = value
        return tree

    def flat(self, tree: Any, paths: Any) -> dict[str, Any]:
        """The leaves of a nested dict at `paths`."""
        found = {}
        for path in paths:
            leaf = tree
            for name in path.split("/"):
                leaf = leaf[name]
            found[path] = leaf
        return found


def as_native(model: Model, framework: str | None = None) -> Any:
    """`model` as what the framework it runs on calls a module; see `Model.as_torch_module`.

    Raises `UnsupportedOp` where the backend has none, ValueError where the model lives elsewhere.
    """
    if framework not in (None, model.backend.name):
        raise ValueError(
            f"{model.where()} lives on backend {model.backend.name!r}. "
            f"Move it first: model.to({framework!r})."
        )
    with model._scope():
        return model.backend.as_native(Pure(model))
