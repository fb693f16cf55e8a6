"""Models as text for Graphviz."""

import shutil

import pytest
from test_summary import net

import polyk
from polyk import layers
from polyk.utils import model_to_dot, plot_model


def test_layers_are_boxes_and_tensors_arrows():
    dot = model_to_dot(net(), show_shapes=True, show_layer_names=True, rankdir="LR")
    assert "graph [rankdir=LR, dpi=200]" in dot
    assert r'"inner" [label="inner (Sequential)\noutput: (None, 3)"];' in dot
    assert [line for line in dot.splitlines() if "->" in line] == [
        '"a" -> "inner";', '"b" -> "inner";', '"inner" -> "concatenate";',
        '"inner" -> "concatenate";', '"concatenate" -> "end";',
    ]  # fmt: skip


def test_models_inside_are_frames():
    dot = model_to_dot(net(), expand_nested=True, show_trainable=True, show_dtype=True)
    assert 'subgraph "cluster_inner" {\nlabel="inner";' in dot
    assert r'"inner/hidden" [label="Dense\ndtype: float32\nfrozen"];' in dot
    assert '"a" -> "inner/hidden";' in dot


def test_activations_are_named():
    model = polyk.Sequential([layers.Input((2,)), layers.Dense(1, "relu")])
    assert r"Dense\nactivation: relu" in model_to_dot(model, show_layer_activations=True)


def test_text_needs_nothing_installed(tmp_path):
    plot_model(net(), tmp_path / "m.dot")
    assert (tmp_path / "m.dot").read_text() == model_to_dot(net())


def test_without_graphviz_it_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match="apt install graphviz.*to_file='model.dot'"):
        plot_model(net(), tmp_path / "m.png")


def test_a_model_without_shapes_is_refused():
    with pytest.raises(ValueError, match="not built yet"):
        model_to_dot(polyk.Sequential([layers.Dense(2)]))
