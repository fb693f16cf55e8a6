"""The same layer made by Keras and by polyk, from the same weights, in float64."""

from contextlib import contextmanager

import numpy as np
from reference import keras as any_keras

import polyk
from polyk import dtypes, ops, trees


@contextmanager
def keras():
    """Keras whose layers compute in float64."""
    with any_keras() as module:
        before = module.config.dtype_policy()
        module.config.set_dtype_policy("float64")
        try:
            yield module
        finally:
            module.config.set_dtype_policy(before)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def flat(result, to_numpy=polyk.to_numpy):
    return [to_numpy(y) for y in trees.flatten(result)]


class Twins:
    """``make(keras.layers)`` and ``make(polyk.layers)``, then ``call(layer, *xs)`` of each."""

    def __init__(self, make, *xs, call=None, scale=0.5):
        self.xs, self.call = xs, call or (lambda layer, *xs: layer(*xs))
        with keras() as module:
            self.theirs = make(module.layers)
            self.call(self.theirs, *xs)
            values = [scale * normal(*w.shape, seed=i) for i, w in enumerate(self.theirs.weights)]
            self.theirs.set_weights(values)
        dtypes.set_floatx("float64")
        try:
            self.ours = make(polyk.layers)
            self.call(self.ours, *xs)
            self.ours.set_weights(values)
        finally:
            dtypes.set_floatx("float32")
        self.weights = values

    def check_names(self):
        assert [w.name for w in self.ours.weights] == [w.name for w in self.theirs.weights]

    def check_outputs(self, rtol=1e-9, atol=1e-10):
        with keras() as module:
            want = flat(self.call(self.theirs, *self.xs), module.ops.convert_to_numpy)
        found = flat(self.call(self.ours, *self.xs))
        assert [y.shape for y in found] == [y.shape for y in want]
        for y, expected in zip(found, want, strict=True):
            np.testing.assert_allclose(y, expected, rtol, atol)

    def check_gradients(self, step=1e-5):
        """polyk's gradient along a random direction of inputs and weights against Keras's slope."""
        cots = [normal(*y.shape, seed=50 + i) for i, y in enumerate(flat(self._ours(self.xs)))]
        count = sum(x.dtype == np.float64 for x in self.xs)
        floats = [x for x in self.xs if x.dtype == np.float64]
        along = [normal(*v.shape, seed=90 + i) for i, v in enumerate([*floats, *self.weights])]

        def loss(xs):
            return sum(
                ops.sum(y * c) for y, c in zip(trees.flatten(self._ours(xs)), cots, strict=True)
            )

        _, of_inputs = polyk.value_and_grad(lambda xs: loss(self._filled(xs)))(floats)
        weights = self.ours.weights
        _, of_weights = polyk.value_and_grad(lambda: loss(self.xs), weights=weights)()
        gradients = [*flat(of_inputs), *flat(of_weights)]
        found = sum((g * d).sum() for g, d in zip(gradients, along, strict=True))
        ends = []
        for sign in (1, -1):
            moved = [
                v + sign * step * d for v, d in zip([*floats, *self.weights], along, strict=True)
            ]
            ends.append(self._their_loss(moved[:count], moved[count:], cots))
        np.testing.assert_allclose(found, (ends[0] - ends[1]) / (2 * step), rtol=1e-6, atol=1e-8)

    def _ours(self, xs):
        return self.call(self.ours, *xs)

    def _filled(self, floats):
        supply = iter(floats)
        return [next(supply) if x.dtype == np.float64 else x for x in self.xs]

    def _their_loss(self, floats, weights, cots):
        with keras() as module:
            self.theirs.set_weights(weights)
            result = self.call(self.theirs, *self._filled(floats))
            ys = flat(result, module.ops.convert_to_numpy)
            self.theirs.set_weights(self.weights)
        return sum((y * c).sum() for y, c in zip(ys, cots, strict=True))
