"""Dtype policies: what is computed in which dtype, and what is kept in which."""

import numpy as np
import pytest
import reference
from conftest import AVAILABLE

import polyk
from polyk import config, layers, mixed_precision, ops

X = np.random.default_rng(0).standard_normal((16, 6)).astype("float32")
WITH_BFLOAT16 = [name for name in AVAILABLE if name != "numpy"]


@pytest.fixture(autouse=True)
def no_policy_left_over():
    yield
    config.set_dtype_policy(None)


@pytest.mark.parametrize(
    ("name", "compute", "variable"),
    [
        ("float32", "float32", "float32"),
        ("float64", "float64", "float64"),
        ("mixed_float16", "float16", "float32"),
        ("mixed_bfloat16", "bfloat16", "float32"),
    ],
)
def test_a_policy_names_two_dtypes(name, compute, variable):
    policy = polyk.DTypePolicy(name)
    assert (policy.name, policy.compute_dtype, policy.variable_dtype) == (name, compute, variable)
    assert polyk.DTypePolicy.from_config(policy.get_config()) == policy
    assert repr(policy) == f'<DTypePolicy "{name}">'


def test_an_unknown_policy_is_refused():
    with pytest.raises(polyk.DTypeError, match="unknown dtype 'mixed_float8'"):
        layers.Dense(2, dtype="mixed_float8")


AS_DATA = {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}


@pytest.mark.parametrize("form", ["mixed_float16", polyk.DTypePolicy("mixed_float16"), AS_DATA])
def test_dtype_takes_a_policy_in_any_form(form):
    layer = layers.Dense(2, dtype=form)
    assert layer.dtype_policy == polyk.DTypePolicy("mixed_float16")
    assert (layer.dtype, layer.compute_dtype) == ("float32", "float16")
    assert layer.get_config()["dtype"] == "mixed_float16"
    assert layers.Dense.from_config(layer.get_config()).compute_dtype == "float16"


def test_the_policy_of_the_process_is_that_of_new_layers():
    mixed_precision.set_global_policy("mixed_float16")
    assert config.dtype_policy().name == mixed_precision.global_policy().name == "mixed_float16"
    assert layers.Dense(2).compute_dtype == "float16"
    config.set_dtype_policy(None)
    assert layers.Dense(2).compute_dtype == "float32"


def test_floatx_is_the_policy_where_there_is_none(float64):
    assert (
        config.floatx() == config.dtype_policy().name == layers.Dense(2).compute_dtype == "float64"
    )


@pytest.mark.parametrize("name", AVAILABLE)
def test_mixed_layers_compute_in_half_and_keep_float32(name):
    with polyk.use(name):
        layer = layers.Dense(3, dtype="mixed_float16")
        y = layer(X)
        assert ops.dtype(y) == "float16"
        assert layer.kernel.dtype != y.dtype  # outside of calls it is what it is
        assert layer.get_weights()[0].dtype == "float32"
        kernel, bias = layer.get_weights()
        wanted = X.astype("float16") @ kernel.astype("float16") + bias.astype("float16")
    np.testing.assert_allclose(polyk.to_numpy(y), wanted, rtol=5e-3, atol=5e-3)


def test_gradients_arrive_in_the_dtype_of_the_weights(backend):
    layer = layers.Dense(3, dtype="mixed_float16")
    layer(X)
    loss = polyk.value_and_grad(lambda: ops.sum(layer(X)), weights=layer.weights)
    for gradient in loss()[1]:
        assert ops.dtype(gradient) == "float32"


@pytest.mark.parametrize("name", WITH_BFLOAT16)
def test_a_mixed_model_trains_close_to_a_float32_one(name):
    def trained(policy):
        stack = [layers.Input((6,)), layers.Dense(5, "tanh", dtype=policy),
                 layers.Dense(1, dtype="float32")]  # fmt: skip
        model = polyk.Sequential(stack, backend=name, seed=0)
        model.compile(polyk.optimizers.SGD(0.1), "mse")
        return model.fit(X, X[:, :1], epochs=3, verbose=0).history["loss"]

    np.testing.assert_allclose(trained("mixed_bfloat16"), trained("float32"), rtol=0.02)


def test_a_float32_layer_casts_what_a_mixed_one_gives():
    stack = [layers.Dense(3, dtype="mixed_float16"), layers.Dense(2, dtype="float32")]
    assert polyk.Sequential(stack).predict(X).dtype == "float32"


def test_ints_are_not_cast_and_autocast_can_be_turned_off():
    class Keep(layers.Layer):
        def call(self, x):
            return x

    assert ops.dtype(Keep(dtype="float16")(np.ones(3, "int32"))) == "int32"
    assert ops.dtype(Keep(dtype="float16")(np.ones(3, "float32"))) == "float16"
    assert ops.dtype(Keep(dtype="float16", autocast=False)(np.ones(3, "float32"))) == "float32"


def test_a_weight_may_stay_out_of_the_cast():
    class Keep(layers.Layer):
        def build(self, input_shape):
            self.cast = self.add_weight("cast", (1,))
            self.kept = self.add_weight("kept", (1,), autocast=False)

        def call(self, x):
            self.seen = ops.dtype(self.cast), ops.dtype(self.kept)
            return x

    layer = Keep(dtype="mixed_float16")
    layer(X)
    assert layer.seen == ("float16", "float32")


def test_numpy_has_no_bfloat16_and_says_so():
    says = "computes in bfloat16, which backend 'numpy' does not have. It has float16"
    with polyk.use("numpy"), pytest.raises(polyk.DTypeError, match=says):
        layers.Dense(2, dtype="mixed_bfloat16")(X)
    with pytest.raises(polyk.DTypeError, match=says):
        polyk.Sequential([layers.Input((6,)), layers.Dense(2, dtype="bfloat16")], backend="numpy")


@pytest.mark.parametrize("name", WITH_BFLOAT16)
def test_weights_may_be_bfloat16(name):
    with polyk.use(name):
        layer = layers.Dense(2, dtype="bfloat16", kernel_initializer="ones")
        assert ops.dtype(layer(X)) == ops.dtype(layer.kernel) == "bfloat16"


def test_mixed_float16_scales_the_loss():
    mixed_precision.set_global_policy("mixed_float16")
    model = polyk.Sequential([layers.Input((6,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert isinstance(model.optimizer, polyk.optimizers.LossScaleOptimizer)
    model.fit(X, X[:, :1], verbose=0)
    model.compile("sgd", "mse", auto_scale_loss=False)
    assert not isinstance(model.optimizer, polyk.optimizers.LossScaleOptimizer)


def test_mixed_results_are_those_of_keras():
    """Dense in half precision, then a float32 head, on the same weights."""

    def build(library):
        return library.Sequential([
            library.layers.Input((6,)),
            library.layers.Dense(4, "relu", dtype="mixed_float16"),
            library.layers.Dense(2, dtype="float32"),
        ])  # fmt: skip

    with reference.keras() as keras:
        theirs, ours = build(keras), build(polyk)
        ours.set_weights(theirs.get_weights())
        wanted = theirs.predict(X, verbose=0)
    np.testing.assert_allclose(ours.predict(X), wanted, rtol=2e-3, atol=2e-3)
