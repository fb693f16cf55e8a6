"""A layer of polyk beside Keras's of the same name: same weights, same outputs, same gradients."""

import numpy as np
import pytest
import reference

import polyk
from polyk import layers, ops, trees


def outputs_and_gradients(layer, inputs, weights, call):
    """What polyk's layer gives, and the gradients of a weighted sum at inputs and weights."""
    with polyk.use("numpy"):
        layer.set_weights(weights)
        inputs = trees.map(ops.convert_to_tensor, inputs)
        outputs = polyk.to_numpy(layer(inputs, **call))
        share = slopes(outputs.shape)

        def loss(x):
            return ops.sum(ops.multiply(layer(x, **call), share))

        trained = layer.trainable_weights
        layer.set_weights(weights)
        _, at_inputs = polyk.value_and_grad(loss)(inputs)
        layer.set_weights(weights)
        _, at_weights = polyk.value_and_grad(lambda: loss(inputs), weights=trained)()
        found = [*trees.flatten(at_inputs), *at_weights]
        return outputs, [polyk.to_numpy(g) for g in found]


def of_keras(layer, inputs, weights, call):
    """The same of Keras's layer, on torch."""
    import torch

    layer.set_weights(weights)
    inputs = trees.map(lambda x: torch.tensor(x, requires_grad=True), inputs)
    outputs = layer(inputs, **call)
    leaves = [*trees.flatten(inputs), *(w.value for w in layer.trainable_weights)]
    loss = (outputs * torch.tensor(slopes(outputs.shape))).sum()
    found = torch.autograd.grad(loss, leaves, allow_unused=True)
    pairs = zip(found, leaves, strict=True)
    values = [np.zeros(x.shape) if g is None else g.numpy() for g, x in pairs]
    return outputs.detach().numpy(), values


def slopes(shape):
    return np.random.default_rng(7).uniform(-1, 1, tuple(shape))


def compare(specimen, rtol=1e-9, state=False, **call):
    """Assert that both give the same; with `state`, that they leave the same weights behind."""
    inputs = specimen.inputs("float64")
    with reference.keras() as keras:
        if keras.backend.backend() != "torch":
            pytest.skip("gradients of Keras are taken on torch")
        theirs = specimen.make(keras.layers, dtype="float64")
        theirs.build(trees.map(np.shape, inputs))
        ours = specimen.make(layers, dtype="float64")
        ours.build(trees.map(np.shape, inputs))
        assert [(w.name, w.shape) for w in ours.weights] == [
            (w.name, tuple(w.shape)) for w in theirs.weights if "seed" not in w.path
        ]
        rng = np.random.default_rng(1)
        weights = [rng.uniform(0.5, 1.5, w.shape) for w in ours.weights]
        wanted = of_keras(theirs, inputs, weights, call)
        found = outputs_and_gradients(ours, inputs, weights, call)
        after = [w.numpy() for w in theirs.weights]
    assert found[0].dtype == np.float64
    close(found[0], wanted[0], rtol)
    for got, want in zip(found[1], wanted[1], strict=True):
        close(got, want, rtol)
    if state:
        for got, want in zip(ours.get_weights(), after, strict=True):
            close(got, want, rtol)


def close(got, want, rtol):
    np.testing.assert_allclose(got, want, rtol=rtol, atol=1e-10)
