"""Devices, gradients, compilation and training state on torch."""

import threading
from functools import cache

import torch
from torch.nn import Parameter
from torch.optim.adam import adam

from polyk.contract import Backend
from polyk_torch.module import Module, export
from polyk_torch.primitives import DEVICES, NAMES


class _Nesting(threading.local):
    def __init__(self):
        self.depth = 0  # how many value_and_grad are running in this thread


_nesting = _Nesting()


class Engine(Backend):
    def dtype(self, x):
        return NAMES.get(x.dtype) or super().dtype(x)

    def device(self, x):
        return str(x.device)

    def devices(self):
        return list(DEVICES)

    def synchronize(self):
        if torch.accelerator.is_available():
            torch.accelerator.synchronize()

    def is_concrete(self, x):
        return not torch.compiler.is_compiling()

    stop_gradient = staticmethod(torch.Tensor.detach)
    copy = staticmethod(torch.clone)

    def value_and_grad(self, fn):
        def run(xs):
            if torch.compiler.is_compiling():  # Dynamo traces torch.func, not autograd.grad
                gradients, result = torch.func.grad_and_value(fn, has_aux=True)(list(xs))
                return result, list(gradients)
            with torch.enable_grad():
                return _value_and_grad(fn, xs)

        return run

    def custom_gradient(self, fn):
        def run(*xs):
            if torch.compiler.is_compiling():
                return _traced_custom(fn, xs)
            return _Custom.apply(fn, *xs)

        return run

    def compile(self, fn, **options):
        return torch.compile(fn, fullgraph=True) if options.get("jit") == "full" else fn

    # A cell is a tensor of its own, which the updates below overwrite; one that a module shares is
    # marked by its type, and keeps its memory.

    def new_cell(self, value):
        return value.detach().clone(memory_format=torch.contiguous_format)

    def write_cell(self, cell, value):
        if type(cell) is not Parameter:
            return self.new_cell(value)
        with torch.no_grad():
            return cell.copy_(value)

    def as_native(self, model):
        return Module(model)

    def export(self, model, inputs, path):
        export(model, inputs, path)

    def fused_update(self, rule, weights, gradients, slots, hyper):
        update = {"sgd": _sgd, "adam": _adam}.get(rule)
        if update is None or torch.compiler.is_compiling():
            return False
        with torch.no_grad():
            update(weights, [g.contiguous() for g in gradients], slots, **hyper)
        return True


def _value_and_grad(fn, xs):
    """A parameter of an outer differentiation is aliased, not cut off: both levels see it."""
    leaves = [x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in xs]
    _nesting.depth += 1
    try:
        value, aux = fn(leaves)
    finally:
        _nesting.depth -= 1
    nested = _nesting.depth > 0
    if not value.requires_grad:
        return (value, aux), [torch.zeros_like(x) for x in xs]
    found = torch.autograd.grad(value, leaves, create_graph=nested, allow_unused=True)
    gradients = [torch.zeros_like(x) if g is None else g for x, g in zip(xs, found, strict=True)]
    if not nested:
        value, aux = value.detach(), [a.detach() for a in aux]
    return (value, aux), gradients


class _Custom(torch.autograd.Function):
    """The gradient is what `fn` says; run anew where the gradient is differentiated in turn."""

    @staticmethod
    def forward(ctx, fn, *xs):
        y, ctx.vjp = fn(*xs)
        ctx.fn = fn
        ctx.save_for_backward(*xs)
        return y

    @staticmethod
    def backward(ctx, g):
        vjp = ctx.fn(*ctx.saved_tensors)[1] if torch.is_grad_enabled() else ctx.vjp
        return (None, *vjp(g))


def _traced_custom(fn, xs):
    """For Dynamo, which drops the backward of a Function given a closure. First order only.

    The vjp is linear: differentiated by its argument it is the jvp. Of ``x - stop(x)``, that is
    zero and has the gradient that `fn` says.
    """
    fixed = [x.detach() for x in xs]
    y, vjp = fn(*fixed)
    _, jvp = torch.func.vjp(lambda g: tuple(vjp(g)), torch.zeros_like(y))
    (zero,) = jvp(tuple(x - f for x, f in zip(xs, fixed, strict=True)))
    return y.detach() + zero


def _sgd(weights, gradients, slots, learning_rate, momentum, nesterov):
    """Op by op: torch's velocity leaves the learning rate out, its fused CPU kernel half floats."""
    for i, (p, g) in enumerate(zip(weights, gradients, strict=True)):
        if momentum:
            v = slots[0][i].mul_(momentum).sub_(g, alpha=learning_rate)
            p.add_(v, alpha=momentum if nesterov else 1)
        if nesterov or not momentum:
            p.sub_(g, alpha=learning_rate)


@cache
def _step(device):
    return torch.full((), 1e30, device=device)


def _adam(weights, gradients, slots, alpha, beta_1, beta_2, epsilon):
    """`alpha` holds the bias correction; torch's own is 1 at a step this large."""
    steps = [_step(w.device) for w in weights]
    adam(
        weights, gradients, *slots, [], steps, fused=True, amsgrad=False, beta1=beta_1,
        beta2=beta_2, lr=alpha, weight_decay=0.0, eps=epsilon, maximize=False,
    )  # fmt: skip
