"""A model of polyk as a pure function of weights and inputs, for `jax.jit`, `grad` and `vmap`."""

import jax
import jax.numpy as jnp


class Function:
    """``fn(weights, x)`` gives the outputs; with ``training=True`` also the `non_trainable` ones.

    ``weights`` is ``{"trainable": ..., "non_trainable": ...}``, nested dicts by layer. JAX's arrays
    never change, so `fn.weights` is a copy of what the model has, and `assign` gives it others.
    """

    def __init__(self, model):
        self._model = model
        self.__name__ = model.name

    @property
    def weights(self):
        """The weights as they are now in the model."""
        kinds = {"trainable": self._model.trainable, "non_trainable": self._model.fixed}
        return {kind: self._model.nested({path: jnp.copy(w.value) for path, w in ws.items()})
                for kind, ws in kinds.items()}  # fmt: skip

    def assign(self, weights):
        """Give the model these weights."""
        for w, value in self._values(weights).items():
            w.assign(value)

    def _values(self, weights):
        kinds = {"trainable": self._model.trainable, "non_trainable": self._model.fixed}
        return {
            w: leaf
            for kind, ws in kinds.items()
            for w, leaf in zip(
                ws.values(), self._model.flat(weights[kind], ws).values(), strict=True
            )
        }

    def __call__(self, weights, *args, training=False, key=None, **kwargs):
        """The outputs. `key`, which dropout and the like need, is one of `jax.random`."""
        state = {w: w.value for w in self._model.others}
        if key is not None:
            page = jax.random.bits(key, (), "uint32").astype("int32")
            state |= dict.fromkeys(self._model.counters, page)
        values = state | self._values(weights)
        outputs, written = self._model.run(values, args, {**kwargs, "training": training})
        if key is None and any(c in written for c in self._model.counters):
            raise ValueError(
                f"{self._model.name!r} draws random numbers: give key=jax.random.key(0)."
            )
        if not training:
            return outputs
        fixed = {path: written.get(w, values[w]) for path, w in self._model.fixed.items()}
        return outputs, self._model.nested(fixed)
