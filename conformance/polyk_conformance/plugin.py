"""pytest options of the kit, and the fixture `backend`, once for each backend under test."""

import pytest
from hypothesis import HealthCheck, settings

import polyk
from polyk import dtypes, plugins

EXAMPLES = {"quick": 8, "ci": 30}


def pytest_addoption(parser):
    group = parser.getgroup("polyk conformance")
    group.addoption(
        "--backend",
        action="append",
        metavar="NAME",
        help="test this backend, by name or module:Class (repeatable; default: every one whose "
        "framework is installed)",
    )
    group.addoption("--device", metavar="NAME", help="put tensors on this device of the backend")
    group.addoption("--profile", choices=EXAMPLES, default="ci", help="how much to try")


def pytest_configure(config):
    for name, examples in EXAMPLES.items():
        settings.register_profile(
            f"polyk-{name}",
            max_examples=examples,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
        )
    config.addinivalue_line("markers", "conformance(level, mode): what a check counts as")
    settings.load_profile(f"polyk-{config.getoption('--profile')}")


def ours(module):
    """Whether `module` is of the kit: other tests in the session keep their own ways."""
    return module.__name__.startswith("polyk_conformance.")


def pytest_generate_tests(metafunc):
    if "backend" in metafunc.fixturenames and ours(metafunc.module):
        metafunc.parametrize("backend", chosen(metafunc.config), indirect=True, scope="session")


def pytest_itemcollected(item):
    module = getattr(item, "module", None)  # a doctest may have none
    if module and ours(module):  # NumPy warns of an overflow or a NaN; here it is a value
        item.add_marker(pytest.mark.filterwarnings("ignore::RuntimeWarning"))


def chosen(config):
    """The names asked for, or every installed backend that has what it needs."""
    asked = config.getoption("--backend")
    if asked:
        return asked
    found = plugins.installed()
    return [name for name, entries in found.items() if not any(e.missing for e in entries)]


@pytest.fixture(scope="session")
def backend(request):
    """A backend under test, in use."""
    with polyk.use(request.param) as b:
        device = request.config.getoption("--device")
        if device is None:
            yield b
        else:
            with polyk.device(device):
                yield b


@pytest.fixture
def float64():
    """floatx is float64 for the length of the check."""
    dtypes.set_floatx("float64")
    yield
    dtypes.set_floatx("float32")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """What a backend says it cannot do must fail, and for the reason it gives."""
    backend = getattr(item, "funcargs", {}).get("backend")
    gaps = backend.gaps if isinstance(backend, polyk.Backend) else {}
    try:
        result = yield
    except polyk.UnsupportedOp as e:
        if any(reason in str(e) for reason in gaps.values()):
            pytest.xfail(str(e))
        raise
    case = item.callspec.params.get("case") if gaps and hasattr(item, "callspec") else None
    if getattr(case, "op", None) in gaps:
        pytest.fail(f"{case.op} works, and the backend declares that it does not: {gaps[case.op]}")
    return result
