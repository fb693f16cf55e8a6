"""What a mutant is, and how it comes alive: a subclass of the NumPy backend, rules, patches."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import reduce
from importlib import import_module
from typing import Any
from unittest import mock

import polyk
from polyk.autodiff import rules, tape

REAL = polyk.get_backend("numpy")
MUTANTS: list["Mutant"] = []


@dataclass(frozen=True)
class Mutant:
    """A defect: `claim` says which; the checks that name one of `ops` must find it.

    `methods` replace those of the backend. `gradients` replace an op's rules on the tape, one for
    each argument. `patches` replace ``"module:attribute"`` of the core. `checks` names further
    checks, by parts of their ids.
    """

    id: str
    claim: str
    ops: tuple[str, ...]
    methods: dict[str, Any]
    gradients: dict[str, Any] = field(default_factory=dict)
    patches: dict[str, Any] = field(default_factory=dict)
    checks: tuple[str, ...] = ()

    @contextmanager
    def alive(self) -> Iterator[Any]:
        """The mutated backend, in use."""
        members = {n: staticmethod(f) if callable(f) else f for n, f in self.methods.items()}
        backend = type("Mutant", (type(REAL),), members)()
        backend.name, backend.package = "mutant", self.id
        with ExitStack() as stack:
            for op, wrong in self.gradients.items():
                stack.enter_context(mock.patch.dict(rules.RULES, {op: wrong}))
                recorded = tape._recorded(op)
                stack.enter_context(mock.patch.object(tape.TapeBackend, op, recorded))
            for target, wrong in self.patches.items():
                stack.enter_context(patched(target, wrong))
            yield stack.enter_context(polyk.use(backend))


def patched(target: str, wrong: Any) -> Any:
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    return mock.patch.object(reduce(getattr, owners, import_module(module)), name, wrong)


def plant(
    id: str, claim: str, ops: str, *, gradients: Any = None, patches: Any = None,
    checks: tuple[str, ...] = (), **methods: Callable[..., Any],
) -> None:  # fmt: skip
    """Add a mutant to the table."""
    names = tuple(ops.split())
    MUTANTS.append(Mutant(id, claim, names, methods, gradients or {}, patches or {}, checks))
