"""A model of polyk as a pure function of weights and inputs, for `jax.jit`, `grad` and `vmap`."""

from functools import partial

import jax
import jax.export
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


def export(model, inputs, path):
    """Trace the model by `jax.export`, its weights inside; sizes that are open are symbols."""
    open_batch = all(spec.shape[:1] == (None,) for spec in inputs)
    scope, xs = jax.export.SymbolicScope(), []
    for i, spec in enumerate(inputs):
        names = ["batch" if a == 0 else f"size_{i}_{a}" for a in range(len(spec.shape))]
        told = ", ".join(n if d is None else str(d) for n, d in zip(names, spec.shape, strict=True))
        shape = jax.export.symbolic_shape(told, scope=scope)
        xs.append(jax.ShapeDtypeStruct(shape, jnp.dtype(spec.dtype)))
    run = jax.jit(jax.vmap(partial(_one, model)) if open_batch else partial(model, training=False))
    with open(path, "wb") as file:
        file.write(jax.export.export(run)(*xs).serialize())


def _one(model, *xs):
    """The outputs for one sample: layers then see a batch of a known size."""
    return jax.tree.map(lambda y: y[0], model(*(x[None] for x in xs), training=False))
