"""What the ops mean, in readable float64 NumPy with bounds; no code shared with any backend."""

import itertools
import math

import numpy as np

from polyk_conformance.bounded import Bounded, contract, exp, log, log1p, sqrt, where, wrap

# Reductions.


def total(x, axis=None, keepdims=False):
    if x.dtype.kind != "f":
        return np.sum(x, axis, keepdims=keepdims)
    return Bounded(x).sum(axis, keepdims)


def product(x, axis=None, keepdims=False):
    value = np.prod(x, axis, keepdims=keepdims)
    if x.dtype.kind != "f":
        return value
    return Bounded(value, 2 * abs(value) * (x.size // max(value.size, 1)))


def mean(x, axis=None, keepdims=False):
    return Bounded(x).mean(axis, keepdims)


def variance(x, axis=None, keepdims=False):
    """Mean of the squared distances from the mean."""
    away = wrap(x) - wrap(x).mean(axis, True)
    return (away * away).mean(axis, keepdims)


def deviation(x, axis=None, keepdims=False):
    return root(variance(x, axis, keepdims))


def root(x):
    """sqrt, also where an error is as large as the value: sqrt(e) at 0."""
    y = sqrt(x)
    return Bounded(y.v, np.where(x.v > 0, y.e, 0.0))


def logsumexp(x, axis=None, keepdims=False):
    if 0 in np.shape(x):
        return np.logaddexp.reduce(x, axis, keepdims=keepdims)
    top = np.max(x, axis, keepdims=True)
    safe = np.where(np.isfinite(top), top, 0.0)
    y = log(exp(wrap(x) - safe).sum(axis, True)) + safe
    return y if keepdims else y.move(lambda v: np.squeeze(v, axis))


def norm(x, ord=None, axis=None, keepdims=False):
    size = Bounded(abs(x))
    if ord in (math.inf, -math.inf):
        return (np.max if ord > 0 else np.min)(abs(x), axis, keepdims=keepdims)
    if ord == 0:
        return Bounded(x != 0).sum(axis, keepdims)
    if ord == 1:
        return size.sum(axis, keepdims)
    if ord in (None, 2, "euclidean"):
        return root((size * size).sum(axis, keepdims))
    value = np.sum(abs(x) ** ord, axis, keepdims=keepdims) ** (1 / ord)
    return Bounded(value, abs(value) * (2 * x.size + 32))


def average(x, axis=None, weights=None):
    if weights is None:
        return mean(x, axis)
    if weights.shape != x.shape:
        weights = np.expand_dims(weights, [i for i in range(x.ndim) if i != axis % x.ndim])
        weights = np.broadcast_to(weights, x.shape)
    return (wrap(x) * weights).sum(axis) / Bounded(weights).sum(axis)


def running(f):
    """cumsum or cumprod: as many roundings as there are terms so far."""

    def reference(x, axis=None):
        value = f(x, axis)
        if x.dtype.kind != "f":
            return value
        size = f(abs(x), axis)
        return Bounded(value, 2 * size * (x.size if axis is None else x.shape[axis]))

    return reference


def descending(x):
    """The order that sorts the last axis: largest first, NaN above all, ties by lowest index."""
    rows = np.where(np.isnan(x), np.inf, x.astype(float))
    nan = np.isnan(x)
    order = [
        sorted(range(x.shape[-1]), key=lambda i, r=r, n=n: (not n[i], -r[i], i))
        for r, n in zip(rows.reshape(-1, x.shape[-1]), nan.reshape(-1, x.shape[-1]), strict=True)
    ]
    return np.array(order, int).reshape(x.shape)


def top_k(x, k, sorted=True):
    order = descending(x)[..., :k]
    return np.take_along_axis(x, order, -1), order


# Products.


def matmul(x, y):
    return multiplied(np.matmul, x, y, x.shape[-1])


def multiplied(f, x, y, terms):
    """Exact for ints."""
    if x.dtype.kind != "f" and y.dtype.kind != "f":
        return f(x.astype(np.int64), y.astype(np.int64))
    return contract(f, x, y, terms=terms)


# Convolution and pooling, channels last. Loops over the places of the window in the output.


def same_pads(sizes, window, strides, dilation):
    """TensorFlow's: ceil(size / stride) places, the odd cell at the end."""
    pads = []
    for n, k, s, d in zip(sizes, window, strides, dilation, strict=True):
        need = max((math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pads.append((need // 2, need - need // 2))
    return pads


def geometry(x, window, strides, padding, dilation):
    """Sizes, strides, pads, dilation and output sizes, one for each spatial axis."""
    n = len(window)
    strides, dilation = ([v] * n if isinstance(v, int) else list(v) for v in (strides, dilation))
    sizes = x.shape[1:-1]
    if padding == "same":
        pads = same_pads(sizes, window, strides, dilation)
    elif padding == "valid":
        pads = [(0, 0)] * n
    else:
        pads = [(p, p) if isinstance(p, int) else p for p in padding]
    out = [
        max((size + lo + hi - (k - 1) * d - 1) // s + 1, 0)
        for size, k, s, (lo, hi), d in zip(sizes, window, strides, pads, dilation, strict=True)
    ]
    return strides, pads, dilation, out


def patches(x, window, geometry, fill):
    """Yield each output place and the patch ``(N, *window, C)`` that it sees."""
    strides, pads, dilation, out = geometry
    wide = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
    for place in itertools.product(*map(range, out)):
        spans = [
            slice(i * s, i * s + (k - 1) * d + 1, d)
            for i, s, k, d in zip(place, strides, window, dilation, strict=True)
        ]
        yield place, wide[(slice(None), *spans)]


def either_format(f):
    """A channels-last function for both data formats."""

    def reference(x, *args, data_format=None, **kwargs):
        if data_format != "channels_first":
            return f(x, *args, **kwargs)
        y = f(np.moveaxis(x, 1, -1), *args, **kwargs)
        return (
            y.move(lambda v: np.moveaxis(v, -1, 1))
            if isinstance(y, Bounded)
            else np.moveaxis(y, -1, 1)
        )

    return reference


def correlate(x, kernel, strides, padding, dilation):
    *window, depth, filters = kernel.shape
    where = geometry(x, window, strides, padding, dilation)
    groups = x.shape[-1] // depth
    each = filters // groups
    y = np.zeros((x.shape[0], *where[-1], filters))
    for place, patch in patches(x, window, where, 0.0):
        for g in range(groups):
            part = patch[..., g * depth : (g + 1) * depth]
            weights = kernel[..., g * each : (g + 1) * each]
            y[(slice(None), *place, slice(g * each, (g + 1) * each))] = np.tensordot(
                part, weights, x.ndim - 1
            )
    return y


@either_format
def conv(x, kernel, strides=1, padding="valid", dilation_rate=1):
    def run(a, b):
        return correlate(a, b, strides, padding, dilation_rate)

    return contract(run, x, kernel, terms=math.prod(kernel.shape[:-1]))


def as_grouped(kernel):
    *window, channels, multiplier = kernel.shape
    return kernel.reshape(*window, 1, channels * multiplier)


@either_format
def depthwise_conv(x, kernel, strides=1, padding="valid", dilation_rate=1):
    return conv(x, as_grouped(kernel), strides, padding, dilation_rate=dilation_rate)


@either_format
def separable_conv(x, depth_kernel, point_kernel, strides=1, padding="valid", dilation_rate=1):
    def run(a, b, c):
        middle = correlate(a, as_grouped(b), strides, padding, dilation_rate)
        return correlate(middle, c, 1, "valid", 1)

    terms = math.prod(depth_kernel.shape[:-2]) + point_kernel.shape[-2]
    return contract(run, x, depth_kernel, point_kernel, terms=terms)


def transposed_size(n, k, s, d, padding, extra):
    """Keras's sizes of a transposed convolution."""
    k = (k - 1) * d + 1
    if extra is None:
        return n * s if padding == "same" else n * s + max(k - s, 0)
    return (n - 1) * s + k - (2 * (k // 2) if padding == "same" else 0) + extra


def spread_out(x, kernel, strides, padding, extra, dilation):
    """Every input cell stamps the kernel on the output; what falls outside is dropped."""
    *window, filters, _ = kernel.shape
    n = len(window)
    strides, dilation = ([v] * n if isinstance(v, int) else list(v) for v in (strides, dilation))
    extras = [extra] * n if extra is None or isinstance(extra, int) else list(extra)
    sizes = [
        transposed_size(*row, padding, e)
        for *row, e in zip(x.shape[1:-1], window, strides, dilation, extras, strict=True)
    ]
    before = [0] * n
    if padding == "same":  # half of what the stamps cover beyond the output
        rows = zip(x.shape[1:-1], sizes, window, strides, dilation, strict=True)
        before = [max(((i - 1) * s + (k - 1) * d + 1 - o) // 2, 0) for i, o, k, s, d in rows]
    y = np.zeros((x.shape[0], *sizes, filters))
    for cell in itertools.product(*map(range, x.shape[1:-1])):
        stamp = np.tensordot(x[(slice(None), *cell)], kernel, ([-1], [-1]))
        for tap in itertools.product(*map(range, window)):
            place = tuple(
                i * s + t * d - b
                for i, s, t, d, b in zip(cell, strides, tap, dilation, before, strict=True)
            )
            if all(0 <= p < size for p, size in zip(place, sizes, strict=True)):
                y[(slice(None), *place)] += stamp[(slice(None), *tap)]
    return y


@either_format
def conv_transpose(x, kernel, strides=1, padding="valid", output_padding=None, dilation_rate=1):
    def run(a, b):
        return spread_out(a, b, strides, padding, output_padding, dilation_rate)

    return contract(run, x, kernel, terms=kernel.size // kernel.shape[-2])


def pooled(x, pool_size, strides, padding, fill, reduce):
    n = x.ndim - 2
    window = [pool_size] * n if isinstance(pool_size, int) else list(pool_size)
    where = geometry(x, window, window if strides is None else strides, padding, 1)
    y = np.zeros((x.shape[0], *where[-1], x.shape[-1]))
    for place, patch in patches(x, window, where, fill):
        y[(slice(None), *place)] = reduce(patch, tuple(range(1, n + 1)))
    return y


@either_format
def max_pool(x, pool_size, strides=None, padding="valid"):
    return pooled(x.astype(float), pool_size, strides, padding, -np.inf, np.max)


@either_format
def average_pool(x, pool_size, strides=None, padding="valid"):
    """Padding, marked by NaN, does not count."""
    x = x.astype(float)
    value, size = (pooled(v, pool_size, strides, padding, np.nan, np.nanmean) for v in (x, abs(x)))
    window = pool_size ** (x.ndim - 2) if isinstance(pool_size, int) else math.prod(pool_size)
    return Bounded(value, size * (window + 1))


# Activations.


def sigmoid(x):
    return 1 / (exp(-wrap(x)) + 1)


def softplus(x):
    """max(x, 0) + log(1 + exp(-|x|)): the error is of the size of the result."""
    tail = log1p(exp(wrap(-abs(x))))
    return where(np.isnan(x), x, tail + np.maximum(x, 0.0))


def softmax(x, axis=-1):
    e = exp(wrap(x) - np.max(x, axis_of(axis), keepdims=True))
    return e / e.sum(axis_of(axis), True)


def log_softmax(x, axis=-1):
    away = wrap(x) - np.max(x, axis_of(axis), keepdims=True)
    return away - log(exp(away).sum(axis_of(axis), True))


def axis_of(axis):
    return tuple(axis) if isinstance(axis, list) else axis


# Losses and normalization.


def crossentropy(target, output, from_logits=False, axis=-1):
    log_p = log_softmax(output, axis) if from_logits else log_probabilities(output, axis)
    return -(log_p * target.astype(float)).sum(axis)


def log_probabilities(p, axis):
    p = wrap(p) / wrap(p).sum(axis, True)
    return log(Bounded(np.clip(p.v, 1e-7, 1 - 1e-7), p.e))


def sparse_crossentropy(target, output, from_logits=False, axis=-1):
    if target.ndim == output.ndim:
        target = target[..., 0]
    output = np.moveaxis(output, axis, -1)
    classes = output.shape[-1]
    known = (target >= 0) & (target < classes)
    hot = np.eye(classes)[np.where(known, target.astype(int), 0)]
    return where(known, crossentropy(hot, output, from_logits), np.nan)


def binary_crossentropy(target, output, from_logits=False):
    if from_logits:
        loss = softplus(output) - wrap(output) * target
        return Bounded(loss.v, loss.e + 2 * abs(output))  # or by way of x (1 - t)
    p = wrap(output)
    p = Bounded(np.clip(p.v, 1e-7, 1 - 1e-7), 2 * abs(p.v))
    return -(log(p) * target + log(1.0 - p) * (1.0 - wrap(target)))


def place_on(axis, ndim):
    """Reshape a vector so that it lies along `axis`."""
    return lambda v: v.reshape([-1 if i == axis % ndim else 1 for i in range(ndim)])


def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    put = place_on(axis, x.ndim)
    y = (wrap(x) - put(mean)) / sqrt(wrap(put(variance)) + epsilon)
    y = y if scale is None else y * put(scale)
    # Engines fold the four vectors into two first: x * a + (offset - mean * a).
    folded = abs(put(mean)) / np.sqrt(put(variance) + epsilon)
    folded = folded if scale is None else folded * abs(put(scale))
    y = Bounded(y.v, y.e + 8 * (np.broadcast_to(folded, y.shape) + abs(y.v)))
    return y if offset is None else y + put(offset)


def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=1e-7):
    axes = axis_of(axis)
    y = (wrap(x) - wrap(x).mean(axes, True)) / sqrt(variance(x, axes, True) + epsilon)
    names = [a % x.ndim for a in ([axes] if isinstance(axes, int) else axes)]
    shape = [d if i in names else 1 for i, d in enumerate(x.shape)]
    y = y if gamma is None else y * gamma.reshape(shape)
    return y if beta is None else y + beta.reshape(shape)


def rms_normalization(x, scale=None, axis=-1, epsilon=1e-7):
    y = wrap(x) / sqrt((wrap(x) * x).mean(axis, True) + epsilon)
    return y if scale is None else y * place_on(axis, x.ndim)(scale)
