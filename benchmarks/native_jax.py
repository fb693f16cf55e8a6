"""The steps in JAX: one jitted function with donated state, Adam by optax."""

import functools

import jax
import jax.numpy as jnp
import optax
from jax import lax


def _step(forward, weights):
    params = [jnp.array(w) for w in weights]
    optimizer = optax.adam(1e-3, eps=1e-7)
    state = optimizer.init(params)

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def update(params, state, x, y):
        def loss_fn(params):
            logits = forward(params, x)
            return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

        loss, grads = jax.value_and_grad(loss_fn)(params)
        updates, state = optimizer.update(grads, state)
        return optax.apply_updates(params, updates), state, loss

    def step(x, y):
        nonlocal params, state
        params, state, loss = update(params, state, x, y)
        return loss

    return step


def _dense(x, w, b):
    return x @ w + b


def mlp(weights):
    def forward(p, x):
        x = jax.nn.relu(_dense(x, p[0], p[1]))
        return _dense(jax.nn.relu(_dense(x, p[2], p[3])), p[4], p[5])

    return _step(forward, weights)


def lstm(weights):
    def forward(p, x):
        def step(state, x):
            h, c = state
            i, f, g, o = jnp.split(x @ p[0] + h @ p[1] + p[2], 4, 1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        zeros = jnp.zeros((len(x), 128), x.dtype)
        (h, _), _ = lax.scan(step, (zeros, zeros), jnp.swapaxes(x, 0, 1))
        return _dense(h, p[3], p[4])

    return _step(forward, weights)


def gru(weights):
    def forward(p, x):
        def step(h, x):
            x_z, x_r, x_h = jnp.split(x @ p[0] + p[2][0], 3, 1)
            h_z, h_r, h_h = jnp.split(h @ p[1] + p[2][1], 3, 1)
            z, r = jax.nn.sigmoid(x_z + h_z), jax.nn.sigmoid(x_r + h_r)
            return z * h + (1 - z) * jnp.tanh(x_h + r * h_h), None

        h, _ = lax.scan(step, jnp.zeros((len(x), 128), x.dtype), jnp.swapaxes(x, 0, 1))
        return _dense(h, p[3], p[4])

    return _step(forward, weights)


def _conv(x, k, b):
    y = lax.conv_general_dilated(x, k, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return y + b


def convnet(weights):
    def forward(p, x):
        x = jax.nn.relu(_conv(x, p[0], p[1]))
        x = jax.nn.relu(_conv(x, p[2], p[3]))
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        x = jax.nn.relu(_dense(x.reshape(len(x), -1), p[4], p[5]))
        return _dense(x, p[6], p[7])

    return _step(forward, weights)
