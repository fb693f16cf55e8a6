"""Names of Keras 1 that only made sense with a session: each says what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_INSTEAD = {
    "get_session": "There is no session: tensors have values, K.eval(x) gives one to NumPy.",
    "set_session": "There is no session. Devices: polyk.device(...); threads and memory are "
    "settings of the framework itself.",
    "manual_variable_initialization": "Weights have their first value when they are needed; "
    "load_weights replaces it.",
    "learning_phase": "There is no global learning phase. Let `call` take training=False, and call "
    "the model with model(x, training=True).",
    "set_learning_phase": "There is no global learning phase: model(x, training=False) predicts, "
    "model(x, training=True) trains; layer.trainable = False freezes.",
    "control_dependencies": "Updates take place in the order in which they are written.",
    "pattern_broadcast": "Axes of size 1 broadcast without being declared.",
}

__all__ = ["eager", "symbolic", *_INSTEAD]


def _absent(name: str, instead: str) -> Callable[..., NoReturn]:
    def call(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"K.{name}: {instead}")

    call.__name__, call.__doc__ = name, f"Not there. {instead}"
    return call


globals().update({name: _absent(name, instead) for name, instead in _INSTEAD.items()})


def symbolic(func: F) -> F:
    """`func` itself: functions run on values and on graphs alike."""
    return func


def eager(func: F) -> F:
    """`func` itself: functions run on values and on graphs alike."""
    return func
