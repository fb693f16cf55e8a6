"""Control flow on flat lists of tensors.

The defaults run in Python, so conditions must be concrete; an engine that traces overrides them.
"""

from collections.abc import Callable
from typing import Any

from polyk.contract.primitives import Tensor
from polyk.contract.shaping import Shaping


class Control(Shaping):
    """cond, while_loop and scan."""

    def cond(self, pred: Tensor, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
        return true_fn() if bool(self.to_numpy(pred)) else false_fn()

    def while_loop(
        self, cond: Callable[..., Tensor], body: Callable[..., list[Tensor]], state: list[Tensor],
        maximum_iterations: int | None,
    ) -> list[Tensor]:  # fmt: skip
        count = 0
        while bool(self.to_numpy(cond(*state))) and count != maximum_iterations:
            state = list(body(*state))
            count += 1
        return state

    def scan(
        self, f: Callable[[list[Tensor], list[Tensor]], tuple[list[Tensor], list[Tensor]]],
        init: list[Tensor], xs: list[Tensor], length: int, reverse: bool,
    ) -> tuple[list[Tensor], list[Tensor]]:  # fmt: skip
        """``carry, y = f(carry, x)`` along the first axis; each y stacked, or a list of steps."""
        columns = [self.unstack(x, 0) for x in xs]
        outputs: list[list[Tensor]] = []
        for i in reversed(range(length)) if reverse else range(length):
            init, ys = f(init, [c[i] for c in columns])
            outputs.append(ys)
        if reverse:
            outputs.reverse()
        return init, [list(ys) for ys in zip(*outputs, strict=True)]
