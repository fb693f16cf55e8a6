"""A training loop of one's own: gradients, update, compilation; no backend's name in it."""

import polyk
from polyk import layers, ops

(x, y), (x_test, y_test) = polyk.data.load_digits()
model = polyk.Sequential(
    [
        layers.Input((8, 8, 1)),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(10),
    ],
    seed=0,
)
optimizer = polyk.optimizers.Adam(0.003)
loss_fn = polyk.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer.build(model.trainable_weights)


def train_step(x, y):
    loss, grads = polyk.value_and_grad(
        lambda: loss_fn(y, model(x, training=True)), weights=model.trainable_weights
    )()
    optimizer.apply(grads)
    return loss


step = polyk.compile(train_step, state=[model, optimizer])
for epoch in range(5):
    for i in range(0, len(x) - 31, 32):
        loss = step(x[i : i + 32], y[i : i + 32])
    print(f"epoch {epoch + 1}: loss of the last batch {float(polyk.to_numpy(loss)):.4f}")
guess = ops.argmax(model(x_test), axis=-1)
accuracy = float((polyk.to_numpy(guess) == y_test).mean())
print(f"test accuracy on {model.backend.name}: {accuracy:.3f}")
