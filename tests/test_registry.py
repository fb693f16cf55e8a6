"""Which names mean which classes: a closed table, and what the program itself offers."""

import pytest

import polyk
from polyk import layers, registry, saving
from polyk.errors import UnknownName
from polyk.layers.base import get
from polyk.registry import CustomObjectScope, Registry, register_serializable, registered_name


@pytest.fixture(autouse=True)
def no_leftovers(monkeypatch):
    monkeypatch.setattr(registry, "CUSTOM", {})
    monkeypatch.setattr(registry, "_NAMES", {})


def affine():
    class Affine(layers.Layer):
        pass

    return Affine


def test_a_class_of_a_user_is_not_known_by_its_mere_existence():
    affine()
    with pytest.raises(UnknownName, match="no layer named 'Affine'.*register_serializable"):
        get("Affine")


def test_a_registered_class_is_known_with_and_without_its_package():
    cls = register_serializable(package="mine")(affine())
    assert registered_name(cls) == "mine>Affine"
    assert type(get("mine>Affine")) is type(get("Affine")) is cls


def test_a_config_names_a_registered_class_by_its_package():
    cls = register_serializable()(affine())
    config = polyk.Sequential([cls(name="a")]).get_config()
    assert config["layers"][0]["class_name"] == "Custom>Affine"


def test_two_classes_of_one_package_and_name_conflict():
    register_serializable()(affine())

    class Affine(layers.Layer):
        pass

    with pytest.raises(ValueError, match="'Custom>Affine' is taken by"):
        register_serializable()(Affine)


def test_a_class_defined_anew_replaces_itself():
    register_serializable()(affine())
    second = register_serializable()(affine())
    assert type(get("Affine")) is second


def test_a_name_that_two_packages_have_must_say_which():
    register_serializable(package="a")(affine())
    register_serializable(package="b", name="Affine")(type("Other", (layers.Layer,), {}))
    with pytest.raises(UnknownName, match="may mean .*write .package>Affine."):
        get("Affine")


def test_a_class_with_a_name_of_polyk_must_be_registered_to_be_told():
    cls = type("Dense", (layers.Layer,), {"__module__": "theirs"})
    with pytest.raises(
        ValueError, match="theirs.Dense has the name of a class or function of polyk"
    ):
        registered_name(cls)
    register_serializable(package="theirs")(cls)
    assert registered_name(cls) == "theirs>Dense"
    assert get({"class_name": "Dense", "config": {"units": 2}}).units == 2


def test_a_scope_offers_classes_for_a_while():
    cls = affine()
    with CustomObjectScope({"Affine": cls}):
        assert type(get("Affine")) is cls
    with pytest.raises(UnknownName):
        get("Affine")


def test_keras_names_for_the_table():
    cls = register_serializable(package="mine")(affine())
    assert saving.get_custom_objects()["mine>Affine"] is cls
    assert saving.get_registered_name(cls) == "mine>Affine"
    assert saving.get_registered_object("mine>Affine") is cls
    assert saving.get_registered_object("x", {"x": 1}) == 1
    assert saving.get_registered_object("none") is None
    saving.get_custom_objects()["other"] = cls
    assert type(get("other")) is cls


def test_only_polyk_enters_its_tables():
    table = Registry("thing")
    table.add(affine())
    assert not table.table
    registry.REGISTRIES.remove(table)


def test_plugins_are_asked_at_the_first_unknown_name(site, monkeypatch):
    site.plugin(
        "theirs",
        """
        import polyk

        class Affine(polyk.layers.Layer):
            pass

        @polyk.hookimpl
        def polyk_register_objects(registry):
            registry(package="theirs")(Affine)
        """.replace("\n        ", "\n"),
    )
    monkeypatch.setattr(registry, "_asked", False)
    assert type(get("theirs>Affine")).__module__ == "theirs"
