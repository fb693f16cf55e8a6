"""Sizes that are known only when the file runs: ints that remember how they were computed.

While a model is traced such a size has a number, so that all shape arithmetic works on it, and
beside it a polynomial over atoms: axes of the inputs, and quotients that do not come out even.
"""

from __future__ import annotations

from typing import Any

Atom = tuple[Any, ...]  # ("axis", input, axis), or ("//", a, b), ("%", a, b)
Terms = dict[tuple[Atom, ...], int]  # product of sorted atoms -> how often


class Size(int):
    """An int with the polynomial that gives it."""

    terms: Terms

    def __new__(cls, value: int, terms: Terms) -> Size:
        self = super().__new__(cls, value)
        self.terms = terms
        return self

    def __repr__(self) -> str:
        return f"Size({int(self)}, {self.terms})"

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented
        total = dict(self.terms)
        for atoms, n in terms_of(other).items():
            total[atoms] = total.get(atoms, 0) + n
        return _size(int(self) + int(other), total)

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, int):
            return NotImplemented
        total: Terms = {}
        for a, n in self.terms.items():
            for b, m in terms_of(other).items():
                atoms = tuple(sorted((*a, *b), key=repr))
                total[atoms] = total.get(atoms, 0) + n * m
        return _size(int(self) * int(other), total)

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -other if isinstance(other, int) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return -self + other if isinstance(other, int) else NotImplemented

    __radd__, __rmul__ = __add__, __mul__

    def __floordiv__(self, other: Any) -> Any:
        return _quotient(self, other) if isinstance(other, int) else NotImplemented

    def __rfloordiv__(self, other: Any) -> Any:
        return _quotient(other, self) if isinstance(other, int) else NotImplemented

    def __mod__(self, other: Any) -> Any:
        return _remainder(self, other) if isinstance(other, int) else NotImplemented

    def __rmod__(self, other: Any) -> Any:
        return _remainder(other, self) if isinstance(other, int) else NotImplemented


def axis(value: int, source: str, place: int) -> Size:
    """The size of an axis of an input, `value` for now."""
    return Size(value, {(("axis", source, place),): 1})


def terms_of(x: int) -> Terms:
    return x.terms if isinstance(x, Size) else {(): int(x)}


def same(x: int, y: int) -> bool:
    """Whether two sizes are equal whatever the inputs are."""
    return int(x) == int(y) and terms_of(x) == terms_of(y)


def _size(value: int, terms: Terms) -> int:
    """A plain int where nothing unknown is left."""
    terms = {atoms: n for atoms, n in terms.items() if n}
    return Size(value, terms) if set(terms) - {()} else value


def _quotient(x: int, y: int) -> int:
    even = _divided(terms_of(x), terms_of(y))
    value = int(x) // int(y)
    return _size(value, {(("//", _frozen(x), _frozen(y)),): 1} if even is None else even)


def _remainder(x: int, y: int) -> int:
    even = _divided(terms_of(x), terms_of(y))
    return _size(int(x) % int(y), {(("%", _frozen(x), _frozen(y)),): 1} if even is None else {})


def _frozen(x: int) -> Any:
    return tuple(sorted(terms_of(x).items(), key=repr))


def _divided(x: Terms, y: Terms) -> Terms | None:
    """``x / y`` where `y` is one product that divides every term of `x`."""
    if len(y) != 1:
        return {(): 1} if x == y else None
    ((below, n),) = y.items()
    result: Terms = {}
    for atoms, m in x.items():
        left = list(atoms)
        for atom in below:
            if atom not in left:
                return None
            left.remove(atom)
        if not n or m % n:
            return None
        result[tuple(left)] = m // n
    return result
