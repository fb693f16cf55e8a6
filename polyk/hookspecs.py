"""The events a plugin can listen to. One provider? Subclass Backend. Many listeners? A hook.

A plugin is a module of functions named as these are and marked with ``@polyk.hookimpl``, installed
under the entry-point group ``polyk.plugins``. It may leave out arguments it does not need.
"""

from typing import Any

import pluggy

hookspec = pluggy.HookspecMarker("polyk")
hookimpl = pluggy.HookimplMarker("polyk")


@hookspec(historic=True)
def polyk_backend_loaded(backend: Any) -> None:
    """Called once per backend, right after it is loaded and validated."""


@hookspec
def polyk_register_objects(registry: Any) -> None:
    """Offer layers, losses, ... to files: ``registry(package="mine")(MyLayer)``.

    `registry` is `polyk.saving.register_serializable`. Called once, at the first unknown name.
    """


@hookspec
def polyk_callbacks(model: Any) -> Any:
    """Return a callback, or a list of them, to attach. Called once per ``fit``."""


@hookspec(firstresult=True)
def polyk_checkpoint_format(path: Any) -> Any:
    """Return what reads and writes `path`, or None. polyk's own format is tried last.

    It has ``save(model, path)`` and ``load(path)``.
    """


@hookspec
def polyk_benchmark_cases(suite: Any) -> None:
    """Add cases to the benchmark `suite`. Called once per run, before it."""


@hookspec
def polyk_benchmark_report(results: Any) -> None:
    """Called with the finished results. Write where you like."""
