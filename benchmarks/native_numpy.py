"""The steps in NumPy: forward and backward by hand, im2col convolutions, Adam in place."""

import numpy as np


def _adam(weights):
    means = [np.zeros_like(w) for w in weights]
    squares = [np.zeros_like(w) for w in weights]
    count = 0

    def apply(grads):
        nonlocal count
        count += 1
        alpha = np.float32(1e-3 * (1 - 0.999**count) ** 0.5 / (1 - 0.9**count))
        for p, g, m, v in zip(weights, grads, means, squares, strict=True):
            m += (g - m) * np.float32(0.1)
            v += (g * g - v) * np.float32(0.001)
            p -= m * alpha / (np.sqrt(v) + np.float32(1e-7))

    return apply


def _crossentropy(logits, y):
    """The mean loss and its gradient."""
    z = logits - logits.max(1, keepdims=True)
    p = np.exp(z)
    p /= p.sum(1, keepdims=True)
    rows = np.arange(len(y))
    loss = -np.log(p[rows, y]).mean()
    p[rows, y] -= 1
    p /= np.float32(len(y))
    return loss, p


def mlp(weights):
    w = [a.copy() for a in weights]
    update = _adam(w)

    def step(x, y):
        h1 = np.maximum(x @ w[0] + w[1], 0)
        h2 = np.maximum(h1 @ w[2] + w[3], 0)
        loss, g = _crossentropy(h2 @ w[4] + w[5], y)
        g2 = (g @ w[4].T) * (h2 > 0)
        g1 = (g2 @ w[2].T) * (h1 > 0)
        update([x.T @ g1, g1.sum(0), h1.T @ g2, g2.sum(0), h2.T @ g, g.sum(0)])
        return loss

    return step


def _sigmoid(x):
    return np.float32(1) / (1 + np.exp(-x))


def lstm(weights):
    w = [a.copy() for a in weights]
    update = _adam(w)

    def step(x, y):
        x = np.ascontiguousarray(x.swapaxes(0, 1))
        steps, n, units = len(x), x.shape[1], len(w[1])
        sums = (x.reshape(steps * n, -1) @ w[0] + w[2]).reshape(steps, n, -1)
        h, c = np.zeros((2, steps + 1, n, units), np.float32)
        gates = []
        for t in range(steps):
            z = sums[t] + h[t] @ w[1]
            i, f, o = (_sigmoid(z[:, k * units : (k + 1) * units]) for k in (0, 1, 3))
            g = np.tanh(z[:, 2 * units : 3 * units])
            c[t + 1] = f * c[t] + i * g
            s = np.tanh(c[t + 1])
            h[t + 1] = o * s
            gates.append((i, f, g, o, s))
        loss, d = _crossentropy(h[-1] @ w[3] + w[4], y)
        dh, dc = d @ w[3].T, 0
        for t in reversed(range(steps)):
            i, f, g, o, s = gates[t]
            dc = dc + dh * o * (1 - s * s)
            dz = sums[t]
            dz[:, :units] = dc * g * i * (1 - i)
            dz[:, units : 2 * units] = dc * c[t] * f * (1 - f)
            dz[:, 2 * units : 3 * units] = dc * i * (1 - g * g)
            dz[:, 3 * units :] = dh * s * o * (1 - o)
            dh, dc = dz @ w[1].T, dc * f
        dz, before = sums.reshape(steps * n, -1), h[:-1].reshape(steps * n, -1)
        back = [x.reshape(steps * n, -1).T @ dz, before.T @ dz, dz.sum(0)]
        update([*back, h[-1].T @ d, d.sum(0)])
        return loss

    return step


def gru(weights):
    w = [a.copy() for a in weights]
    update = _adam(w)

    def step(x, y):
        x = np.ascontiguousarray(x.swapaxes(0, 1))
        steps, n, units = len(x), x.shape[1], len(w[1])
        sums = (x.reshape(steps * n, -1) @ w[0] + w[2][0]).reshape(steps, n, -1)
        states = np.zeros_like(sums)
        h = np.zeros((steps + 1, n, units), np.float32)
        gates = []
        for t in range(steps):
            s = h[t] @ w[1] + w[2][1]
            zr = _sigmoid(sums[t][:, : 2 * units] + s[:, : 2 * units])
            z, r = zr[:, :units], zr[:, units:]
            s = s[:, 2 * units :]
            g = np.tanh(sums[t][:, 2 * units :] + r * s)
            h[t + 1] = g + z * (h[t] - g)
            gates.append((zr, z, r, s, g))
        loss, d = _crossentropy(h[-1] @ w[3] + w[4], y)
        dh = d @ w[3].T
        for t in reversed(range(steps)):
            zr, z, r, s, g = gates[t]
            new = dh * (1 - z) * (1 - g * g)
            both = np.concatenate([dh * (h[t] - g), new * s], 1) * zr * (1 - zr)
            sums[t][:, : 2 * units] = states[t][:, : 2 * units] = both
            sums[t][:, 2 * units :], states[t][:, 2 * units :] = new, new * r
            dh = dh * z + states[t] @ w[1].T
        dx, ds = sums.reshape(steps * n, -1), states.reshape(steps * n, -1)
        back = [x.reshape(steps * n, -1).T @ dx, h[:-1].reshape(steps * n, -1).T @ ds]
        update([*back, np.stack([dx.sum(0), ds.sum(0)]), h[-1].T @ d, d.sum(0)])
        return loss

    return step


def _columns(x, k):
    """(N * H * W, k * k * C) of the valid windows."""
    view = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(1, 2))
    n, h, w = view.shape[:3]
    return view.transpose(0, 1, 2, 4, 5, 3).reshape(n * h * w, -1), (n, h, w)


def _conv(x, kernel):
    columns, places = _columns(x, len(kernel))
    return (columns @ kernel.reshape(-1, kernel.shape[-1])).reshape(*places, -1), columns


def _conv_back(g, kernel):
    """The gradient at the input: a full convolution with the flipped kernel."""
    k = len(kernel) - 1
    wide = np.pad(g, ((0, 0), (k, k), (k, k), (0, 0)))
    return _conv(wide, kernel[::-1, ::-1].transpose(0, 1, 3, 2))[0]


def _pool(x):
    cells = [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return np.maximum(np.maximum(cells[0], cells[1]), np.maximum(cells[2], cells[3]))


def _pool_back(g, x, y):
    dx = np.zeros_like(x)
    free = np.ones(y.shape, bool)
    for i in (0, 1):
        for j in (0, 1):
            hit = (x[:, i::2, j::2] == y) & free
            free &= ~hit
            dx[:, i::2, j::2] = g * hit
    return dx


def convnet(weights):
    w = [a.copy() for a in weights]
    update = _adam(w)

    def step(x, y):
        z1, c1 = _conv(x, w[0])
        h1 = np.maximum(z1 + w[1], 0)
        z2, c2 = _conv(h1, w[2])
        h2 = np.maximum(z2 + w[3], 0)
        pooled = _pool(h2)
        flat = pooled.reshape(len(x), -1)
        h3 = np.maximum(flat @ w[4] + w[5], 0)
        loss, g = _crossentropy(h3 @ w[6] + w[7], y)
        g3 = (g @ w[6].T) * (h3 > 0)
        g2 = _pool_back((g3 @ w[4].T).reshape(pooled.shape), h2, pooled) * (h2 > 0)
        flat2 = g2.reshape(-1, g2.shape[-1])
        g1 = (_conv_back(g2, w[2]) * (h1 > 0)).reshape(-1, 32)
        update([
            (c1.T @ g1).reshape(w[0].shape), g1.sum(0), (c2.T @ flat2).reshape(w[2].shape),
            flat2.sum(0), flat.T @ g3, g3.sum(0), h3.T @ g, g.sum(0),
        ])  # fmt: skip
        return loss

    return step
