"""The contract: how much a backend must write, and that the rest really comes with it."""

import numpy as np
import pytest
from conftest import AVAILABLE
from polyk_numpy import NumPyBackend

import polyk
from polyk import layers, select
from polyk.contract import OPTIONAL, Backend, Primitives

rng = np.random.default_rng(0)


class Box:
    """An array type that no op knows but those of `Boxes`."""

    __array_ufunc__ = None

    def __init__(self, array):
        self.array = np.asarray(array)
        self.shape, self.ndim = self.array.shape, self.array.ndim
        self.dtype = self.array.dtype


def boxed(op):
    """A primitive of the NumPy backend on boxes."""

    def unbox(x):
        if isinstance(x, Box):
            return x.array
        return [unbox(v) for v in x] if isinstance(x, list) else x

    def method(self, *args, **kwargs):
        result = getattr(engine, op)(*map(unbox, args), **kwargs)
        return Box(result) if op != "to_numpy" else np.array(result)

    return method


engine = NumPyBackend()
Boxes = type(
    "Boxes",
    (Backend,),
    {op: boxed(op) for op in Backend.__abstractmethods__}
    | {"tensor_types": (Box,), "name": "boxes"},
)


@pytest.fixture
def boxes(monkeypatch):
    """A backend of the abstract methods alone, on tensors without operators."""
    monkeypatch.setattr(select, "ENGINES", select.ENGINES)
    backend = Boxes()
    select.register(backend)
    yield backend
    select._backends.remove(backend)
    select.ENGINES.pop(Box, None)


def test_a_backend_writes_at_most_eighty_methods():
    assert len(Backend.__abstractmethods__) <= 80
    assert Backend.__abstractmethods__ == Primitives.__abstractmethods__


def test_the_first_party_backends_have_every_optional_method():
    for name in AVAILABLE:
        backend = type(polyk.get_backend(name))
        assert not [op for op in OPTIONAL if getattr(backend, op) is getattr(Backend, op)]


def test_a_backend_without_an_optional_method_says_so(boxes):
    with (
        polyk.use(boxes),
        pytest.raises(polyk.UnsupportedOp, match="'boxes' does not support cholesky: it does not"),
    ):
        polyk.ops.cholesky(np.eye(2, dtype="float32"))


def test_every_method_of_a_backend_belongs_to_the_contract():
    for backend in (polyk.get_backend(n) for n in ("numpy",)):
        own = {n for n in vars(type(backend)) if not n.startswith("_")}
        assert own <= set(dir(Backend))


@pytest.mark.parametrize("kind", ["convnet", "lstm"])
def test_the_primitives_alone_are_enough_to_train(boxes, kind):
    x = rng.standard_normal((12, 6, 6, 2)).astype("float32")
    body = [
        layers.Conv2D(3, 3, strides=2, padding="same", activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(2),
        layers.Dropout(0.3),
        layers.Flatten(),
    ]
    if kind == "lstm":
        x = x[..., 0]
        body = [layers.LSTM(4, dropout=0.2, recurrent_dropout=0.2)]
    y = rng.integers(0, 3, 12)

    def train(backend):
        stack = [layers.Input(x.shape[1:]), *map(clone, body), layers.Dense(3, "softmax")]
        model = polyk.Sequential(stack, backend=backend, seed=0)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, epochs=4, batch_size=4, verbose=0)
        return history.history["loss"], model.predict(x)

    (curve, predicted), (wanted, others) = train(boxes), train("numpy")
    np.testing.assert_allclose(curve, wanted, rtol=1e-5)
    np.testing.assert_allclose(predicted, others, rtol=1e-4, atol=1e-5)


def clone(layer):
    return type(layer).from_config(layer.get_config())


def test_a_gap_raises_with_its_reason(boxes):
    class Gappy(Boxes):
        gaps = {"conv": "no kernel for it in box 1.0"}  # noqa: RUF012

    backend = Gappy()
    backend.name = "gappy"
    with pytest.raises(polyk.UnsupportedOp, match="'gappy' does not support conv: no kernel"):
        backend.conv(None, None, (1,), ((0, 0),), (1,), 1)
