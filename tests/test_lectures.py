"""What lectures on Keras type, with only the import changed."""

import os
from pathlib import Path

import numpy as np
import pytest

import polyk as keras
from polyk import layers, regularizers
from polyk.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D, ZeroPadding2D
from polyk.models import Model, Sequential
from polyk.optimizers import SGD, Nadam
from polyk.utils import to_categorical


@pytest.fixture(autouse=True)
def seed():
    keras.set_random_seed(1)


@pytest.fixture(scope="module")
def digits():
    """Part of MNIST where it is, else the shipped digits."""
    folder = Path(os.environ.get("POLYK_DATA", "-")) / "mnist"
    if folder.is_dir():
        (x, y), test = keras.data.load_mnist(folder)
        return (x[:2000], y[:2000]), (test[0][:500], test[1][:500])
    return keras.data.load_digits()


def flat(x):
    """(N, 784), whatever the images' size."""
    rows = x.reshape(len(x), -1)[:, :784]
    return np.pad(rows, ((0, 0), (0, 784 - rows.shape[1])))


def printed(model):
    """What summary() prints."""
    lines = []
    model.summary(print_fn=lines.append)
    return "\n".join(lines)


def test_a_softmax_classifier_of_784_pixels(backend, digits):
    (x_train, y_train), (x_test, y_test) = digits
    model = Sequential()
    model.add(Dense(10, input_dim=784, activation="softmax"))
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit(flat(x_train), to_categorical(y_train), epochs=8, batch_size=64, verbose=0)
    loss, accuracy = model.evaluate(flat(x_test), to_categorical(y_test), verbose=0)
    assert model.count_params() == 7850
    assert accuracy > 0.7


def test_the_convolution_part_of_the_mnist_convnet_has_55744_parameters():
    model = Sequential()
    model.add(Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)))
    model.add(MaxPooling2D((2, 2)))
    model.add(Conv2D(64, (3, 3), activation="relu"))
    model.add(MaxPooling2D((2, 2)))
    model.add(Conv2D(64, (3, 3), activation="relu"))
    assert [layer.count_params() for layer in model.layers] == [320, 0, 18496, 0, 36928]
    assert "Total params: 55,744" in printed(model)
    assert "(None, 3, 3, 64)" in printed(model)


@pytest.fixture
def samples():
    """272 of five numbers; the class is whether their weighted sum is positive."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(272, 5)).astype("float32")
    return x, (x @ [1.0, -2.0, 0.5, 0.0, 1.0] > 0).astype("float32")


def test_a_small_dense_net_learns_in_400_epochs(samples):
    x, y = samples
    model = Sequential()
    model.add(Dense(5, input_dim=5, activation="relu"))
    model.add(Dense(3, activation="relu"))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    history = model.fit(x, y, validation_split=0.2, epochs=400, batch_size=64, verbose=0)
    assert model.count_params() == 5 * 5 + 5 + 5 * 3 + 3 + 3 + 1
    assert len(history.history["val_loss"]) == 400
    assert history.history["val_accuracy"][-1] > 0.9


def test_dropout_between_layers_of_eight(samples):
    x, y = samples
    model = Sequential()
    model.add(Dense(8, input_dim=5, activation="relu"))
    model.add(Dropout(0.2))
    model.add(Dense(8, activation="relu"))
    model.add(Dropout(0.2))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer=SGD(lr=0.1, momentum=0.9, decay=1e-4))
    losses = model.fit(x, y, epochs=20, batch_size=32, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.predict(x, verbose=0))


def happy_house():
    """Three times 64 filters, 1,024 neurons: 4,272,001 parameters."""
    model = Sequential()
    for i in range(3):
        first = {"input_shape": (64, 64, 3)} if i == 0 else {}
        model.add(
            Conv2D(
                64, (3, 3), padding="Same", activation="relu", kernel_initializer="uniform",
                kernel_regularizer=regularizers.l2(1e-4), **first,
            )
        )  # fmt: skip
        model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Flatten())
    model.add(Dense(1024, activation="relu", kernel_initializer="uniform"))
    model.add(Dense(1, activation="sigmoid", kernel_initializer="uniform"))
    return model


def test_the_happy_house_has_4272001_parameters():
    model = happy_house()
    assert model.count_params() == 4_272_001
    assert "Total params: 4,272,001" in printed(model)


def test_the_happy_house_takes_a_step_with_nadam():
    x = np.random.default_rng(0).uniform(size=(4, 64, 64, 3)).astype("float32")
    model = happy_house()
    model.compile(optimizer=Nadam(), loss="binary_crossentropy", metrics=["accuracy"])
    before = model.get_weights()
    history = model.fit(x, np.array([0, 1, 0, 1.0]), epochs=1, batch_size=4, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.fixture
def cats():
    """The cats and non-cats of the course."""
    file = Path(os.environ.get("POLYK_DATA", "-")) / "coursera" / "train_catvnoncat.h5"
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    with pytest.importorskip("h5py").File(file) as data:
        return data["train_set_x"][:] / 255.0, data["train_set_y"][:].astype("float32")


def test_the_functional_happy_model_learns_cats(cats):
    """The graph that the course builds: pad, convolve, normalize, pool, flatten, decide."""
    inputs = layers.Input((64, 64, 3))
    x = ZeroPadding2D((3, 3))(inputs)
    x = Conv2D(32, (7, 7), strides=(2, 2), name="conv0")(x)
    x = layers.BatchNormalization(axis=3, name="bn0")(x)
    x = layers.Activation("relu")(x)
    x = MaxPooling2D((2, 2), name="max_pool")(x)
    x = Flatten()(x)
    x = Dense(1, activation="sigmoid", name="fc")(x)
    model = Model(inputs=inputs, outputs=x, name="HappyModel")
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(*cats, epochs=8, batch_size=16, verbose=0).history
    assert history["accuracy"][-1] > 0.85


def test_augmentation_mirrors_cuts_skews_and_rotates():
    x = np.random.default_rng(0).uniform(size=(8, 12, 12, 3)).astype("float32")
    augment = Sequential(
        [
            layers.RandomFlip("horizontal"),
            layers.RandomCrop(10, 10),
            layers.RandomShear(0.2, 0.2),
            layers.RandomRotation(0.1),
        ]
    )
    found = keras.to_numpy(augment(x, training=True))
    assert found.shape == (8, 10, 10, 3)
    assert found.min() >= 0 and found.max() <= 1
    assert (found != keras.to_numpy(augment(x, training=True))).any()
