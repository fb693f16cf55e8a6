"""A GAN: two models, two optimizers and a train_step of one's own, on every backend."""

import numpy as np

import polyk
from polyk import layers, metrics, ops

LATENT = 16


class GAN(polyk.Model):
    def __init__(self, generator, discriminator, **kwargs):
        super().__init__(**kwargs)
        self.generator, self.discriminator = generator, discriminator
        self.noise = polyk.random.SeedGenerator(1)
        self.g_loss, self.d_loss = metrics.Mean("g_loss"), metrics.Mean("d_loss")

    def compile(self, g_optimizer, d_optimizer, loss):
        super().compile(loss=loss)
        self.g_optimizer, self.d_optimizer = g_optimizer, d_optimizer
        self.loss_fn = loss

    @property
    def metrics(self):
        return [self.g_loss, self.d_loss]

    def imagine(self, n):
        return self.generator(polyk.random.normal((n, LATENT), seed=self.noise), training=True)

    def train_step(self, real):
        n = ops.shape(real)[0]
        yes, no = ops.ones((n, 1)), ops.zeros((n, 1))

        def judged():
            fake = ops.stop_gradient(self.imagine(n))
            guesses = self.discriminator(ops.concatenate([real, fake], axis=0), training=True)
            return self.loss_fn(ops.concatenate([yes * 0.9, no], axis=0), guesses)

        weights = self.discriminator.trainable_weights
        d_loss, grads = polyk.value_and_grad(judged, weights=weights)()
        self.d_optimizer.apply(grads, weights)

        def fooled():
            return self.loss_fn(yes, self.discriminator(self.imagine(n), training=True))

        weights = self.generator.trainable_weights
        g_loss, grads = polyk.value_and_grad(fooled, weights=weights)()
        self.g_optimizer.apply(grads, weights)
        self.g_loss.update_state(g_loss)
        self.d_loss.update_state(d_loss)
        return {m.name: m.result() for m in self.metrics}


(x, _), _ = polyk.data.load_digits()
generator = polyk.Sequential(
    [
        layers.Input((LATENT,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="sigmoid"),
        layers.Reshape((8, 8, 1)),
    ],
    seed=0,
)
discriminator = polyk.Sequential(
    [layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(1)], seed=1
)
gan = GAN(generator, discriminator, seed=2)
adam, loss = polyk.optimizers.Adam, polyk.losses.BinaryCrossentropy(from_logits=True)
gan.compile(adam(1e-3), adam(1e-3), loss)
history = gan.fit(x, batch_size=64, epochs=8, verbose=0).history
z = np.random.default_rng(0).standard_normal((64, LATENT)).astype("float32")
fake = generator.predict(z, verbose=0)
for name, values in history.items():
    print(f"{gan.backend.name}: {name} {values[0]:.3f} -> {values[-1]:.3f}")
apart = np.abs(fake.mean(0) - x.mean(0)).mean()
gray = np.abs(0.5 - x.mean(0)).mean()
print(f"mean image: {apart:.3f} from that of the digits; plain gray is {gray:.3f} away")
