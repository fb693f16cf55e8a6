"""Finding and loading backends and plugins, and every way in which that fails."""

import sys
import threading
import warnings

import pytest
from conftest import COMPLETE

import polyk
from polyk import plugins
from polyk.errors import (
    BackendAPIMismatch,
    BackendConflict,
    BackendError,
    BrokenBackend,
    MissingFramework,
    UnknownBackend,
)


def message(error):
    return str(error.value)


# Backends that load.


def test_a_backend_is_found_by_its_entry_point_name(site):
    site.install("polyk-x", "x = xmod:Complete", xmod=COMPLETE)
    backend = plugins.load("x")
    assert isinstance(backend, polyk.Backend)
    assert (backend.name, backend.package) == ("x", "polyk-x 1.0")


def test_listing_imports_no_backend(site):
    site.install("polyk-x", "x = xmod:Complete", xmod="raise RuntimeError('imported')")
    assert [e.target for e in plugins.installed()["x"]] == ["xmod:Complete"]
    assert "xmod" not in sys.modules


def test_a_broken_backend_leaves_the_others_alone(site):
    site.install("polyk-bad", "bad = badmod:B", badmod="raise RuntimeError")
    site.install("polyk-x", "x = xmod:Complete", xmod=COMPLETE)
    assert plugins.load("x").name == "x"


def test_a_backend_is_created_once_and_registered_once(site):
    site.install("polyk-x", "x = xmod:Complete", xmod=COMPLETE)
    assert plugins.load("x") is plugins.load("x")
    assert site.registered == [plugins.load("x")]


def test_threads_that_race_for_a_backend_get_one_object(site):
    slow = COMPLETE + "import threading; threading.Event().wait(0.05)\n"
    site.install("polyk-x", "x = xmod:Complete", xmod=slow)
    got, start = [], threading.Barrier(8)

    def load():
        start.wait()
        got.append(plugins.load("x"))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len(set(map(id, got))) == 1


def test_a_target_loads_a_backend_that_is_not_installed(site):
    (site.folder / "mine.py").write_text(COMPLETE)
    assert plugins.load("mine:Complete").name == "mine:Complete"


def test_the_target_of_an_installed_backend_is_that_backend(site):
    site.install("polyk-x", "x = xmod:Complete", xmod=COMPLETE)
    assert plugins.load("xmod:Complete") is plugins.load("x")


def test_the_environment_chooses_the_backend(site, monkeypatch):
    site.install("polyk-x", "x = xmod:Complete", xmod=COMPLETE)
    monkeypatch.setenv("POLYK_BACKEND", "x")
    assert polyk.get_backend().name == "x"


# Backends that do not.


def test_an_unknown_name_gets_a_hint_and_the_list(site):
    with pytest.raises(UnknownBackend) as error:
        plugins.load("torhc")
    assert message(error) == (
        "no backend named 'torhc'. Did you mean 'torch'? Installed: jax, numpy, tensorflow, torch."
    )
    assert isinstance(error.value, LookupError)


def test_a_missing_extra_is_named_with_the_command(site):
    site.install("polyk-x", "x = xmod:B", requires=['frame>=2; extra == "x"'], xmod="import frame")
    with pytest.raises(MissingFramework) as error:
        plugins.load("x")
    assert message(error) == (
        "backend 'x' (polyk-x 1.0) needs frame, which is not installed.\n"
        '  pip install "polyk-x[x]"'
    )
    assert isinstance(error.value, ImportError)


def test_a_missing_requirement_is_named_with_the_command(site):
    site.install(
        "polyk-x", "x = xmod:B", requires=["polyk", "some-frame>=2"], xmod="import some_frame.sub"
    )
    with pytest.raises(MissingFramework, match=r"needs some_frame.*\n  pip install some-frame$"):
        plugins.load("x")


def test_a_missing_framework_of_polyk_itself_names_the_extra(site, monkeypatch):
    for module in [m for m in sys.modules if m.partition(".")[0] in ("torch", "polyk_torch")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingFramework, match=r'needs torch.*\n  pip install "polyk\[torch\]"$'):
        plugins.load("torch")


def test_a_missing_module_that_is_no_requirement_is_the_backends_fault(site):
    site.install("polyk-x", "x = xmod:B", requires=["frame"], xmod="import undeclared")
    with pytest.raises(BrokenBackend) as error:
        plugins.load("x")
    assert (
        message(error) == "backend 'x' (polyk-x 1.0) failed to load: No module named 'undeclared'"
    )
    assert isinstance(error.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize("code", ["raise ValueError('boom')", "raise ImportError('boom')", "oh no"])
def test_an_error_at_import_is_chained(site, code):
    site.install("polyk-x", "x = xmod:B", xmod=code)
    with pytest.raises(
        BrokenBackend, match=r"backend 'x' \(polyk-x 1.0\) failed to load: \w+Error: "
    ) as error:
        plugins.load("x")
    assert error.value.__cause__ is not None


def test_an_error_at_creation_is_chained(site):
    site.install(
        "polyk-x", "x = xmod:Complete", xmod=COMPLETE + "Complete.__init__ = lambda self: 1 / 0"
    )
    with pytest.raises(BrokenBackend, match="failed to start: ZeroDivisionError") as error:
        plugins.load("x")
    assert isinstance(error.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("target", ["xmod:Nothing", "xmod:", "xmod", ":Complete", "nomod:Complete"])
def test_a_target_that_leads_nowhere_is_broken(site, target):
    site.install("polyk-x", f"x = {target}", xmod=COMPLETE)
    with pytest.raises(BrokenBackend, match=r"backend 'x' \(polyk-x 1.0\) failed to load: "):
        plugins.load("x")


@pytest.mark.parametrize("code", ["B = 3", "class B: pass"])
def test_a_target_that_is_no_backend_is_broken(site, code):
    site.install("polyk-x", "x = xmod:B", xmod=code)
    with pytest.raises(BrokenBackend, match="xmod:B is not a subclass of polyk.Backend"):
        plugins.load("x")


def test_missing_primitives_are_listed(site):
    incomplete = COMPLETE + "Complete.__abstractmethods__ = frozenset({'to_numpy', 'matmul'})"
    site.install("polyk-x", "x = xmod:Complete", xmod=incomplete)
    with pytest.raises(BrokenBackend) as error:
        plugins.load("x")
    assert message(error) == "backend 'x' (polyk-x 1.0) does not implement: matmul, to_numpy"


@pytest.mark.parametrize(("api", "upgrade"), [(2, "polyk"), (0, "polyk-x")])
def test_another_api_version_says_which_package_to_upgrade(site, api, upgrade):
    site.install(
        "polyk-x", "x = xmod:Complete", xmod=COMPLETE + f"Complete.api = {api}", version="0.3"
    )
    with pytest.raises(BackendAPIMismatch) as error:
        plugins.load("x")
    assert message(error) == (
        f"backend 'x' (polyk-x 0.3) speaks backend API {api}, this polyk speaks 1.\n"
        f"  pip install -U {upgrade}"
    )


def test_two_providers_of_one_name_are_a_conflict(site):
    site.install("dup-a", "dup = dup_a:Complete", dup_a=COMPLETE)
    site.install("dup-b", "dup = dup_b:Complete", dup_b=COMPLETE)
    with pytest.raises(BackendConflict) as error:
        plugins.load("dup")
    first, *owners, advice = message(error).splitlines()
    assert first == "2 installed packages provide a backend named 'dup':"
    assert sorted(owners) == ["  dup-a 1.0 (dup_a:Complete)", "  dup-b 1.0 (dup_b:Complete)"]
    assert advice.startswith("Uninstall all but one, or choose by target: POLYK_BACKEND=dup_")


def test_a_conflict_is_resolved_by_target(site):
    site.install("dup-a", "dup = dup_a:Complete", dup_a=COMPLETE)
    site.install("dup-b", "dup = dup_b:Complete", dup_b=COMPLETE)
    assert plugins.load("dup_b:Complete").package == "dup-b 1.0"


@pytest.mark.parametrize("name", plugins.RESERVED)
def test_the_names_of_polyks_own_backends_are_reserved(site, name):
    site.install("hijack", f"{name} = xmod:Complete", xmod=COMPLETE)
    with pytest.warns(
        UserWarning, match=rf"\(hijack 1.0\) is ignored: the name '{name}' is reserved"
    ):
        entries = plugins.installed()[name]
    assert [e.package for e in entries] == [f"polyk {polyk.__version__}"]


# What a backend needs, read from metadata alone.


@pytest.mark.parametrize(
    ("requires", "needs"),
    [
        (['frame>=2; extra == "x"', "other"], ("frame",)),
        (["frame >= 2 ; extra == 'x'", 'more; extra == "dev"'], ("frame",)),
        (["frame[cpu]>=2", "polyk>=1,<2"], ("frame",)),
        (["frame", 'winthing; sys_platform == "win32"'], ("frame",)),
        ([], ()),
    ],
)
def test_requirements(site, requires, needs):
    site.install("polyk-x", "x = xmod:B", requires=requires)
    assert plugins.installed()["x"][0].requires == needs


def test_a_requirement_is_missing_unless_its_package_or_module_is_there(site):
    site.install(
        "polyk-x", "x = xmod:B", requires=["some-module", "some-package", "nowhere"], some_module=""
    )
    site.install("some-package")
    assert plugins.installed()["x"][0].missing == ("nowhere",)


# Plugins: many listeners.

LISTENER = """
import polyk

heard = []

@polyk.hookimpl
def polyk_backend_loaded(backend):
    heard.append(backend.name)
"""


@pytest.fixture
def listener(site):
    """A package that listens, and a backend for it to hear of."""
    site.install("polyk-x", "x = xmod:Complete", xmod=COMPLETE)
    site.plugin("hears", LISTENER)

    def load():
        plugins.load("x")
        return sys.modules["hears"].heard if "hears" in sys.modules else None

    return load


def test_a_plugin_hears_of_a_loaded_backend(listener):
    assert listener() == ["x"]


SELF_AWARE = """
class SelfAware(Complete):
    @polyk.hookimpl
    def polyk_backend_loaded(self, backend):
        self.heard = backend
"""


def test_a_backend_may_itself_carry_hooks(site):
    site.install("polyk-x", "x = xmod:SelfAware", xmod=COMPLETE + SELF_AWARE)
    backend = plugins.load("x")
    assert backend.heard is backend


def test_a_plugin_may_use_a_backend_while_it_loads(site):
    site.install("polyk-x", "x = xmod:Complete", xmod=COMPLETE)
    site.plugin("eager", "import polyk; polyk.get_backend('x')")
    plugins.load("x")
    assert len(site.registered) == 1


@pytest.mark.parametrize("allowed", ["listener", "other, listener"])
def test_polyk_plugins_lists_what_loads(listener, site, monkeypatch, allowed):
    site.plugin("others", "", name="other")
    monkeypatch.setenv("POLYK_PLUGINS", allowed)
    assert listener() == ["x"]


@pytest.mark.parametrize("allowed", ["", "other"])
def test_polyk_plugins_leaves_out_what_it_does_not_list(listener, site, monkeypatch, allowed):
    site.plugin("others", "", name="other")
    monkeypatch.setenv("POLYK_PLUGINS", allowed)
    assert listener() is None


def test_polyk_plugins_warns_of_a_name_that_is_not_installed(listener, monkeypatch):
    monkeypatch.setenv("POLYK_PLUGINS", "listner")
    with pytest.warns(UserWarning, match="no plugin named 'listner'. Did you mean 'listener'?"):
        assert listener() is None


WRONG_ARGUMENT = """
import polyk

@polyk.hookimpl
def polyk_backend_loaded(backend):
    raise RuntimeError("part of an ignored plugin")

@polyk.hookimpl
def polyk_callbacks(modle):
    pass
"""
BROKEN = {"does not import": "import nope_mod", "wants an unknown argument": WRONG_ARGUMENT}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_named_and_ignored(listener, site, source):
    site.plugin("aaa", source, name="bad")
    with pytest.warns(
        UserWarning, match=r"polyk plugin 'bad' \(aaa 1.0\) failed to load and is ignored: \w+Error"
    ):
        assert listener() == ["x"]


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_raises_each_time_when_strict(site, monkeypatch, source):
    site.plugin("fine", LISTENER)
    site.plugin("aaa", source, name="bad")
    monkeypatch.setenv("POLYK_STRICT", "1")
    for _ in range(2):
        with pytest.raises(BackendError, match="polyk plugin 'bad'"):
            plugins.hooks()


MISSPELT = "import polyk\n@polyk.hookimpl\ndef polyk_callback(model): pass\n"


def test_a_misspelt_hook_is_named(site):
    site.plugin("aaa", MISSPELT)
    text = r"'listener' \(aaa 1.0\): unknown hook 'polyk_callback'. Did you mean 'polyk_callbacks'"
    with pytest.warns(UserWarning, match=text):
        plugins.hooks()


def test_a_misspelt_hook_raises_each_time_when_strict(site, monkeypatch):
    site.plugin("aaa", MISSPELT)
    monkeypatch.setenv("POLYK_STRICT", "1")
    for _ in range(2):
        with pytest.raises(BackendError, match="unknown hook"):
            plugins.hooks()


def test_a_listener_that_fails_does_not_stop_the_backend(site):
    site.install("polyk-x", "x = xmod:Complete", xmod=COMPLETE)
    site.plugin("aaa", LISTENER.replace("heard.append(backend.name)", "1 / 0"))
    with pytest.warns(UserWarning, match="failed in polyk_backend_loaded: ZeroDivisionError"):
        assert plugins.load("x").name == "x"


def test_strict_is_zero_or_one(site, monkeypatch):
    site.plugin("aaa", "import nope_mod")
    monkeypatch.setenv("POLYK_STRICT", "false")
    with pytest.raises(BackendError, match="POLYK_STRICT is 0 or 1, not 'false'"):
        plugins.hooks()


def test_plugins_load_once(site):
    site.plugin("aaa", "import nope_mod")
    with pytest.warns(UserWarning):
        plugins.hooks()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plugins.hooks()
