"""Derived neural-network ops that torch fuses with the contract's semantics.

Not taken over: the exact gelu (0 from -6 on, where erfc still has digits), hardtanh (gradient 0 at
its bounds) and cross_entropy (refuses labels out of range).
"""

import math
from functools import partial

import numpy as np
import torch
from torch.nn import functional

from polyk.contract import Backend

_BLOCK = 1 << 15  # random words encrypted at a time: they stay in the cache
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


class NN(Backend):
    relu = staticmethod(torch.relu)
    relu6 = staticmethod(functional.relu6)
    leaky_relu = staticmethod(functional.leaky_relu)
    elu = staticmethod(functional.elu)
    selu = staticmethod(torch.selu)
    sigmoid = staticmethod(torch.sigmoid)
    log_sigmoid = staticmethod(functional.logsigmoid)
    # torch's own threshold of 20 costs float64 half of its digits.
    softplus = staticmethod(partial(functional.softplus, threshold=40))
    silu = staticmethod(functional.silu)

    def softmax(self, x, axis):
        return torch.softmax(x, axis[0]) if len(axis) == 1 else super().softmax(x, axis)

    def log_softmax(self, x, axis):
        return torch.log_softmax(x, axis[0]) if len(axis) == 1 else super().log_softmax(x, axis)

    def sparse_categorical_crossentropy(self, target, output):
        classes = output.shape[-1]
        if classes == 0:
            return super().sparse_categorical_crossentropy(target, output)
        if output.ndim != 2:
            rows = output.reshape(math.prod(target.shape), classes)
            return self.sparse_categorical_crossentropy(target.reshape(-1), rows).reshape(
                target.shape
            )
        label = target.clamp(0, classes - 1)
        log_p = torch.log_softmax(output, -1)
        loss = functional.nll_loss(log_p, label.long(), reduction="none")
        return torch.where(label == target, loss, math.nan)

    def binary_crossentropy(self, target, output):
        if target.shape != output.shape:
            return super().binary_crossentropy(target, output)
        return functional.binary_cross_entropy_with_logits(output, target, reduction="none")

    def batch_normalization(self, x, mean, variance, offset, scale, epsilon):
        factor = torch.rsqrt(variance + epsilon)
        factor = factor if scale is None else factor * scale
        x = x - mean
        return x * factor if offset is None else torch.addcmul(offset, x, factor)

    def normalize_batch(self, x, gamma, beta, axes, epsilon):
        vectors = [t for t in (gamma, beta) if t is not None]
        channel = next(iter(set(range(x.ndim)) - set(axes)))
        size = x.shape[channel]
        count = x.numel() // max(size, 1)
        known = channel in (1, x.ndim - 1) and all(t.dtype == x.dtype for t in vectors)
        if not known or count < 2 or x.element_size() < 4 or torch.compiler.is_compiling():
            return super().normalize_batch(x, gamma, beta, axes, epsilon)
        # An image of one column, so that torch sees channels-last memory; no copy.
        last = channel == x.ndim - 1
        planes = x.reshape(1, count, 1, size).permute(0, 3, 1, 2) if last else x
        gamma, beta = (t if t is None else t.reshape(-1) for t in (gamma, beta))
        # In full steps its running statistics are those of the batch, and the variance unbiased.
        mean, variance = x.new_zeros(size), x.new_zeros(size)
        y, *_ = torch.native_batch_norm(planes, gamma, beta, mean, variance, True, 1.0, epsilon)
        y = y.permute(0, 2, 3, 1).reshape(x.shape) if last else y
        shape = [size if i == channel else 1 for i in range(x.ndim)]
        return y, mean.reshape(shape), (variance * ((count - 1) / count)).reshape(shape)

    def layer_normalization(self, x, gamma, beta, axis, epsilon):
        sizes = x.shape[axis[0] :] if axis else ()
        affine = [t for t in (gamma, beta) if t is not None]
        fits = all(t.shape == (1,) * (t.ndim - len(sizes)) + sizes for t in affine)
        alone = gamma is None and beta is not None  # its second derivative raises
        if not (fits and axis and len(axis) == len(sizes) and x.numel()) or alone:
            return super().layer_normalization(x, gamma, beta, axis, epsilon)
        gamma, beta = (t if t is None else t.reshape(sizes) for t in (gamma, beta))
        return functional.layer_norm(x, sizes, gamma, beta, epsilon)

    def threefry(self, k0, k1, x0, x1):
        if torch.compiler.is_compiling() or not x1.is_cpu:
            return super().threefry(k0, k1, x0, x1)
        # In NumPy, which has uint32 and half of torch's cost an op.
        x0, x1 = (t.contiguous() for t in torch.broadcast_tensors(x0 + k0, x1 + k1))
        words = [t.view(-1).numpy().view(np.uint32) for t in (x0, x1)]
        for i in range(0, x0.numel(), _BLOCK):
            _encrypt(int(k0), int(k1), *(w[i : i + _BLOCK] for w in words))
        return x0, x1

    def cond(self, pred, true_fn, false_fn):
        if torch.compiler.is_compiling():
            return torch.cond(pred, true_fn, false_fn)
        return super().cond(pred, true_fn, false_fn)


def _encrypt(k0, k1, x0, x1):
    """Threefry-2x32-20, in place, on uint32 counters to which the key is already added."""
    keys = [np.uint32(k & 0xFFFFFFFF) for k in (k0, k1, k0 ^ k1 ^ 0x1BD11BDA)]
    low = np.empty_like(x1)
    for block in range(5):
        for r in _ROTATIONS[block % 2]:
            x0 += x1
            np.right_shift(x1, 32 - r, out=low)
            x1 <<= r
            x1 |= low
            x1 ^= x0
        x0 += keys[(block + 1) % 3]
        x1 += keys[(block + 2) % 3]
        x1 += np.uint32(block + 1)
