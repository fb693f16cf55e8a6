"""A model of polyk as a `tf.Module`, for `tf.function`, `GradientTape` and checkpoints."""

import re
from functools import partial

import tensorflow as tf


class Module(tf.Module):
    """Its variables are the model's own: what either changes, the other sees.

    Moving the model to another backend ends the sharing.
    """

    def __init__(self, model):
        super().__init__(name=re.sub(r"\W", "_", model.name))
        self._model = model
        for path, w in model.trainable.items():
            if not w.cell.trainable:
                w.cell = tf.Variable(w.cell, trainable=True, name=path)  # which tapes watch
        named = {**model.trainable, **model.fixed}
        self._weights = {path: w.cell for path, w in named.items()}
        self._others = [w.cell for w in model.others]

    @tf.autograph.experimental.do_not_convert
    def __call__(self, *args, training=False, **kwargs):
        return self._model(*args, training=training, **kwargs)


def export(model, inputs, path):
    """Trace the model as the endpoint ``serve`` of a SavedModel, which is its default signature."""
    module = Module(model)
    specs = [tf.TensorSpec(spec.shape, spec.dtype) for spec in inputs]
    open_batch = all(spec.shape[:1] == (None,) for spec in inputs)
    run = (lambda *xs: tf.vectorized_map(partial(_one, module), xs)) if open_batch else module
    module.serve = tf.function(run, input_signature=specs, autograph=False)
    tf.saved_model.save(module, path, signatures=module.serve)


def _one(module, xs):
    """The outputs for one sample: layers then see a batch of a known size."""
    return tf.nest.map_structure(lambda y: y[0], module(*(x[None] for x in xs)))
