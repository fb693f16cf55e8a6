"""Callback, the list that calls them, and callbacks made of functions.

Per-batch methods are called only on callbacks that define them, so training pays for what is used.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

Logs = dict[str, Any]


class Callback:
    """Subclass it and override what is of interest; `self.model` and `self.params` are set.

    In the methods of a batch the logs are lazy: reading one waits for the device.
    """

    model: Any = None
    params: Logs
    group: CallbackList  # all that listen, set before training begins
    last = False  # whether this one sees each event after the others

    def set_model(self, model: Any) -> None:
        self.model = model

    def set_params(self, params: Logs) -> None:
        self.params = params

    def get_state(self) -> dict[str, Any]:
        """What a resumed run must know: the attributes that are plain data or arrays.

        Arguments of ``__init__`` are left out: a new run gives its own.
        """
        given = inspect.signature(type(self).__init__).parameters
        return {name: value for name, value in vars(self).items()
                if name not in given and name != "params" and _is_plain(value)}  # fmt: skip

    def set_state(self, state: dict[str, Any]) -> None:
        """Take up what `get_state` gave in an earlier run: of attributes that are there now."""
        vars(self).update({name: state[name] for name in self.get_state() if name in state})

    def resume(self) -> Any:
        """Where `fit` is to take up an earlier run (a `polyk.saving.resume.Earlier`), or None."""

    def on_train_begin(self, logs: Logs | None = None) -> None: ...
    def on_train_end(self, logs: Logs | None = None) -> None: ...
    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None: ...
    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_test_begin(self, logs: Logs | None = None) -> None: ...
    def on_test_end(self, logs: Logs | None = None) -> None: ...
    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_predict_begin(self, logs: Logs | None = None) -> None: ...
    def on_predict_end(self, logs: Logs | None = None) -> None: ...
    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...


# Other names of an event, for callbacks that do not define it under its own.
ALIASES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    known = value is None or isinstance(value, (bool, int, float, str))
    return known or type(value).__module__ == "numpy"


class CallbackList:
    """Calls an event's method on every callback that overrides it."""

    def __init__(self, callbacks: Any, model: Any, params: Logs, stream: Any = None) -> None:
        self.callbacks: list[Callback] = list(callbacks)
        self.stream = stream
        self._listeners: dict[str, list[Callable[..., None]]] = {}
        for c in self.callbacks:
            if not isinstance(c, Callback):
                raise TypeError(f"callbacks must be polyk.callbacks.Callback objects; got {c!r}.")
            c.group = self
            c.set_model(model)
            c.set_params(params)
        self.callbacks.sort(key=lambda c: c.last)

    def resume(self) -> Any:
        """Where to take up an earlier run: what the first callback that knows one says."""
        return next((found for c in self.callbacks if (found := c.resume()) is not None), None)

    def call(self, event: str, *args: Any) -> None:
        listeners = self._listeners.get(event)
        if listeners is None:
            found = [_method(c, event) or _method(c, ALIASES.get(event, event))
                     for c in self.callbacks]  # fmt: skip
            listeners = self._listeners[event] = [method for method in found if method]
        for listener in listeners:
            listener(*args)


def _method(callback: Callback, event: str) -> Callable[..., None] | None:
    """The method of `callback`, if it has one of its own."""
    base = getattr(Callback, event)
    own = getattr(type(callback), event, base) is not base or event in vars(callback)
    return getattr(callback, event) if own else None


class LambdaCallback(Callback):
    """Callbacks from functions: ``LambdaCallback(on_epoch_end=lambda epoch, logs: ...)``."""

    def __init__(self, **events: Callable[..., None]) -> None:
        for event, fn in events.items():
            if not hasattr(Callback, event) or not event.startswith("on_"):
                raise TypeError(f"LambdaCallback: there is no event {event!r}.")
            setattr(self, event, fn)
