"""The state of an optimizer: counters, averages, sums of gradients, slots, and users' own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyk import initializers, ops
from polyk.weights import Weight


class Variables:
    """Keeps an optimizer's variables in Keras's order, and makes new ones."""

    name: str
    use_ema: bool
    gradient_accumulation_steps: int | None
    slot_names: tuple[str, ...]
    slot_groups: tuple[int, ...] = ()  # how many slots of one weight stand together, in turn
    schedule: Any
    _rate: Weight
    _iterations: Weight

    def __init__(self) -> None:
        self.slots: dict[Weight, list[Weight]] = {}
        self.averages: dict[Weight, Weight] = {}
        self.sums: dict[Weight, Weight] = {}  # of gradients, until the next update
        self.others: list[Weight] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    @property
    def state(self) -> list[Weight]:
        """All that a step changes, and the learning rate."""
        found = [self._iterations, *(() if self.schedule else (self._rate,))]
        found += [*self.averages.values(), *self.sums.values()]
        start = 0
        for size in self.slot_groups or (None,):
            end = None if size is None else start + size
            found += [s for row in self.slots.values() for s in row[start:end]]
            start = end or 0
        return [*found, *self.others]

    @property
    def variables(self) -> list[Weight]:
        """As `state`."""
        return self.state

    @property
    def built(self) -> bool:
        """Whether there are slots."""
        return bool(self.slots)

    def make_slots(self, weight: Weight) -> list[Weight]:
        """The slots of one weight: by default one of its shape for each of `slot_names`."""
        return [self.slot(weight, name) for name in self.slot_names]

    def slot(
        self, weight: Weight, name: str, shape: Sequence[int] | None = None, first: Any = None
    ) -> Weight:
        """A variable for `weight`, zeros unless `first` (an initializer) says otherwise."""
        shape = weight.shape if shape is None else shape
        found = Weight(f"{weight.path}/{name}", shape, weight.dtype, first, trainable=False)
        if weight.backend is not None:
            found.initialize(weight.backend)
        return found

    def _add_slots(self, weight: Weight) -> None:
        if self.use_ema:
            self.averages[weight] = self.slot(weight, "average")
        if self.gradient_accumulation_steps:
            self.sums[weight] = self.slot(weight, "gradient_accumulator")
        self.slots[weight] = self.make_slots(weight)

    # Keras's way, for subclasses with a `build` and an `update_step`.

    def add_variable(
        self, shape: Sequence[int], initializer: Any = "zeros", dtype: Any = None,
        name: str | None = None,
    ) -> Weight:  # fmt: skip
        """A variable of the optimizer's own."""
        first = initializers.get(initializer)
        made = Weight(f"{self.name}/{name or 'variable'}", shape, dtype, first, trainable=False)
        self.others.append(made)
        return made

    def add_variable_from_reference(
        self, reference_variable: Weight, name: str | None = None, initializer: Any = "zeros"
    ) -> Weight:
        """A variable with the shape and dtype of a weight."""
        w = reference_variable
        made = self.add_variable(w.shape, initializer, w.dtype, f"{w.path}/{name or 'var'}")
        if w.backend is not None:
            made.initialize(w.backend)
        return made

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Weight], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """A list of variables like the weights; one list for each name where there are several."""
        names = [name] if isinstance(name, str) else list(name)
        firsts = (
            initializer if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        )
        rows = [[self.add_variable_from_reference(w, n, first) for n, first in
                 zip(names, firsts, strict=True)] for w in trainable_variables]  # fmt: skip
        columns = tuple([row[i] for row in rows] for i in range(len(names)))
        return columns[0] if isinstance(name, str) else columns

    def _get_variable_index(self, variable: Weight) -> int:
        return list(self.slots).index(variable)

    def assign(self, variable: Weight, value: Any) -> None:
        """``variable = value``."""
        variable.assign(value)

    def assign_add(self, variable: Weight, value: Any) -> None:
        """``variable += value``."""
        variable.assign(ops.add(variable.value, value))

    def assign_sub(self, variable: Weight, value: Any) -> None:
        """``variable -= value``."""
        variable.assign(ops.subtract(variable.value, value))
