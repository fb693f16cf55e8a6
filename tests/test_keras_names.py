"""What polyk has of Keras's public names, and that the page which says so is true."""

from pathlib import Path

import keras_names
import pytest
import reference

ALMOST_ALL = "ops layers losses metrics optimizers initializers callbacks".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def rows():
    with reference.keras():
        return list(keras_names.rows())


@pytest.mark.parametrize("part", ALMOST_ALL)
def test_nine_in_ten_names_are_there(part, rows):
    kinds = [kind for where, _, kind, _ in rows if where == part]
    assert kinds.count("absent") <= 0.1 * len(kinds)


def test_no_name_that_is_there_is_called_absent(rows):
    here = {(part, name) for part, name, kind, _ in rows if kind != "absent"}
    told = {
        (p, n) for p, table in keras_names.ABSENT.items() for names in table for n in names.split()
    }
    assert not here & told
    assert set(keras_names.DIFFERENT) <= here


def test_what_is_not_there_has_a_reason(rows):
    assert not [row for row in rows if row[2] == "absent" and not row[3]]


def test_the_page_is_up_to_date():
    page = Path(__file__).parents[1] / "docs/keras-names.md"
    with reference.keras():
        assert page.read_text() == keras_names.table()
