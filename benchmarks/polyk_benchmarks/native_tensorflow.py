"""The steps in TensorFlow: variables, a tape, and fused updates inside one tf.function."""

import numpy as np
import tensorflow as tf

from polyk_benchmarks.ops import repeated


def start(job):
    device = tf.device(job.device or "CPU:0")
    device.__enter__()  # for the rest of the process
    if job.task.op:
        return repeated(_op(job), np.asarray)
    forward = FORWARD[job.workload.partition(":")[0]]
    if job.task.kind == "infer":
        return job.over_batches(_infer(forward, job))
    return job.over_batches(_step(forward, job))


def _op(job):
    operands = [tf.constant(a) for a in job.data]
    own = {"conv": lambda x, k: tf.nn.conv2d(x, k, 1, "VALID"), "matmul": tf.matmul}
    fn = own.get(job.task.op) or getattr(tf, job.task.op)
    if job.task.kind == "op":
        return lambda: fn(*operands)

    def gradient():
        with tf.GradientTape() as tape:
            tape.watch(operands)
            total = tf.reduce_sum(fn(*operands))
        return tape.gradient(total, operands)[1]

    return gradient


def _infer(forward, job):
    params = [tf.Variable(w) for w in job.weights()]
    predict = tf.function(lambda x: forward(params, x))
    return lambda x: predict(tf.constant(x)).numpy()[0, 0]


def _adam(params, hyper):
    slots = [(tf.Variable(tf.zeros_like(p)), tf.Variable(tf.zeros_like(p))) for p in params]
    count = tf.Variable(tf.zeros((), params[0].dtype))
    constants = {"lr": hyper["learning_rate"], "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7}

    def apply(grads):
        t = count.assign_add(1)
        powers = {"beta1_power": 0.9**t, "beta2_power": 0.999**t}
        for p, g, (m, v) in zip(params, grads, slots, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=p.handle, m=m.handle, v=v.handle, grad=tf.convert_to_tensor(g), **powers,
                **{name: tf.cast(value, p.dtype) for name, value in constants.items()},
            )  # fmt: skip

    return apply


def _sgd(params, hyper):
    velocities = [tf.Variable(tf.zeros_like(p)) for p in params]

    def apply(grads):
        for p, g, v in zip(params, grads, velocities, strict=True):
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=p.handle, accum=v.handle, grad=g, lr=tf.cast(hyper["learning_rate"], p.dtype),
                momentum=tf.cast(hyper["momentum"], p.dtype),
            )  # fmt: skip

    return apply


def _step(forward, job):
    variables = [tf.Variable(w) for w in job.weights()]
    fixed = range(0) if forward is not resnet else range(len(variables) - 2)
    params = [v for i, v in enumerate(variables) if not (i in fixed and i % 5 > 2)]
    update = (_sgd if job.task.optimizer == "SGD" else _adam)(params, job.task.hyper)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            logits = forward(variables, x)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
            loss = tf.reduce_mean(losses)
        update(tape.gradient(loss, params))
        return loss

    return lambda x, y: step(tf.constant(x), tf.constant(y))


def mlp(p, x):
    for i in range(0, len(p) - 2, 2):
        x = tf.nn.relu(x @ p[i] + p[i + 1])
    return x @ p[-2] + p[-1]


def convnet(p, x):
    x = tf.nn.relu(tf.nn.conv2d(x, p[0], 1, "VALID") + p[1])
    x = tf.nn.relu(tf.nn.conv2d(x, p[2], 1, "VALID") + p[3])
    x = tf.nn.max_pool2d(x, 2, 2, "VALID")
    return mlp(p[4:], tf.reshape(x, (x.shape[0], -1)))


def vgg(p, x):
    for i in (0, 2, 4):
        x = tf.nn.relu(tf.nn.conv2d(x, p[i], 1, "SAME") + p[i + 1])
        x = tf.nn.max_pool2d(x, 2, 2, "VALID")
    return mlp(p[6:], tf.reshape(x, (x.shape[0], -1)))


def _last(step, state, x, head, bias):
    """The first state after all steps, through a dense layer."""
    for x_t in tf.unstack(x, axis=1):
        state = step(state, x_t)
    return state[0] @ head + bias


def lstm(p, x):
    def step(state, x):
        h, c = state
        i, f, g, o = tf.split(x @ p[0] + h @ p[1] + p[2], 4, 1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    zeros = tf.zeros((x.shape[0], 128), x.dtype)
    return _last(step, (zeros, zeros), x, p[3], p[4])


def text(p, words):
    table, *p = p

    def step(state, x):
        (h,) = state
        x_z, x_r, x_h = tf.split(x @ p[0] + p[2][0], 3, 1)
        h_z, h_r, h_h = tf.split(h @ p[1] + p[2][1], 3, 1)
        z, r = tf.sigmoid(x_z + h_z), tf.sigmoid(x_r + h_r)
        return (z * h + (1 - z) * tf.tanh(x_h + r * h_h),)

    x = tf.gather(table, words)
    return _last(step, (tf.zeros((x.shape[0], 128), x.dtype),), x, p[3], p[4])


def _layer_norm(x, scale, shift):
    mean, variance = tf.nn.moments(x, -1, keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, shift, scale, 1e-3)


def transformer(p, x):
    q, k, v = (tf.einsum("ntd,dhk->nhtk", x, p[i]) + p[i + 1][:, None] for i in (0, 2, 4))
    scores = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * 32**-0.5)
    attended = tf.einsum("nhtk,hkd->ntd", scores @ v, p[6]) + p[7]
    x = _layer_norm(x + attended, p[8], p[9])
    hidden = tf.nn.relu(x @ p[10] + p[11]) @ p[12] + p[13]
    x = _layer_norm(x + hidden, p[14], p[15])
    return tf.reduce_mean(x, 1) @ p[16] + p[17]


def resnet(p, x):
    place = iter(range(0, len(p), 5))

    def conv(x, stride=1):
        i = next(place)
        x = tf.nn.conv2d(x, p[i], stride, "SAME")
        x, mean, variance = tf.compat.v1.nn.fused_batch_norm(x, p[i + 1], p[i + 2], epsilon=1e-3)
        p[i + 3].assign_sub((p[i + 3] - mean) * 0.01)
        p[i + 4].assign_sub((p[i + 4] - variance) * 0.01)
        return x

    x = tf.nn.relu(conv(x))
    for block in range(9):
        stride = 2 if block in (3, 6) else 1
        y = conv(tf.nn.relu(conv(x, stride)))
        x = tf.nn.relu(y + (conv(x, stride) if stride == 2 else x))
    return tf.reduce_mean(x, (1, 2)) @ p[-2] + p[-1]


FORWARD = {
    "mlp": mlp, "tiny": mlp, "convnet": convnet, "infer": convnet, "infer256": convnet,
    "vgg": vgg, "lstm": lstm, "text": text, "transformer": transformer, "resnet": resnet,
}  # fmt: skip
