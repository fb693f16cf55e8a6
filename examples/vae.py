"""A variational autoencoder: sampling inside the model, a loss of one's own, digits from noise."""

import numpy as np

import polyk
from polyk import layers, metrics, ops


class VAE(polyk.Model):
    def __init__(self, latent=4, **kwargs):
        super().__init__(**kwargs)
        self.flatten = layers.Flatten()
        self.hidden = layers.Dense(64, activation="relu")
        self.mean, self.log_variance = layers.Dense(latent), layers.Dense(latent)
        self.decoder = polyk.Sequential(
            [layers.Dense(64, activation="relu"), layers.Dense(64), layers.Reshape((8, 8, 1))]
        )
        self.noise = polyk.random.SeedGenerator(0)
        self.total = metrics.Mean("loss")
        self.divergence = metrics.Mean("kl")

    def call(self, x):
        h = self.hidden(self.flatten(x))
        mean, log_variance = self.mean(h), self.log_variance(h)
        noise = polyk.random.normal(ops.shape(mean), seed=self.noise)
        return self.decoder(mean + ops.exp(0.5 * log_variance) * noise), mean, log_variance

    @property
    def metrics(self):
        return [self.total, self.divergence]

    def train_step(self, x):
        def forward():
            logits, mean, log_variance = self(x, training=True)
            kl = ops.exp(log_variance) + ops.square(mean) - 1 - log_variance
            kl = ops.mean(ops.sum(kl, axis=-1)) / 2
            error = ops.softplus(logits) - x * logits  # binary cross-entropy of logits
            return ops.mean(ops.sum(error, axis=(1, 2, 3))) + kl, kl

        weights = self.trainable_weights
        (loss, kl), grads = polyk.value_and_grad(forward, weights=weights, has_aux=True)()
        self.optimizer.apply(grads, weights)
        self.total.update_state(loss)
        self.divergence.update_state(kl)
        return {m.name: m.result() for m in self.metrics}


(x, _), (x_test, _) = polyk.data.load_digits()
model = VAE(seed=0)
model.compile(polyk.optimizers.Adam(0.003))
history = model.fit(x, batch_size=64, epochs=8, verbose=0).history
for name, values in history.items():
    print(f"{model.backend.name}: {name} {values[0]:.2f} -> {values[-1]:.2f}")
logits, *_ = model.predict(x_test, verbose=0)
error = np.abs(1 / (1 + np.exp(-logits)) - x_test).mean()
print(f"mean error of held-out digits rebuilt: {error:.3f}")
