"""Make a failing case small: cut axes, then simplify values, as long as it still fails."""

from typing import Any

import numpy as np

from polyk_conformance.cases.case import Case, arrays_of, as_list, map_arrays

TRIES = 60


def shrunk(case: Case, error: BaseException | None) -> Case:
    """The smallest case found that fails in the way of `error`."""
    if error is None or not fails(case, type(error)):
        return case
    tries = TRIES
    changed = True
    while changed and tries > 0:
        changed = False
        for candidate in simpler(case):
            tries -= 1
            if tries < 0:
                break
            if fails(candidate, type(error)):
                case, changed = candidate, True
                break
    return case


def fails(case: Case, error: type[BaseException]) -> bool:
    """Whether the backend in use fails on it, where the oracle does not."""
    from polyk_conformance.checks import check, tensors

    try:
        case.dtypes(len(case.want()))
    except Exception:
        return False
    try:
        check(case, as_list(case.call(*tensors(case.args))))
    except Exception as e:
        return isinstance(e, error)
    return False


def simpler(case: Case) -> Any:
    """Cases a step simpler, the boldest first."""
    sizes = {d for a in arrays_of(case.args) for d in a.shape if d > 1}
    for size in sorted(sizes, reverse=True):
        for keep in dict.fromkeys((1, size // 2, size - 1)):
            if 0 < keep < size:
                yield case.but(args=map_arrays(lambda a, s=size, k=keep: cut(a, s, k), case.args))
    for digits in (0, 1, 2):
        rounded = map_arrays(lambda a, d=digits: plain(a, d), case.args)
        if not same(rounded, case.args):
            yield case.but(args=rounded)


def cut(array: Any, size: int, keep: int) -> Any:
    """Every axis of `size` cut to its first `keep` places."""
    return array[tuple(slice(0, keep if d == size else d) for d in array.shape)].copy()


def plain(array: Any, digits: int) -> Any:
    return np.round(array, digits) if array.dtype.kind == "f" else array


def same(a: Any, b: Any) -> bool:
    pairs = zip(arrays_of(a), arrays_of(b), strict=True)
    return all(np.array_equal(x, y, equal_nan=x.dtype.kind == "f") for x, y in pairs)
