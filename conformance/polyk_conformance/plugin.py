"""pytest options of the kit, and the fixture `backend`, once for each backend under test."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import polyk
from polyk import dtypes, plugins
from polyk.contract.optional import ABSENT, OPTIONAL
from polyk_conformance import known
from polyk_conformance.cases import precise_cases
from polyk_conformance.report.describe import describe

EXAMPLES = {"quick": 8, "ci": 30, "full": 150, "deep": 600}  # of each property
FIRST = ("test_values", "test_edges", "test_properties", "test_random", "test_kinks")
THOROUGH = ("full", "deep")  # these also run every op in the other precisions


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
    group.addoption("--op", metavar="OP", help="run only the checks of this op")
    group.addoption("--known", metavar="FILE", help="known failures, beside those of the backend")


def pytest_configure(config):
    seeded = config.getoption("hypothesis_seed", None) is not None
    for name, examples in EXAMPLES.items():
        settings.register_profile(
            f"polyk-{name}",
            max_examples=examples,
            derandomize=not seeded,
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
    if "precise" in metafunc.fixturenames and ours(metafunc.module):
        thorough = metafunc.config.getoption("--profile") in THOROUGH
        metafunc.parametrize("precise", precise_cases() if thorough else [], ids=str)


def pytest_itemcollected(item):
    module = getattr(item, "module", None)  # a doctest may have none
    if module and ours(module):  # NumPy warns of an overflow or a NaN; here it is a value
        item.add_marker(pytest.mark.filterwarnings("ignore::RuntimeWarning"))


def place(item):
    """Plain values first, whole trainings last: the simplest check is to find a bug."""
    name = item.module.__name__.rpartition(".")[2]
    return FIRST.index(name) if name in FIRST else len(FIRST)


def pytest_collection_modifyitems(config, items):
    if items and all(ours(item.module) for item in items):
        items.sort(key=place)
    op = config.getoption("--op")
    if op:
        others = {i: None for i in items if ours(i.module) and describe(i).op != op}
        config.hook.pytest_deselected(items=[*others])
        items[:] = [i for i in items if i not in others]
    mine = [item for item in items if ours(item.module)]
    wrong = (
        known.mark(mine, list(known_failures(config)), not op, pytest.mark.xfail) if mine else []
    )
    if wrong:
        raise pytest.UsageError("\n".join(wrong))


def known_failures(config):
    """What the backends under test, and the command line, declare."""
    files = [Path(config.getoption("--known"))] if config.getoption("--known") else []
    for name in chosen(config):
        with suppress(polyk.PolykError):  # its checks will say so
            files += filter(None, [known.beside(type(polyk.get_backend(name)))])
    for path in dict.fromkeys(files):
        yield from known.read(path)


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
    if not isinstance(backend, polyk.Backend):
        return (yield)
    try:
        result = yield
    except (polyk.UnsupportedOp, polyk.DTypeError) as e:
        if unclaimed(backend, str(e)):
            pytest.xfail(str(e))
        raise
    params = getattr(getattr(item, "callspec", None), "params", {})
    op = getattr(params.get("case"), "op", None)
    if op in backend.gaps:
        pytest.fail(f"{op} works, and the backend declares that it does not: {backend.gaps[op]}")
    return result


def unclaimed(backend, words):
    """Whether an error says what the backend says of itself: a gap, a dtype or method it lacks."""
    missing = [f"has no dtype {d}." for d in dtypes.ALL if d not in backend.dtypes]
    absent = [f"does not support {op}: {ABSENT}" for op in OPTIONAL]
    return any(reason in words for reason in (*backend.gaps.values(), *missing, *absent))
