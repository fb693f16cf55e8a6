"""Weights of torch's modules in polyk's layers: the outputs are the same, both ways."""

import numpy as np
import pytest

import polyk
from polyk import interop, layers
from polyk.errors import ShapeError, UnknownName

torch = pytest.importorskip("torch")
nn = torch.nn


@pytest.fixture(autouse=True)
def _float64(float64):
    pass


def build(*stack):
    return polyk.Sequential(list(stack), backend="numpy", seed=0)


class First(nn.Module):
    """A recurrent or attention module, of which only the outputs count."""

    def __init__(self, module, twice=False):
        super().__init__()
        self.module, self.twice = module, twice

    def forward(self, x):
        return (self.module(x, x, x) if self.twice else self.module(x))[0]


def attention():
    x = layers.Input((5, 6))
    return polyk.Model(x, layers.MultiHeadAttention(2, 3)(x, x), backend="numpy")


def scaled(module):
    """With statistics and biases that are neither 0 nor 1."""
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.1)
    return module.double().eval()


conv, pool = layers.Conv2D, layers.MaxPooling2D
CASES = {  # theirs, ours, the shape of ours' input, whether it is channels last
    "dense": (nn.Linear(4, 3), lambda: build(layers.Input((4,)), layers.Dense(3)), (4,)),
    "no bias": (
        nn.Linear(4, 3, bias=False),
        lambda: build(layers.Input((4,)), layers.Dense(3, use_bias=False)),
        (4,),
    ),
    "conv1d": (
        nn.Conv1d(3, 4, 2),
        lambda: build(layers.Input((6, 3)), layers.Conv1D(4, 2)),
        (6, 3),
    ),
    "grouped": (
        nn.Conv2d(4, 6, (3, 2), groups=2),
        lambda: build(layers.Input((6, 5, 4)), conv(6, (3, 2), groups=2)),
        (6, 5, 4),
    ),
    "conv3d": (
        nn.Conv3d(2, 3, 2),
        lambda: build(layers.Input((3, 4, 3, 2)), layers.Conv3D(3, 2)),
        (3, 4, 3, 2),
    ),
    "transposed": (
        nn.ConvTranspose2d(3, 4, (3, 2), stride=2),
        lambda: build(layers.Input((4, 3, 3)), layers.Conv2DTranspose(4, (3, 2), strides=2)),
        (4, 3, 3),
    ),
    "depthwise": (
        nn.Conv2d(3, 6, (3, 2), groups=3),
        lambda: build(layers.Input((5, 4, 3)), layers.DepthwiseConv2D((3, 2), depth_multiplier=2)),
        (5, 4, 3),
    ),
    "normalization": (
        nn.Sequential(nn.BatchNorm2d(3), nn.GroupNorm(3, 3)),
        lambda: build(
            layers.Input((4, 4, 3)),
            layers.BatchNormalization(epsilon=1e-5),
            layers.GroupNormalization(3, epsilon=1e-5),
        ),
        (4, 4, 3),
    ),
    "layer norm": (
        nn.LayerNorm(6),
        lambda: build(layers.Input((6,)), layers.LayerNormalization(epsilon=1e-5)),
        (6,),
    ),
    "flatten": (
        nn.Sequential(nn.Conv2d(2, 3, 2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 4)),
        lambda: build(layers.Input((5, 5, 2)), conv(3, 2), pool(2), layers.Flatten(),
                      layers.Dropout(0.5), layers.Dense(4)),
        (5, 5, 2),
    ),
    "lstm": (
        First(nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)),
        lambda: build(
            layers.Input((5, 3)),
            *(layers.Bidirectional(layers.LSTM(4, return_sequences=True)) for _ in range(2)),
        ),
        (5, 3),
    ),
    "gru": (
        First(nn.GRU(3, 4, batch_first=True)),
        lambda: build(layers.Input((5, 3)), layers.GRU(4, return_sequences=True)),
        (5, 3),
    ),
    "rnn": (
        First(nn.RNN(3, 4, batch_first=True)),
        lambda: build(layers.Input((5, 3)), layers.SimpleRNN(4, return_sequences=True)),
        (5, 3),
    ),
    "attention": (First(nn.MultiheadAttention(6, 2, batch_first=True), True), attention, (5, 6)),
}  # fmt: skip
SEQUENCES = {"lstm", "gru", "rnn", "attention"}


def theirs(module, x, name):
    """What `module` makes of channels-last `x`, channels last."""
    moved = x if name in SEQUENCES else np.moveaxis(x, -1, 1)
    with torch.no_grad():
        y = module(torch.tensor(moved)).numpy()
    return y if name in SEQUENCES else np.moveaxis(y, 1, -1)


@pytest.mark.parametrize("name", CASES)
def test_the_outputs_are_those_of_torch(name):
    module, make, shape = CASES[name]
    module, model = scaled(module), make()
    found = interop.load_state_dict(model, module.state_dict())
    assert not found.missing and not found.unused
    x = np.random.default_rng(0).normal(size=(2, *shape))
    np.testing.assert_allclose(
        model.predict(x, verbose=0), theirs(module, x, name), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("name", CASES)
def test_the_way_back_gives_modules_of_the_same_outputs(name):
    module, make, shape = CASES[name]
    module, model = module.double().eval(), make()
    arrays = interop.state_dict(model, like=module.state_dict())
    module.load_state_dict({k: torch.tensor(np.array(v)) for k, v in arrays.items()}, strict=False)
    x = np.random.default_rng(0).normal(size=(2, *shape))
    np.testing.assert_allclose(
        theirs(module, x, name), model.predict(x, verbose=0), rtol=1e-9, atol=1e-9
    )


def test_a_safetensors_file_is_read(tmp_path):
    library = pytest.importorskip("safetensors.torch")
    module = nn.Linear(4, 3).double()
    library.save_file(module.state_dict(), tmp_path / "m.safetensors")
    model = build(layers.Input((4,)), layers.Dense(3, name="d"))
    found = interop.load_state_dict(model, tmp_path / "m.safetensors")
    assert found.matched == {"d": ""}
    np.testing.assert_array_equal(model.get_weights()[0], module.weight.detach().numpy().T)


def two(a=3, b=2):
    return build(layers.Input((4,)), layers.Dense(a, name="a"), layers.Dense(b, name="b"))


def test_a_wrong_shape_leaves_the_model_as_it_was():
    model, module = two(), nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 5))
    before = model.get_weights()
    with pytest.raises(ShapeError, match=r"'1' makes b/kernel \(3, 5\); the model's has \(3, 2\)"):
        interop.load_state_dict(model, module.state_dict())
    assert all(map(np.array_equal, before, model.get_weights()))


def test_what_is_missing_or_left_over_is_named():
    with pytest.raises(UnknownName, match=r"nothing fits b\. Say names=.*, or partial=True"):
        interop.load_state_dict(two(), nn.Sequential(nn.Linear(4, 3)).state_dict())
    extra = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2), nn.Conv1d(2, 2, 2))
    with pytest.raises(UnknownName, match="2 fits no layer"):
        interop.load_state_dict(two(), extra.state_dict())


def test_partial_sets_what_fits_and_reports_the_rest():
    module = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3))
    found = interop.load_state_dict(two(), module.state_dict(), partial=True)
    assert found == interop.Transfer({"a": "0"}, ["b"], ["1"])


def test_names_say_which_is_which():
    model = build(layers.Input((4,)), layers.Dense(4, name="a"), layers.Dense(4, name="b"))
    module = nn.ModuleDict({"second": nn.Linear(4, 4), "first": nn.Linear(4, 4)})
    interop.load_state_dict(model, module.state_dict(), names={"a": "first", "b": "second"})
    np.testing.assert_allclose(
        model.get_layer("a").kernel, module["first"].weight.detach().numpy().T, rtol=1e-7
    )


def test_names_of_no_layer_are_refused():
    with pytest.raises(UnknownName, match="no layer 'c'"):
        interop.load_state_dict(two(), {}, names={"c": "x"})
