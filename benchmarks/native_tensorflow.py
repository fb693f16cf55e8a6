"""The steps in TensorFlow: variables, a tape, and Adam inside one tf.function."""

import tensorflow as tf


def _step(forward, weights):
    params = [tf.Variable(w) for w in weights]
    means = [tf.Variable(tf.zeros_like(p)) for p in params]
    squares = [tf.Variable(tf.zeros_like(p)) for p in params]
    count = tf.Variable(0.0)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            logits = forward(params, x)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            loss = tf.reduce_mean(losses)
        grads = tape.gradient(loss, params)
        t = count.assign_add(1.0)
        alpha = 1e-3 * tf.sqrt(1 - tf.pow(0.999, t)) / (1 - tf.pow(0.9, t))
        for p, g, m, v in zip(params, grads, means, squares, strict=True):
            m.assign_add((g - m) * 0.1)
            v.assign_add((tf.square(g) - v) * 0.001)
            p.assign_sub(m * alpha / (tf.sqrt(v) + 1e-7))
        return loss

    return lambda x, y: step(tf.constant(x), tf.constant(y))


def mlp(weights):
    def forward(p, x):
        x = tf.nn.relu(x @ p[0] + p[1])
        x = tf.nn.relu(x @ p[2] + p[3])
        return x @ p[4] + p[5]

    return _step(forward, weights)


def _last(step, state, x, head, bias):
    """The first state after all steps, through a dense layer."""
    steps = tf.unstack(x, axis=1)
    for x in steps:
        state = step(state, x)
    return state[0] @ head + bias


def lstm(weights):
    def forward(p, x):
        def step(state, x):
            h, c = state
            i, f, g, o = tf.split(x @ p[0] + h @ p[1] + p[2], 4, 1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            return tf.sigmoid(o) * tf.tanh(c), c

        zeros = tf.zeros((x.shape[0], 128))
        return _last(step, (zeros, zeros), x, p[3], p[4])

    return _step(forward, weights)


def gru(weights):
    def forward(p, x):
        def step(state, x):
            (h,) = state
            x_z, x_r, x_h = tf.split(x @ p[0] + p[2][0], 3, 1)
            h_z, h_r, h_h = tf.split(h @ p[1] + p[2][1], 3, 1)
            z, r = tf.sigmoid(x_z + h_z), tf.sigmoid(x_r + h_r)
            return (z * h + (1 - z) * tf.tanh(x_h + r * h_h),)

        return _last(step, (tf.zeros((x.shape[0], 128)),), x, p[3], p[4])

    return _step(forward, weights)


def convnet(weights):
    def forward(p, x):
        x = tf.nn.relu(tf.nn.conv2d(x, p[0], 1, "VALID") + p[1])
        x = tf.nn.relu(tf.nn.conv2d(x, p[2], 1, "VALID") + p[3])
        x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        x = tf.nn.relu(tf.reshape(x, (x.shape[0], -1)) @ p[4] + p[5])
        return x @ p[6] + p[7]

    return _step(forward, weights)
