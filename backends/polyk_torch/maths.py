"""Derived shape, maths and linear algebra ops for which torch has one function."""

import math

import torch

from polyk.contract import Backend
from polyk_torch.primitives import TORCH, in_range


class Maths(Backend):
    # Shape.

    expand_dims = staticmethod(torch.unsqueeze)
    squeeze = staticmethod(torch.squeeze)
    swapaxes = staticmethod(torch.swapaxes)
    stack = staticmethod(torch.stack)

    def split(self, x, points, axis):
        return list(torch.tensor_split(x, tuple(points), axis))

    def unstack(self, x, axis):
        return list(torch.unbind(x, axis))

    repeat = staticmethod(torch.repeat_interleave)
    tile = staticmethod(torch.tile)
    roll = staticmethod(torch.roll)
    tril = staticmethod(torch.tril)
    triu = staticmethod(torch.triu)

    def diagonal(self, x, offset):
        return torch.diagonal(x, offset, -2, -1)

    diag = staticmethod(torch.diag)

    def take_along_axis(self, x, indices, axis):
        place, bad = in_range(indices, x.shape[axis])
        y = torch.gather(x, axis, place.long())
        return y if bad is None else torch.where(bad, math.nan if x.is_floating_point() else 0, y)

    def one_hot(self, indices, classes, axis, dtype):
        indices = torch.where(indices < 0, indices + classes, indices).unsqueeze(axis)
        place = [classes if i == axis else 1 for i in range(indices.ndim)]
        labels = torch.arange(classes, dtype=indices.dtype, device=indices.device)
        return (indices == labels.reshape(place)).to(TORCH[dtype])

    def slice_update(self, x, starts, updates):
        y = x.clone()
        y[tuple(slice(s, s + n) for s, n in zip(starts, updates.shape, strict=True))] = updates
        return y

    def meshgrid(self, xs, indexing):
        return list(torch.meshgrid(*xs, indexing=indexing))

    # Maths.

    square = staticmethod(torch.square)
    rsqrt = staticmethod(torch.rsqrt)
    log2 = staticmethod(torch.log2)
    log10 = staticmethod(torch.log10)
    exp2 = staticmethod(torch.exp2)
    trunc = staticmethod(torch.trunc)
    erf = staticmethod(torch.erf)
    erfc = staticmethod(torch.erfc)
    isnan = staticmethod(torch.isnan)
    isinf = staticmethod(torch.isinf)
    isfinite = staticmethod(torch.isfinite)

    def clip(self, x, low, high):
        if isinstance(low, torch.Tensor) == isinstance(high, torch.Tensor):
            return torch.clamp(x, low, high)
        return super().clip(x, low, high)

    # For torch an empty `axis` means all of them.

    def mean(self, x, axis, keepdims=False):
        return torch.mean(x, axis, keepdims) if axis else x

    logaddexp = staticmethod(torch.logaddexp)

    def logsumexp(self, x, axis, keepdims=False):
        return torch.logsumexp(x, axis, keepdims) if axis else x

    def top_k(self, x, k):
        values, indices = torch.sort(x, stable=True, dim=-1, descending=True)
        return values[..., :k], indices[..., :k].int()

    # Linear algebra.

    def linear(self, x, kernel, bias):
        if bias is None or not x.is_floating_point():
            return super().linear(x, kernel, bias)
        if x.ndim == 2:
            return torch.addmm(bias, x, kernel)
        lead = x.shape[:-1]
        flat = x.reshape(math.prod(lead), x.shape[-1])
        return torch.addmm(bias, flat, kernel).reshape(*lead, kernel.shape[1])

    def tensordot(self, x, y, axes_x, axes_y):
        return torch.tensordot(x, y, (axes_x, axes_y))

    def einsum(self, inputs, output, *xs):
        return torch.einsum(f"{','.join(inputs)}->{output}", *xs)
