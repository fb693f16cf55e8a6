"""What a backend says of itself beyond ops: devices, dtypes, compilation, training state."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from polyk import dtypes
from polyk.contract.primitives import Primitives, Tensor
from polyk.dtypes import NAMES
from polyk.errors import UnsupportedOp

API = 1  # grows only when an existing backend would break


class Engine(Primitives):
    """Identity and machine hooks, all with defaults but `tensor_types`."""

    api = 1  # the backend API this class was written for
    name = "?"  # set by polyk to the entry-point name
    package = ""  # who provides it, set by polyk: "polyk 0.1.0"
    rank = 0  # 0 for an engine; tapes and shape tensors rank higher in mixed arguments
    tensor_types: tuple[type, ...] = ()  # with .shape, .ndim and .dtype
    host_types: tuple[type, ...] = ()  # tensor types that are host data to other backends
    dtypes: tuple[str, ...] = tuple(d for d in dtypes.ALL if d != "bfloat16")
    gaps: ClassVar[dict[str, str]] = {}  # op -> why this backend cannot do it
    names = NAMES  # the engine's dtype objects -> their names, filled by polyk
    floats = NAMES.floats  # those of the float dtypes

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.names = type(cls.names)()  # its own: torch.compile must meet no other engine's dtypes
        cls.floats = cls.names.floats
        for op, reason in cls.__dict__.get("gaps", {}).items():
            setattr(cls, op, _gap(op, reason))

    def __repr__(self) -> str:
        return f"<polyk backend {self.name!r}>"

    def shape(self, x: Tensor) -> tuple[int, ...]:
        return tuple(x.shape)

    def dtype(self, x: Tensor) -> str:
        return self.names[x.dtype]

    def device(self, x: Tensor) -> str:
        """Where `x` lives: one of `devices()`."""
        return self.devices()[0]

    def devices(self) -> list[str]:
        """The devices present, the default one first."""
        return ["cpu"]

    def synchronize(self) -> None:
        """Wait until everything asked of the device is done."""

    def is_concrete(self, x: Tensor) -> bool:
        """Whether the values of `x` are known now; False while a compiled function is traced."""
        return True

    def constant(self, x: Any) -> Tensor:
        """A tensor of host data that may outlive the function being traced."""
        return self.asarray(x)

    def stop_gradient(self, x: Tensor) -> Tensor:
        return x

    def copy(self, x: Tensor) -> Tensor:
        """A tensor that no in-place update of `x` can reach."""
        return self.asarray(self.to_numpy(x).copy())

    def value_and_grad(
        self, fn: Callable[[list[Tensor]], tuple[Tensor, list[Tensor]]]
    ) -> Callable[[list[Tensor]], tuple[tuple[Tensor, list[Tensor]], list[Tensor]]]:
        """From ``fn(xs) -> (scalar, aux)`` to ``xs -> ((scalar, aux), gradients)``.

        The default is core's tape over the primitives. Gradients have the dtypes and shapes of
        `xs`; an input that does not matter gets zeros.
        """
        from polyk.autodiff.tape import value_and_grad

        return value_and_grad(self, fn)  # type: ignore[arg-type]  # a Backend by now

    def custom_gradient(
        self, fn: Callable[..., tuple[Tensor, Callable[[Tensor], Sequence[Tensor]]]]
    ) -> Callable[..., Tensor]:
        """From ``fn(*xs) -> (y, vjp)`` to ``xs -> y`` whose gradient is ``vjp(upstream)``.

        A backend with autodiff of its own overrides it; the tape handles its own tensors.
        """
        return lambda *xs: fn(*xs)[0]

    def compile(self, fn: Callable[..., Any], **options: Any) -> Callable[..., Any]:
        """`fn` takes and returns flat lists of tensors. The default runs it as it is."""
        return fn

    # Training state. A cell holds one weight: a tensor, unless the engine has something better.
    # Nobody else may hold its memory where steps overwrite it: such an engine copies here.

    eager = True  # whether a step runs op by op; False: `compile_step` traces it

    def new_cell(self, value: Tensor) -> Any:
        return value

    def read_cell(self, cell: Any) -> Tensor:
        return cell

    def write_cell(self, cell: Any, value: Tensor) -> Any:
        """Store `value`, whose gradient ends here, and return the cell, which may be a new one."""
        return self.stop_gradient(value)

    def compile_step(
        self,
        fn: Callable[[list[Tensor], list[Tensor]], tuple[list[Tensor], list[Tensor]]],
        read: Callable[[], list[Any]],
        write: Callable[[list[Any]], None],
    ) -> Callable[[list[Tensor]], list[Tensor]]:
        """From ``fn(state, inputs) -> (new state, outputs)`` to ``inputs -> outputs``.

        `read` gives the cells, `write` takes them back; the old state may be overwritten. Where
        `eager` is True it is called only if the user asked for full compilation.
        """

        def flat(*xs: Tensor) -> list[Tensor]:
            count = len(read())
            state, outputs = fn(list(xs[:count]), list(xs[count:]))
            return [*state, *outputs]

        step = self.compile(flat, jit="full")

        def run(inputs: list[Tensor]) -> list[Tensor]:
            cells = read()
            results = step(*map(self.read_cell, cells), *inputs)
            write([self.write_cell(c, v) for c, v in zip(cells, results, strict=False)])
            return list(results[len(cells) :])

        return run

    def as_native(self, model: Any) -> Any:
        """`model`, a `polyk.interop.Pure`, as a module of the framework: what its users expect."""
        raise UnsupportedOp(f"backend {self.name!r} has no modules that a model could become.")

    def export(self, model: Any, inputs: Sequence[Any], path: str) -> None:
        """Write `model`, called on tensors of the shapes and dtypes of `inputs`, to `path`.

        In the format of the framework; None in a shape stands for any size.
        """
        raise UnsupportedOp(f"backend {self.name!r} has no file format for models.")

    def fused_update(
        self, rule: str, weights: list[Any], gradients: list[Tensor], slots: list[list[Any]],
        hyper: dict[str, Any],
    ) -> bool:  # fmt: skip
        """Update all `weights` (tensors) and their `slots` in place by the named optimizer rule.

        Return False to have core apply the rule with ops. `hyper` holds Python numbers.
        """
        return False


def _gap(op: str, reason: str) -> Callable[..., Any]:
    def unsupported(self: Engine, *args: Any, **kwargs: Any) -> Any:
        raise UnsupportedOp(f"backend {self.name!r} does not support {op}: {reason}")

    unsupported.__name__ = op
    return unsupported
