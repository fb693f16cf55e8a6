"""A layer of one's own: it runs and trains on every backend."""

import numpy as np

import polyk
from polyk import layers, ops


class Affine(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight("kernel", (input_shape[-1], self.units))
        self.calls = self.add_weight("calls", (), "zeros", trainable=False)

    def call(self, x):
        self.calls = self.calls + 1  # assigning to a weight updates it, compiled or not
        return ops.matmul(x, self.kernel)


rng = np.random.default_rng(0)
x = rng.standard_normal((256, 4)).astype("float32")
y = x @ np.array([[1.0], [2.0], [3.0], [4.0]], "float32")

model = polyk.Sequential([layers.Input((4,)), Affine(1)], seed=0)
model.compile(polyk.optimizers.SGD(0.1), "mse")
history = model.fit(x, y, epochs=5, verbose=0)
affine = model.layers[0]
kernel = polyk.to_numpy(affine.kernel).ravel()
print(f"{model.backend.name}: loss {history.history['loss'][-1]:.2e}, kernel {kernel.round(2)}")
print(f"called {int(polyk.to_numpy(affine.calls))} times in training")
