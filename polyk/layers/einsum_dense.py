"""EinsumDense: a dense layer over any axes."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from polyk import activations, ops
from polyk.errors import ShapeError
from polyk.initializers import VarianceScaling
from polyk.layers.arguments import keep_options
from polyk.layers.base import Layer
from polyk.layers.spec import InputSpec

__all__ = ["EinsumDense"]


class EinsumDense(Layer):
    """``activation(einsum(equation, x, kernel) + bias)``.

    `output_shape` has the sizes of the output without the batch, and without the axes that "..."
    stands for; None for those that the input has. `bias_axes` are the letters of the output along
    which the bias varies.

    >>> layers.EinsumDense("abc,cd->abd", output_shape=(None, 64), bias_axes="d")
    >>> layers.EinsumDense("...x,xy->...y", output_shape=64)
    """

    kernel_initializer: Any

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.equation = equation
        given = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.output_shape, self.bias_axes = given, bias_axes
        self.activation = activations.get(activation)
        keep_options(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        keep_options(self, "bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Any) -> None:
        (inputs, kernel, output), dots = self._terms(len(input_shape))
        sizes = self._sizes(inputs, output, dots, input_shape)
        shape = [sizes.get(c) for c in kernel]
        if None in shape:
            raise ShapeError(
                f"{self.where()}: {self.equation!r} and an input {input_shape} leave the kernel's "
                f"shape unknown: {shape}."
            )
        self.kernel = self.add_weight("kernel", shape, self._initializer(inputs, kernel))
        self.bias = None
        if self.bias_axes:
            self.bias = self.add_weight("bias", self._bias_shape(self.bias_axes, output, sizes))
        self.input_spec = InputSpec(ndim=len(input_shape))

    def _terms(self, rank: int) -> tuple[list[str], str]:
        """Input, kernel and output in letters, and those that "..." stands for."""
        left, _, right = self.equation.replace(" ", "").partition("->")
        terms = [*left.split(","), right]
        plain = [term.replace("...", "") for term in terms]
        dotted = ["..." in term for term in terms]
        known = dotted in ([False] * 3, [True, False, True])
        if not known or not all(map(str.isalpha, plain)):
            raise ValueError(
                f"{self.where()}: an equation reads like 'abc,cd->abd' or '...x,xy->...y'; "
                f"got {self.equation!r}."
            )
        if rank < len(plain[0]) or (rank > len(plain[0]) and not dotted[0]):
            raise ShapeError(
                f"{self.where()}: {self.equation!r} does not fit an input of {rank} axes."
            )
        spare = [c for c in string.ascii_letters if c not in self.equation]
        dots = "".join(spare[: rank - len(plain[0])])
        return [term.replace("...", dots) for term in terms], dots

    def _sizes(self, inputs: str, output: str, dots: str, shape: Sequence[Any]) -> dict[str, Any]:
        """The size of each letter: of the input, and of `output_shape`."""
        sizes = dict(zip(inputs, shape, strict=True))
        told = [c for i, c in enumerate(output) if i and c not in dots]
        if len(told) != len(self.output_shape):
            raise ShapeError(
                f"{self.where()}: output_shape {self.output_shape} must have a size (or None) for "
                f"each of {', '.join(told)}."
            )
        for c, d in zip(told, self.output_shape, strict=True):
            if d is not None and sizes.setdefault(c, d) not in (d, None):
                raise ShapeError(
                    f"{self.where()}: output_shape {self.output_shape} says {d} for {c!r}, the "
                    f"input {shape} {sizes[c]}."
                )
        return sizes

    def _initializer(self, inputs: str, kernel: str) -> Any:
        """The kernel's initializer, told which axes of the kernel take the input in."""
        found: Any = self.kernel_initializer
        if not isinstance(found, VarianceScaling) or found.input_axes is not None:
            return found
        axes = {
            "input_axes": [i for i, c in enumerate(kernel) if c in inputs],
            "output_axes": [i for i, c in enumerate(kernel) if c not in inputs],
        }
        return type(found).from_config({**found.get_config(), **axes})

    def _bias_shape(self, axes: str, output: str, sizes: dict[str, Any]) -> list[int]:
        if not set(axes) <= set(output):
            raise ValueError(
                f"{self.where()}: bias_axes {axes!r} must be letters of the output {output!r}."
            )
        return [sizes[c] if c in axes else 1 for c in output[min(map(output.index, axes)) :]]

    def call(self, inputs: Any) -> Any:
        y = ops.einsum(self.equation, inputs, self.kernel)
        return self.activation(y if self.bias is None else ops.add(y, self.bias))
