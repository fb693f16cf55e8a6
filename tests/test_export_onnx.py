"""ONNX files give what the model gives: in onnxruntime and in the format's own interpreter."""

import numpy as np
import pytest
from conftest import AVAILABLE
from export_models import MODELS, floats
from polyk_conformance.zoo import ALL

import polyk
from polyk import layers, ops, trees
from polyk.errors import MissingPackage, UnsupportedOp

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
runtime.set_default_logger_severity(3)
SHARE = {"float64": 1e-12, "float32": 1e-5}  # of the largest element; other orders of summing


def convert(model, signature=None):
    """The checked file of a model."""
    from polyk.export.onnx import convert

    proto = convert(model, signature)
    onnx.checker.check_model(proto, full_check=True)
    return proto


def run(proto, data):
    session = runtime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [i.name for i in session.get_inputs()]
    return session.run(None, dict(zip(names, trees.flatten(data), strict=True)))


def interpret(proto, data):
    names = [i.name for i in proto.graph.input]
    from onnx.reference import ReferenceEvaluator

    found = ReferenceEvaluator(proto)
    return found.run(None, dict(zip(names, trees.flatten(data), strict=True)))


def predict(model, data):
    found = model.predict(data)
    return [found[k] for k in sorted(found)] if isinstance(found, dict) else trees.flatten(found)


def assert_same(got, want, share=None):
    assert len(got) == len(want)
    for g, w in zip(got, want, strict=True):
        assert (np.shape(g), g.dtype) == (w.shape, w.dtype)
        scale = max(1.0, np.abs(w).max(initial=0)) * (share or SHARE.get(w.dtype.name, 0))
        np.testing.assert_allclose(g, w, rtol=0, atol=scale)


def operators(proto):
    return [node.op_type for node in proto.graph.node]


@pytest.mark.parametrize("specimen", ALL, ids=str)
def test_every_layer_exports_for_any_batch(specimen):
    inputs = specimen.inputs()
    entries = trees.map(lambda x: layers.Input(x.shape[1:]), inputs)
    model = polyk.Model(entries, specimen.make(layers)(entries))
    proto = convert(model)
    for n in (1, 3):
        part = trees.map(lambda x, n=n: np.concatenate([x, x])[:n], inputs)
        assert_same(run(proto, part), predict(model, part))


@pytest.mark.parametrize("name", MODELS)
def test_models_give_the_same_in_onnxruntime(name):
    model, data = MODELS[name]()
    proto = convert(model)
    for n in (1, 3, 5):
        share = 2e-3 if name == "half" else None
        assert_same(run(proto, data(n)), predict(model, data(n)), share)


@pytest.mark.parametrize("name", [n for n in MODELS if not n.endswith(("half", "float64"))])
def test_models_give_the_same_in_the_reference_of_onnx(name):
    model, data = MODELS[name]()
    assert_same(interpret(convert(model), data(3)), predict(model, data(3)))


@pytest.mark.parametrize("name", AVAILABLE)
def test_the_file_is_the_same_whatever_the_backend(name):
    def file(backend):
        with polyk.use(backend):
            model = polyk.Sequential(
                [layers.Input((6, 6, 2), name="x"), layers.Conv2D(3, 3, name="conv"),
                 layers.Flatten(name="flat"), layers.Dense(2, name="dense")],
                seed=1, name="model",
            )  # fmt: skip
            return convert(model).SerializeToString()

    assert file(name) == file("numpy")


# What the graph reads like.


def test_a_convnet_is_the_nodes_one_expects():
    proto = convert(MODELS["convnet"]()[0])
    assert operators(proto) == [
        "Transpose", "Conv", "Relu", "BatchNormalization", "MaxPool", "Pad", "Conv", "Transpose",
        "Reshape", "Gemm", "Softmax",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "node"), [("lstm", "LSTM"), ("gru", "GRU"), ("simple", "Scan"), ("gelu", "Erf"),
                       ("transformer", "LayerNormalization"), ("branches", "If"),
                       ("branches", "Loop")]
)  # fmt: skip
def test_operators_of_onnx_are_used(name, node):
    assert node in operators(convert(MODELS[name]()[0]))


def test_weights_are_named_by_their_paths():
    model = polyk.Sequential([layers.Input((4,)), layers.Dense(3, name="a")])
    names = {t.name for t in convert(model).graph.initializer}
    assert names == {w.path for w in model.weights} == {"a/kernel", "a/bias"}


def test_open_axes_have_names():
    (entry,) = convert(MODELS["transformer"]()[0]).graph.input
    assert [d.dim_param for d in entry.type.tensor_type.shape.dim] == ["batch", f"{entry.name}_1"]


def test_a_signature_fixes_sizes():
    model, _ = MODELS["lstm"]()
    (entry,) = convert(model, (2, 7, 4)).graph.input
    assert [d.dim_value for d in entry.type.tensor_type.shape.dim] == [2, 7, 4]


# Files.


def test_a_file_is_written_and_read(tmp_path):
    model, data = MODELS["shared"]()
    model.export(tmp_path / "m.onnx", format="onnx")
    assert_same(run(onnx.load(tmp_path / "m.onnx"), data(2)), predict(model, data(2)))
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]


def test_weights_may_be_in_a_second_file(tmp_path):
    model = polyk.Sequential([layers.Input((64,)), layers.Dense(64)])
    model.export(tmp_path / "m.onnx", external_data=True)
    assert {p.name for p in tmp_path.iterdir()} == {"m.onnx", "m.onnx.data"}
    assert (tmp_path / "m.onnx").stat().st_size < 64 * 64 * 4
    x = floats(2, 64)
    session = runtime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    assert_same(session.run(None, {session.get_inputs()[0].name: x}), predict(model, x))


def test_what_one_file_cannot_hold_goes_into_two_or_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("polyk.export.onnx.proto.LIMIT", 1000)
    model = polyk.Sequential([layers.Input((64,)), layers.Dense(64)])
    with pytest.raises(ValueError, match="external_data=True"):
        model.export(tmp_path / "m.onnx", external_data=False)
    model.export(tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx.data").exists()


def test_exporting_changes_nothing():
    model, data = MODELS["convnet"]()
    before = [w.numpy() for w in model.weights]
    convert(model)
    for w, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(w.numpy(), value)


# What cannot be.


class Calls(layers.Layer):
    """A layer of one function."""

    def __init__(self, fn, **kwargs):
        super().__init__(**kwargs)
        self.fn = fn

    def call(self, x):
        return self.fn(x)


@pytest.mark.parametrize(
    ("fn", "message"),
    [
        (lambda x: ops.cholesky(ops.matmul(x, ops.swapaxes(x, 1, 2))), "mine: cholesky cannot"),
        (lambda x: x * float(x.shape[0]), "mine: Mul depends on the number of cells"),
        (lambda x: x + np.ones((x.shape[1], 1)), "mine: Add depends on the number of cells"),
    ],
)
def test_what_cannot_be_exported_names_layer_op_and_reason(fn, message):
    model = polyk.Sequential([Calls(fn, name="mine")])
    with pytest.raises(UnsupportedOp, match=message):
        convert(model, (None, None, 3))


def test_a_layer_that_keeps_state_is_refused():
    model = polyk.Sequential([layers.Input((4, 3), batch_size=2), layers.LSTM(2, stateful=True)])
    model(floats(2, 4, 3))
    with pytest.raises(UnsupportedOp, match="rnn_state.*stateful"):
        convert(model)


def test_without_onnx_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    from polyk.export.onnx import convert

    with pytest.raises(MissingPackage, match=r"polyk\[onnx\]"):
        convert(MODELS["nested"]()[0])


def test_a_model_that_knows_no_inputs_says_so():
    with pytest.raises(ValueError, match="input_signature"):
        convert(polyk.Sequential([layers.Dense(2)]))
