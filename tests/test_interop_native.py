"""Models as modules of their frameworks: native loops train them, and both sides see it."""

import numpy as np
import pytest

import polyk
from polyk import layers
from polyk.errors import SaveError, UnsupportedOp

X = np.random.default_rng(0).normal(size=(8, 4))
Y = np.random.default_rng(1).normal(size=(8, 2))


def net(backend, dropout=0.0):
    model = polyk.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(5, activation="tanh", name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(dropout),
            layers.Dense(2, name="last"),
        ],
        backend=backend,
        seed=0,
        dtype="float64",
    )
    model.compile(polyk.optimizers.SGD(0.1), "mse")
    return model


def fitted(backend, steps=3):
    """The weights after `steps` of polyk's own training on all of the data."""
    model = net(backend)
    model.fit(X, Y, epochs=steps, batch_size=len(X), verbose=0)
    return model.get_weights()


def equal(xs, ys):
    for a, b in zip(xs, ys, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.fixture(autouse=True)
def _float64(float64):
    pass


def test_a_backend_without_modules_says_so():
    with pytest.raises(UnsupportedOp, match="backend 'numpy' has no modules"):
        polyk.interop.as_native(net("numpy"))


@pytest.mark.parametrize("method", ["as_torch_module", "as_jax_function", "as_tf_module"])
def test_a_model_elsewhere_is_to_be_moved_first(method):
    with pytest.raises(ValueError, match=r"lives on backend 'numpy'. Move it first: model.to\('"):
        getattr(net("numpy"), method)()


def test_a_model_without_weights_is_refused():
    with pytest.raises(SaveError, match="has no weights yet"):
        polyk.interop.as_native(polyk.Sequential([layers.Dense(2)]))


class TestTorch:
    @pytest.fixture
    def torch(self):
        return pytest.importorskip("torch")

    def test_a_native_loop_takes_the_steps_of_fit(self, torch):
        model = net("torch")
        module = model.as_torch_module().train()
        optimizer = torch.optim.SGD(module.parameters(), 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(module(torch.tensor(X)), torch.tensor(Y)).backward()
            optimizer.step()
        equal(model.get_weights(), fitted("torch"))

    def test_what_fit_changes_is_seen(self, torch):
        model = net("torch")
        module = model.as_torch_module().eval()
        model.fit(X, Y, epochs=3, batch_size=len(X), verbose=0)
        equal([p.numpy() for p in module.state_dict().values()], fitted("torch"))
        equal([module(torch.tensor(X)).detach()], [model.predict(X, verbose=0)])

    def test_what_set_weights_changes_is_seen(self, torch):
        model = net("torch")
        module = model.as_torch_module()
        model.set_weights([w + 1 for w in model.get_weights()])
        equal([p.numpy() for p in module.state_dict().values()], model.get_weights())

    def test_the_state_dict_has_the_names_of_exported_weights(self, torch):
        names = ["first.kernel", "first.bias", "norm.gamma", "norm.beta", "norm.moving_mean",
                 "norm.moving_variance", "last.kernel", "last.bias"]  # fmt: skip
        assert list(net("torch").as_torch_module().state_dict()) == names

    def test_a_state_dict_is_loaded_into_the_model(self, torch):
        trained, model = net("torch"), net("torch")
        trained.fit(X, Y, verbose=0)
        model.as_torch_module().load_state_dict(trained.as_torch_module().state_dict())
        equal(model.get_weights(), trained.get_weights())

    def test_eval_and_train_choose_the_mode(self, torch):
        module = net("torch", dropout=0.5).as_torch_module()
        x = torch.tensor(X)
        assert not torch.equal(module.train()(x), module(x))
        assert torch.equal(module.eval()(x), module(x))

    def test_frozen_layers_ask_for_no_gradient(self, torch):
        model = net("torch")
        model.get_layer("first").trainable = False
        asked = {name: p.requires_grad for name, p in model.as_torch_module().named_parameters()}
        assert not asked["first.kernel"] and asked["last.kernel"]

    def test_another_dtype_is_refused_and_nothing_moves(self, torch):
        module = net("torch").as_torch_module()
        with pytest.raises(TypeError, match="the dtype of 'first/kernel' is float64, and stays so"):
            module.half()
        assert {p.dtype for p in module.parameters()} == {torch.float64}

    def test_moving_keeps_the_sharing(self, torch):
        model = net("torch")
        module = model.as_torch_module().to("cpu")
        module.get_parameter("last.bias").data.fill_(3)
        assert model.get_layer("last").weights[1].numpy().tolist() == [3, 3]

    def test_functional_call_takes_other_weights(self, torch):
        module = net("torch").as_torch_module().eval()
        zeros = {name: torch.zeros_like(p) for name, p in module.named_parameters()}
        assert not torch.func.functional_call(module, zeros, (torch.tensor(X),)).any()

    def test_a_weight_that_the_backward_pass_needs_is_overwritten(self, torch):
        inner = layers.SpectralNormalization(layers.Dense(3))
        model = polyk.Sequential([layers.Input((4,)), inner], backend="torch", dtype="float64")
        module, before = model.as_torch_module().train(), inner.layer.kernel
        module(torch.tensor(X)).sum().backward()
        after = inner.layer.kernel
        assert not torch.equal(before, after)
        assert torch.equal(after, module.state_dict()["spectral_normalization.kernel"])

    def test_a_layer_called_like_a_method(self, torch):
        model = polyk.Sequential([layers.Input((4,)), layers.Dense(2, name="train")],
                                 backend="torch")  # fmt: skip
        assert list(model.as_torch_module().state_dict()) == ["train_.kernel", "train_.bias"]


class TestJax:
    @pytest.fixture
    def jax(self):
        return pytest.importorskip("jax")

    def test_a_native_loop_takes_the_steps_of_fit(self, jax):
        model = net("jax")
        fn = model.as_jax_function()
        weights = fn.weights

        def loss(trainable, fixed):
            y, fixed = fn({"trainable": trainable, "non_trainable": fixed}, X, training=True)
            return ((y - Y) ** 2).mean(), fixed

        for _ in range(3):
            grads, fixed = jax.grad(loss, has_aux=True)(
                weights["trainable"], weights["non_trainable"]
            )
            moved = jax.tree.map(lambda w, g: w - 0.1 * g, weights["trainable"], grads)
            weights = {"trainable": moved, "non_trainable": fixed}
        fn.assign(weights)
        equal(model.get_weights(), fitted("jax"))

    def test_jit_and_vmap_give_the_predictions(self, jax):
        model = net("jax")
        fn = model.as_jax_function()
        equal([jax.jit(fn)(fn.weights, X)], [model.predict(X, verbose=0)])
        rows = jax.vmap(fn, (None, 0))(fn.weights, X[:, None])
        equal([rows[:, 0]], [model.predict(X, verbose=0)])

    def test_calling_it_leaves_the_model_alone(self, jax):
        model = net("jax", dropout=0.5)
        before = model.get_weights()
        fn = model.as_jax_function()
        fn(fn.weights, X, training=True, key=jax.random.key(0))
        equal(model.get_weights(), before)

    def test_the_weights_given_out_survive_training(self, jax):
        model = net("jax")
        fn = model.as_jax_function()
        weights = fn.weights
        model.fit(X, Y, verbose=0)  # which donates the model's own
        fn(weights, X)

    def test_the_key_chooses_what_is_dropped(self, jax):
        fn = net("jax", dropout=0.5).as_jax_function()
        a, b, c = (fn(fn.weights, X, training=True, key=jax.random.key(i))[0] for i in (0, 0, 1))
        assert np.array_equal(a, b) and not np.array_equal(a, c)

    def test_drawing_without_a_key_is_refused(self, jax):
        fn = net("jax", dropout=0.5).as_jax_function()
        with pytest.raises(ValueError, match="draws random numbers: give key="):
            fn(fn.weights, X, training=True)


class TestTensorFlow:
    @pytest.fixture
    def tf(self):
        return pytest.importorskip("tensorflow")

    def test_a_native_loop_takes_the_steps_of_fit(self, tf):
        model = net("tensorflow")
        module = model.as_tf_module()

        @tf.function
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((module(x, training=True) - y) ** 2)
            variables = module.trainable_variables
            for v, g in zip(variables, tape.gradient(loss, variables), strict=True):
                v.assign_sub(0.1 * g)

        for _ in range(3):
            step(tf.constant(X), tf.constant(Y))
        equal(model.get_weights(), fitted("tensorflow"))

    def test_what_fit_changes_is_seen(self, tf):
        model = net("tensorflow")
        module = model.as_tf_module()
        model.fit(X, Y, verbose=0)
        equal([module(tf.constant(X))], [model.predict(X, verbose=0)])

    def test_a_checkpoint_restores_the_model(self, tf, tmp_path):
        trained, model = net("tensorflow"), net("tensorflow")
        trained.fit(X, Y, verbose=0)
        path = tf.train.Checkpoint(trained.as_tf_module()).save(tmp_path / "c")
        tf.train.Checkpoint(model.as_tf_module()).restore(path).assert_consumed()
        equal(model.get_weights(), trained.get_weights())
