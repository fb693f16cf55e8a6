"""Sequential, functional and subclassed models; two backends at once; moving between them."""

import threading

import numpy as np
import pytest

import polyk
from polyk import layers, ops

X = np.random.default_rng(0).standard_normal((8, 6)).astype("float32")


def mlp(**kwargs):
    stack = [layers.Input((6,)), layers.Dense(5, "relu"), layers.Dropout(0.5), layers.Dense(2)]
    return polyk.Sequential(stack, **kwargs)


def test_the_seed_alone_decides_the_first_weights(backend):
    a, b = mlp(seed=3), mlp(seed=3, backend="numpy")
    for v, w in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)
    assert not np.array_equal(mlp(seed=4).get_weights()[0], a.get_weights()[0])


def test_set_random_seed_settles_models_without_a_seed():
    def first():
        polyk.set_random_seed(7)
        return mlp().get_weights()[0], mlp().get_weights()[0]

    (a, b), (c, d) = first(), first()
    np.testing.assert_array_equal(a, c)
    np.testing.assert_array_equal(b, d)
    assert not np.array_equal(a, b)


def test_an_unbuilt_model_is_built_by_its_first_batch():
    late = polyk.Sequential([layers.Dense(5, "relu"), layers.Dense(2)], seed=1)
    assert late.weights == []
    late(X)
    early = polyk.Sequential([layers.Input((6,)), layers.Dense(5, "relu"), layers.Dense(2)], seed=1)
    for v, w in zip(late.get_weights(), early.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)


def test_functional_with_several_inputs_and_outputs_and_a_shared_layer(backend):
    a, b = layers.Input((6,), name="a"), layers.Input((6,), name="b")
    shared = layers.Dense(4, "tanh")
    both = ops.concatenate([shared(a), shared(b) * 2], axis=-1)
    outputs = {"sum": layers.Dense(1)(both), "top": ops.max(both, axis=-1)}
    model = polyk.Model({"a": a, "b": b}, outputs, seed=0)
    got = model({"b": -X, "a": X})
    kernel, bias, last, end = model.get_weights()
    hidden = np.concatenate([np.tanh(X @ kernel + bias), 2 * np.tanh(-X @ kernel + bias)], -1)
    np.testing.assert_allclose(polyk.to_numpy(got["sum"]), hidden @ last + end, atol=1e-5)
    np.testing.assert_allclose(polyk.to_numpy(got["top"]), hidden.max(-1), atol=1e-6)
    assert [type(x).__name__ for x in model.layers] == [
        "InputLayer",
        "InputLayer",
        "Dense",
        "Dense",
    ]


def test_ops_on_graph_tensors_become_nodes():
    x = layers.Input((None, 4))
    y = ops.reshape(x, (-1, 4))
    assert y.shape == (None, 4)
    z = ops.mean(ops.relu(x)[:, ::2] - 1, axis=(1, 2))
    model = polyk.Model(x, [y, z])
    data = np.random.default_rng(1).standard_normal((3, 5, 4)).astype("float32")
    flat, mean = (polyk.to_numpy(v) for v in model(data))
    np.testing.assert_array_equal(flat, data.reshape(-1, 4))
    np.testing.assert_allclose(mean, (np.maximum(data, 0)[:, ::2] - 1).mean((1, 2)), rtol=1e-5)


def test_a_model_inside_a_model(backend):
    inner = mlp(seed=0)
    x = layers.Input((6,))
    outer = polyk.Model(x, inner(x) + 1)
    np.testing.assert_allclose(
        polyk.to_numpy(outer(X)), polyk.to_numpy(inner(X)) + 1, rtol=1e-6, atol=1e-6
    )
    assert len(outer.weights) == 4


def test_a_subclassed_model(backend):
    class Net(polyk.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.hidden = layers.Dense(5, "relu")
            self.out = layers.Dense(2)

        def call(self, x, training=False):
            return self.out(self.hidden(x))

    net = Net(seed=2)
    net.compile("adam", "mse")
    net.fit(X, np.ones((8, 2)), verbose=0)
    assert net.predict(X).shape == (8, 2)
    assert [w.path for w in net.weights][:2] == [
        f"{net.hidden.name}/kernel",
        f"{net.hidden.name}/bias",
    ]


def test_a_model_moves_with_its_weights_and_optimizer(backend):
    model = mlp(seed=0, backend="numpy")
    model.compile(polyk.optimizers.Adam(0.01), "mse")
    model.fit(X, np.ones((8, 2)), epochs=2, verbose=0)
    before, predicted = model.get_weights(), model.predict(X)
    model.to(backend.name)
    for v, w in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)
    np.testing.assert_allclose(model.predict(X), predicted, atol=1e-5)
    assert int(polyk.to_numpy(model.optimizer.iterations)) == 2
    stay = mlp(seed=0, backend="numpy")
    stay.compile(polyk.optimizers.Adam(0.01), "mse")
    stay.fit(X, np.ones((8, 2)), epochs=3, verbose=0)
    model.fit(X, np.ones((8, 2)), epochs=1, verbose=0)
    for v, w in zip(stay.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(v, w, rtol=2e-4, atol=2e-5)


def test_two_models_of_two_backends_train_in_two_threads():
    found, failed = {}, []

    def work(name):
        try:
            model = mlp(backend=name, seed=0)
            model.compile("sgd", "mse")
            model.fit(X, np.ones((8, 2)), epochs=5, verbose=0)
            found[name] = model.get_weights()
        except Exception as e:  # reported by the assertion below
            failed.append((name, e))

    names = [n for n, e in polyk.plugins.installed().items() if not e[0].missing]
    threads = [threading.Thread(target=work, args=(n,)) for n in names]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed
    for weights in found.values():
        for v, w in zip(weights, found["numpy"], strict=True):
            np.testing.assert_allclose(v, w, rtol=1e-4, atol=1e-6)


def test_set_weights_is_all_or_nothing():
    model = mlp(seed=0)
    before = model.get_weights()
    wrong = [*[np.zeros_like(w) for w in before[:-1]], np.zeros(3)]
    with pytest.raises(polyk.ShapeError, match=r"'dense\w*/bias' has shape \(2,\); got \(3,\)"):
        model.set_weights(wrong)
    with pytest.raises(ValueError, match="has 4 weights; got 3 arrays"):
        model.set_weights(before[:-1])
    for v, w in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)


def test_what_get_weights_gave_is_a_copy():
    model = mlp(seed=0)
    model.compile("sgd", "mse")
    held = model.get_weights()
    copies = [w.copy() for w in held]
    model.fit(X, np.ones((8, 2)), verbose=0)
    for v, w in zip(held, copies, strict=True):
        np.testing.assert_array_equal(v, w)


def test_summary_shows_shapes_and_counts():
    lines = []
    mlp().summary(print_fn=lines.append)
    text = "\n".join(lines)
    for part in ("Dense", "(None, 5)", "35", "12", "Total params: 47 (188.00 B)"):
        assert part in text


def test_the_mnist_convnet_of_the_textbook_has_55744_parameters():
    c = layers.Conv2D
    stack = [
        c(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        c(64, 3),
        layers.MaxPooling2D(2),
        c(64, 3),
    ]
    model = polyk.Sequential([layers.Input((28, 28, 1)), *stack])
    assert model.count_params() == 55_744


def test_sequential_config_round_trip():
    model = mlp(seed=9)
    twin = polyk.Sequential.from_config(model.get_config())
    assert [type(a) for a in twin.layers] == [type(a) for a in model.layers]
    for v, w in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(v, w)


def test_wrong_graphs_are_told():
    x, other = layers.Input((3,)), layers.Input((3,), name="lost")
    with pytest.raises(ValueError, match="Input 'lost', which is not among the inputs"):
        polyk.Model(x, layers.Dense(1)(x + other))
    with pytest.raises(TypeError, match="come from layers.Input"):
        polyk.Model(x, np.ones(3))
    with pytest.raises(TypeError, match=r"takes layers; got <function"):
        polyk.Sequential([lambda x: x])
    with pytest.raises(TypeError, match="no value yet"):
        bool(x > 0)
    model = polyk.Model(x, layers.Dense(1)(x))
    with pytest.raises(polyk.ShapeError, match=r"axis 1 is 3, got \(None, 4\)"):
        model(np.ones((2, 4), "float32"))


def test_get_layer_suggests_a_name():
    model = polyk.Sequential([layers.Input((3,)), layers.Dense(1, name="head")])
    assert model.get_layer("head") is model.layers[0]
    with pytest.raises(polyk.UnknownName, match="Did you mean 'head'"):
        model.get_layer("haed")


def test_weights_of_one_name_begin_differently():
    class Twins(layers.Layer):
        def build(self, input_shape):
            self.parts = [self.add_weight("part", (3,)) for _ in range(2)]

        def call(self, x):
            return x * self.parts[0].value + self.parts[1].value

    model = polyk.Sequential([layers.Input((3,)), Twins()], seed=0)
    first, second = model.get_weights()
    assert not np.array_equal(first, second)
    assert [w.path[-6:] for w in model.weights] == ["s/part", "part_1"]


def test_an_initializer_may_be_a_plain_function():
    def halves(shape, dtype=None):
        return np.full(shape, 0.5, dtype)

    layer = layers.Dense(2, kernel_initializer=halves)
    layer(X)
    assert (layer.get_weights()[0] == 0.5).all()
