"""Optimizers around optimizers: a loss scale that adapts, and one optimizer for each weight."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from polyk import ops
from polyk.configured import Configured
from polyk.optimizers.base import REGISTRY, Optimizer
from polyk.optimizers.common import constant, either
from polyk.weights import Weight, values_postponed


class LossScaleOptimizer(Optimizer):
    """Scales the loss up so that small gradients survive in half precision, and skips bad steps.

    The scale doubles after `dynamic_growth_steps` good steps, and halves at each step whose
    gradients are not finite. Gradients are to be those of ``scale_loss(loss)``.
    """

    def __init__(
        self,
        inner_optimizer: Any,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
    ) -> None:
        super().__init__(0.0, name=name)
        self.inner_optimizer: Optimizer = REGISTRY.get(inner_optimizer)
        self.inner_optimizer.loss_scale_factor = None
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        first = constant(initial_scale)
        self.dynamic_scale = self.add_variable((), first, "float32", "dynamic_scale")
        self.slots = self.inner_optimizer.slots

    @property
    def state(self) -> list[Weight]:
        return [self._iterations, self._rate, *self.others, *self.inner_optimizer.state]

    def build(self, variables: Iterable[Weight]) -> None:
        self.inner_optimizer.build(variables)

    def _take(self, grads: list[Any], weights: list[Weight]) -> None:
        finite = [ops.all(ops.isfinite(g)) for g in grads]
        counter, scale = self.step_counter, self.dynamic_scale

        def good() -> None:
            factor = scale.value
            self.inner_optimizer.apply([ops.divide(g, ops.cast(factor, ops.dtype(g)))
                                        for g in grads], weights)  # fmt: skip
            grown = ops.equal(counter.value, self.dynamic_growth_steps - 1)
            scale.assign(ops.where(grown, ops.multiply(factor, 2.0), factor))
            counter.assign(ops.where(grown, 0, ops.add(counter.value, 1)))

        def bad() -> None:
            scale.assign(ops.multiply(scale.value, 0.5))
            counter.assign(ops.zeros((), "int32"))

        either(ops.all(ops.stack(finite)), good, bad, [*weights, *self.state])

    def _finish(self, weights: list[Weight]) -> None:
        """The inner optimizer has done it."""

    def scale_loss(self, loss: Any) -> Any:
        """`loss` times the scale: what to take gradients of."""
        loss = ops.convert_to_tensor(loss)
        return ops.multiply(loss, ops.cast(self.dynamic_scale.value, ops.dtype(loss)))

    @property
    def learning_rate(self) -> Any:
        """That of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    lr = learning_rate

    @property
    def iterations(self) -> Any:
        """How many steps were good."""
        return self.inner_optimizer.iterations

    def finalize_variable_values(self, var_list: Iterable[Weight]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        return Configured.get_config(self)


_PLAIN = re.compile(r"(?:[\w/ :>-]|\.\*)*")


def _matches(pattern: str, path: str) -> bool:
    """Whether `pattern` matches the whole of `path`; in linear time if it is plain."""
    if not _PLAIN.fullmatch(pattern):
        return re.fullmatch(pattern, path) is not None
    first, *rest = pattern.split(".*")
    if not rest:
        return first == path
    *middle, last = rest
    at, end = len(first), len(path) - len(last)
    if at > end or not (path.startswith(first) and path.endswith(last)):
        return False
    for part in middle:
        found = path.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


class OptimizerMap(MutableMapping[str, Optimizer], Configured):
    """Paths of weights, or patterns that match all of them, to optimizers.

    >>> OptimizerMap(SGD(), {"encoder/.*": Adam()})

    A pattern is a regular expression; one in a file may only be of names and ``.*``, since others
    can take forever to match.
    """

    def __init__(
        self, default_optimizer: Any, optimizer_map: Mapping[str, Any] | None = None
    ) -> None:
        self.default_optimizer: Optimizer = REGISTRY.get(default_optimizer)
        self.optimizer_map = {k: REGISTRY.get(v) for k, v in (optimizer_map or {}).items()}
        for pattern in self.optimizer_map if values_postponed() else ():
            if not _PLAIN.fullmatch(pattern):
                raise ValueError(
                    f"OptimizerMap: {pattern[:80]!r} is more than names and '.*', all "
                    "that a file may say. Load with compile=False, and compile anew."
                )

    def __getitem__(self, key: str) -> Optimizer:
        exact = [key] if key in self.optimizer_map else []
        found = exact or [p for p in self.optimizer_map if _matches(p, key)]
        if len(found) > 1:
            raise ValueError(f"OptimizerMap: {' and '.join(found)} all match {key!r}.")
        return self.optimizer_map[found[0]] if found else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Any) -> None:
        if key in self.optimizer_map:
            raise ValueError(f"OptimizerMap: there is an optimizer for {key!r} already.")
        self.optimizer_map[key] = REGISTRY.get(optimizer)

    def __delitem__(self, key: str) -> None:
        del self.optimizer_map[key]

    def __len__(self) -> int:
        return len(self.optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self.optimizer_map)

    def __call__(self, variable: Weight) -> Optimizer:
        """The optimizer of a weight."""
        return self[variable.path]


class MultiOptimizer(Optimizer):
    """An optimizer for each weight: by an `OptimizerMap`, or a function of the weight."""

    def __init__(
        self, optimizer_map: Any, loss_scale_factor: float | None = None, name: str | None = None
    ) -> None:
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        if isinstance(optimizer_map, dict):
            optimizer_map = OptimizerMap.from_config(optimizer_map["config"])
        self.optimizer_map: Callable[[Weight], Optimizer] = optimizer_map
        self.optimizers: list[Optimizer] = []
        self._chosen: dict[Weight, Optimizer] = {}
        if isinstance(optimizer_map, OptimizerMap):
            for inner in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._take_in(inner)

    def _take_in(self, inner: Optimizer) -> Optimizer:
        if isinstance(inner, (LossScaleOptimizer, MultiOptimizer)):
            raise ValueError(f"{self.name}: a {type(inner).__name__} cannot be one of several.")
        if not any(inner is known for known in self.optimizers):
            inner.loss_scale_factor = None  # the whole is scaled
            self.optimizers.append(inner)
        return inner

    @property
    def state(self) -> list[Weight]:
        inner = [w for o in self.optimizers if o.built for w in o.state]
        return [self._iterations, self._rate, *inner]

    def build(self, variables: Iterable[Weight]) -> None:
        for w in variables:
            inner = self._chosen[w] = self._take_in(self.optimizer_map(w))
            inner.build([w])
            self.slots[w] = inner.slots[w]

    def _take(self, grads: list[Any], weights: list[Weight]) -> None:
        for inner in self.optimizers:
            mine = [i for i, w in enumerate(weights) if self._chosen[w] is inner]
            inner.apply([grads[i] for i in mine], [weights[i] for i in mine])

    def _finish(self, weights: list[Weight]) -> None:
        self._count(weights[0].backend)

    @property
    def learning_rate(self) -> Any:
        """There is one for each of `optimizers`."""
        raise AttributeError(f"{self.name} has no one learning_rate; see its optimizers.")

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError(f"{self.name} has no one learning_rate; set it on its optimizers.")

    lr = learning_rate

    def finalize_variable_values(self, var_list: Iterable[Weight]) -> None:
        var_list = list(var_list)
        for inner in self.optimizers:
            inner.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        return Configured.get_config(self)
