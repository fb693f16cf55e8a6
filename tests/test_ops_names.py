"""The surface of polyk.ops: the names and arguments of keras.ops, and what is missing and why."""

import inspect

import pytest
from reference import keras

from polyk import ops

COMPLEX = {
    *("angle", "conj", "conjugate", "eig", "imag"),
    *("polar", "real", "view_as_complex", "view_as_real"),
}
ABSENT = {"sparse", "ragged", "kwargs"}  # tensors that polyk has not; keywords that Keras passes on


def functions(module):
    names = (n for n in dir(module) if not n.startswith("_"))
    return {n: f for n in names if callable(f := getattr(module, n))}


@pytest.mark.parametrize("family", ["", "nn", "numpy", "linalg", "image"])
def test_every_function_of_keras_is_there(family):
    with keras() as k:
        theirs = functions(getattr(k.ops, family) if family else k.ops)
    ours = functions(getattr(ops, family) if family else ops)
    assert set(theirs) - set(ours) == set(theirs) & COMPLEX


def test_every_function_takes_the_arguments_of_keras():
    with keras() as k:
        theirs = functions(k.ops) | {f"image.{n}": f for n, f in functions(k.ops.image).items()}
    ours = functions(ops) | {f"image.{n}": f for n, f in functions(ops.image).items()}
    missing = {}
    for name in set(theirs) & set(ours):
        wanted, found = (list(inspect.signature(f[name]).parameters) for f in (theirs, ours))
        if lost := set(wanted) - set(found) - ABSENT:
            missing[name] = lost
    assert not missing


@pytest.mark.parametrize("name", sorted(COMPLEX))
def test_a_function_of_complex_numbers_says_why_it_is_absent(name):
    with pytest.raises(AttributeError, match="polyk has no complex dtype"):
        getattr(ops, name)


def test_every_function_is_documented():
    assert not [n for n, f in functions(ops).items() if not inspect.getdoc(f)]
