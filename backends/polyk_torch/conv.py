"""Convolution and pooling by torch's channels-last kernels.

An ``(N, H, W, C)`` tensor permuted to ``(N, C, H, W)`` is what torch calls channels-last memory:
no copy on the way in or out. A single spatial dimension goes as two, the first of size 1. What
torch refuses (empty outputs, ints, more dimensions) is left to the contract's composition.
"""

import math
from functools import partial

import torch
from torch.nn import functional

from polyk.contract import Backend

_CONV = {2: functional.conv2d, 3: functional.conv3d}
_CONV_TRANSPOSE = {2: functional.conv_transpose2d, 3: functional.conv_transpose3d}
_CONV_WEIGHT = {2: torch.nn.grad.conv2d_weight, 3: torch.nn.grad.conv3d_weight}
_MAX_POOL = {2: functional.max_pool2d, 3: functional.max_pool3d}
_AVG_POOL = {2: functional.avg_pool2d, 3: functional.avg_pool3d}
_FIRST = {2: (0, 3, 1, 2), 3: (0, 4, 1, 2, 3)}  # channels first, and back
_LAST = {2: (0, 2, 3, 1), 3: (0, 2, 3, 4, 1)}
_OIHW = {2: (3, 2, 0, 1), 3: (4, 3, 0, 1, 2)}  # kernels from HWIO, and back
_HWIO = {2: (2, 3, 1, 0), 3: (2, 3, 4, 1, 0)}


class Conv(Backend):
    def conv(self, x, kernel, strides, pads, dilation, groups):
        n = len(strides)
        if not _native(x, kernel.shape[:-2], pads, dilation) or kernel.numel() == 0:
            return super().conv(x, kernel, strides, pads, dilation, groups)
        if n == 1:
            lifted = _lift(strides, pads, dilation)
            return self.conv(x.unsqueeze(1), kernel.unsqueeze(0), *lifted, groups).squeeze(1)
        x, padding = _padded(x.permute(_FIRST[n]), pads)
        y = _CONV[n](x, _weight(kernel), None, strides, padding, dilation, groups)
        return y.permute(_LAST[n])

    def conv_kernel_grad(self, x, g, kernel_shape, strides, pads, dilation, groups):
        n = len(strides)
        if not _native(x, kernel_shape[:-2], pads, dilation) or 0 in kernel_shape:
            return super().conv_kernel_grad(x, g, kernel_shape, strides, pads, dilation, groups)
        if n == 1:
            x, g, shape = x.unsqueeze(1), g.unsqueeze(1), (1, *kernel_shape)
            lifted = _lift(strides, pads, dilation)
            return self.conv_kernel_grad(x, g, shape, *lifted, groups).squeeze(0)
        x, padding = _padded(x.permute(_FIRST[n]), pads)
        shape = tuple(kernel_shape[i] for i in _OIHW[n])
        g = g.permute(_FIRST[n])
        k = _CONV_WEIGHT[n](x, shape, g, strides, padding, dilation, groups)
        return k.permute(_HWIO[n])

    def conv_input_grad(self, g, kernel, x_shape, strides, pads, dilation, groups):
        n = len(strides)
        if n == 1:
            lifted = _lift(strides, pads, dilation)
            shape = (x_shape[0], 1, *x_shape[1:])
            g, kernel = g.unsqueeze(1), kernel.unsqueeze(0)
            return self.conv_input_grad(g, kernel, shape, *lifted, groups).squeeze(1)
        margin = [0] * n if _symmetric(pads) else [lo + hi for lo, hi in pads]
        padding = [lo if _symmetric(pads) else 0 for lo, _ in pads]
        extra = [
            x_shape[i + 1] + margin[i] + 2 * padding[i]
            - ((g.shape[i + 1] - 1) * strides[i] + (kernel.shape[i] - 1) * dilation[i] + 1)
            for i in range(n)
        ]  # fmt: skip
        fits = all(0 <= e < max(s, d) for e, s, d in zip(extra, strides, dilation, strict=True))
        if n > 3 or not fits or 0 in (g.numel(), kernel.numel()) or not g.is_floating_point():
            return super().conv_input_grad(g, kernel, x_shape, strides, pads, dilation, groups)
        g, weight = g.permute(_FIRST[n]), _weight(kernel)
        x = _CONV_TRANSPOSE[n](g, weight, None, strides, padding, extra, groups, dilation)
        for axis, (lo, size) in enumerate(zip((p[0] for p in pads), x_shape[1:-1], strict=True), 2):
            x = x if _symmetric(pads) else x.narrow(axis, lo, size)
        return x.permute(_LAST[n])

    def max_pool(self, x, window, strides, pads):
        n = len(window)
        if not _native(x, window, pads, (1,) * n):
            return super().max_pool(x, window, strides, pads)
        if n == 1:
            strides, pads, window = _lift(strides, pads, window)
            return self.max_pool(x.unsqueeze(1), window, strides, pads).squeeze(1)
        x, padding = _padded(x.permute(_FIRST[n]), pads, window, -math.inf)
        return _MAX_POOL[n](x, window, strides, padding).permute(_LAST[n])

    def max_pool_grad(self, g, x, y, window, strides, pads):
        if not _native(x, window, pads, (1,) * len(window)):
            return super().max_pool_grad(g, x, y, window, strides, pads)
        return _pullback(lambda x: self.max_pool(x, window, strides, pads), x, g)

    def average_pool(self, x, window, strides, pads):
        n = len(window)
        if not _native(x, window, pads, (1,) * n):
            return super().average_pool(x, window, strides, pads)
        if n == 1:
            strides, pads, window = _lift(strides, pads, window)
            return self.average_pool(x.unsqueeze(1), window, strides, pads).squeeze(1)
        if n == 3 and x.element_size() < 4:  # no such kernel on the CPU
            return self.average_pool(x.float(), window, strides, pads).to(x.dtype)
        if not any(map(any, pads)):
            return _AVG_POOL[n](x.permute(_FIRST[n]), window, strides).permute(_LAST[n])
        inside = x.new_ones((1, 1, *x.shape[1:-1]))
        x, inside = (_padded(t, pads, (0,) * n)[0] for t in (x.permute(_FIRST[n]), inside))
        add = partial(_AVG_POOL[n], kernel_size=window, stride=strides, divisor_override=1)
        return (add(x) / add(inside)).permute(_LAST[n])

    def average_pool_grad(self, g, x, window, strides, pads):
        if not _native(x, window, pads, (1,) * len(window)):
            return super().average_pool_grad(g, x, window, strides, pads)
        return _pullback(lambda x: self.average_pool(x, window, strides, pads), x, g)


def _native(x, window, pads, dilation):
    """Whether torch has the kernel: up to three dimensions of floats, nothing empty."""
    return (
        x.is_floating_point()
        and len(window) <= 3
        and x.numel() > 0
        and all(
            size + lo + hi > (k - 1) * d
            for size, k, (lo, hi), d in zip(x.shape[1:-1], window, pads, dilation, strict=True)
        )
    )


def _lift(strides, pads, sizes):
    """Arguments of one spatial dimension as of two."""
    return (1, *strides), ((0, 0), *pads), (1, *sizes)


def _weight(kernel):
    """OIHW; contiguous, as some of torch's backward kernels raise on a permuted one."""
    return kernel.permute(_OIHW[kernel.ndim - 2]).contiguous()


def _symmetric(pads, window=None):
    """Whether torch takes `pads` itself: symmetric, and at most half of a pool's window."""
    return all(lo == hi for lo, hi in pads) and (
        window is None or all(2 * lo <= k for (lo, _), k in zip(pads, window, strict=True))
    )


def _padded(x, pads, window=None, value=0.0):
    """`x` (channels first) and the padding left for torch to do."""
    if _symmetric(pads, window):
        return x, [lo for lo, _ in pads]
    return functional.pad(x, [p for pair in reversed(pads) for p in pair], value=value), 0


def _pullback(function, x, g):
    """The gradient at `x`, itself differentiable, given `g` at the output."""
    nested = torch.is_grad_enabled()
    with torch.enable_grad():
        x = x.view_as(x) if nested and x.requires_grad else x.detach().requires_grad_()
        return torch.autograd.grad(function(x), x, g, create_graph=nested)[0]
