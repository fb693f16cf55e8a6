"""Run every mutant, or those named; ``--write`` puts what killed them into ``docs/mutants.md``."""

import sys
from pathlib import Path

from mutants.run import run

PAGE = Path(__file__).parents[2] / "docs" / "mutants.md"
HEAD = """# Planted bugs

Each of these {count} defects was planted in the NumPy backend, or in the rules of the core's tape,
and the conformance kit run on it: the checks that name the op, in order, in the quick profile. The
last columns say which check found it, and after how many comparisons with the oracle. Made by
`cd conformance && python -m mutants --write`; a mutant that survives fails the tests of polyk.

| mutant | planted bug | found by | after |
|---|---|---|---:|
"""


def main(arguments):
    names = [a for a in arguments if a != "--write"]
    outcomes, seconds = run(names)
    survivors = [o for o in outcomes if o.killer is None]
    for o in outcomes:
        if names or o.killer is None:
            print(f"{o.mutant.id}: {o.killer or 'SURVIVES'} after {o.checks} checks\n  {o.words}")
    killed = len(outcomes) - len(survivors)
    print(f"{killed} of {len(outcomes)} mutants killed in {seconds:.0f} s")
    if "--write" in arguments and not names and not survivors:
        PAGE.write_text(HEAD.format(count=len(outcomes)) + "".join(map(line, outcomes)))
    return len(survivors)


def line(o):
    killer = o.killer.replace("|", "\\|")
    return f"| {o.mutant.id} | {o.mutant.claim} | `{killer}` | {o.examples} |\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
