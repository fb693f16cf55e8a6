"""Everything polyk raises, and the hint for a mistyped name.

PolykError
├── BackendError
│   ├── UnknownBackend       a LookupError
│   ├── MissingFramework     an ImportError
│   ├── BrokenBackend
│   ├── BackendConflict
│   └── BackendAPIMismatch
├── MissingPackage           an ImportError
├── UnsupportedOp            a NotImplementedError
├── ShapeError               a ValueError
├── DTypeError               a TypeError
├── UnknownName              a LookupError and a ValueError
├── LoadError                a ValueError
└── SaveError                a ValueError
"""

from collections.abc import Iterable
from typing import Any


class PolykError(Exception):
    """Base of every error that polyk defines."""


class BackendError(PolykError):
    """A backend could not be found, loaded or used."""


class UnknownBackend(BackendError, LookupError):
    """No installed package provides a backend of this name."""


class MissingFramework(BackendError, ImportError):
    """The backend is installed, the framework it runs on is not."""


class BrokenBackend(BackendError):
    """The backend fails to load, or is not a complete `polyk.Backend`."""


class BackendConflict(BackendError):
    """Several installed packages provide a backend of this name."""


class BackendAPIMismatch(BackendError):
    """The backend was written for another version of the backend API."""


class MissingPackage(PolykError, ImportError):
    """A package that only this feature needs is not installed."""


class UnsupportedOp(PolykError, NotImplementedError):
    """The backend declares that it cannot do this."""


class ShapeError(PolykError, ValueError):
    """Shapes that do not fit together."""


class DTypeError(PolykError, TypeError):
    """An element type that is unknown, or not accepted here."""


class UnknownName(PolykError, LookupError, ValueError):
    """No layer, loss, optimizer, ... goes by this name."""


class LoadError(PolykError, ValueError):
    """A file that cannot be loaded: which, which tensor in it if one is to blame, and why."""

    def __init__(self, path: object, reason: str, tensor: str | None = None) -> None:
        self.path, self.reason, self.tensor = path, reason, tensor
        where = f"{path}" if tensor is None else f"{path}, tensor {tensor!r}"
        super().__init__(f"{where}: {reason}")


class SaveError(PolykError, ValueError):
    """Something that cannot be told as data, and so cannot be saved."""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return ``" Did you mean 'torch'?"`` if a choice is close to `name`, else ``""``.

    >>> did_you_mean("torhc", ["jax", "torch"])
    " Did you mean 'torch'?"
    """
    from difflib import get_close_matches

    plain = {choice.lower(): choice for choice in choices}
    near = get_close_matches(name.lower(), plain, 1)
    return f" Did you mean {plain[near[0]]!r}?" if near else ""


def need(module: str, feature: str, install: str) -> Any:
    """Import an optional `module`, or raise MissingPackage with what to type."""
    from importlib import import_module

    try:
        return import_module(module)
    except ModuleNotFoundError as e:
        name = module.partition(".")[0]
        if (e.name or "").partition(".")[0] != name:
            raise
        raise MissingPackage(
            f'{feature} needs {name}, which is not installed.\n  pip install "{install}"'
        ) from None
