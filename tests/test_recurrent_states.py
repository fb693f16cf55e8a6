"""What recurrent layers do on every backend: states, dropout, graphs, training."""

import numpy as np
import pytest
from twins import flat, normal

import polyk
from polyk import layers, ops

X = normal(3, 5, 4).astype("float32")
MASK = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [0, 0, 0, 0, 0]], bool)
EVERYWHERE = {
    "lstm": lambda: layers.LSTM(2, return_sequences=True, return_state=True),
    "gru": lambda: layers.GRU(2, go_backwards=True, return_state=True),
    "reset-before": lambda: layers.GRU(2, reset_after=False),
    "dropped": lambda: layers.LSTM(2, dropout=0.4, recurrent_dropout=0.3, seed=3),
    "stacked": lambda: layers.RNN([layers.GRUCell(3, dropout=0.5, seed=1), layers.LSTMCell(2)]),
    "both-ways": lambda: layers.Bidirectional(layers.SimpleRNN(2, return_sequences=True)),
}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", EVERYWHERE)
def test_every_backend_gives_what_numpy_gives(backend, name, masked):
    kwargs = {"mask": MASK} if masked else {}

    def run():
        polyk.set_random_seed(1)
        layer = EVERYWHERE[name]()
        layer(X)

        def loss():
            return sum(
                ops.sum(ops.square(y))
                for y in polyk.trees.flatten(layer(X, training=True, **kwargs))
            )

        value, gradients = polyk.value_and_grad(loss, weights=layer.trainable_weights)()
        return [*flat(layer(X, **kwargs)), polyk.to_numpy(value), *flat(gradients)]

    with polyk.use("numpy"):
        want = run()
    for found, expected in zip(run(), want, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("compiled", [False, True])
def test_every_step_drops_the_same(backend, compiled):
    """A cell that hands its input through shows which inputs are dropped."""

    class Through(layers.LSTMCell):
        def call(self, inputs, states, training=False):
            return self.drop(inputs, "inputs", self.dropout, training), states

    layer = layers.RNN(Through(4, dropout=0.5, seed=0), return_sequences=True)
    run = polyk.compile(lambda x: layer(x, training=True), state=[layer]) if compiled else layer
    ones = np.ones((3, 5, 4), "float32")
    layer(ones)
    first, second = (
        polyk.to_numpy(run(ones) if compiled else run(ones, training=True)) for _ in range(2)
    )
    assert set(np.unique(first)) == {0.0, 2.0}
    np.testing.assert_array_equal(first, np.repeat(first[:, :1], 5, 1))
    assert not np.array_equal(first, second)
    assert layer.cell.masks is None


def test_a_cell_by_itself_drops_anew_at_each_call():
    cell = layers.GRUCell(2, dropout=0.5, seed=0)
    first, second = (cell(X[:, 0], [np.zeros((3, 2), "float32")], training=True) for _ in range(2))
    assert not np.array_equal(flat(first), flat(second))


# States kept between batches.


def test_a_stateful_layer_goes_on_where_the_batch_before_ended(backend):
    layer = layers.LSTM(2, stateful=True, return_sequences=True)
    halves = [polyk.to_numpy(layer(x)) for x in (X[:, :2], X[:, 2:])]
    layer.reset_states()
    np.testing.assert_allclose(np.concatenate(halves, 1), polyk.to_numpy(layer(X)), 1e-5, 1e-6)


def test_states_are_kept_through_compiled_training(backend):
    model = polyk.Sequential(
        [layers.Input((None, 4), batch_size=3), layers.GRU(2, stateful=True), layers.Dense(1)],
        seed=0,
    )
    model.compile("sgd", "mse")
    state = model.layers[0].states[0]
    assert not state.numpy().any()
    model.train_on_batch(X, np.ones((3, 1), "float32"))
    once = state.numpy()
    assert once.any()
    model.train_on_batch(X, np.ones((3, 1), "float32"))
    assert not np.array_equal(once, state.numpy())
    assert state not in model.trainable_weights


def test_a_stateful_layer_must_know_its_batch():
    with pytest.raises(ValueError, match="batch_size="):
        layers.LSTM(2, stateful=True)(layers.Input((5, 4)))
    layer = layers.LSTM(2, stateful=True)
    layer(X)
    with pytest.raises(polyk.errors.ShapeError, match="batches of 3; got 2"):
        layer(X[:2])


# Graphs.


def test_batch_and_time_may_be_unknown(backend):
    x = layers.Input((None, 4))
    y = layers.Bidirectional(layers.GRU(3, return_sequences=True))(x)
    y = layers.TimeDistributed(layers.Dense(2))(y)
    assert y.shape == (None, None, 2)
    model = polyk.Model(x, layers.RNN(layers.SimpleRNNCell(2))(y))
    for n, steps in ((1, 2), (3, 5)):
        assert model(X[:n, :steps]).shape == (n, 2)


def test_states_may_come_from_the_graph():
    """An encoder whose last states a decoder begins with."""
    source, target = layers.Input((None, 4)), layers.Input((None, 4))
    _, *states = layers.LSTM(3, return_state=True)(source)
    model = polyk.Model([source, target], layers.LSTM(3)(target, initial_state=states))
    same, other = model([X, X]), model([-X, X])
    assert not np.allclose(same, other)
    encoder, decoder = model.layers[-2:]
    by_hand = decoder(X, initial_state=list(encoder(X)[1:]))
    np.testing.assert_allclose(same, by_hand, rtol=1e-6)


@pytest.mark.parametrize("masked", [False, True])
def test_fit_learns_to_tell_the_sign_of_the_first_step(backend, masked):
    x = np.random.default_rng(0).normal(size=(64, 6, 2)).astype("float32")
    y = (x[:, 0, 0] > 0).astype("int32")
    inputs = layers.Input((None, 2))
    kwargs = {"mask": ops.less(ops.max(ops.abs(inputs), -1), 2.5)} if masked else {}
    outputs = layers.Dense(2)(layers.LSTM(8)(inputs, **kwargs))
    model = polyk.Model(inputs, outputs, seed=0)
    model.compile(
        polyk.optimizers.Adam(0.05), polyk.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    history = model.fit(x, y, batch_size=32, epochs=12, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]


# Cells of one's own.


class Running:
    """A plain object as a cell: sums, and counts with a state of no width."""

    state_size = (4, 1)

    def call(self, inputs, states):
        total, count = states
        total, count = ops.add(total, inputs), ops.add(count, 1.0)
        return ops.divide(total, count), (total, count)


class Nested(layers.Layer):
    """States nested in a dict, of several ranks."""

    state_size = 2

    def get_initial_state(self, batch_size):
        return [{"memory": ops.zeros((batch_size, 2, 3)), "age": [ops.zeros((batch_size,))]}]

    def call(self, inputs, states):
        memory = ops.add(states[0]["memory"], ops.reshape(inputs[:, :1], (-1, 1, 1)))
        age = ops.add(states[0]["age"][0], 1.0)
        return ops.expand_dims(ops.multiply(ops.sum(memory, (1, 2)), age), 1), [
            {"memory": memory, "age": [age]}
        ]


@pytest.mark.parametrize("mask", [None, MASK])
def test_a_plain_object_can_be_a_cell(backend, mask):
    y = polyk.to_numpy(layers.RNN(Running())(X, mask=mask))
    kept = np.ones((3, 5), bool) if mask is None else mask
    for row, x, keep in zip(y, X, kept, strict=True):
        want = x[keep].mean(0) if keep.any() else np.zeros(4)
        np.testing.assert_allclose(row, want, rtol=1e-5, atol=1e-6)


def test_states_may_be_nested_and_of_any_shape(backend):
    layer = layers.RNN(Nested(), return_state=True, return_sequences=True)
    y, state = layer(X)
    sums = 6 * np.cumsum(X[:, :, 0], 1)
    np.testing.assert_allclose(polyk.to_numpy(y)[..., 0], sums * np.arange(1, 6), rtol=1e-4)
    assert tuple(state["memory"].shape) == (3, 2, 3)
    assert polyk.to_numpy(state["age"][0]).tolist() == [5.0] * 3


def test_what_is_not_a_cell_is_refused():
    with pytest.raises(ValueError, match="`call` and `state_size`"):
        layers.RNN(layers.Dense(2))
    with pytest.raises(ValueError, match="units must be a positive int"):
        layers.GRU(0)
    with pytest.raises(polyk.errors.ShapeError, match="3 axes"):
        layers.LSTM(2)(X[:, 0])


# Options.


def test_regularizers_and_constraints_belong_to_the_kernels():
    layer = layers.LSTM(2, kernel_regularizer="l2", recurrent_constraint="non_neg")
    layer(X)
    kernel, recurrent, bias = layer.weights
    assert kernel.regularizer is not None and recurrent.regularizer is None
    assert recurrent.constraint is not None and bias.constraint is None


def test_the_forget_gate_begins_open():
    for unit_forget_bias, ones in ((True, [1.0, 1.0]), (False, [0.0, 0.0])):
        layer = layers.LSTM(2, unit_forget_bias=unit_forget_bias)
        layer(X)
        assert layer.get_weights()[2].tolist() == [0.0, 0.0, *ones, 0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.SimpleRNN(2, "relu", use_bias=False, stateful=True),
        lambda: layers.LSTM(2, recurrent_activation="hard_sigmoid", dropout=0.1, seed=4),
        lambda: layers.GRU(2, reset_after=False, kernel_regularizer="l2", go_backwards=True),
        lambda: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_state=True),
        lambda: layers.Bidirectional(
            layers.GRU(2), backward_layer=layers.LSTM(2, go_backwards=True)
        ),
        lambda: layers.TimeDistributed(layers.Dense(2)),
    ],
)
def test_config_makes_an_equal_layer(make):
    first = make()
    second = type(first).from_config(first.get_config())
    assert second.get_config() == first.get_config()
    first(X), second(X)
    second.set_weights(first.get_weights())
    np.testing.assert_array_equal(flat(first(X))[0], flat(second(X))[0])
