"""Layers by hand in NumPy: each keeps what its backward pass needs, and its gradients."""

import numpy as np


class Dense:
    def __init__(self, w, b):
        self.weights = [w, b]

    def forward(self, x):
        self.x = x
        return x @ self.weights[0] + self.weights[1]

    def backward(self, g, first=False):
        self.grads = [self.x.T @ g, g.sum(0)]
        return None if first else g @ self.weights[0].T


class Relu:
    weights = grads = ()

    def forward(self, x):
        self.y = np.maximum(x, 0)
        return self.y

    def backward(self, g, first=False):
        return g * (self.y > 0)


class Flatten:
    weights = grads = ()

    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, g, first=False):
        return g.reshape(self.shape)


class Conv:
    """A convolution as one product with the windows as rows; `pad` cells on each side."""

    def __init__(self, k, b, pad=0):
        self.weights, self.pad = [k, b], pad

    def forward(self, x):
        k, b = self.weights
        self.columns, places = columns(padded(x, self.pad), len(k))
        return (self.columns @ k.reshape(-1, k.shape[-1]) + b).reshape(*places, -1)

    def backward(self, g, first=False):
        k = self.weights[0]
        flat = g.reshape(-1, g.shape[-1])
        self.grads = [(self.columns.T @ flat).reshape(k.shape), flat.sum(0)]
        return None if first else conv_back(g, k, self.pad)


def columns(x, k):
    """(N * H * W, k * k * C) of the valid windows."""
    view = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(1, 2))
    n, h, w = view.shape[:3]
    return view.transpose(0, 1, 2, 4, 5, 3).reshape(n * h * w, -1), (n, h, w)


def padded(x, n):
    return np.pad(x, ((0, 0), (n, n), (n, n), (0, 0))) if n else x


def conv_back(g, k, pad=0):
    """The gradient at the input: a full convolution with the flipped kernel."""
    flipped = k[::-1, ::-1].transpose(0, 1, 3, 2)
    rows, places = columns(padded(g, len(k) - 1 - pad), len(k))
    return (rows @ flipped.reshape(-1, flipped.shape[-1])).reshape(*places, -1)


class Pool:
    """Maxima of 2x2 cells; of equal ones the first counts."""

    weights = grads = ()

    def forward(self, x):
        cells = [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
        self.x = x
        self.y = np.maximum(np.maximum(cells[0], cells[1]), np.maximum(cells[2], cells[3]))
        return self.y

    def backward(self, g, first=False):
        dx, free = np.zeros_like(self.x), np.ones(self.y.shape, bool)
        for i in (0, 1):
            for j in (0, 1):
                hit = (self.x[:, i::2, j::2] == self.y) & free
                free &= ~hit
                dx[:, i::2, j::2] = g * hit
        return dx


class Embedding:
    def __init__(self, table):
        self.weights = [table]

    def forward(self, words):
        self.words = words
        return self.weights[0][words]

    def backward(self, g, first=False):
        grad = np.zeros_like(self.weights[0])
        np.add.at(grad, self.words, g)
        self.grads = [grad]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def by_time(x):
    """(T * N, C), the steps one after another."""
    steps, n = x.shape[1], len(x)
    return np.ascontiguousarray(x.swapaxes(0, 1)).reshape(steps * n, -1)


class LSTM:
    """The last output of (N, T, C)."""

    def __init__(self, kernel, recurrent, bias):
        self.weights = [kernel, recurrent, bias]

    def forward(self, x):
        kernel, recurrent, bias = self.weights
        self.x, n, steps = by_time(x), len(x), x.shape[1]
        units = len(recurrent)
        self.sums = (self.x @ kernel + bias).reshape(steps, n, -1)
        self.h, self.c = np.zeros((2, steps + 1, n, units), x.dtype)
        self.gates = []
        for t in range(steps):
            z = self.sums[t] + self.h[t] @ recurrent
            i, f, o = (sigmoid(z[:, k * units : (k + 1) * units]) for k in (0, 1, 3))
            g = np.tanh(z[:, 2 * units : 3 * units])
            self.c[t + 1] = f * self.c[t] + i * g
            s = np.tanh(self.c[t + 1])
            self.h[t + 1] = o * s
            self.gates.append((i, f, g, o, s))
        return self.h[-1]

    def backward(self, dh, first=False):
        kernel, recurrent, _ = self.weights
        units, dc = len(recurrent), 0
        for t in reversed(range(len(self.gates))):
            i, f, g, o, s = self.gates[t]
            dc = dc + dh * o * (1 - s * s)
            dz = self.sums[t]
            dz[:, :units] = dc * g * i * (1 - i)
            dz[:, units : 2 * units] = dc * self.c[t] * f * (1 - f)
            dz[:, 2 * units : 3 * units] = dc * i * (1 - g * g)
            dz[:, 3 * units :] = dh * s * o * (1 - o)
            dh, dc = dz @ recurrent.T, dc * f
        dz, before = (a.reshape(len(self.x), -1) for a in (self.sums, self.h[:-1]))
        self.grads = [self.x.T @ dz, before.T @ dz, dz.sum(0)]
        return None if first else back_in_time(dz @ kernel.T, len(self.gates))


class GRU:
    """The last output of (N, T, C); the reset gate after the product."""

    def __init__(self, kernel, recurrent, bias):
        self.weights = [kernel, recurrent, bias]

    def forward(self, x):
        kernel, recurrent, bias = self.weights
        self.x, n, steps = by_time(x), len(x), x.shape[1]
        units = len(recurrent)
        self.sums = (self.x @ kernel + bias[0]).reshape(steps, n, -1)
        self.h = np.zeros((steps + 1, n, units), x.dtype)
        self.gates = []
        for t in range(steps):
            s = self.h[t] @ recurrent + bias[1]
            zr = sigmoid(self.sums[t][:, : 2 * units] + s[:, : 2 * units])
            z, r, s = zr[:, :units], zr[:, units:], s[:, 2 * units :]
            g = np.tanh(self.sums[t][:, 2 * units :] + r * s)
            self.h[t + 1] = g + z * (self.h[t] - g)
            self.gates.append((zr, z, r, s, g))
        return self.h[-1]

    def backward(self, dh, first=False):
        kernel, recurrent, _ = self.weights
        units, states = len(recurrent), np.empty_like(self.sums)
        for t in reversed(range(len(self.gates))):
            zr, z, r, s, g = self.gates[t]
            new = dh * (1 - z) * (1 - g * g)
            both = np.concatenate([dh * (self.h[t] - g), new * s], 1) * zr * (1 - zr)
            self.sums[t][:, : 2 * units] = states[t][:, : 2 * units] = both
            self.sums[t][:, 2 * units :], states[t][:, 2 * units :] = new, new * r
            dh = dh * z + states[t] @ recurrent.T
        dx, ds, before = (a.reshape(len(self.x), -1) for a in (self.sums, states, self.h[:-1]))
        self.grads = [self.x.T @ dx, before.T @ ds, np.stack([dx.sum(0), ds.sum(0)])]
        return None if first else back_in_time(dx @ kernel.T, len(self.gates))


def back_in_time(g, steps):
    """(N, T, C) of what `by_time` made."""
    return g.reshape(steps, len(g) // steps, -1).swapaxes(0, 1)
