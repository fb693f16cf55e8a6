"""Find and load what other packages bring. Two entry-point groups, one rule each.

``polyk.backends``: one provider per name. The name is what users type, the target a Backend class.
Listing imports nothing; using a backend imports that backend and no other.
``polyk.plugins``: many listeners per event. The target is a module of ``@polyk.hookimpl``
functions. All are loaded before the first event, each on its own.
"""

import os
import re
import threading
import warnings
from collections.abc import Iterator
from functools import cache, reduce
from importlib import import_module, metadata, util
from typing import NamedTuple

import pluggy

from polyk import hookspecs, select
from polyk.contract import API, Backend
from polyk.errors import (
    BackendAPIMismatch,
    BackendConflict,
    BackendError,
    BrokenBackend,
    MissingFramework,
    UnknownBackend,
    did_you_mean,
)

RESERVED = ("jax", "numpy", "tensorflow", "torch")  # names that only polyk itself may provide

_manager = pluggy.PluginManager("polyk")
_manager.add_hookspecs(hookspecs)
_loaded: dict[str, Backend] = {}  # by target, so that a backend of two names is one object
_lock = threading.RLock()
_plugins_loaded = False


class Entry(NamedTuple):
    """What is known of an installed backend without importing it."""

    name: str
    target: str
    package: str  # "polyk 0.1.0"
    requires: tuple[str, ...] = ()
    extra: bool = False  # whether `requires` are an extra of the package, named as the backend

    def __str__(self) -> str:
        return f"backend {self.name!r} ({self.package})"

    @property
    def missing(self) -> tuple[str, ...]:
        """The requirements that are not installed."""
        return tuple(r for r in self.requires if not _present(r))

    @property
    def command(self) -> str:
        """What to type to install the requirements."""
        if self.extra:
            return f'pip install "{self.package.partition(" ")[0]}[{self.name}]"'
        return f"pip install {' '.join(self.missing or self.requires)}"


@cache
def installed() -> dict[str, list[Entry]]:
    """Every installed backend, by name. More than one entry under a name is a conflict."""
    found: dict[str, list[Entry]] = {}
    for ep, dist in _entry_points("polyk.backends"):
        requires, extra = _requirements(ep.name, dist.requires or [])
        entry = Entry(ep.name, ep.value, f"{dist.name} {dist.version}", requires, extra)
        if ep.name in RESERVED and dist.name != "polyk":
            _report(f"{entry} is ignored: the name {ep.name!r} is reserved to polyk itself.")
        elif entry not in found.setdefault(ep.name, []):
            found[ep.name].append(entry)
    return dict(sorted(found.items()))


def load(name: str) -> Backend:
    """The backend called `name`, or at the target ``"module:Class"``, imported on first use."""
    with _lock:
        entry = find(name)
        hooks()  # before the look-up: a plugin may itself load the backend
        if entry.target not in _loaded:
            backend = _loaded[entry.target] = _create(entry)
            select.register(backend)
            _manager.register(backend, f"backend:{entry.target}")
            _announce(backend)
        return _loaded[entry.target]


def find(name: str) -> Entry:
    """The one entry for a name or a target ``"module:Class"``. Imports nothing."""
    if ":" in name:
        known = (e for entries in installed().values() for e in entries if e.target == name)
        return next(known, Entry(name, name, "given as module:Class"))
    entries = installed().get(name, [])
    if not entries:
        near, names = did_you_mean(name, installed()), ", ".join(installed())
        raise UnknownBackend(f"no backend named {name!r}.{near} Installed: {names}.")
    if len(entries) > 1:
        owners = "".join(f"\n  {e.package} ({e.target})" for e in entries)
        raise BackendConflict(
            f"{len(entries)} installed packages provide a backend named {name!r}:{owners}\n"
            f"Uninstall all but one, or choose by target: POLYK_BACKEND={entries[0].target}"
        )
    return entries[0]


def hooks() -> pluggy.HookRelay:
    """The hooks, with every plugin loaded. A broken plugin warns and is left out."""
    global _plugins_loaded
    with _lock:
        if not _plugins_loaded:
            _plugins_loaded = True  # first, for a plugin may use polyk while it loads
            try:
                for ep, dist in _wanted_plugins():
                    _add_plugin(ep, dist)
            except BaseException:
                _plugins_loaded = False
                raise
    return _manager.hook


def _entry_points(group: str) -> Iterator[tuple[metadata.EntryPoint, metadata.Distribution]]:
    for ep in metadata.entry_points(group=group):
        if ep.dist is not None:
            yield ep, ep.dist


def _create(entry: Entry) -> Backend:
    cls = _import(entry)
    if not (isinstance(cls, type) and issubclass(cls, Backend)):
        raise BrokenBackend(f"{entry}: {entry.target} is not a subclass of polyk.Backend: {cls!r}.")
    if cls.api != API:
        old = "polyk" if cls.api > API else entry.package.partition(" ")[0]
        raise BackendAPIMismatch(
            f"{entry} speaks backend API {cls.api}, this polyk speaks {API}.\n"
            f"  pip install -U {old}"
        )
    if cls.__abstractmethods__:
        missing = ", ".join(sorted(cls.__abstractmethods__))
        raise BrokenBackend(f"{entry} does not implement: {missing}")
    try:
        backend: Backend = cls()
    except Exception as e:
        raise BrokenBackend(f"{entry} failed to start: {type(e).__name__}: {e}") from e
    backend.name, backend.package = entry.name, entry.package
    return backend


def _import(entry: Entry) -> object:
    module, _, attribute = entry.target.partition(":")
    try:
        return reduce(getattr, attribute.split("."), import_module(module))
    except ModuleNotFoundError as e:
        top = (e.name or "").partition(".")[0]
        if top not in map(_module, entry.requires):
            raise BrokenBackend(f"{entry} failed to load: {e}") from e
        raise MissingFramework(
            f"{entry} needs {top}, which is not installed.\n  {entry.command}"
        ) from None
    except Exception as e:
        raise BrokenBackend(f"{entry} failed to load: {type(e).__name__}: {e}") from e


def _announce(backend: Backend) -> None:
    try:
        _manager.hook.polyk_backend_loaded.call_historic(kwargs={"backend": backend})
    except Exception as e:
        _report(f"a polyk plugin failed in polyk_backend_loaded: {type(e).__name__}: {e}", e)


def _wanted_plugins() -> list[tuple[metadata.EntryPoint, metadata.Distribution]]:
    """The installed plugins that POLYK_PLUGINS allows: all if unset, else those it lists."""
    found = list(_entry_points("polyk.plugins"))
    listed = os.environ.get("POLYK_PLUGINS")
    if listed is None:
        return found
    names = {ep.name for ep, _ in found}
    wanted = [name.strip() for name in listed.split(",") if name.strip()]
    for name in wanted:
        if name not in names:
            _report(f"POLYK_PLUGINS: no plugin named {name!r}.{did_you_mean(name, names)}")
    return [(ep, dist) for ep, dist in found if ep.name in wanted]


def _add_plugin(ep: metadata.EntryPoint, dist: metadata.Distribution) -> None:
    name = f"{dist.name}:{ep.name}"
    who = f"polyk plugin {ep.name!r} ({dist.name} {dist.version})"
    try:
        if not _manager.has_plugin(name):  # an attempt under POLYK_STRICT may have come this far
            _manager.register(ep.load(), name)
    except Exception as e:
        _report(f"{who} failed to load and is ignored: {type(e).__name__}: {e}", e)
        return
    known = [hook for hook in vars(hookspecs) if hook.startswith("polyk_")]
    for caller in _manager.get_hookcallers(_manager.get_plugin(name)) or ():
        if not caller.has_spec():
            _report(f"{who}: unknown hook {caller.name!r}.{did_you_mean(caller.name, known)}")


def _report(message: str, cause: Exception | None = None) -> None:
    """Warn of something that polyk can go on without; under POLYK_STRICT=1, raise."""
    strict = os.environ.get("POLYK_STRICT", "0")
    if strict not in ("0", "1"):
        raise BackendError(f"POLYK_STRICT is 0 or 1, not {strict!r}.")
    if strict == "1":
        raise BackendError(message) from cause
    warnings.warn(message, stacklevel=2)


def _requirements(name: str, lines: list[str]) -> tuple[tuple[str, ...], bool]:
    """What a backend needs, and whether that is an extra: the extra of its name, else all."""
    always, extra = [], []
    for line in lines:
        requirement, _, marker = line.partition(";")
        project = re.match(r"[\w.-]+", requirement.strip())
        if project is None or project[0] == "polyk":
            continue
        if not marker:
            always.append(project[0])
        elif re.sub(r"[\s'\"]", "", _module(marker)) == f"extra=={_module(name)}":
            extra.append(project[0])
    return tuple(extra or always), bool(extra)


def _present(requirement: str) -> bool:
    """Whether a distribution, or else a module of its name, is there. Imports nothing."""
    try:
        return bool(metadata.version(requirement))
    except metadata.PackageNotFoundError:
        return util.find_spec(_module(requirement)) is not None


def _module(requirement: str) -> str:
    return re.sub(r"[-.]", "_", requirement)
