"""Convolution and pooling, with the gradients that only they have."""

import numpy as np

from mutants.mutant import REAL, plant


def swapped(pads):
    return tuple((hi, lo) for lo, hi in pads)


def bound(x):
    """The least finite number, where -inf is due."""
    return float(np.finfo(x.dtype).min) if x.dtype.kind == "f" else np.iinfo(x.dtype).min


def pooled(fill, best=np.maximum):
    """max_pool by the contract's default, with another `fill` or another maximum."""

    def max_pool(x, window, strides, pads):
        value = fill(x)
        wide = REAL.pad(x, ((0, 0), *pads, (0, 0)), value)
        none = ((0, 0),) * len(window)
        cells = REAL._windows(wide, window, strides, none, (1,) * len(window))
        result = cells[0]
        for cell in cells[1:]:
            result = best(result, cell)
        return result

    return max_pool


def tapped(x, g, shape, s, p, d, n):
    """The kernel's gradient, flipped."""
    return REAL.flip(REAL.conv_kernel_grad(x, g, shape, s, p, d, n), tuple(range(len(shape) - 2)))


def shared(g, x, y, *w):
    """All maxima of a window take the whole gradient."""
    window, strides, pads = w
    cells = REAL._windows(x, window, strides, pads, (1,) * len(window), -np.inf)
    parts = [g * (cell == y) for cell in cells]
    return REAL._scatter_windows(parts, x.shape, window, strides, pads)


def counted(x, window, strides, pads):
    """Average pooling that counts padding."""
    return sum(REAL._windows(x, window, strides, pads, (1,) * len(window))) / x.dtype.type(
        np.prod(window)
    )


def interleaved(y, groups):
    return y.reshape(*y.shape[:-1], groups, -1).swapaxes(-1, -2).reshape(y.shape)


CONV = "conv depthwise_conv separable_conv"
plant(
    "conv-pad-first",
    '"same" puts the odd cell first',
    CONV,
    conv=lambda x, k, s, p, d, n: REAL.conv(x, k, s, swapped(p), d, n),
)
plant(
    "conv-flipped",
    "the kernel is flipped: a true convolution",
    CONV,
    conv=lambda x, k, s, p, d, n: REAL.conv(x, REAL.flip(k, tuple(range(k.ndim - 2))), s, p, d, n),
)
plant(
    "conv-strides-swapped",
    "strides are (w, h)",
    CONV,
    conv=lambda x, k, s, p, d, n: REAL.conv(x, k, s[::-1], p, d, n),
)
plant(
    "conv-dilation-swapped",
    "dilation is (w, h)",
    CONV,
    conv=lambda x, k, s, p, d, n: REAL.conv(x, k, s, p, d[::-1], n),
)
plant(
    "conv-dilation-ignored",
    "dilation is ignored",
    CONV,
    conv=lambda x, k, s, p, d, n: REAL.conv(x, k, s, p, (1,) * len(s), n),
)
plant(
    "conv-pads-ignored",
    "explicit padding is taken for none",
    CONV,
    conv=lambda x, k, s, p, d, n: REAL.conv(x, k, s, ((0, 0),) * len(s), d, n),
)
plant(
    "conv-groups-interleaved",
    "groups take every n-th channel",
    CONV,
    conv=lambda x, k, s, p, d, n: REAL.conv(interleaved(x, x.shape[-1] // n), k, s, p, d, n),
)
plant(
    "conv-outputs-interleaved",
    "the filters of groups are interleaved",
    CONV,
    conv=lambda x, k, s, p, d, n: interleaved(REAL.conv(x, k, s, p, d, n), n),
)
plant(
    "conv-half",
    "conv rounds its input to float16",
    CONV,
    conv=lambda x, k, s, p, d, n: REAL.conv(x.astype("f2").astype(x.dtype), k, s, p, d, n),
)
plant(
    "conv-half-sums",
    "conv adds up in float16",
    CONV,
    conv=lambda x, k, s, p, d, n: REAL.conv(x.astype("f2"), k.astype("f2"), s, p, d, n).astype(
        x.dtype
    ),
)
plant(
    "conv-widens",
    "conv returns float64",
    CONV,
    conv=lambda x, k, s, p, d, n: REAL.conv(x, k, s, p, d, n).astype("f8"),
)
plant(
    "conv-nan",
    "conv takes NaN for 0",
    CONV,
    conv=lambda x, k, s, p, d, n: REAL.conv(np.nan_to_num(x), k, s, p, d, n),
)
plant(
    "conv-input-crop",
    "the input's gradient crops the other side",
    "conv conv_transpose",
    conv_input_grad=lambda g, k, shape, s, p, d, n: REAL.conv_input_grad(
        g, k, shape, s, swapped(p), d, n
    ),
)
plant(
    "conv-input-flip",
    "the input's gradient forgets to flip the kernel",
    "conv conv_transpose",
    conv_input_grad=lambda g, k, shape, s, p, d, n: REAL.conv_input_grad(
        g, REAL.flip(k, tuple(range(k.ndim - 2))), shape, s, p, d, n
    ),
)
plant("conv-kernel-flip", "the kernel's gradient is flipped", "conv", conv_kernel_grad=tapped)
plant(
    "conv-kernel-batch",
    "the kernel's gradient is a mean over the batch",
    "conv",
    conv_kernel_grad=lambda x, g, *rest: REAL.conv_kernel_grad(x, g, *rest) / len(x),
)
plant("max_pool-zero", "max pooling pads with 0", "max_pool", max_pool=pooled(lambda x: 0))
plant(
    "max_pool-finite",
    "max pooling pads with the least finite number",
    "max_pool",
    max_pool=pooled(bound),
)
plant(
    "max_pool-nan",
    "max pooling skips NaN",
    "max_pool",
    max_pool=pooled(lambda x: -np.inf if x.dtype.kind == "f" else bound(x), np.fmax),
)
plant(
    "max_pool-pad-first",
    '"same" max pooling puts the odd cell first',
    "max_pool",
    max_pool=lambda x, w, s, p: REAL.max_pool(x, w, s, swapped(p)),
)
plant(
    "max_pool-strides",
    "max pooling strides by its window",
    "max_pool",
    max_pool=lambda x, w, s, p: REAL.max_pool(x, w, w, p),
)
plant("average_pool-counts", "average pooling counts padding", "average_pool", average_pool=counted)
plant(
    "average_pool-pad-first",
    '"same" average pooling puts the odd cell first',
    "average_pool",
    average_pool=lambda x, w, s, p: REAL.average_pool(x, w, s, swapped(p)),
)
plant(
    "average_pool-sums",
    "average pooling adds up",
    "average_pool",
    average_pool=lambda x, w, s, p: REAL.average_pool(x, w, s, p) * x.dtype.type(np.prod(w)),
)
plant(
    "max_pool-grad-ties",
    "every maximum of a window takes the gradient",
    "max_pool",
    max_pool_grad=shared,
)
plant(
    "max_pool-grad-lost",
    "windows that overlap lose gradient",
    "max_pool",
    max_pool_grad=lambda g, x, y, w, s, p: np.where(
        REAL.max_pool_grad(np.ones_like(g), x, y, w, s, p) > 1,
        0,
        REAL.max_pool_grad(g, x, y, w, s, p),
    ).astype(g.dtype),
)
plant(
    "average_pool-grad-counts",
    "the gradient of average pooling counts padding",
    "average_pool",
    average_pool_grad=lambda g, x, w, s, p: REAL._scatter_windows(
        [g / g.dtype.type(np.prod(w))] * int(np.prod(w)), x.shape, w, s, p
    ),
)
plant(
    "max_pool-pick",
    "the second derivative of max pooling is that of its first cell",
    "max_pool",
    max_pool_pick=lambda v, x, y, w, s, p: REAL._windows(v, w, s, p, (1,) * len(w))[0],
)
