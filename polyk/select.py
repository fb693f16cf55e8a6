"""Which backend and device are in use, and to which backend a tensor belongs.

The backend: an argument, else `use`, else `set_backend`, else POLYK_BACKEND, else NumPy. A tensor
belongs to the engine that made it, found by its type; host data (NumPy arrays, scalars, lists)
goes to the backend in use.
"""

import os
import threading
from collections.abc import Callable
from typing import Any, Self

from polyk.contract import Backend
from polyk.dtypes import SCALARS


class _Local(threading.local):
    def __init__(self) -> None:
        self.backend: Backend | None = None
        self.device: str | None = None


_local = _Local()
_default: Backend | None = None
ENGINES: dict[type, Backend] = {}  # tensor type -> its backend; grows as new types are met
_backends: list[Backend] = []
_host: set[type] = set()  # types met that belong to no engine
HANDLES: dict[type, Callable[[Any], Any]] = {}  # type that stands for a tensor -> how to read it


def register(backend: Backend) -> None:
    """Let tensors of `backend` be recognized."""
    _backends.append(backend)
    _host.clear()
    for cls in backend.tensor_types:
        if cls not in backend.host_types:
            ENGINES[cls] = backend


def chosen_name() -> str:
    """The name of the backend in use; imports nothing."""
    chosen = _local.backend or _default
    return chosen.name if chosen else os.environ.get("POLYK_BACKEND") or "numpy"


def current() -> Backend:
    """The backend in use in this thread."""
    return _local.backend or _default or set_backend(chosen_name())


def get_backend(name: str | Backend | None = None) -> Backend:
    """The backend called `name` (or ``"module:Class"``), or the one in use."""
    if name is None:
        return current()
    if isinstance(name, Backend):
        return name
    from polyk.plugins import load

    return load(name)


def set_backend(name: str | Backend) -> Backend:
    """Make `name` the backend of every thread that has not chosen another by `use`."""
    global _default
    _default = get_backend(name)
    return _default


class use:
    """Use a backend in this thread from here on; as ``with polyk.use("jax"):``, in that block."""

    def __init__(self, name: str | Backend) -> None:
        self._before = _local.backend
        self.backend = _local.backend = get_backend(name)

    def __enter__(self) -> Backend:
        _local.backend = self.backend
        return self.backend

    def __exit__(self, *exc: object) -> None:
        _local.backend = self._before


class scope:
    """A backend and a device for a block of core's own code."""

    def __init__(self, backend: Backend, device_name: str | None) -> None:
        self.place = backend, device_name

    def __enter__(self) -> None:
        self.before = _local.backend, _local.device
        _local.backend, _local.device = self.place

    def __exit__(self, *exc: object) -> None:
        _local.backend, _local.device = self.before


class device:
    """Create tensors on a device in this thread from here on; or in a ``with`` block.

    The name is one of ``polyk.get_backend().devices()``, such as ``"cpu"`` or ``"cuda:0"``.
    Without it, POLYK_DEVICE or else the backend's own default holds.
    """

    def __init__(self, name: str | None) -> None:
        self._before = _local.device
        self.name = name
        if name is not None:
            check_device(current(), name)
        _local.device = name

    def __enter__(self) -> Self:
        _local.device = self.name
        return self

    def __exit__(self, *exc: object) -> None:
        _local.device = self._before


def check_device(backend: Backend, name: str) -> None:
    """Raise unless `backend` lists `name`."""
    known = backend.devices()
    if name not in known and not any(d.partition(":")[0] == name for d in known):
        raise ValueError(
            f"backend {backend.name!r} has no device {name!r}. It lists: {', '.join(known)}."
        )


def current_device() -> str | None:
    """The device asked for in this thread, or None for the backend's default."""
    return _local.device or os.environ.get("POLYK_DEVICE") or None


def backend_of(*xs: Any) -> Backend:
    """The backend that computes with all of `xs`: the highest-ranking one among the tensors."""
    best: Backend | None = None
    for x in xs:
        found = engine_of(x)
        if found is None or found is best:
            continue
        if best is None or found.rank > best.rank:
            best = found
        elif found.rank == best.rank:
            raise TypeError(
                f"one op was given tensors of two backends, {best.name!r} and {found.name!r}. "
                f"Convert one of them: polyk.get_backend({best.name!r}).asarray(polyk.to_numpy(x))."
            )
    return best or current()


def engine_of(x: Any) -> Backend | None:
    """The backend whose tensor type `x` is a kind of; remembered. Host data has none."""
    if type(x) in ENGINES:
        return ENGINES[type(x)]
    if type(x) in SCALARS or type(x) in _host:
        return None
    for backend in _backends:
        if isinstance(x, backend.tensor_types) and not isinstance(x, backend.host_types):
            ENGINES[type(x)] = backend
            return backend
    _host.add(type(x))
    return None


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor of some loaded backend."""
    return type(x) in ENGINES or any(isinstance(x, b.tensor_types) for b in _backends)


def to_numpy(x: Any) -> Any:
    """The values of a tensor, or of anything array-like, as a NumPy array."""
    import numpy as np

    if type(x) in HANDLES:
        x = HANDLES[type(x)](x)
    engine = engine_of(x)
    return np.asarray(x) if engine is None else engine.to_numpy(x)
