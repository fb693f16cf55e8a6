"""Fine-tuning: a network learns the digits 0 to 4, then 5 to 9 on frozen and on thawed layers."""

import polyk
from polyk import callbacks, layers


def part(data, digits):
    x, y = data
    chosen = (y >= digits[0]) & (y <= digits[-1])
    return x[chosen], y[chosen] - digits[0]


train, test = polyk.data.load_digits()
body = polyk.Sequential(
    [
        layers.Input((8, 8, 1)),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(32, activation="relu"),
    ],
    name="body",
    seed=0,
)


def model_on(body, name):
    model = polyk.Sequential(
        [layers.Input((8, 8, 1)), body, layers.Dense(5, activation="softmax")], name=name, seed=1
    )
    return model


def learn(model, digits, rate, epochs):
    model.compile(
        polyk.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    stop = callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    held_out = part(test, digits)
    model.fit(*part(train, digits), epochs=epochs, validation_data=held_out, verbose=0,
              callbacks=[stop])  # fmt: skip
    return model.evaluate(*held_out, verbose=0)[1]


low, high = range(5), range(5, 10)
first = model_on(body, "low")
print(f"{first.backend.name}: 0-4 from scratch {learn(first, low, 0.003, 4):.3f}")
second = model_on(body, "high")
body.trainable = False
frozen = len(second.trainable_weights)
print(f"5-9 with a frozen body ({frozen} weights train) {learn(second, high, 0.01, 4):.3f}")
body.trainable = True
thawed = len(second.trainable_weights)
print(f"5-9 with all {thawed} weights thawed, slowly {learn(second, high, 0.0003, 3):.3f}")
