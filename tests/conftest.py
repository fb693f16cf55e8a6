"""Fake installed packages: `site` is a folder on sys.path in which a test installs its own."""

import os
import subprocess
import sys
from importlib import invalidate_caches
from pathlib import Path

import pluggy
import pytest

from polyk import config, dtype_policies, dtypes, hookspecs, plugins, select

COMPLETE = """
import polyk

class Complete(polyk.Backend):
    pass

for op in Complete.__abstractmethods__:
    setattr(Complete, op, lambda self, *args: None)
Complete.__abstractmethods__ = frozenset()
"""


class Site:
    """Installs packages as pip leaves them: modules, and a dist-info folder that names them."""

    def __init__(self, folder):
        self.folder = folder
        self.registered = []  # the backends that polyk loaded from here

    def install(
        self, package, *entries, group="polyk.backends", requires=(), version="1.0", **modules
    ):
        """Write `modules` (name=source) and the metadata of `package` with its entry points."""
        for name, source in modules.items():
            (self.folder / f"{name}.py").write_text(source)
        info = self.folder / f"{package.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        lines = [f"Requires-Dist: {requirement}" for requirement in requires]
        head = ["Metadata-Version: 2.1", f"Name: {package}", f"Version: {version}"]
        (info / "METADATA").write_text("\n".join([*head, *lines]) + "\n")
        (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *entries]) + "\n")
        invalidate_caches()

    def plugin(self, package, source, name="listener"):
        """Install a package with one module of hooks."""
        self.install(package, f"{name} = {package}", group="polyk.plugins", **{package: source})


@pytest.fixture
def site(tmp_path, monkeypatch):
    site = Site(tmp_path / "site")
    site.folder.mkdir()
    monkeypatch.syspath_prepend(site.folder)
    monkeypatch.setenv("PYTHONPATH", str(site.folder), prepend=os.pathsep)  # for child processes
    for variable in ("BACKEND", "DEVICE", "PLUGINS", "STRICT"):
        monkeypatch.delenv(f"POLYK_{variable}", raising=False)
    manager = pluggy.PluginManager("polyk")
    manager.add_hookspecs(hookspecs)
    monkeypatch.setattr(plugins, "_manager", manager)
    monkeypatch.setattr(plugins, "_loaded", {})
    monkeypatch.setattr(plugins, "_plugins_loaded", False)
    monkeypatch.setattr(select, "_default", None)
    monkeypatch.setattr(select, "register", site.registered.append)
    plugins.installed.cache_clear()
    yield site
    plugins.installed.cache_clear()
    for name, module in list(sys.modules.items()):
        if str(site.folder) in str(getattr(module, "__file__", None)):
            del sys.modules[name]


@pytest.fixture
def python():
    """Run code in a new interpreter and return what it printed."""

    def run(code, *args):
        done = subprocess.run(
            [sys.executable, "-c", code, *args],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


AVAILABLE = [name for name, found in plugins.installed().items() if not found[0].missing]


@pytest.fixture(params=AVAILABLE)
def backend(request):
    """Each installed backend in turn, in use for the length of the test."""
    with select.use(request.param) as chosen:
        yield chosen


@pytest.fixture(autouse=True)
def settings(monkeypatch):
    """What a test sets for the process is undone after it."""
    monkeypatch.setattr(dtypes, "_floatx", dtypes.floatx())
    monkeypatch.setattr(dtype_policies, "_chosen", None)
    monkeypatch.setattr(config, "_epsilon", 1e-7)
    monkeypatch.setattr(config, "_image_data_format", "channels_last")


@pytest.fixture
def float64():
    """floatx is float64 for the length of the test."""
    dtypes.set_floatx("float64")
    yield
    dtypes.set_floatx("float32")
