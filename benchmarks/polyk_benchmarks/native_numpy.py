"""The steps in NumPy: forward and backward by hand, Adam in place."""

import numpy as np

from polyk_benchmarks.numpy_layers import (
    GRU,
    LSTM,
    Conv,
    Dense,
    Embedding,
    Flatten,
    Pool,
    Relu,
    columns,
    conv_back,
)
from polyk_benchmarks.ops import repeated


def start(job):
    if job.task.op:
        return repeated(_op(job), np.asarray)
    layers = MODELS[job.workload.partition(":")[0]](job.weights())
    if job.task.kind == "infer":
        return job.over_batches(lambda x: _forward(layers, x)[0, 0])
    return job.over_batches(_step(layers, job.task.hyper["learning_rate"]))


def _op(job):
    operands = job.data
    if job.task.op != "conv":
        fn = getattr(np, job.task.op)
        return lambda: fn(*operands)
    layer = Conv(operands[1], np.zeros((), job.dtype))
    if job.task.kind == "op":
        return lambda: layer.forward(operands[0])

    def gradient():
        x, k = operands
        rows, places = columns(x, len(k))
        g = np.ones((*places, k.shape[-1]), x.dtype)
        conv_back(g, k)
        return (rows.T @ g.reshape(len(rows), -1)).reshape(k.shape)

    return gradient


def _forward(layers, x):
    for layer in layers:
        x = layer.forward(x)
    return x


def _step(layers, rate):
    update = _adam([w for layer in layers for w in layer.weights], rate)

    def step(x, y):
        loss, g = _crossentropy(_forward(layers, x), y)
        for layer in layers[:0:-1]:
            g = layer.backward(g)
        layers[0].backward(g, first=True)
        update([grad for layer in layers for grad in layer.grads])
        return loss

    return step


def _adam(weights, rate):
    means = [np.zeros_like(w) for w in weights]
    squares = [np.zeros_like(w) for w in weights]
    count = 0

    def apply(grads):
        nonlocal count
        count += 1
        alpha = rate * (1 - 0.999**count) ** 0.5 / (1 - 0.9**count)
        for p, g, m, v in zip(weights, grads, means, squares, strict=True):
            m += (g - m) * 0.1
            v += (g * g - v) * 0.001
            p -= m * alpha / (np.sqrt(v) + 1e-7)

    return apply


def _crossentropy(logits, y):
    """The mean loss and its gradient."""
    z = logits - logits.max(1, keepdims=True)
    p = np.exp(z)
    p /= p.sum(1, keepdims=True)
    rows = np.arange(len(y))
    loss = -np.log(p[rows, y]).mean()
    p[rows, y] -= 1
    p /= len(y)
    return loss, p


def mlp(w):
    pairs = [(Dense(w[i], w[i + 1]), Relu()) for i in range(0, len(w), 2)]
    return [layer for pair in pairs for layer in pair][:-1]


def convnet(w):
    convs = [Conv(w[0], w[1]), Relu(), Conv(w[2], w[3]), Relu(), Pool()]
    return [*convs, Flatten(), *mlp(w[4:])]


def vgg(w):
    convs = [(Conv(w[i], w[i + 1], 1), Relu(), Pool()) for i in (0, 2, 4)]
    return [*(layer for row in convs for layer in row), Flatten(), *mlp(w[6:])]


def lstm(w):
    return [LSTM(*w[:3]), Dense(*w[3:])]


def text(w):
    return [Embedding(w[0]), GRU(*w[1:4]), Dense(*w[4:])]


MODELS = {
    "mlp": mlp, "tiny": mlp, "convnet": convnet, "infer": convnet, "infer256": convnet,
    "vgg": vgg, "lstm": lstm, "text": text,
}  # fmt: skip
