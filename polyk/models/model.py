"""Model: a layer with a backend of its own, a seed, and the means to train."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from polyk import callbacks as cb
from polyk import ops, optimizers, random, trees
from polyk.compilation import compile as compile_fn
from polyk.contract import Backend
from polyk.graph import has_graph
from polyk.layers.base import Layer, context
from polyk.models import training
from polyk.models.feed import Feed, as_tree
from polyk.select import check_device, current_device, get_backend, scope
from polyk.symbolic import Spec
from polyk.weights import Weight


class Model(Layer):
    """Subclass it with layers as attributes and a `call`; or give it inputs and outputs.

    >>> x = layers.Input((4,))
    >>> model = polyk.Model(x, layers.Dense(1)(x))

    `backend` is where it lives (`to` moves it); initial weights, dropout and shuffling follow from
    `seed` alone, whatever the backend.
    """

    _functions: dict[Any, Callable[..., Any]]
    _penalized: list[Weight]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and (args or "inputs" in kwargs):
            from polyk.models.functional import Functional

            cls = Functional
        self = super().__new__(cls, *args, **kwargs)
        self.__dict__.update(
            optimizer=None, objective=None, _functions={}, _epochs=0, _penalized=[]
        )
        return self

    def __init__(
        self,
        name: str | None = None,
        backend: str | Backend | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.backend = get_backend(backend)
        self.device = current_device()
        self.seed = seed
        self.key = random.next_key() if seed is None else random.key(seed)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if context.stack or has_graph((args, kwargs)) or any(isinstance(a, Spec) for a in args):
            return super().__call__(*args, **kwargs)
        with self._scope():
            if not self._claimed:
                self._claim(args)
            return super().__call__(*map(as_tree, args), **kwargs)

    def _scope(self) -> Any:
        return scope(self.backend, self.device)

    # Weights: whose seed, which backend.

    _claimed = False

    def _claim(self, args: Any) -> None:
        """Build from the shapes of `args`, then give every weight its key and its place."""
        if not self.built:
            specs = trees.map(lambda x: _spec(x, self.dtype), args)
            self.compute_output_spec(*specs)
        for i, layer in enumerate(self._flatten_layers()):
            self._claim_layer(layer, random.fold_in(self.key, i))
        self.__dict__["_claimed"] = True

    def _claim_layer(self, layer: Layer, key: random.Key) -> None:
        names: dict[str, int] = {}
        for w in dict.fromkeys((*layer._own_weights.values(), *layer._loose_weights)):
            n = names[w.name] = names.get(w.name, -1) + 1
            name = f"{w.name}_{n}" if n else w.name
            w.path = f"{layer.name}/{name}"
            if w.backend is None:
                w.key = w.key or random.fold_in(key, name)
                w.initialize(self.backend)
        for j, g in enumerate(layer._parts(random.SeedGenerator)):
            g.key = g.key or random.fold_in(key, f"seed_generator_{j}")
            if g.counter.backend is None:
                g.counter.initialize(self.backend)

    def build(self, input_shape: Any = None) -> None:
        """Make all weights for inputs of `input_shape` (batch first)."""
        if input_shape is not None and not context.stack and not self.built:
            with self._scope():
                self._claim(_specs(input_shape, self.dtype))

    def to(self, backend: str | Backend | None = None, device: str | None = None) -> Model:
        """Move weights, optimizer and metrics to another backend or device, and return self."""
        target = get_backend(backend or self.backend)
        if device is not None:
            check_device(target, device)
        self.device = (
            device if device is not None else None if target is not self.backend else self.device
        )
        self.backend = target
        with self._scope():
            for w in self._all_state():
                w.to(target)
        self._functions.clear()
        return self

    def _all_state(self) -> list[Any]:
        parts = (self, self.optimizer, self.objective)
        return [w for p in parts if p is not None for w in p.state]

    # Training.

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        jit_compile: Any = "auto",
        run_eagerly: bool = False,
    ) -> None:
        """Say how to train: optimizer, losses and metrics by name or object.

        `jit_compile` "full" asks for `torch.compile` or XLA; `run_eagerly` runs steps uncompiled.
        """
        self.optimizer = optimizers.get(optimizer)
        self.objective = training.Objective(loss, loss_weights, metrics, weighted_metrics)
        self.jit_compile, self.run_eagerly = jit_compile, run_eagerly
        self._functions.clear()

    def compute_loss(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The scalar that training makes small; override it for a loss of another kind."""
        loss = self.objective.loss(y, y_pred, sample_weight)
        return ops.add(loss, training.penalty(self._penalized)) if self._penalized else loss

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Sequence[cb.Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int = 1,
    ) -> cb.History:
        """Train on arrays (or nested lists and dicts of them); returns the `History`.

        `verbose`: 0 silent, 1 a progress bar, 2 one line an epoch. `validation_split` holds out the
        last part of the data. `steps_per_epoch` cuts epochs short.
        """
        from polyk.models.loop import fit

        feed = Feed(x, y, sample_weight, batch_size=batch_size, dtype=self.dtype)
        held_out = None
        if validation_split:
            feed, held_out = feed.split(validation_split)
        if validation_data is not None:
            held_out = Feed(*validation_data, batch_size=validation_batch_size or batch_size,
                            dtype=self.dtype)  # fmt: skip
        if class_weight is not None:
            feed.weigh_classes(class_weight)
        with self._scope():
            self._prepare(feed, "fit")
            if held_out is not None:
                self._check(held_out)
            return fit(
                self, feed, held_out, epochs=epochs, initial_epoch=initial_epoch, shuffle=shuffle,
                steps=steps_per_epoch, validation_steps=validation_steps,
                validation_freq=validation_freq, callbacks=callbacks or (),
                verbose=1 if verbose == "auto" else int(verbose),
            )  # fmt: skip

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Sequence[cb.Callback] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics on arrays: a list, a float if there is one, or a dict."""
        from polyk.models.loop import evaluate

        feed = Feed(x, y, sample_weight, batch_size=batch_size, dtype=self.dtype)
        with self._scope():
            self._prepare(feed, "evaluate")
            logs = evaluate(self, feed, steps, cb.CallbackList(callbacks or (), self, {}))
        return logs if return_dict else _plain(logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Sequence[cb.Callback] | None = None,
    ) -> Any:
        """The outputs for arrays of any length, as NumPy arrays."""
        from polyk.models.loop import predict

        feed = Feed(x, batch_size=batch_size, dtype=self.dtype)
        with self._scope():
            return predict(self, feed, steps, cb.CallbackList(callbacks or (), self, {}))

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """One training step; the loss and metrics of this batch."""
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """The loss and metrics of one batch."""
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        feed = Feed(x, dtype=self.dtype)
        with self._scope():
            return trees.map(self.backend.to_numpy, self._function("predict")(feed.x))

    def _on_batch(
        self, kind: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, as_dict: bool
    ) -> Any:
        feed = Feed(x, y, sample_weight, dtype=self.dtype)
        if class_weight is not None:
            feed.weigh_classes(class_weight)
        with self._scope():
            self._prepare(feed, f"{kind}_on_batch")
            self.objective.reset()
            self._function(kind)(feed.x, feed.y, feed.sample_weight)
            logs = self.objective.results()
        return logs if as_dict else _plain(logs)

    def _prepare(self, feed: Feed, what: str) -> None:
        """Build, and check that targets and outputs fit together."""
        if self.optimizer is None:
            raise RuntimeError(f"call model.compile(optimizer=..., loss=...) before {what}.")
        if not self._claimed:
            self._claim(trees.map(lambda a: Spec((None, *a.shape[1:]), a.dtype.name), [feed.x]))
        self._check(feed)
        weights = self.trainable_weights
        self.optimizer.build(weights)
        self.__dict__["_penalized"] = [w for w in weights if w.regularizer is not None]

    def _check(self, feed: Feed) -> None:
        if feed.y is None and self.objective.given_loss is not None:
            raise ValueError("y is missing: the loss compares the outputs with targets.")
        specs = trees.map(lambda a: Spec((None, *a.shape[1:]), a.dtype.name), feed.x)
        outputs = self.compute_output_spec(specs)
        self.objective.resolve(feed.y, outputs, self._output_names(len(trees.flatten(outputs))))
        if feed.y is not None:
            self.objective.check(feed.y, outputs)

    def _output_names(self, n: int) -> list[str]:
        return [f"output_{i}" for i in range(n)] if n > 1 else ["output"]

    def _function(self, kind: str) -> Callable[..., Any]:
        """The compiled step of one kind, made once (and again when layers are frozen)."""
        weights = tuple(self.trainable_weights) if kind == "train" else ()
        key = (kind, tuple(map(id, weights)))
        if key not in self._functions:
            self._functions[key] = self._compiled(kind, list(weights))
        return self._functions[key]

    def _compiled(self, kind: str, weights: list[Any]) -> Callable[..., Any]:
        steps: dict[str, Callable[..., Any]] = {
            "train": lambda x, y, w: training.train_step(self, weights, x, y, w),
            "test": lambda x, y, w: training.test_step(self, x, y, w),
            "predict": lambda x: self(x, training=False),
        }
        parts = [self] if kind == "predict" else [self, self.optimizer, self.objective]
        if getattr(self, "run_eagerly", False):
            return steps[kind]
        jit = "full" if getattr(self, "jit_compile", None) == "full" else None
        return compile_fn(steps[kind], state=parts, jit=jit)

    def warn_of_nan(self, epoch: int, losses: list[Any]) -> None:
        """Say at which step the loss stopped being a number."""
        import numpy as np

        finite = [bool(np.isfinite(self.backend.to_numpy(loss))) for loss in losses]
        if not all(finite):
            warnings.warn(
                f"the loss of {self.name!r} became NaN or infinite in epoch {epoch + 1}, at step "
                f"{finite.index(False) + 1} of {len(losses)}. Usual causes: a learning rate that "
                "is too high, log or division of zero in a custom loss, NaN in the data.",
                RuntimeWarning,
                stacklevel=4,
            )

    # Looking at it.

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Print a table of the layers, their output shapes and how many parameters they have."""
        from polyk.models.summary import summary

        if not self.built:
            raise ValueError(
                f"{self.where()} has no weights yet: call it, fit it, or build(shape)."
            )
        summary(self, print_fn)

    def _rows(self) -> list[tuple[Layer, Any]]:
        return [(layer, None) for layer in self.layers]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer called `name`, or at `index`."""
        from polyk.errors import UnknownName, did_you_mean

        if index is not None:
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        raise UnknownName(
            f"no layer named {name!r}.{did_you_mean(str(name), names)} "
            f"There are: {', '.join(names)}."
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("backend", None)  # where a model lives is not what it is
        return config


def _spec(x: Any, dtype: str) -> Any:
    if isinstance(x, Spec) or not hasattr(x, "shape"):
        return x
    name = str(x.dtype).rpartition(".")[2]
    return Spec((None, *tuple(x.shape)[1:]), dtype if "float" in name else name)


def _specs(shape: Any, dtype: str) -> Any:
    from polyk.layers.base import _specs as specs

    return (specs(shape, dtype),)


def _plain(logs: dict[str, float]) -> Any:
    values = list(logs.values())
    return values if len(values) > 1 else values[0]
