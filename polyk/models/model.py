"""Model: a network with the means to train: compile, fit, evaluate, predict."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Self

from polyk import callbacks as cb
from polyk import optimizers, trees
from polyk.contract import Backend
from polyk.models import functions, loop
from polyk.models.batches import as_feed
from polyk.models.feed import Feed
from polyk.models.steps import Steps
from polyk.models.stream import Stream
from polyk.models.training import Objective, default_names
from polyk.symbolic import Spec
from polyk.utils import pack_x_y_sample_weight
from polyk.weights import shapes_only


class Model(Steps):
    """Subclass it with layers as attributes and a `call`; or give it inputs and outputs.

    >>> x = layers.Input((4,))
    >>> model = polyk.Model(x, layers.Dense(1)(x))

    A subclass may do both: ``super().__init__(inputs=x, outputs=y)``, and methods of its own.

    `backend` is where it lives (`to` moves it); initial weights, dropout and shuffling follow from
    `seed` alone, whatever the backend. What a batch does can be overridden: see `train_step`.
    """

    _functions: dict[Any, Callable[..., Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and (args or "inputs" in kwargs):
            from polyk.models.functional import Functional

            cls = Functional
        self = super().__new__(cls, *args, **kwargs)
        self.__dict__.update(
            optimizer=None, objective=None, steps_per_execution=1, _functions={}, _epochs=0,
            _trained=[], _penalized=[],
        )  # fmt: skip
        return self

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) > 1 or "outputs" in kwargs:
            from polyk.models.functional import Functional, functional_class

            self.__class__ = functional_class(type(self))
            Functional.__init__(self, *args, **kwargs)  # type: ignore[arg-type]  # now it is one
        else:
            super().__init__(*args, **kwargs)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A model from what `get_config` gave."""
        if "nodes" in config:  # a graph
            from polyk.models.functional import functional_class

            return functional_class(cls).from_config(config)
        return super().from_config(config)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Say how to train: optimizer, losses and metrics by name or object, for each output.

        `jit_compile` True asks for `torch.compile` or XLA; `run_eagerly` runs steps uncompiled, so
        that a debugger can stop in them. `steps_per_execution` batches go into one compiled call.
        `auto_scale_loss` scales the loss where the model computes in float16.
        """
        if steps_per_execution < 1:
            raise ValueError(f"steps_per_execution must be at least 1; got {steps_per_execution}.")
        self.optimizer = optimizers.get(optimizer)
        plain = not isinstance(self.optimizer, (optimizers.LossScaleOptimizer, type(None)))
        if auto_scale_loss and plain and self.dtype_policy.name == "mixed_float16":
            self.optimizer = optimizers.LossScaleOptimizer(self.optimizer)
        self.objective = Objective(loss, loss_weights, metrics, weighted_metrics)
        self.jit_compile, self.run_eagerly = jit_compile, run_eagerly
        self.steps_per_execution = int(steps_per_execution)
        self._functions.clear()

    @property
    def loss(self) -> Any:
        """The loss as it was given to `compile`."""
        return None if self.objective is None else self.objective.given_loss

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self.objective is not None

    def to(self, backend: str | Backend | None = None, device: str | None = None) -> Self:
        """Move weights, optimizer and metrics to another backend or device, and return self."""
        super().to(backend, device)
        self._functions.clear()
        return self

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
        validation_freq: Any = 1,
    ) -> cb.History:
        """Train on arrays, or on anything that yields batches; returns the `History`.

        Arrays are NumPy's, tensors, pandas frames, or nested lists and dicts of them; batches come
        from generators, `polyk.utils.PyDataset`, torch's DataLoader, tf.data and the like.
        `verbose`: 0 silent, 1 a progress bar, 2 one line an epoch. `validation_split` holds out the
        last part of the arrays.
        """
        options: dict[str, Any] = {"batch_size": batch_size, "dtype": self.dtype}
        feed = as_feed(x, y, sample_weight, **options)
        held_out = None
        if validation_split:
            feed, held_out = feed.split(validation_split)
        if validation_data is not None:
            pair = isinstance(validation_data, (list, tuple))
            options["batch_size"] = validation_batch_size or batch_size
            held_out = as_feed(*(validation_data if pair else [validation_data]), **options)
        if class_weight is not None:
            feed.weigh_classes(class_weight)
        with self._scope():
            self._prepare(feed, "fit", "train")
            if held_out is not None:
                self._check(held_out, "test")
            stream = Stream(self, feed, steps_per_epoch, shuffle=shuffle,
                            epochs=epochs - initial_epoch)  # fmt: skip

            def validate(listeners: cb.CallbackList) -> dict[str, Any]:
                return loop.evaluate(self, Stream(self, held_out, validation_steps), listeners)

            return loop.fit(
                self, stream, validate if held_out is not None else None, epochs=epochs,
                initial_epoch=initial_epoch, validation_freq=validation_freq,
                callbacks=callbacks or (), verbose=1 if verbose == "auto" else int(verbose),
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
        """The loss and the metrics: a list, a float if there is one, or a dict."""
        feed = as_feed(x, y, sample_weight, batch_size=batch_size, dtype=self.dtype)
        with self._scope():
            self._prepare(feed, "evaluate", "test")
            stream = Stream(self, feed, steps)
            logs = loop.evaluate(self, stream, self._listeners(callbacks, stream, verbose))
        return logs if return_dict else _plain(logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Sequence[cb.Callback] | None = None,
    ) -> Any:
        """The outputs for arrays of any length, or for batches, as NumPy arrays."""
        feed = as_feed(x, batch_size=batch_size, dtype=self.dtype)
        with self._scope():
            if not self._claimed:
                self._claim(_specs([feed.x]))
            stream = Stream(self, feed, steps)
            return loop.predict(self, stream, self._listeners(callbacks, stream, verbose))

    def _listeners(self, callbacks: Any, stream: Stream, verbose: Any) -> cb.CallbackList:
        bar = [cb.ProgressBar(verbose)] if verbose else []
        params = {"steps": stream.steps, "verbose": verbose}
        return cb.CallbackList([*(callbacks or ()), *bar], self, params)

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
            outputs = self._function("predict")(pack_x_y_sample_weight(feed.x))
            return trees.map(self.backend.to_numpy, outputs)

    def _on_batch(
        self, kind: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, as_dict: bool
    ) -> Any:
        feed = Feed(x, y, sample_weight, dtype=self.dtype)
        if class_weight is not None:
            feed.weigh_classes(class_weight)
        with self._scope():
            self._prepare(feed, f"{kind}_on_batch", kind)
            self.reset_metrics()
            batch = pack_x_y_sample_weight(feed.x, feed.y, feed.sample_weight)
            logs = self._function(kind, 1)(batch)
            logs = logs if functions.reports(self, kind) else self.get_metrics_result()
            logs = loop.numbers(logs)
        return logs if as_dict else _plain(logs)

    # Between the data and the steps.

    def _prepare(self, feed: Any, what: str, kind: str) -> None:
        """Build, and check that targets and outputs fit together."""
        own = self._overrides(f"{kind}_step")
        if self.optimizer is None and not own:
            raise RuntimeError(f"call model.compile(optimizer=..., loss=...) before {what}.")
        if not self._claimed:
            if own:
                self._build_by_step(feed, kind)
            self._claim(_specs([feed.x]))
        self._check(feed, kind)
        if not own and kind == "train":
            self.optimizer.build(self.trainable_weights)

    def _build_by_step(self, feed: Any, kind: str) -> None:
        """Make the weights that a step of the user's asks for: it may call layers as it likes."""
        if not all(layer.built for layer in self._flatten_layers() if layer is not self):
            data = pack_x_y_sample_weight(feed.x, feed.y, feed.sample_weight)
            try:
                with shapes_only():
                    getattr(self, f"{kind}_step")(trees.map(lambda a: _spec(a, a.shape[0]), data))
            except Exception as e:
                e.add_note(
                    f"while {kind}_step of {type(self).__name__} was run on shapes, to make the "
                    "weights of its layers. Build or call them beforehand if it needs values."
                )
                raise
        self.built = True

    def _check(self, feed: Any, kind: str) -> None:
        """Refuse data that do not fit; a step of the user's may do with them as it likes."""
        self.__dict__["_penalized"] = [
            w for w in self.trainable_weights if w.regularizer is not None
        ]
        if self._overrides(f"{kind}_step") or self.objective is None:
            return
        if feed.y is None and self.loss is not None and not self._overrides("compute_loss"):
            raise ValueError("y is missing: the loss compares the outputs with targets.")
        outputs = self.compute_output_spec(*_specs([feed.x]))
        self.objective.resolve(feed.y, outputs, self._output_names(len(trees.flatten(outputs))))
        if feed.y is not None and not self._overrides("compute_loss"):
            self.objective.check(feed.y, outputs)
            feed.check = lambda y: self.objective.check(y, outputs)

    def _output_names(self, n: int) -> list[str]:
        return default_names(n)

    def _function(self, kind: str, together: int | None = None) -> Callable[..., Any]:
        """The compiled step of one kind, made once (and again when layers are frozen)."""
        weights = self.trainable_weights if kind == "train" else []
        together = together or (1 if kind == "predict" else self.steps_per_execution)
        if kind == "train":
            self.__dict__["_trained"] = weights
        key = (kind, together > 1, tuple(map(id, weights)))
        if key not in self._functions:
            make = functions.make if together == 1 else functions.make_many
            self._functions[key] = make(self, kind)
        return self._functions[key]

    def warn_of_nan(self, epoch: int, losses: list[Any], steps: int) -> None:
        """Say at which step the loss stopped being a number."""
        import numpy as np

        finite = [x is None or bool(np.isfinite(self.backend.to_numpy(x)).all()) for x in losses]
        if not all(finite):
            step = steps - (len(losses) - finite.index(False)) * self.steps_per_execution
            warnings.warn(
                f"the loss of {self.name!r} became NaN or infinite in epoch {epoch + 1}, at step "
                f"{step + 1} of {steps}. Usual causes: a learning rate that is too high, log or "
                "division of zero in a custom loss, NaN in the data.",
                RuntimeWarning,
                stacklevel=4,
            )

    # Saving: `polyk.saving` says what is in the files.

    def save(self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Write architecture, weights and training state to one file, for `polyk.load_model`."""
        from polyk.saving import save_model

        save_model(self, filepath, overwrite, include_optimizer)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the weights to a file, as safetensors."""
        from polyk.saving import save_weights

        save_weights(self, filepath, overwrite)

    def load_weights(
        self, filepath: Any, skip_mismatch: bool = False, partial: bool = False
    ) -> None:
        """Set the weights from a file, by name: all, or with `partial` those that fit."""
        from polyk.saving import load_weights

        load_weights(self, filepath, skip_mismatch, partial)

    def export(
        self,
        filepath: Any,
        format: str = "onnx",
        verbose: Any = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Write the model, as it predicts, for runtimes without polyk: see `polyk.export`."""
        from polyk.export import export_model

        export_model(self, filepath, format, input_signature, **kwargs)
        if verbose:
            print(f"Saved {self.name!r} to {filepath} ({format}).")

    # As part of a framework's own program: `polyk.interop` says how.

    def as_torch_module(self) -> Any:
        """An `nn.Module` that shares its weights with this model, on backend torch.

        Parameters are what training changes, buffers the rest; `train` and `eval` set the mode.
        """
        from polyk.interop import as_native

        return as_native(self, "torch")

    def as_jax_function(self) -> Any:
        """A pure function of weights and inputs, on backend jax.

        >>> fn = model.as_jax_function()
        >>> y = jax.jit(fn)(fn.weights, x)
        >>> y, non_trainable = fn(fn.weights, x, training=True, key=jax.random.key(0))
        """
        from polyk.interop import as_native

        return as_native(self, "jax")

    def as_tf_module(self) -> Any:
        """A `tf.Module` that shares its variables with this model, on backend tensorflow."""
        from polyk.interop import as_native

        return as_native(self, "tensorflow")

    def to_json(self) -> str:
        """The architecture as JSON, without weights; `polyk.models.model_from_json` reads it."""
        from polyk.saving.configs import to_json

        return to_json(self)


def _specs(tree: Any) -> Any:
    return trees.map(_spec, tree)


def _spec(a: Any, batch: int | None = None) -> Spec:
    return Spec((batch, *a.shape[1:]), str(a.dtype).rpartition(".")[2])


def _plain(logs: dict[str, Any]) -> Any:
    values = list(logs.values())
    return values if len(values) > 1 else values[0]
