"""What the checks measure, noted where they measure it; the report and the mutants read it.

One test at a time runs, so one list serves; `clear` before each.
"""

from typing import Any, NamedTuple

from polyk_conformance.bounded import Gap


class Measure(NamedTuple):
    """A comparison that was made: of which case, in which dtype, and how close it came."""

    case: Any  # a Case, or the name of what was compared
    dtype: str
    gap: Gap


measures: list[Measure] = []
current: list[Any] = []  # the case being checked, the latest last
facts: list[dict[str, Any]] = []  # semantics as measured


def clear():
    measures.clear()
    current.clear()
    facts.clear()


def begin(case):
    """`case` is what the measures from here on are about."""
    current.append(case)


def note(dtype, gap):
    measures.append(Measure(current[-1] if current else None, dtype, gap))


def share(got, want, allowed, dtype="float64"):
    """Note and require that one number is within `allowed` of another."""
    error = abs(got - want)
    used = 0.0 if error == 0 else error / allowed if allowed else float("inf")
    gap = Gap(used, (), float(got), float(want), float(allowed))
    note(dtype, gap)
    assert used <= 1, str(gap)


def fact(case, given, want, got):
    """What an engine makes of an edge, whether as written or not."""
    words = [" ".join(str(x).split()) for x in (given, want, got)]
    facts.append(dict(zip(("case", "given", "want", "got"), (case, *words), strict=True)))
