"""The primitives in torch: where its function is right as it is, that function."""

import math
import operator

import numpy as np
import torch
from torch.nn import functional

from polyk.contract import Backend
from polyk.dtypes import ALL, UNSIGNED, floatx
from polyk.errors import DTypeError
from polyk.select import current_device

# torch lacks arithmetic on unsigned ints wider than 8 bits.
TORCH = {d: getattr(torch, d) for d in ALL if d not in UNSIGNED or d == "uint8"}
NAMES = {t: d for d, t in TORCH.items()}


def _devices():
    if not torch.accelerator.is_available():
        return ["cpu"]
    kind = torch.accelerator.current_accelerator().type
    return [*(f"{kind}:{i}" for i in range(torch.accelerator.device_count())), "cpu"]


DEVICES = _devices()


def default_device():
    """Where new tensors go: the device asked for, else the first accelerator, else the CPU."""
    return current_device() or DEVICES[0]


class Primitives(Backend):
    tensor_types = (torch.Tensor,)
    dtypes = tuple(TORCH)

    def asarray(self, x, dtype=None):
        if isinstance(x, torch.Tensor):
            return x.to(current_device() or x.device, TORCH[dtype] if dtype else x.dtype)
        if type(x) in (bool, int, float):
            return torch.tensor(x, dtype=TORCH[dtype or _scalar_dtype(x)], device=default_device())
        x = _from_numpy(x)
        dtype = dtype or NAMES.get(x.dtype)
        if dtype not in TORCH:
            raise DTypeError(f"torch cannot compute in {dtype or x.dtype}; give another dtype.")
        return x.to(default_device(), TORCH[dtype])

    def to_numpy(self, x):
        return (x.float() if x.dtype is torch.bfloat16 else x).numpy(force=True)

    def full(self, shape, value, dtype):
        return torch.full(shape, value, dtype=TORCH[dtype], device=default_device())

    def arange(self, start, stop, step, dtype):
        stop = stop if (stop - start) * step > 0 else start
        exact = TORCH[dtype] if isinstance(start + stop + step, int) else torch.float64
        x = torch.arange(start, stop, step, dtype=exact, device=default_device())
        return x.to(TORCH[dtype])

    def cast(self, x, dtype):
        return x.to(TORCH[dtype])

    negative = staticmethod(torch.neg)
    abs = staticmethod(torch.abs)

    def sign(self, x):
        y = torch.sign(x)  # 0 for NaN
        return torch.where(x == x, y, x) if x.is_floating_point() else y

    exp = staticmethod(torch.exp)
    expm1 = staticmethod(torch.expm1)
    log = staticmethod(torch.log)
    log1p = staticmethod(torch.log1p)
    sqrt = staticmethod(torch.sqrt)
    sin = staticmethod(torch.sin)
    cos = staticmethod(torch.cos)
    tan = staticmethod(torch.tan)
    arcsin = staticmethod(torch.arcsin)
    arccos = staticmethod(torch.arccos)
    arctan = staticmethod(torch.arctan)
    sinh = staticmethod(torch.sinh)
    cosh = staticmethod(torch.cosh)
    tanh = staticmethod(torch.tanh)
    arcsinh = staticmethod(torch.arcsinh)
    arccosh = staticmethod(torch.arccosh)
    arctanh = staticmethod(torch.arctanh)
    floor = staticmethod(torch.floor)
    ceil = staticmethod(torch.ceil)
    round = staticmethod(torch.round)

    add = staticmethod(torch.add)
    subtract = staticmethod(torch.sub)
    multiply = staticmethod(torch.mul)
    divide = staticmethod(torch.div)

    def floor_divide(self, x, y):
        x, y = _tensors(x, y)
        return _divide(torch.floor_divide, x.detach(), y.detach())  # it has no derivative

    def mod(self, x, y):
        return _divide(torch.remainder, *_tensors(x, y))

    power = staticmethod(torch.pow)

    def maximum(self, x, y):
        return torch.maximum(*_tensors(x, y))

    def minimum(self, x, y):
        return torch.minimum(*_tensors(x, y))

    def arctan2(self, x, y):
        return torch.arctan2(*_tensors(x, y))

    # The operators take a scalar on either side; torch.lt(2, x) is an error.
    equal = staticmethod(operator.eq)
    less = staticmethod(operator.lt)
    less_equal = staticmethod(operator.le)
    logical_not = staticmethod(torch.logical_not)
    logical_and = staticmethod(operator.and_)
    bitwise_and = staticmethod(operator.and_)
    bitwise_or = staticmethod(operator.or_)
    bitwise_xor = staticmethod(operator.xor)
    left_shift = staticmethod(torch.bitwise_left_shift)
    right_shift = staticmethod(torch.bitwise_right_shift)
    where = staticmethod(torch.where)

    # For torch an empty `axis` means all of them.

    def sum(self, x, axis, keepdims=False):
        if len(axis) == x.ndim and not keepdims and x.is_floating_point():
            return torch.sum(x)
        return torch.sum(x, axis, keepdims, dtype=x.dtype) if axis else x

    def prod(self, x, axis, keepdims=False):
        for a in reversed(axis):
            x = torch.prod(x, a, keepdims, dtype=x.dtype)
        return x

    def max(self, x, axis, keepdims=False):
        return torch.amax(x, axis, keepdims) if axis else x

    def min(self, x, axis, keepdims=False):
        return torch.amin(x, axis, keepdims) if axis else x

    def any(self, x, axis, keepdims=False):
        return torch.any(x.bool(), axis, keepdims) if axis else x.bool()

    def all(self, x, axis, keepdims=False):
        return torch.all(x.bool(), axis, keepdims) if axis else x.bool()

    def argmax(self, x, axis):
        return torch.argmax(_ordered(x), axis).int()

    def argmin(self, x, axis):
        return torch.argmin(_ordered(x), axis).int()

    def cumsum(self, x, axis):
        return torch.cumsum(x, axis, dtype=x.dtype)

    def cumprod(self, x, axis):
        return torch.cumprod(x, axis, dtype=x.dtype)

    def sort(self, x, axis):
        return torch.sort(x, stable=True, dim=axis).values

    def argsort(self, x, axis):
        return torch.sort(x, stable=True, dim=axis).indices.int()

    def matmul(self, x, y):
        try:
            return torch.matmul(x, y)
        except RuntimeError:  # bools, and ints on CUDA, have no kernel
            if x.is_floating_point():
                raise
        if x.dtype is torch.bool:
            return self.matmul(x.int(), y.int()).bool()
        return (x.unsqueeze(-1) * y.unsqueeze(-3)).sum(-2, dtype=x.dtype)  # CUDA has no int GEMM

    reshape = staticmethod(torch.reshape)
    transpose = staticmethod(torch.permute)
    broadcast_to = staticmethod(torch.broadcast_to)
    concatenate = staticmethod(torch.cat)
    getitem = staticmethod(operator.getitem)

    def pad(self, x, pads, value=0):
        return functional.pad(x, [n for pair in reversed(pads) for n in pair], value=value)

    flip = staticmethod(torch.flip)

    def take(self, x, indices, axis):
        place, bad = in_range(indices, x.shape[axis])
        shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
        y = torch.index_select(x, axis, place.reshape(-1)).reshape(shape)
        if bad is None:
            return y
        bad = bad.reshape(*indices.shape, *(1,) * (x.ndim - axis - 1))
        return torch.where(bad, math.nan if x.is_floating_point() else 0, y)

    def scatter_add(self, x, indices, updates):
        rows, places = _rows(x, indices)
        updates = updates.reshape(places.shape[0], rows.shape[1])
        return torch.index_add(rows, 0, places, updates).reshape(x.shape)

    def scatter_update(self, x, indices, updates):
        rows, places = _rows(x, indices)
        n = places.shape[0]
        if n == 0:
            return x
        # index_put leaves open which of several updates of a place comes last.
        last = torch.full(rows.shape[:1], -1, dtype=torch.int64, device=x.device)
        order = torch.arange(n, device=x.device)
        last = last.scatter_reduce(0, places, order, "amax")
        new = updates.reshape(n, rows.shape[1])[last.clamp(min=0)]
        return torch.where((last < 0).unsqueeze(1), rows, new).reshape(x.shape)


def known(x):
    """Whether the host can look at `x` without waiting: it is on the CPU and nothing is traced."""
    return x.is_cpu and not torch.compiler.is_compiling()


def in_range(indices, n):
    """`indices` from the front, and a mask of those outside of ``[-n, n)`` or None if all fit."""
    if known(indices):
        low, high = (int(i) for i in torch.aminmax(indices)) if indices.numel() else (0, -1)
        if low < -n or high >= n:
            raise IndexError(f"index {low if low < -n else high} is out of range for size {n}.")
        return (indices if low >= 0 else torch.where(indices < 0, indices + n, indices)), None
    place = torch.where(indices < 0, indices + n, indices)
    return place.clamp(0, max(n - 1, 0)), (place < 0) | (place >= n)


def _rows(x, indices):
    """`x` with its first k axes as one, and the int64 place there of each row of `indices`."""
    shape = x.shape[: indices.shape[1]]
    places = torch.zeros(indices.shape[:1], dtype=torch.int64, device=indices.device)
    for size, index in zip(shape, indices.unbind(1), strict=True):
        if known(index):
            in_range(index, size)
        places = places * size + index
    return x.reshape(math.prod(shape), math.prod(x.shape[len(shape) :])), places


def _tensors(x, y):
    """Both as tensors, for functions that take no scalar."""
    if not isinstance(x, torch.Tensor):
        x = torch.full((), x, dtype=y.dtype, device=y.device)
    elif not isinstance(y, torch.Tensor):
        y = torch.full((), y, dtype=x.dtype, device=x.device)
    return x, y


def _ordered(x):
    """torch orders everything but bools."""
    return x.byte() if x.dtype is torch.bool else x


def _divide(function, x, y):
    if x.is_floating_point():
        return function(x, y)
    if known(y):
        try:
            return function(x, y)
        except RuntimeError as error:
            if "ZeroDivision" in str(error):
                raise ZeroDivisionError("integer division or modulo by zero.") from None
            raise
    zero = y == 0
    return torch.where(zero, 0, function(x, torch.where(zero, 1, y)))


def _scalar_dtype(x):
    if isinstance(x, bool):
        return "bool"
    if isinstance(x, float):
        return floatx()
    return "int32" if -(2**31) <= x < 2**31 else "int64"


def _from_numpy(x):
    """A CPU tensor of host data, which may share its memory."""
    host = np.asarray(x)
    if not isinstance(x, (np.ndarray, np.generic)):  # of lists, NumPy makes float64 and int64
        if host.dtype == np.float64:
            return torch.from_numpy(host).to(TORCH[floatx()])
        if host.dtype == np.int64 and not (host.size and abs(host).max() >= 2**31):
            host = host.astype(np.int32)
    if host.dtype.kind == "V" and host.dtype.name == "bfloat16":  # the one of ml_dtypes
        return torch.from_numpy(host.view(np.int16).copy()).view(torch.bfloat16)
    if not (host.flags.writeable and host.dtype.isnative and min(host.strides, default=0) >= 0):
        host = host.astype(host.dtype.newbyteorder("="))
    return torch.from_numpy(host)
