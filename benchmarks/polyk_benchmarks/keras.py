"""Keras 3 on a backend: compile and fit, as its users do."""

import os


def start(job):
    os.environ["KERAS_BACKEND"] = job.backend
    import keras

    keras.config.set_floatx(job.dtype)
    named = job.named_weights()
    model = job.model(keras)
    for layer in model.layers:
        layer.set_weights(named.get(layer.name, []))
    if job.task.kind == "infer":
        return job.over_batches(lambda x: model.predict_on_batch(x)[0, 0])
    optimizer = getattr(keras.optimizers, job.task.optimizer)(**job.task.hyper)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    batch, (x, y) = job.task.batch, job.data

    def run(first, count):
        part = slice(first * batch, (first + count) * batch)
        seen = model.fit(x[part], y[part], batch_size=batch, shuffle=False, verbose=0)
        return seen.history["loss"][-1]

    return run
