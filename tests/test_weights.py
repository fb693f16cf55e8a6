"""Weights: values, assignment, frames, places; arrays that training must not touch."""

import threading

import numpy as np
import pytest
from conftest import AVAILABLE

import polyk
from polyk import initializers, layers, ops, random
from polyk.compilation import state_weights
from polyk.weights import Weight, frame, in_frame, value_and_grad


def weight(value, name="w", **kwargs):
    """A weight that holds `value` on the backend in use."""
    value = np.asarray(value, "float32")
    w = Weight(name, value.shape, "float32", **kwargs)
    w.assign(value)
    return w


def trained(x=None, backend=None):
    """A small model after one step of Adam."""
    model = polyk.Sequential([layers.Input((3,)), layers.Dense(2)], seed=0, backend=backend)
    model.compile("adam", "mse")
    if x is not None:
        model.set_weights(x)
    model.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
    return model


# Values.


def test_a_weight_is_accepted_wherever_a_tensor_is(backend):
    w = weight([1, 2, 3])
    np.testing.assert_array_equal(polyk.to_numpy(ops.sum(w)), 6)
    np.testing.assert_array_equal(polyk.to_numpy(ops.add(w, w)), [2, 4, 6])
    np.testing.assert_array_equal(polyk.to_numpy(ops.stack([w, [4, 5, 6]])), [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(polyk.to_numpy(w), [1, 2, 3])


def test_a_weight_has_the_operators_of_a_tensor(backend):
    w = weight([1, 2, 3])
    for got, expected in ((1 - w, [0, -1, -2]), (w * w, [1, 4, 9]), (w[1:], [2, 3])):
        np.testing.assert_array_equal(polyk.to_numpy(got), expected)
    np.testing.assert_array_equal(polyk.to_numpy(-w @ w), -14)


def test_a_weight_equals_only_itself():
    a, b = weight([1]), weight([1])
    assert a == a and a != b
    assert len({a, b, a}) == 2


def test_a_weight_says_what_it_is():
    w = Weight("kernel", (2, 3), "float16")
    assert repr(w) == "<Weight 'kernel' (2, 3) float16>"
    assert w.backend is None


def test_the_first_value_follows_from_the_key_on_every_backend(backend):
    w = Weight("kernel", (4, 5), initializer=polyk.initializers.get("glorot_uniform"))
    w.key = random.key(8)
    with polyk.use("numpy"):
        twin = Weight("kernel", (4, 5), initializer=polyk.initializers.get("glorot_uniform"))
        twin.key = random.key(8)
        np.testing.assert_array_equal(w.numpy(), twin.numpy())
    assert w.backend is not backend or backend.name == "numpy"


def test_the_first_value_is_computed_where_it_is_first_read(backend):
    w = Weight("counter", (), "int32")
    assert w.backend is None
    assert isinstance(w.value, backend.tensor_types)
    assert w.backend is backend


def test_without_a_key_the_global_seed_decides():
    def first():
        polyk.set_random_seed(4)
        return Weight("w", (3,), initializer=polyk.initializers.get("normal")).numpy()

    np.testing.assert_array_equal(first(), first())


# Assignment.


def test_assign_casts_to_the_dtype_of_the_weight(backend):
    w = weight([1, 2])
    w.assign(np.array([3, 4], "int32"))
    assert ops.dtype(w.value) == "float32"
    np.testing.assert_array_equal(w.numpy(), [3, 4])
    w.assign([0.5, 1.5])
    np.testing.assert_array_equal(w.numpy(), [0.5, 1.5])


def test_assign_refuses_another_shape(backend):
    w = weight([1, 2])
    with pytest.raises(polyk.ShapeError, match=r"weight 'w' has shape \(2,\); got \(3,\)"):
        w.assign(np.zeros(3))
    with pytest.raises(polyk.ShapeError, match=r"got \(\)"):
        w.assign(0.0)
    np.testing.assert_array_equal(w.numpy(), [1, 2])


def test_assign_takes_a_tensor_of_another_weight(backend):
    a, b = weight([1, 2]), weight([3, 4])
    a.assign(b)
    b.assign([5, 6])
    np.testing.assert_array_equal(a.numpy(), [3, 4])


@pytest.mark.parametrize("built", [True, False])
def test_training_does_not_touch_an_array_given_to_a_weight(backend, built):
    given = [np.ones((3, 2), "float32"), np.zeros(2, "float32")]
    model = trained()
    if built:
        trained(given)
    else:
        model.set_weights([w.copy() for w in given])
        model.set_weights(given)
        model.train_on_batch(np.ones((4, 3)), np.zeros((4, 2)))
    np.testing.assert_array_equal(given[0], 1)
    np.testing.assert_array_equal(given[1], 0)


def test_training_one_model_does_not_touch_another_of_the_same_weights(backend):
    first, second = trained(), trained()
    for v, w in zip(first.weights, second.weights, strict=True):
        w.assign(v.value)
    before = first.get_weights()
    second.train_on_batch(np.ones((4, 3)), np.zeros((4, 2)))
    for a, b in zip(before, first.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_get_weights_gave_survives_training(backend):
    model = trained()
    held = [*model.get_weights(), *(w.numpy() for w in model.optimizer.state)]
    copies = [w.copy() for w in held]
    model.fit(np.ones((8, 3)), np.zeros((8, 2)), epochs=2, verbose=0)
    for v, w in zip(held, copies, strict=True):
        np.testing.assert_array_equal(v, w)
    held[0][:] = 7
    assert not (model.get_weights()[0] == 7).any()


# Frames.


def test_a_frame_shadows_and_restores(backend):
    w = weight([1, 2])
    with frame({w: ops.convert_to_tensor([5.0, 6.0])}):
        np.testing.assert_array_equal(polyk.to_numpy(w.value), [5, 6])
    np.testing.assert_array_equal(w.numpy(), [1, 2])


def test_a_write_in_a_frame_stays_there(backend):
    w = weight([1, 2])
    with frame({}) as inside:
        w.assign([3, 4])
        np.testing.assert_array_equal(w.numpy(), [3, 4])
    np.testing.assert_array_equal(polyk.to_numpy(inside[w]), [3, 4])
    np.testing.assert_array_equal(w.numpy(), [1, 2])


def test_a_frame_ends_with_an_exception():
    w = weight([1, 2])
    with pytest.raises(KeyError), frame({}):
        w.assign([3, 4])
        raise KeyError
    assert not in_frame()
    np.testing.assert_array_equal(w.numpy(), [1, 2])


def test_frames_nest():
    w = weight([1])
    with frame({w: np.array([2.0])}):
        with frame({w: np.array([3.0])}):
            assert w.numpy() == 3
        assert w.numpy() == 2


def test_a_frame_holds_in_its_own_thread_only():
    w, seen = weight([1]), []
    with frame({w: np.array([2.0])}):
        thread = threading.Thread(target=lambda: seen.append((w.numpy().item(), in_frame())))
        thread.start()
        thread.join()
    assert seen == [(1, False)]


# Gradients.


def test_a_write_under_a_gradient_is_kept(backend):
    w, count = weight([1, 2]), weight(0.0, "count")

    def loss():
        count.assign(count + ops.sum(w))
        return ops.sum(w * w) * count

    for expected in (3, 6):
        value, (grad,) = polyk.value_and_grad(loss, weights=[w])()
        assert float(polyk.to_numpy(value)) == 5 * expected
        assert count.numpy() == expected
    np.testing.assert_array_equal(polyk.to_numpy(grad), [2 * 6 + 5, 4 * 6 + 5])


def test_what_is_kept_carries_no_gradient(backend):
    w, mean = weight([1, 2]), weight(0.0, "mean")
    value_and_grad(lambda: [mean.assign(ops.sum(w)), ops.sum(w)][1], [w])()
    assert backend.is_concrete(mean.value)
    assert not getattr(mean.value, "requires_grad", False)
    value, (grad,) = polyk.value_and_grad(lambda: ops.sum(w) * mean, weights=[w])()
    np.testing.assert_array_equal(polyk.to_numpy(grad), [3, 3])


def test_a_failing_loss_keeps_nothing(backend):
    w = weight([1, 2])

    def loss():
        w.assign(w * 2)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        polyk.value_and_grad(loss, weights=[w])()
    np.testing.assert_array_equal(w.numpy(), [1, 2])


def test_a_weight_that_does_not_matter_gets_zeros(backend):
    w, other = weight([1, 2]), weight([[3.0]])
    _, (_, grad) = polyk.value_and_grad(lambda: ops.sum(w), weights=[w, other])()
    np.testing.assert_array_equal(polyk.to_numpy(grad), [[0]])


def test_aux_comes_back_in_its_structure(backend):
    w = weight([1, 2])
    fn = polyk.value_and_grad(lambda k: (ops.sum(w), {"k": k * 2, "w": [w, None]}), 0, True, [w])
    (value, aux), _ = fn(ops.convert_to_tensor(3.0))
    assert float(polyk.to_numpy(value)) == 3 and float(polyk.to_numpy(aux["k"])) == 6
    np.testing.assert_array_equal(polyk.to_numpy(aux["w"][0]), [1, 2])
    assert aux["w"][1] is None


@pytest.mark.skipif(len(AVAILABLE) < 2, reason="needs a second backend")
def test_weights_of_two_backends_have_no_common_gradient():
    a = weight([1.0])
    with polyk.use(AVAILABLE[1 - AVAILABLE.index("numpy")]):
        b = weight([1.0])
    with pytest.raises(ValueError, match="live on several backends: .*numpy"):
        polyk.value_and_grad(lambda: ops.sum(a), weights=[a, b])()


# Places.


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_a_weight_moves_with_its_value_and_dtype(backend, dtype):
    with polyk.use("numpy"):
        w = Weight("w", (2,), dtype)
        w.assign([1, 2])
    w.to(backend)
    assert isinstance(w.value, backend.tensor_types)
    assert ops.dtype(w.value) == dtype
    np.testing.assert_array_equal(w.numpy(), [1, 2])


def test_a_weight_without_a_value_gets_its_first_one_where_it_is_sent(backend):
    w = Weight("w", (2,), initializer=polyk.initializers.get("ones"))
    with polyk.use("numpy"):
        w.to(backend)
    assert w.backend is backend
    np.testing.assert_array_equal(w.numpy(), [1, 1])


def test_the_state_of_several_things_lists_each_weight_once():
    model = trained()
    extra = weight([1])
    found = state_weights([model, model.optimizer, extra, model, extra])
    assert len(found) == len(set(found)) == 2 + 2 + 4 + 1


def test_a_variable_has_a_first_value_and_can_be_changed(backend):
    x = polyk.Variable([1.0, 2.0], name="x")
    x.assign_add([1.0, 1.0])
    x.assign_sub(0.5)
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.multiply(x, 2.0)), [3.0, 5.0])
    assert (x.name, x.shape, x.dtype) == ("x", (2,), "float32")


def test_a_variable_of_an_initializer_needs_a_shape():
    assert polyk.Variable(initializers.Ones(), (2, 3)).shape == (2, 3)
    with pytest.raises(ValueError, match="needs a shape"):
        polyk.Variable(initializers.Ones())
