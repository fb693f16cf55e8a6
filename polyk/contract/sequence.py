"""Derived ops over whole sequences: recurrent layers and attention.

Sequences are batch first, (N, steps, C). Kernels hold their gates side by side in Keras's order.
"""

from typing import Any

from polyk.contract.nn import NN
from polyk.contract.primitives import Tensor


class Sequence(NN):
    """What an engine may have as one kernel; by default loops and products."""

    hoists_inputs = True  # whether one product with all inputs is faster than one a step

    def lstm(
        self, x: Tensor, h: Tensor, c: Tensor, kernel: Tensor, recurrent: Tensor,
        bias: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """All outputs (N, steps, units), then the last h and c (N, units); gates i, f, g, o."""

        inputs, product = self._products(x, kernel, bias)

        def step(state: list[Tensor], xs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
            h, c = state
            h, c = self.lstm_cell(self.add(product(xs[0]), self.matmul(h, recurrent)), c)
            return [h, c], [h]

        (h, c), ys = self._over_steps(step, [h, c], inputs)
        return ys, h, c

    def lstm_cell(self, z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """h and c after one step, from the gates' sums (N, 4 * units)."""
        units = self.shape(c)[-1]
        i, f, g, o = self.split(z, [units, 2 * units, 3 * units], 1)
        c = self.multiply(self.sigmoid(f), c)
        c = self.add(c, self.multiply(self.sigmoid(i), self.tanh(g)))
        return self.multiply(self.sigmoid(o), self.tanh(c)), c

    def gru(
        self, x: Tensor, h: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """All outputs (N, steps, units), then the last; gates z, r, h, the reset gate applied to
        the product. `bias` is (2, 3 * units): for the input and for the state."""
        first, second = (None, None) if bias is None else self.unstack(bias, 0)
        inputs, product = self._products(x, kernel, first)

        def step(state: list[Tensor], xs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
            (h,) = state
            h = self.gru_cell(product(xs[0]), self.linear(h, recurrent, second), h)
            return [h], [h]

        (h,), ys = self._over_steps(step, [h], inputs)
        return ys, h

    def gru_cell(self, x: Tensor, s: Tensor, h: Tensor) -> Tensor:
        """h after one step, from the products (N, 3 * units) of input and state."""
        units = self.shape(h)[-1]
        x, x_h = self.split(x, [2 * units], 1)
        s, s_h = self.split(s, [2 * units], 1)
        z, r = self.split(self.sigmoid(self.add(x, s)), [units], 1)
        new = self.tanh(self.add(x_h, self.multiply(r, s_h)))
        return self.add(new, self.multiply(z, self.subtract(h, new)))

    def _products(self, x: Tensor, kernel: Tensor, bias: Tensor | None) -> tuple[Tensor, Any]:
        """What to run over, and what makes of its steps their products with the kernel."""
        if self.hoists_inputs:
            return self.linear(x, kernel, bias), lambda z: z
        return x, lambda x: self.linear(x, kernel, bias)

    def _over_steps(self, step: Any, state: list[Tensor], x: Tensor) -> tuple[list[Tensor], Tensor]:
        """`scan` along axis 1 for a step with one output."""
        steps = self.shape(x)[1]
        state, (ys,) = self.scan(step, state, [self.swapaxes(x, 0, 1)], steps, False)
        return state, self.swapaxes(self.stack(ys, 0) if isinstance(ys, list) else ys, 0, 1)

    def dot_product_attention(
        self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None,
        mask: Tensor | None, causal: bool, scale: float,
    ) -> Tensor:  # fmt: skip
        """(N, T, heads, C), (N, S, heads, C), (N, S, heads, V) to (N, T, heads, V).

        `bias` is added to the scores (N, heads, T, S); `mask` broadcasts to them and is True where
        attention is allowed, `causal` allows none to later steps. Where none is, the result is 0.
        """
        query, value = self.transpose(query, (0, 2, 1, 3)), self.transpose(value, (0, 2, 1, 3))
        scores = self.matmul(self.multiply(query, scale), self.transpose(key, (0, 2, 3, 1)))
        if bias is not None:
            scores = self.add(scores, bias)
        if causal:
            mask = self._not_ahead(mask, *self.shape(scores)[2:])
        weights = self.masked_softmax(scores, mask, (3,))
        return self.transpose(self.matmul(weights, value), (0, 2, 1, 3))

    def _not_ahead(self, mask: Tensor | None, targets: int, sources: int) -> Tensor:
        """`mask` and the lower triangle of (targets, sources)."""
        rows, columns = (self.arange(0, n, 1, "int32") for n in (targets, sources))
        lower = self.less_equal(self.expand_dims(columns, 0), self.expand_dims(rows, 1))
        return lower if mask is None else self.logical_and(mask, lower)

    def masked_softmax(self, x: Tensor, mask: Tensor | None, axis: tuple[int, ...]) -> Tensor:
        """The softmax over what `mask` allows; 0 elsewhere."""
        if mask is None:
            return self.softmax(x, axis)
        low = -3e4 if self.dtype(x) == "float16" else -1e30
        return self.where(mask, self.softmax(self.where(mask, x, low), axis), 0.0)
