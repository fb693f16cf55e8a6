"""A model of polyk as a `tf.Module`, for `tf.function`, `GradientTape` and checkpoints."""

import re

import tensorflow as tf


class Module(tf.Module):
    """Its variables are the model's own: what either changes, the other sees.

    Moving the model to another backend ends the sharing.
    """

    def __init__(self, model):
        super().__init__(name=re.sub(r"\W", "_", model.name))
        self._model = model
        for path, w in model.trainable.items():
            w.cell = tf.Variable(w.cell, trainable=True, name=path)  # which tapes watch
        named = {**model.trainable, **model.fixed}
        self._weights = {path: w.cell for path, w in named.items()}
        self._others = [w.cell for w in model.others]

    @tf.autograph.experimental.do_not_convert
    def __call__(self, *args, training=False, **kwargs):
        return self._model(*args, training=training, **kwargs)
