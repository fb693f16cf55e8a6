"""The names on ``polyk.`` itself: what type checkers see, what runs, what is documented."""

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import polyk
from polyk import hookspecs


def seen_by_type_checkers():
    """Name -> module, from the imports under ``if TYPE_CHECKING:``."""
    tree = ast.parse(Path(polyk.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    assert all(alias.name == alias.asname for node in block.body for alias in node.names)
    return {a.name: node.module[len("polyk.") :] for node in block.body for a in node.names}


def test_type_checkers_see_what_runs():
    assert seen_by_type_checkers() == polyk._home


def test_every_name_is_listed():
    assert sorted(polyk.__all__) == sorted(polyk._home)
    assert set(polyk.__all__) <= set(dir(polyk))


@pytest.mark.parametrize("name", polyk.__all__)
def test_every_name_is_there_and_documented(name):
    assert inspect.getdoc(getattr(polyk, name))


@pytest.mark.parametrize("name", [n for n in polyk._home if not polyk._home[n]])
def test_every_public_module_lists_what_exists(name):
    module = import_module(f"polyk.{name}")
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public), public


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'polyk' has no attribute 'Sequentail'"):
        polyk.Sequentail  # noqa: B018


@pytest.mark.parametrize("name", [n for n in vars(hookspecs) if n.startswith("polyk_")])
def test_every_hook_is_documented(name):
    assert inspect.getdoc(getattr(hookspecs, name))
