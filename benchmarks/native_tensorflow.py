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


def convnet(weights):
    def forward(p, x):
        x = tf.nn.relu(tf.nn.conv2d(x, p[0], 1, "VALID") + p[1])
        x = tf.nn.relu(tf.nn.conv2d(x, p[2], 1, "VALID") + p[3])
        x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        x = tf.nn.relu(tf.reshape(x, (x.shape[0], -1)) @ p[4] + p[5])
        return x @ p[6] + p[7]

    return _step(forward, weights)
