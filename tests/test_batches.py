"""Data of every kind give the same training: arrays, frames, tensors, generators, data sets."""

import itertools
import threading

import numpy as np
import pytest
from conftest import AVAILABLE

import polyk
from polyk import layers
from polyk.utils import PyDataset

rng = np.random.default_rng(0)
X = rng.standard_normal((20, 4)).astype("float32")
Y = X @ rng.standard_normal((4, 1)).astype("float32")
W = rng.uniform(0.5, 2, 20).astype("float32")


def regressor(**kwargs):
    model = polyk.Sequential([layers.Input((4,)), layers.Dense(1)], seed=0, **kwargs)
    model.compile(polyk.optimizers.SGD(0.1), "mse", weighted_metrics=["mae"])
    return model


def losses(*data, epochs=2, **kwargs):
    model = regressor()
    history = model.fit(*data, epochs=epochs, shuffle=False, verbose=0, **kwargs)
    return history.history["loss"]


def slices(*arrays):
    return [tuple(a[i : i + 8] for a in arrays) for i in range(0, 20, 8)]


class Slices(PyDataset):
    """(x, y) by eights; notes what it is asked for."""

    def __init__(self, *arrays, **kwargs):
        super().__init__(**kwargs)
        self.items, self.asked, self.ended = slices(*arrays), [], 0

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        self.asked.append(index)
        return self.items[index]

    def on_epoch_end(self):
        self.ended += 1


class Restarting:
    """An iterable that begins anew each time."""

    def __iter__(self):
        return iter(slices(X, Y))


@pytest.fixture
def wanted():
    return losses(X, Y, batch_size=8)


@pytest.fixture(autouse=True)
def no_thread_stays():
    before = set(threading.enumerate())
    yield
    assert not [t for t in set(threading.enumerate()) - before if "polyk" in t.name]


# Arrays.


def test_lists_and_frames_are_arrays(wanted):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    for x, y in ((X.tolist(), Y.tolist()), (frame, pandas.Series(Y[:, 0]))):
        np.testing.assert_allclose(losses(x, y, batch_size=8), wanted, rtol=1e-6)


def test_a_frame_of_mixed_columns_is_numbers():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2], "b": [True, False], "c": [0.5, 1.5], "d": [1, 1]})
    plain = frame.to_numpy().astype("float32")
    model = regressor()
    np.testing.assert_allclose(model.predict(frame), model.predict(plain))


@pytest.mark.parametrize("engine", AVAILABLE)
def test_tensors_of_any_engine_are_data(backend, engine):
    x, y = (polyk.get_backend(engine).asarray(a) for a in (X, Y))
    np.testing.assert_allclose(losses(x, y, batch_size=8), losses(X, Y, batch_size=8), rtol=1e-6)


def test_nested_inputs_of_lists_and_dicts():
    a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
    model = polyk.Model({"a": a, "b": b}, layers.Dense(1)(a + b), seed=0)
    model.compile("sgd", "mse")
    first = model.fit({"a": X, "b": X.tolist()}, Y, epochs=1, shuffle=False, verbose=0).history
    twin = polyk.Model([a, b], layers.Dense(1)(a + b), seed=0)
    twin.compile("sgd", "mse")
    batches = [([x, x], y) for x, y in slices(X, Y)]
    assert twin.fit(iter(batches), verbose=0).history.keys() == first.keys()


# Batches.


def test_every_kind_of_batches_gives_the_same(wanted):
    for source in (Restarting(), Slices(X, Y), itertools.cycle(slices(X, Y))):
        steps = 3 if isinstance(source, itertools.cycle) else None
        assert losses(source, steps_per_epoch=steps) == wanted


@pytest.mark.skipif("torch" not in AVAILABLE, reason="torch is not installed")
def test_a_torch_loader_feeds_every_backend(backend):
    from torch import from_numpy
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(from_numpy(X), from_numpy(Y)), batch_size=8)
    np.testing.assert_allclose(losses(loader), losses(X, Y, batch_size=8), rtol=1e-6)


@pytest.mark.skipif("tensorflow" not in AVAILABLE, reason="TensorFlow is not installed")
def test_a_tensorflow_data_set_feeds_every_backend(backend):
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    np.testing.assert_allclose(losses(data), losses(X, Y, batch_size=8), rtol=1e-6)
    endless = losses(data.repeat(), steps_per_epoch=3)
    np.testing.assert_allclose(endless, losses(X, Y, batch_size=8), rtol=1e-6)


def test_feeding_imports_no_framework(python):
    code = """
import sys, numpy as np, polyk
from polyk import layers
model = polyk.Sequential([layers.Input((2,)), layers.Dense(1)], backend="numpy")
model.compile("sgd", "mse")
model.fit(((np.ones((4, 2)), np.ones((4, 1))) for _ in range(2)), verbose=0)
print(*{"torch", "jax", "tensorflow", "pandas"} & set(sys.modules))
"""
    assert python(code).split() == []


def test_weights_come_with_the_batches():
    plain = losses(X, Y, batch_size=8, sample_weight=W)
    assert losses(Slices(X, Y, W)) == plain


def test_class_weights_reach_every_batch():
    labels = (X[:, 0] > 0).astype("int32")
    kwargs = {"class_weight": {0: 1.0, 1: 3.0}}
    assert losses(Slices(X, labels), **kwargs) == losses(X, labels, batch_size=8, **kwargs)


def test_predict_and_evaluate_take_batches():
    model = regressor()
    np.testing.assert_array_equal(model.predict(Slices(X, Y)), model.predict(X, batch_size=8))
    np.testing.assert_array_equal(model.predict(x for (x,) in slices(X)), model.predict(X, 8))
    np.testing.assert_array_equal(
        model.predict(itertools.cycle([X]), steps=2), model.predict([*X, *X])
    )
    assert model.evaluate(Slices(X, Y)) == model.evaluate(X, Y, batch_size=8)


def test_validation_data_may_be_batches(wanted):
    model = regressor()
    data = Slices(X, Y)
    found = model.fit(X, Y, epochs=2, validation_data=data, verbose=0).history
    other = regressor().fit(
        X, Y, epochs=2, validation_data=(X, Y), validation_batch_size=8, verbose=0
    )
    assert found == other.history


def test_an_endless_validation_goes_on_where_it_ended():
    taken = []

    def endless():
        for i in itertools.count():
            taken.append(i)
            yield X[:8], Y[:8]

    regressor().fit(
        X, Y, epochs=3, validation_data=endless(), validation_steps=2, validation_freq=[1, 3],
        verbose=0,
    )  # fmt: skip
    assert taken == [0, 1, 2, 3]


# Where epochs end.


def test_an_iterator_is_one_epoch_and_then_dry():
    history = regressor().fit(iter(slices(X, Y)), epochs=3, verbose=0)
    assert history.epoch == [0]


def test_no_batch_is_taken_in_vain():
    source = iter(range(10))
    batches = ((X[:4] + i, Y[:4]) for i in source)
    regressor().fit(batches, epochs=2, steps_per_epoch=3, verbose=0)
    assert next(source) == 6


def test_running_dry_within_an_epoch_is_told():
    with pytest.warns(UserWarning, match="data ran out after 1 of the 2 steps"):
        history = regressor().fit(iter(slices(X, Y)), epochs=5, steps_per_epoch=2, verbose=0)
    assert history.epoch == [0, 1]
    with pytest.warns(UserWarning, match="ran out after 3 of the 9 steps"):
        losses(X, Y, batch_size=8, steps_per_epoch=9, epochs=1)


def test_epochs_of_some_steps_take_up_where_the_last_ended():
    seen = []

    class Net(polyk.Sequential):
        def train_step(self, data):
            seen.append(float(data[0][0, 0]))
            return super().train_step(data)

    model = Net([layers.Input((4,)), layers.Dense(1)], backend="numpy")
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, Y, batch_size=5, epochs=4, steps_per_epoch=2, shuffle=False, verbose=0)
    assert seen == [float(X[i, 0]) for i in (0, 5, 10, 15)] * 2


# PyDataset.


def test_a_dataset_is_shuffled_by_batches_and_told_of_epochs():
    data = Slices(X, Y)
    regressor().fit(data, epochs=3, verbose=0)
    assert data.asked[0] == 0  # the look at the first
    epochs = [data.asked[1 + i : 4 + i] for i in (0, 3, 6)]
    assert [sorted(e) for e in epochs] == [[0, 1, 2]] * 3
    assert len({tuple(e) for e in epochs}) > 1
    assert data.ended == 3


@pytest.mark.parametrize("processes", [False, True])
def test_workers_keep_the_order(wanted, processes):
    data = Slices(X, Y, workers=2, use_multiprocessing=processes, max_queue_size=2)
    assert losses(data) == wanted


def test_an_endless_dataset_needs_steps():
    class Endless(Slices):
        num_batches = None

        def __getitem__(self, index):
            return super().__getitem__(index % 3)

    assert losses(Endless(X, Y), steps_per_epoch=3) == losses(X, Y, batch_size=8)


def test_a_dataset_says_what_it_lacks():
    with pytest.raises(NotImplementedError, match="Empty must define __len__"):
        regressor().fit(type("Empty", (PyDataset,), {})(), verbose=0)
    assert polyk.utils.Sequence is PyDataset


# What is refused.


def failing():
    yield X[:8], Y[:8]
    raise KeyError("mine")


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda m: m.fit(iter([]), verbose=0), ValueError, "no data: the list_iterator yields"),
        (lambda m: m.fit(Slices(X, Y), Y), ValueError, "y must not be given where x is a Slices"),
        (lambda m: m.fit(Slices(X, Y), validation_split=0.5), ValueError, "needs arrays"),
        (lambda m: m.fit(iter([(X, Y, W, W)])), ValueError, "is x, .* got a tuple of 4"),
        (lambda m: m.fit(iter([(X, Y[:5])])), ValueError, "x has 20, y has 5"),
        (lambda m: m.fit(iter([X])), ValueError, "y is missing"),
        (lambda m: m.fit(iter([(X, np.ones((20, 2)))])), ValueError, r"\(20, 2\)"),
        (lambda m: m.fit(iter([(X, [Y, Y])])), ValueError, "1 outputs; y has 2"),
        (lambda m: m.fit(failing(), verbose=0), KeyError, "mine"),
        (lambda m: m.fit(7), TypeError, "or yield batches; got 7"),
        (lambda m: m.fit(None), ValueError, "x is missing"),
        (lambda m: m.fit(X, Y, steps_per_epoch=0), ValueError, "steps must be at least 1; got 0"),
        (lambda m: m.evaluate(X), ValueError, "y is missing"),
        (lambda m: m.fit(X, Y, sample_weight={"a": W}), ValueError, "sample_weight names outputs"),
    ],
)  # fmt: skip
def test_wrong_data_are_told(call, error, says):
    with pytest.raises(error, match=says):
        call(regressor())


def test_a_wrong_later_batch_is_refused():
    batches = iter([(X, Y), (X, np.ones((20, 3)))])
    with pytest.raises(polyk.ShapeError, match=r"\(20, 3\)"):
        regressor().fit(batches, verbose=0)


def test_generators_run_on_the_backend_of_the_model(backend):
    def batches():
        yield polyk.ops.convert_to_tensor(X), polyk.ops.convert_to_tensor(Y)
        seen.append(polyk.get_backend().name)

    seen = []
    with polyk.use("numpy"):
        regressor(backend=backend).fit(batches(), verbose=0)
    assert seen == [backend.name]


@pytest.mark.parametrize("steps", [1, 2])
def test_tensors_on_the_models_accelerator_stay_there(monkeypatch, steps):
    """Every device passes for an accelerator here."""
    from polyk.models import batches as module

    monkeypatch.setattr(module, "_on_accelerator", lambda tree: True)
    seen = []

    class Net(polyk.Sequential):
        def train_step(self, data):
            seen.append(data[0])
            return super().train_step(data)

    tensors = slices(X, Y)
    model = Net([layers.Input((4,)), layers.Dense(1)], backend="numpy", seed=0)
    model.compile("sgd", "mse", steps_per_execution=steps)
    model.fit(iter(tensors), verbose=0)
    assert all(a is x for a, (x, _) in zip(seen, tensors, strict=True))
