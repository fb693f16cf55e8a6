"""Steps of a user's own: train_step and its kin, on every backend."""

import numpy as np
import pytest

import polyk
from polyk import layers, metrics, ops

rng = np.random.default_rng(0)
X = rng.standard_normal((20, 4)).astype("float32")
Y = X @ rng.standard_normal((4, 1)).astype("float32")


class Custom(polyk.Model):
    """The default step written out, as a user of Keras writes it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.hidden, self.out = layers.Dense(5, "tanh"), layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))

    def train_step(self, data):
        x, y, sample_weight = polyk.utils.unpack_x_y_sample_weight(data)
        weights = self.trainable_weights

        def forward():
            y_pred = self(x, training=True)
            return self.compute_loss(x, y, y_pred, sample_weight), y_pred

        (loss, y_pred), grads = polyk.value_and_grad(forward, weights=weights, has_aux=True)()
        self.optimizer.apply(grads, weights)
        return {"loss": loss, "largest": ops.max(ops.abs(y_pred))}


class Default(Custom):
    train_step = polyk.Model.train_step


def trained(cls, **kwargs):
    model = cls(seed=1)
    model.compile(polyk.optimizers.Adam(0.01), "mse", **kwargs)
    history = model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    return model, history.history


def test_a_train_step_written_out_does_what_the_default_one_does(backend):
    own, logs = trained(Custom)
    usual, _ = trained(Default)
    for v, w in zip(own.get_weights(), usual.get_weights(), strict=True):
        np.testing.assert_allclose(v, w, rtol=1e-5, atol=1e-7)
    assert list(logs) == ["loss", "largest"]


def test_a_step_may_build_on_the_default_one():
    class More(Default):
        def train_step(self, data):
            return {**super().train_step(data), "more": ops.ones(())}

    _, logs = trained(More, metrics=["mae"])
    assert list(logs) == ["loss", "mae", "more"]
    _, usual = trained(Default, metrics=["mae"])
    assert logs["mae"] == usual["mae"] and logs["loss"] == usual["loss"]


class Counting(polyk.Model):
    """Two parts, two optimizers, a metric of its own, no call and nothing built beforehand."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first, self.second = layers.Dense(3), layers.Dense(1)
        self.seen = metrics.Sum("seen")

    def compile(self, first, second):
        super().compile()
        self.first_optimizer, self.second_optimizer = first, second

    @property
    def metrics(self):
        return [self.seen]

    def train_step(self, data):
        x, y = data
        for part, optimizer in (
            (self.first, self.first_optimizer),
            (self.second, self.second_optimizer),
        ):
            loss, grads = polyk.value_and_grad(
                lambda: ops.mean(ops.square(self.second(self.first(x)) - y)),
                weights=part.trainable_weights,
            )()
            optimizer.apply(grads, part.trainable_weights)
        self.seen.update_state(ops.ones((ops.shape(x)[0],)))
        return {"loss": loss, "seen": self.seen.result()}


def test_two_optimizers_and_a_metric_of_the_models_own(backend):
    model = Counting(seed=0)
    adams = [polyk.optimizers.Adam(0.01) for _ in range(2)]
    model.compile(*adams)
    logs = model.fit(X, Y, batch_size=8, epochs=3, verbose=0).history
    assert logs["seen"] == [20.0] * 3  # every epoch starts over
    assert logs["loss"][2] < logs["loss"][0]
    assert [int(polyk.to_numpy(adam.iterations)) for adam in adams] == [9, 9]


def test_steps_of_the_models_own_start_from_the_seed(backend):
    def losses(name):
        model = Counting(seed=3, backend=name)
        model.compile(*(polyk.optimizers.SGD(0.01) for _ in range(2)))
        return model.fit(X, Y, epochs=2, verbose=0).history["loss"]

    np.testing.assert_allclose(losses(backend.name), losses("numpy"), rtol=1e-5)


def test_test_and_predict_steps_can_be_overridden(backend):
    class Net(Default):
        def test_step(self, data):
            return {"sum": ops.sum(data[1])}

        def predict_step(self, data):
            return super().predict_step(data) * 0 + 7

    model, _ = trained(Net)
    found = model.evaluate(X, Y, batch_size=20, return_dict=True)
    np.testing.assert_allclose(found["sum"], Y.sum(), rtol=1e-5)
    assert (model.predict(X) == 7).all()


def test_compute_loss_can_be_overridden_with_or_without_training():
    class Old(Default):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return ops.mean(ops.abs(y - y_pred))

    class New(Default):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            seen.append(training)
            return ops.mean(ops.abs(y - y_pred))

    seen = []
    assert trained(Old)[1] == trained(New)[1]
    assert set(seen) == {True}


def test_compute_metrics_adds_to_the_logs(backend):
    class Net(Default):
        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            logs = super().compute_metrics(x, y, y_pred, sample_weight)
            return {**logs, "bias": ops.mean(y_pred - y)}

    assert list(trained(Net, metrics=["mae"])[1]) == ["loss", "mae", "bias"]


def test_a_metric_kept_as_an_attribute_is_reported_and_reset():
    class Net(Default):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.calls = metrics.Sum("calls")

        def call(self, x):
            self.calls.update_state(ops.ones((1,)))
            return super().call(x)

    model, logs = trained(Net)
    assert logs["calls"] == [3.0, 3.0]
    assert model.metrics_names == ["loss", "calls"]


def test_data_without_targets_come_as_they_are():
    class Net(Default):
        def train_step(self, data):
            seen.append(type(data))
            return {"loss": ops.sum(self(data))}

    seen = []
    model = Net(seed=0, backend="numpy")
    model.compile("sgd")
    model.fit(X, verbose=0)
    assert seen[-1] is np.ndarray


def test_what_is_no_dict_is_refused():
    class Net(Default):
        def train_step(self, data):
            return ops.zeros(())

    with pytest.raises(TypeError, match=r"Net.train_step must return a dict.*it returned"):
        trained(Net)


@pytest.mark.parametrize("cls", [Default, Custom])
def test_several_steps_in_one_call_give_the_same_numbers(backend, cls):
    one, logs = trained(cls)
    many, logs_many = trained(cls, steps_per_execution=2)
    for v, w in zip(one.get_weights(), many.get_weights(), strict=True):
        np.testing.assert_allclose(v, w, rtol=1e-6, atol=1e-7)
    for name in logs:
        np.testing.assert_allclose(logs_many[name], logs[name], rtol=1e-6)


def test_callbacks_hear_of_each_call():
    heard = []
    note = polyk.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: heard.append(("begin", batch)),
        on_train_batch_end=lambda batch, logs: heard.append(("end", batch)),
    )
    model = Default(seed=0)
    model.compile("sgd", "mse", steps_per_execution=2)
    model.fit(X, Y, batch_size=8, verbose=0, callbacks=[note])
    assert heard == [("begin", 0), ("end", 1), ("begin", 2), ("end", 2)]


def test_a_model_knows_what_it_was_compiled_with():
    model, _ = trained(Default)
    assert model.loss == "mse" and model.compiled
    assert isinstance(model.optimizer, polyk.optimizers.Adam)
    assert [m.name for m in model.metrics] == ["loss"]
    assert not Default().compiled and Default().loss is None


def test_steps_per_execution_is_at_least_one():
    with pytest.raises(ValueError, match="steps_per_execution must be at least 1; got 0"):
        Default().compile("sgd", "mse", steps_per_execution=0)


def test_a_step_that_needs_values_is_told_to_build_first():
    class Net(Counting):
        def train_step(self, data):
            return {"loss": float(polyk.to_numpy(self.first(data[0])).sum())}

    model = Net(seed=0)
    model.compile("sgd", "sgd")
    with pytest.raises(Exception, match="Spec|shape|float") as caught:
        model.fit(X, Y, verbose=0)
    assert "Build or call them beforehand" in caught.value.__notes__[-1]
