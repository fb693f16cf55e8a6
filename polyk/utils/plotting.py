"""Models as drawings, in the language of Graphviz."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> str:
    """The graph of a built model as text in the DOT language.

    `rankdir` "TB" draws downwards, "LR" to the right. With `expand_nested` models inside are drawn
    as frames around their layers.
    """
    if not model.built:
        raise ValueError(f"{model.where()} is not built yet: call it, fit it, or build(shape).")

    def label(row: Any) -> str:
        lines = [f"{row.name} ({row.kind})" if show_layer_names else row.kind]
        if row.kind == "op" and not show_layer_names:
            lines = [row.name]
        activation = getattr(row.layer, "activation", None)
        if show_layer_activations and activation is not None:
            lines.append(f"activation: {getattr(activation, '__name__', activation)}")
        if show_shapes:
            lines.append(f"output: {'?' if row.shape is None else row.shape}")
        if show_dtype:
            lines.append(f"dtype: {row.dtype}")
        if show_trainable and row.layer is not None and row.layer.weights:
            lines.append("trainable" if row.layer.trainable else "frozen")
        return "\\n".join(line.replace('"', "'") for line in lines)

    body: list[str] = []
    _draw(model._rows(expand_nested), "", label, body)
    head = f"graph [rankdir={rankdir}, dpi={dpi}]; node [shape=box];"
    return "\n".join(["digraph model {", head, *body, "}"]) + "\n"


def _draw(rows: list[Any], prefix: str, label: Any, body: list[str]) -> None:
    ends = {}  # name -> (the node that an arrow to it meets, the one that an arrow from it leaves)
    for row in rows:
        key = f"{prefix}{row.name}"
        if row.inside:
            body += [f'subgraph "cluster_{key}" {{', f'label="{row.name}";']
            _draw(row.inside, f"{key}/", label, body)
            body.append("}")
            ends[row.name] = f"{key}/{row.inside[0].name}", f"{key}/{row.inside[-1].name}"
        else:
            body.append(f'"{key}" [label="{label(row)}"];')
            ends[row.name] = key, key
    body += [f'"{ends[x][1]}" -> "{ends[row.name][0]}";' for row in rows for x in row.inputs]


def plot_model(model: Any, to_file: Any = "model.png", **kwargs: Any) -> None:
    """Draw a built model into a file, whose suffix says in which format: png, svg, pdf, dot.

    The arguments are those of `model_to_dot`. All formats but dot need Graphviz.
    """
    path = Path(to_file)
    source, kind = model_to_dot(model, **kwargs), path.suffix[1:] or "png"
    if kind == "dot":
        path.write_text(source)
        return
    program = shutil.which("dot")
    if program is None:
        raise RuntimeError(
            "plot_model needs the program `dot` of Graphviz, which was not found. Install it "
            "(apt install graphviz, brew install graphviz, conda install graphviz), or write text: "
            "to_file='model.dot'."
        )
    done = subprocess.run([program, f"-T{kind}", "-o", str(path)], input=source, text=True,
                          capture_output=True)  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"Graphviz could not draw {path}: {done.stderr.strip()}")
