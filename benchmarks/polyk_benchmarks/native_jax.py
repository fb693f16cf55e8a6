"""The steps in JAX: one jitted function with donated state, optimizers by optax."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax, nn

from polyk_benchmarks.ops import epsilon, repeated


def start(job):
    jax.config.update("jax_enable_x64", job.dtype == "float64")
    if job.device:
        kind, _, number = job.device.partition(":")
        jax.config.update("jax_default_device", jax.devices(kind)[int(number or 0)])
    if job.task.op:
        return repeated(_op(job), np.asarray)
    forward = FORWARD[job.workload.partition(":")[0]]
    if job.task.kind == "infer":
        return job.over_batches(_infer(forward, job))
    return job.over_batches(_step(forward, job))


def _op(job):
    operands = [jnp.asarray(a) for a in job.data]
    fn = {"conv": lambda x, k: _conv(x, k)}.get(job.task.op) or getattr(jnp, job.task.op)
    if job.task.kind == "op":
        return lambda: fn(*operands)
    both = jax.grad(lambda x, k: fn(x, k).sum(), argnums=(0, 1))
    return lambda: both(*operands)[1]


def _infer(forward, job):
    params = [jnp.asarray(w) for w in job.weights()]
    predict = jax.jit(lambda params, x: forward(params, x))
    return lambda x: np.asarray(predict(params, x))[0, 0]


def _step(forward, job):
    params = [jnp.array(w) for w in job.weights()]
    hyper = job.task.hyper
    if job.task.optimizer == "SGD":
        optimizer = optax.sgd(hyper["learning_rate"], hyper["momentum"])
    else:
        adam = optax.inject_hyperparams(optax.adam)
        optimizer = adam(hyper["learning_rate"], eps=lambda count: epsilon(count + 1))
    state = optimizer.init(params)

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def update(params, state, x, y):
        def loss_fn(params):
            moved = {}
            logits = forward(params, x, moved) if forward is resnet else forward(params, x)
            losses = optax.softmax_cross_entropy_with_integer_labels(logits, y)
            return losses.mean(), moved

        (loss, moved), grads = jax.value_and_grad(loss_fn, has_aux=True)(params)
        updates, state = optimizer.update(grads, state)
        params = optax.apply_updates(params, updates)
        return [moved.get(i, p) for i, p in enumerate(params)], state, loss

    def step(x, y):
        nonlocal params, state
        params, state, loss = update(params, state, x, y)
        return loss

    return step


def _dense(x, w, b):
    return x @ w + b


def mlp(p, x):
    for i in range(0, len(p) - 2, 2):
        x = nn.relu(_dense(x, p[i], p[i + 1]))
    return _dense(x, p[-2], p[-1])


def _conv(x, k, stride=1, padding="VALID"):
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, k, (stride, stride), padding, dimension_numbers=layout)


def _pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def convnet(p, x):
    x = nn.relu(_conv(x, p[0]) + p[1])
    x = _pool(nn.relu(_conv(x, p[2]) + p[3]))
    return mlp(p[4:], x.reshape(len(x), -1))


def vgg(p, x):
    for i in (0, 2, 4):
        x = _pool(nn.relu(_conv(x, p[i], 1, "SAME") + p[i + 1]))
    return mlp(p[6:], x.reshape(len(x), -1))


def lstm(p, x):
    def step(state, x):
        h, c = state
        i, f, g, o = jnp.split(x @ p[0] + h @ p[1] + p[2], 4, 1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        return (nn.sigmoid(o) * jnp.tanh(c), c), None

    zeros = jnp.zeros((len(x), 128), x.dtype)
    (h, _), _ = lax.scan(step, (zeros, zeros), jnp.swapaxes(x, 0, 1))
    return _dense(h, p[3], p[4])


def text(p, words):
    table, *p = p

    def step(h, x):
        x_z, x_r, x_h = jnp.split(x @ p[0] + p[2][0], 3, 1)
        h_z, h_r, h_h = jnp.split(h @ p[1] + p[2][1], 3, 1)
        z, r = nn.sigmoid(x_z + h_z), nn.sigmoid(x_r + h_r)
        return z * h + (1 - z) * jnp.tanh(x_h + r * h_h), None

    x = jnp.swapaxes(table[words], 0, 1)
    h, _ = lax.scan(step, jnp.zeros((len(words), 128), x.dtype), x)
    return _dense(h, p[3], p[4])


def _layer_norm(x, scale, shift):
    mean = x.mean(-1, keepdims=True)
    variance = x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-3) * scale + shift


def transformer(p, x):
    q, k, v = (jnp.einsum("ntd,dhk->nthk", x, p[i]) + p[i + 1] for i in (0, 2, 4))
    attended = jnp.einsum("nthk,hkd->ntd", nn.dot_product_attention(q, k, v), p[6]) + p[7]
    x = _layer_norm(x + attended, p[8], p[9])
    hidden = nn.relu(_dense(x, p[10], p[11]))
    x = _layer_norm(x + _dense(hidden, p[12], p[13]), p[14], p[15])
    return _dense(x.mean(1), p[16], p[17])


def resnet(p, x, moved):
    """ResNet-20; `moved` gets the new moving averages by their places in `p`."""
    place = iter(range(0, len(p), 5))

    def conv(x, stride=1):
        i = next(place)
        x = _conv(x, p[i], stride, "SAME")
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        moved[i + 3] = 0.99 * p[i + 3] + 0.01 * lax.stop_gradient(mean)
        moved[i + 4] = 0.99 * p[i + 4] + 0.01 * lax.stop_gradient(variance)
        return (x - mean) * lax.rsqrt(variance + 1e-3) * p[i + 1] + p[i + 2]

    x = nn.relu(conv(x))
    for block in range(9):
        stride = 2 if block in (3, 6) else 1
        y = conv(nn.relu(conv(x, stride)))
        x = nn.relu(y + (conv(x, stride) if stride == 2 else x))
    return _dense(x.mean((1, 2)), p[-2], p[-1])


FORWARD = {
    "mlp": mlp, "tiny": mlp, "convnet": convnet, "infer": convnet, "infer256": convnet,
    "vgg": vgg, "lstm": lstm, "text": text, "transformer": transformer, "resnet": resnet,
}  # fmt: skip
