"""The backend module of Keras 1: every name, against the code that Keras keeps of it."""

import numpy as np
import pytest

import polyk
from polyk import backend as K
from polyk import layers

NAMES = """
abs all any arange argmax argmin backend batch_dot batch_flatten batch_get_value
batch_normalization batch_set_value bias_add binary_crossentropy cast cast_to_floatx
categorical_crossentropy clear_session clip concatenate constant control_dependencies conv1d conv2d
conv2d_transpose conv3d conv3d_transpose cos count_params ctc_batch_cost ctc_decode
ctc_label_dense_to_sparse cumprod cumsum depthwise_conv2d dot dropout dtype eager elu epsilon equal
eval exp expand_dims eye flatten floatx foldl foldr function gather get_session get_uid get_value
get_variable_shape gradients greater greater_equal hard_sigmoid identity image_data_format
in_test_phase in_top_k in_train_phase int_shape is_keras_tensor is_placeholder is_sparse is_tensor
is_variable l2_normalize learning_phase less less_equal local_conv1d local_conv2d log logsumexp
manual_variable_initialization map_fn max maximum mean min minimum moving_average_update name_scope
ndim normalize_batch_in_training normalize_data_format not_equal one_hot ones ones_like
pattern_broadcast permute_dimensions placeholder pool2d pool3d pow print_tensor prod random_binomial
random_normal random_normal_variable random_uniform random_uniform_variable relu repeat
repeat_elements reset_uids reshape resize_images resize_volumes reverse rnn round
separable_conv1d separable_conv2d set_epsilon set_floatx set_image_data_format set_learning_phase
set_session set_value shape sigmoid sign sin size slice softmax softplus softsign
sparse_categorical_crossentropy spatial_2d_padding spatial_3d_padding sqrt square squeeze stack std
stop_gradient sum switch symbolic tanh temporal_padding tile to_dense transpose truncated_normal
update update_add update_sub var variable zeros zeros_like
"""

rng = np.random.default_rng(0)


def draw(*shape):
    return rng.normal(size=shape)


def rows(*shape):
    p = rng.random(shape) + 0.1
    return p / p.sum(-1, keepdims=True)


LAST = "channels_last"
# (name, arguments, keywords): what two versions of the function must agree on.
SAME = [
    ("abs", (draw(3, 4),), {}),
    ("argmax", (draw(3, 4),), {}),
    ("argmin", (draw(3, 4),), {"axis": 0}),
    ("batch_dot", (draw(4, 2, 3), draw(4, 3, 5)), {}),
    ("batch_dot", (draw(4, 3), draw(4, 3)), {}),
    ("batch_dot", (draw(4, 2, 3), draw(4, 3)), {}),
    ("batch_dot", (draw(4, 3), draw(4, 3, 2)), {"axes": 1}),
    ("batch_dot", (draw(4, 2, 3), draw(4, 5, 3)), {"axes": (2, 2)}),
    ("batch_dot", (draw(4, 2, 3, 5), draw(4, 5, 2)), {"axes": (3, 1)}),
    ("batch_flatten", (draw(3, 2, 4),), {}),
    ("batch_normalization", (draw(3, 4), draw(4), rows(4), draw(4), draw(4)), {}),
    ("bias_add", (draw(2, 3, 4), draw(4)), {}),
    ("bias_add", (draw(2, 3, 4), draw(3, 4)), {}),
    ("bias_add", (draw(2, 3, 4, 5), draw(3)), {"data_format": "channels_first"}),
    ("binary_crossentropy", (np.array([[0.0, 1], [1, 0]]), rng.random((2, 2))), {}),
    ("binary_crossentropy", (np.array([[0.0, 1], [1, 0]]), draw(2, 2)), {"from_logits": True}),
    ("categorical_crossentropy", (rows(3, 4), rows(3, 4)), {}),
    ("categorical_crossentropy", (rows(3, 4), draw(3, 4)), {"from_logits": True}),
    ("clip", (draw(5), -0.5, 0.5), {}),
    ("concatenate", ([draw(2, 3), draw(2, 1)],), {}),
    ("conv1d", (draw(2, 9, 3), draw(3, 3, 4)), {"strides": 2, "padding": "same"}),
    ("conv1d", (draw(2, 9, 3), draw(3, 3, 4)), {"padding": "causal", "dilation_rate": 2}),
    ("conv2d", (draw(2, 8, 7, 3), draw(3, 2, 3, 4)), {"strides": (2, 2), "padding": "same"}),
    ("conv2d", (draw(2, 8, 7, 3), draw(3, 2, 3, 4)), {"dilation_rate": (2, 2)}),
    ("conv2d_transpose", (draw(2, 4, 4, 3), draw(3, 3, 5, 3), (2, 9, 9, 5)), {"strides": (2, 2)}),
    (
        "conv2d_transpose",
        (draw(2, 4, 4, 3), draw(3, 3, 5, 3), (2, 8, 8, 5)),
        {"strides": (2, 2), "padding": "same"},
    ),
    (
        "conv2d_transpose",
        (draw(2, 4, 4, 3), draw(3, 3, 5, 3), (2, 7, 7, 5)),
        {"strides": (2, 2), "padding": "same"},
    ),
    (
        "ctc_batch_cost",
        (
            np.array([[0, 1, 1], [2, 0, 0]]),
            rows(2, 6, 4).astype("float32"),
            np.array([[6], [5]]),
            np.array([[3], [1]]),
        ),
        {},
    ),
    ("conv3d", (draw(1, 5, 5, 5, 2), draw(2, 2, 2, 2, 3)), {}),
    ("cumprod", (draw(3, 4),), {}),
    ("cumsum", (draw(3, 4),), {"axis": 1}),
    ("depthwise_conv2d", (draw(2, 6, 6, 3), draw(3, 3, 3, 2)), {}),
    ("dot", (draw(2, 3), draw(3, 4)), {}),
    ("dot", (draw(2, 5, 3), draw(3, 4)), {}),
    ("dot", (draw(2, 5, 3), draw(6, 3, 4)), {}),
    ("elu", (draw(5), 0.7), {}),
    ("expand_dims", (draw(2, 3),), {}),
    ("flatten", (draw(2, 3),), {}),
    ("gather", (draw(5, 2), np.array([0, 3, 3])), {}),
    ("hard_sigmoid", (draw(9) * 3,), {}),
    ("in_top_k", (draw(4, 5).astype("float32"), np.array([0, 1, 2, 3], "int32"), 2), {}),
    ("l2_normalize", (draw(3, 4),), {"axis": 1}),
    ("l2_normalize", (draw(3, 4),), {}),
    ("max", (draw(3, 4),), {"axis": 0, "keepdims": True}),
    ("mean", (draw(3, 4),), {}),
    ("one_hot", (np.array([0, 2]), 3), {}),
    ("permute_dimensions", (draw(2, 3, 4), (2, 0, 1)), {}),
    ("pool2d", (draw(2, 6, 6, 3), (2, 2)), {}),
    ("pool2d", (draw(2, 6, 6, 3), (3, 3)), {"strides": (2, 2), "padding": "same"}),
    ("pool2d", (draw(2, 6, 6, 3), (2, 2)), {"strides": (2, 2), "pool_mode": "avg"}),
    ("pool3d", (draw(1, 4, 4, 4, 2).astype("float32"), (2, 2, 2)), {}),
    ("pow", (rows(4), 3), {}),
    ("relu", (draw(9),), {"alpha": 0.1, "max_value": 0.5, "threshold": 0.2}),
    ("relu", (draw(9),), {"alpha": 0.3}),
    ("repeat", (draw(2, 3), 4), {}),
    ("repeat_elements", (draw(2, 3), 2, 1), {}),
    ("resize_images", (draw(1, 2, 3, 2), 2, 3, LAST), {}),
    ("resize_images", (draw(1, 4, 3, 2).astype("float32"), 2, 3, LAST, "bilinear"), {}),
    ("resize_volumes", (draw(1, 2, 2, 2, 1), 2, 1, 2, LAST), {}),
    ("reverse", (draw(3, 4), 1), {}),
    (
        "separable_conv2d",
        (draw(2, 6, 6, 3), draw(3, 3, 3, 2), draw(1, 1, 6, 4)),
        {"padding": "same"},
    ),
    ("softmax", (draw(3, 4),), {"axis": 0}),
    ("sparse_categorical_crossentropy", (np.array([0, 2, 1]), rows(3, 4)), {}),
    ("spatial_2d_padding", (draw(1, 2, 3, 1), ((1, 2), (0, 3))), {}),
    ("spatial_3d_padding", (draw(1, 2, 1, 2, 1), ((1, 0), (0, 1), (2, 0))), {}),
    ("squeeze", (draw(2, 1, 3), 1), {}),
    ("temporal_padding", (draw(2, 3, 2), (1, 2)), {}),
    ("tile", (draw(2, 3), (1, 2)), {}),
    ("transpose", (draw(2, 3, 4),), {}),
    ("var", (draw(3, 4),), {"axis": -1}),
]


@pytest.fixture(scope="module")
def legacy():
    """What Keras 3 keeps of the old backend module, in TensorFlow."""
    pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras.src.legacy.backend")
    return keras


def test_every_name_is_there():
    assert not [name for name in NAMES.split() if not hasattr(K, name)]


@pytest.mark.parametrize(("name", "args", "kwargs"), SAME, ids=[case[0] for case in SAME])
def test_it_computes_what_keras_did(name, args, kwargs, legacy):
    import tensorflow as tf

    def tensors(x):
        if isinstance(x, np.ndarray):
            return tf.constant(x)
        return [tf.constant(v) for v in x] if isinstance(x, list) else x

    wanted = getattr(legacy, name)(*map(tensors, args), **kwargs)
    with polyk.use("numpy"):
        got = getattr(K, name)(*args, **kwargs)
    np.testing.assert_allclose(K.get_value(got), np.asarray(wanted), rtol=2e-6, atol=1e-6)


def steps(x, states):
    new = K.tanh(K.dot(x, states[1]) + states[0])
    return new, [new]


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_rnn_carries_states_and_obeys_the_mask(backend, go_backwards, masked, legacy):
    import tensorflow as tf

    x, h, w = (v.astype("float32") for v in (draw(2, 5, 3), draw(2, 3), draw(3, 3)))
    mask = np.array([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1]], bool) if masked else None
    got = K.rnn(steps, x, [h], go_backwards, mask, constants=[w])

    def native(x, states):
        new = tf.tanh(x @ states[1] + states[0])
        return new, [new]

    found = [None if mask is None else tf.constant(mask), [tf.constant(w)]]
    wanted = legacy.rnn(native, tf.constant(x), [tf.constant(h)], go_backwards, *found)
    for a, b in zip((got[0], got[1], got[2][0]), (*wanted[:2], wanted[2][0]), strict=True):
        np.testing.assert_allclose(K.get_value(a), b.numpy(), rtol=1e-5, atol=1e-6)


def test_local_convolution_has_a_kernel_for_each_place():
    x, kernel = draw(2, 4, 5, 3), draw(2 * 4, 3 * 2 * 3, 6)
    got = K.get_value(K.local_conv2d(x, kernel, (3, 2), (1, 1), (2, 4), LAST))
    for i, j in np.ndindex(2, 4):
        patch = x[:, i : i + 3, j : j + 2].reshape(2, -1)
        np.testing.assert_allclose(got[:, i, j], patch @ kernel[i * 4 + j], rtol=1e-6)


def test_normalize_batch_in_training_gives_the_moments():
    x = draw(8, 3).astype("float32")
    y, mean, var = map(K.get_value, K.normalize_batch_in_training(x, np.ones(3), None, [0]))
    np.testing.assert_allclose(mean, x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(var, x.var(0), rtol=1e-5)
    np.testing.assert_allclose(y, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3), rtol=1e-4, atol=1e-6)


def test_switch_takes_scalars_functions_and_rows():
    a, b = draw(2, 3), draw(2, 3)
    np.testing.assert_array_equal(K.eval(K.switch(np.bool_(True), lambda: a, lambda: b)), a)
    got = K.eval(K.switch(np.array([True, False]), a, b))
    np.testing.assert_array_equal(got, [a[0], b[1]])


def test_folds():
    x = np.array([1.0, 2.0, 3.0])
    assert K.eval(K.foldl(lambda a, b: a * 2 + b, x)) == (1 * 2 + 2) * 2 + 3
    assert K.eval(K.foldr(lambda a, b: a * 2 + b, x, 0.0)) == (3 * 2 + 2) * 2 + 1
    np.testing.assert_array_equal(K.eval(K.map_fn(K.square, x)), x * x)


def test_variables(backend):
    x = K.variable([1.0, 2.0], name="x")
    assert K.is_variable(x) and K.count_params(x) == 2
    K.update_add(x, 1.0)
    K.moving_average_update(x, [0.0, 0.0], 0.5)
    np.testing.assert_array_equal(K.get_value(x), [1.0, 1.5])
    K.batch_set_value([(x, [4.0, 9.0])])
    np.testing.assert_array_equal(K.batch_get_value([K.sqrt(x), x]), [[2, 3], [4, 9]])


def test_a_function_runs_what_was_recorded(backend):
    x, y = K.placeholder((None, 3)), K.placeholder((None, 3))
    f = K.function([x, y], [K.sum(x * y, axis=1), K.mean(x)])
    a, b = rows(4, 3).astype("float32"), rows(4, 3).astype("float32")
    total, mean = f([a, b])
    np.testing.assert_allclose(total, (a * b).sum(1), rtol=1e-5)
    np.testing.assert_allclose(mean, a.mean(), rtol=1e-5)


def test_a_function_sees_the_weights_of_today():
    x, dense = layers.Input((2,)), layers.Dense(1, use_bias=False)
    f = K.function([x], [dense(x)])
    dense.set_weights([np.ones((2, 1))])
    assert f([[[2.0, 3.0]]])[0] == 5.0
    dense.set_weights([np.zeros((2, 1))])
    assert f([[[2.0, 3.0]]])[0] == 0.0


def test_gradients_by_inputs_and_by_what_lies_between(backend):
    x = K.placeholder((None, 3))
    square = K.square(x)
    loss = K.sum(square * 2.0)
    by_x, by_square = K.gradients(loss, [x, square])
    a = draw(2, 3).astype("float32")
    got = K.function([x], [by_x, by_square])([a])
    np.testing.assert_allclose(got[0], 4 * a, rtol=1e-5)
    np.testing.assert_allclose(got[1], np.full((2, 3), 2.0), rtol=1e-6)


def test_gradients_by_weights_of_layers(backend):
    x = layers.Input((3,))
    dense = layers.Dense(2, use_bias=False)
    loss = K.sum(dense(x))
    (slope,) = K.gradients(loss, dense.trainable_weights)
    a = draw(4, 3).astype("float32")
    got = K.function([x], [slope])([a])[0]
    np.testing.assert_allclose(got, np.repeat(a.sum(0)[:, None], 2, 1), rtol=1e-5)


def test_gradients_by_a_variable_read_it_when_they_run(backend):
    x, w = K.placeholder((None, 3)), K.variable(np.ones((3, 2)))
    loss = K.sum(K.square(K.dot(x, w)))
    run = K.function([x], [loss, *K.gradients(loss, [w])])
    a = np.ones((4, 3), "float32")
    for value in (1.0, 2.0):
        K.set_value(w, np.full((3, 2), value))
        got, slope = run([a])
        assert got == 8 * (3 * value) ** 2
        np.testing.assert_allclose(slope, np.full((3, 2), 24 * value), rtol=1e-6)


def test_gradients_of_values_name_the_modern_way():
    with pytest.raises(TypeError, match=r"polyk\.grad\(fn\)"):
        K.gradients(K.sum(K.variable([1.0])), [])


@pytest.mark.parametrize("name", ["get_session", "learning_phase", "set_learning_phase"])
def test_what_needs_a_session_names_its_successor(name):
    with pytest.raises(NotImplementedError, match=rf"K\.{name}: There is no"):
        getattr(K, name)(1)


def test_phases_must_be_told():
    assert K.in_train_phase(1, lambda: 2, training=False) == 2
    assert K.in_test_phase(1, 2, training=True) == 2
    with pytest.raises(RuntimeError, match="training=training"):
        K.in_train_phase(1, 2)


def test_random_numbers_have_the_shapes_and_ranges_asked_for():
    assert set(np.unique(K.eval(K.random_binomial((100,), 0.5, seed=1)))) == {0.0, 1.0}
    assert K.eval(K.random_uniform((1000,), -2, -1)).max() < -1
    assert abs(K.eval(K.truncated_normal((1000,)))).max() <= 2
    dropped = K.eval(K.dropout(np.ones(1000, "float32"), 0.5, seed=3))
    assert set(np.unique(dropped)) == {0.0, 2.0}


def test_clear_session_lets_names_begin_again():
    K.clear_session()
    assert layers.Dense(1).name == "dense"
    K.clear_session()
    assert layers.Dense(1).name == "dense"


def test_ctc_decode_takes_the_best_class_of_each_step(legacy):
    import tensorflow as tf

    p, lengths = rows(3, 7, 4).astype("float32"), np.array([7, 5, 6])
    (got,), scores = K.ctc_decode(p, lengths)
    (wanted,), logs = legacy.ctc_decode(tf.constant(p), tf.constant(lengths))
    wanted = wanted.numpy()
    np.testing.assert_array_equal(K.eval(got)[:, : wanted.shape[1]], wanted)
    np.testing.assert_allclose(K.eval(scores), logs.numpy(), rtol=1e-5)


def test_dtypes_meet_and_python_types_give_way():
    assert K.result_type("int32", "float16") == K.result_type("float16", float, int) == "float16"
    assert K.result_type("int8", "uint8") == "int16"
    assert K.result_type(bool, int) == "int32" and K.result_type("int8", float) == "float32"
    assert K.is_float_dtype(np.float64) and not K.is_float_dtype("int8")
    assert K.is_int_dtype("uint8") and not K.is_int_dtype("bool")
