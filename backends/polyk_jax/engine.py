"""What JAX says of itself: devices, gradients, compilation, the donated training step."""

from functools import cache

import jax
import jax.numpy as jnp
from jax import lax

from polyk.contract import Backend
from polyk.dtypes import ALL
from polyk.select import current_device
from polyk_jax.function import Function, export

DTYPES = {name: jnp.dtype(name) for name in ALL}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def is_concrete(x):
    return not isinstance(x, jax.core.Tracer)


def place():
    """The device asked for, or None for JAX's own choice."""
    name = current_device()
    return None if name is None else _find(name)


@cache
def _find(name):
    platform, _, index = name.partition(":")
    return jax.local_devices(backend=platform)[int(index or 0)]


@cache
def _names():
    """device -> its name, the default device first."""
    found = jax.local_devices()
    if found[0].platform != "cpu":
        found = [*found, *jax.local_devices(backend="cpu")]
    names, seen = {}, {}
    for d in found:
        index = seen[d.platform] = seen.get(d.platform, -1) + 1
        names[d] = "cpu" if (d.platform, index) == ("cpu", 0) else f"{d.platform}:{index}"
    return names


class Engine(Backend):
    tensor_types = (jax.Array,)
    eager = False

    def shape(self, x):
        return x.shape

    def dtype(self, x):
        return NAMES[x.dtype]

    def device(self, x):
        if not is_concrete(x):
            return self.devices()[0]
        return _names()[min(x.devices(), key=lambda d: d.id)]

    def devices(self):
        return list(_names().values())

    def synchronize(self):
        jax.block_until_ready(jax.live_arrays())

    is_concrete = staticmethod(is_concrete)

    def constant(self, x):
        with jax.ensure_compile_time_eval():
            return self.asarray(x)

    stop_gradient = staticmethod(lax.stop_gradient)
    copy = staticmethod(jnp.copy)

    def value_and_grad(self, fn):
        return jax.value_and_grad(fn, has_aux=True)

    def custom_gradient(self, fn):
        return lambda *xs: _custom_gradient(fn, xs)

    def compile(self, fn, jit=None, **options):  # `jit` chooses on engines that have a choice
        return jax.jit(fn, **options)

    def write_cell(self, cell, value):
        return jnp.copy(value)  # the next step donates the cell, and someone may hold the value

    def compile_step(self, fn, read, write):
        step = jax.jit(fn, donate_argnums=0)

        def run(inputs):
            state, outputs = step(_distinct(read()), inputs)
            write(state)
            return outputs

        return run

    def as_native(self, model):
        return Function(model)

    def export(self, model, inputs, path):
        export(model, inputs, path)

    # Where the values are known the Python loops of the contract run, which need no compilation.

    def cond(self, pred, true_fn, false_fn):
        if is_concrete(pred):
            return super().cond(pred, true_fn, false_fn)
        return lax.cond(pred, true_fn, false_fn)

    def while_loop(self, cond, body, state, maximum_iterations):
        if is_concrete(cond(*state)):
            return super().while_loop(cond, body, state, maximum_iterations)
        limit = maximum_iterations

        def go_on(carry):
            count, *state = carry
            more = cond(*state)
            return more if limit is None else jnp.logical_and(more, count < limit)

        def advance(carry):
            count, *state = carry
            return [count + 1, *body(*state)]

        return lax.while_loop(go_on, advance, [jnp.zeros((), jnp.int32), *state])[1:]

    def scan(self, f, init, xs, length, reverse):
        if all(map(is_concrete, [*init, *xs])):
            return super().scan(f, init, xs, length, reverse)

        def step(carry, x):
            carry, ys = f(carry, x)
            return list(carry), list(ys)

        return lax.scan(step, list(init), list(xs), length, reverse)


def _custom_gradient(fn, xs):
    """`jax.custom_gradient` for a `fn` that may close over tensors being differentiated."""

    def pull(g, *xs):
        pairs = zip(fn(*xs)[1](g), xs, strict=True)
        return tuple(p if jnp.issubdtype(x.dtype, jnp.floating) else None for p, x in pairs)

    shape = jax.eval_shape(lambda *xs: fn(*xs)[0], *xs)
    value, kept = jax.closure_convert(lambda *xs: fn(*xs)[0], *xs)
    back, held = jax.closure_convert(pull, shape, *xs)

    @jax.custom_vjp
    def run(xs, kept, held):
        return value(*xs, *kept)

    def forward(*args):
        return run(*args), args

    def backward(args, g):
        xs, kept, held = args
        return back(g, *xs, *held), *jax.tree.map(jnp.zeros_like, (kept, held))

    run.defvjp(forward, backward)
    return run(xs, kept, held)


def _distinct(cells):
    """No buffer may be donated twice; two cells share one only until the first step."""
    if len(set(map(id, cells))) == len(cells):
        return cells
    seen = set()
    return [jnp.copy(c) if id(c) in seen else seen.add(id(c)) or c for c in cells]
