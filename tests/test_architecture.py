"""The house rules, read from the source: who may import whom, and how long things may get."""

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

import polyk

# Each module of polyk may import those above its line, and not its neighbors.
ORDER = """
errors
dtypes registry shapes trees
masks
dtype_policies
configured
contract
select
array_api
config
hookspecs
plugins
ops
symbolic
graph
autodiff
random
weights
compilation
backend
initializers regularizers constraints activations utils
losses
metrics
optimizers
callbacks
mixed_precision
layers
models
saving data bench preprocessing
interop
export
cli
"""
# Imports inside a function that point up: a default that needs what stands on it.
UPWARD = {
    ("contract", "autodiff"),
    ("registry", "plugins"),
    ("select", "plugins"),
    ("ops", "random"),
    ("ops", "autodiff"),
    ("autodiff", "weights"),
    ("random", "weights"),
    ("callbacks", "saving"),
    ("models", "saving"),
    ("models", "export"),
    ("models", "interop"),
    ("backend", "layers"),
}

WITHOUT_NUMPY = {"errors", "dtypes", "shapes", "trees", "contract", "select", "plugins", "cli"}
CORE_MAY_USE = {"numpy", "pluggy", "click", "rich", "ml_dtypes"}  # the last for bfloat16 only
CORE_MAY_ASK_FOR = {"PIL"}  # inside the function that needs it, with a word when it is missing
CLI_MAY_USE = CORE_MAY_USE | {"matplotlib"}
BACKEND_MAY_USE = {"contract", "dtypes", "errors", "ops", "random", "select", "shapes"}
KIT_MAY_USE = {"numpy", "pytest", "_pytest", "hypothesis", "click", "rich", "polyk"}
EXAMPLE_MAY_USE = {"numpy", "matplotlib", "polyk"}

MAX_FILE, MAX_FUNCTION, MAX_P90 = 400, 60, 25

ROOT = Path(__file__).parents[1]
LEVEL = {name: i for i, line in enumerate(ORDER.strip().splitlines()) for name in line.split()}
TREES = [ROOT / tree for tree in ("polyk", "backends", "conformance", "examples", "tests")]
BACKENDS = sorted(p.name for p in (ROOT / "backends").iterdir() if p.name.startswith("polyk_"))


def files(tree):
    return sorted((ROOT / tree).rglob("*.py"))


@cache
def parse(path):
    return ast.parse(path.read_text())


def is_type_checking(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imports(path):
    """Yield (dotted name, whether it runs at import) for all that a file imports."""
    todo = [(node, True) for node in parse(path).body]
    while todo:
        node, at_import = todo.pop()
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_import) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield from ((f"{node.module}.{alias.name}", at_import) for alias in node.names)
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or is_type_checking(node)
        todo += [(child, at_import and not later) for child in ast.iter_child_nodes(node)]


def module_of_polyk(dotted):
    """The part of polyk that ``polyk.x...`` stands for: a module, or the home of a public name."""
    name = (dotted.split(".") + [""])[1]
    return name if name in LEVEL else polyk._home.get(name, name)


def core_imports():
    """(file, its part of polyk, imported part, whether at import), without ``polyk/__init__``."""
    for path in files("polyk"):
        part = path.relative_to(ROOT / "polyk").parts[0].removesuffix(".py")
        if not part.startswith("__"):
            for dotted, at_import in imports(path):
                if dotted.partition(".")[0] == "polyk":
                    yield path, part, module_of_polyk(dotted), at_import


def test_every_part_of_polyk_has_its_place():
    parts = {p.stem for p in (ROOT / "polyk").iterdir() if p.suffix == ".py" or p.is_dir()}
    assert {p for p in parts if not p.startswith("__")} <= set(LEVEL)


def test_dependencies_point_one_way():
    for path, part, target, at_import in core_imports():
        if target in (part, "__version__") or (not at_import and (part, target) in UPWARD):
            continue
        if not target.strip("_"):
            assert LEVEL[part] == max(LEVEL.values()), f"{path}: imports polyk itself"
        else:
            assert LEVEL[target] < LEVEL[part], f"{path}: imports {target} against the order"


def test_every_exception_to_the_order_is_needed():
    assert {(part, target) for _, part, target, _ in core_imports()} >= UPWARD


def test_importing_the_lower_half_needs_no_numpy():
    for part in WITHOUT_NUMPY:
        found = [ROOT / f"polyk/{part}.py", *files(f"polyk/{part}")]
        for path in filter(Path.exists, found):
            eager = {name.partition(".")[0] for name, at_import in imports(path) if at_import}
            assert "numpy" not in eager, path


def foreign(path, only_at_import=False):
    """What a file imports beyond the standard library, by top-level name."""
    found = imports(path)
    names = {name.partition(".")[0] for name, early in found if early or not only_at_import}
    return names - sys.stdlib_module_names


def test_the_core_imports_no_framework():
    for path in files("polyk"):
        allowed = CLI_MAY_USE if path.is_relative_to(ROOT / "polyk/cli") else CORE_MAY_USE
        assert foreign(path) <= allowed | CORE_MAY_ASK_FOR | {"polyk"}, path
        assert not foreign(path, only_at_import=True) & CORE_MAY_ASK_FOR, path


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_imports_its_framework_and_no_other(backend):
    allowed = {"polyk", "numpy", backend, backend.removeprefix("polyk_")}
    for path in files(f"backends/{backend}"):
        assert foreign(path) <= allowed, path


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_uses_the_contract_side_of_polyk(backend):
    for path in files(f"backends/{backend}"):
        for dotted, _ in imports(path):
            if dotted.partition(".")[0] == "polyk" and dotted != "polyk":
                assert module_of_polyk(dotted) in BACKEND_MAY_USE, f"{path}: {dotted}"


@pytest.mark.parametrize(
    ("tree", "allowed"),
    [
        ("conformance", KIT_MAY_USE | {"polyk_conformance", "mutants"}),
        ("examples", EXAMPLE_MAY_USE),
    ],
)
def test_kit_and_examples_know_no_backend(tree, allowed):
    for path in files(tree):
        if (ROOT / "examples/polyk-strict") not in path.parents:
            assert foreign(path) <= allowed, path


@pytest.mark.parametrize("tree", ["backends", "conformance", "examples"])
def test_outside_the_core_nothing_private_is_imported(tree):
    for path in files(tree):
        for dotted, _ in imports(path):
            own = dotted.startswith(("polyk_", "__future__", "_pytest"))
            assert own or not any(part.startswith("_") for part in dotted.split(".")), dotted


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
def test_no_file_is_too_long(tree):
    lengths = {path: len(path.read_text().splitlines()) for path in files(tree)}
    assert not {path: n for path, n in lengths.items() if n > MAX_FILE}


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
def test_functions_are_short(tree):
    lengths = {
        f"{path}:{node.name}": node.end_lineno - node.lineno + 1
        for path in files(tree)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    if lengths:
        assert not {name: n for name, n in lengths.items() if n > MAX_FUNCTION}
        assert sorted(lengths.values())[int(0.9 * len(lengths))] <= MAX_P90


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
def test_every_module_says_what_it_is_for(tree):
    assert not [path for path in files(tree) if not ast.get_docstring(parse(path))]
