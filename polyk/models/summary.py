"""model.summary(): a table of layers, output shapes and parameter counts."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from polyk import trees

_BYTES = {"bool": 1}


@dataclass
class Row:
    """What the table says of one layer."""

    layer: Any
    shape: Any = None
    inputs: list[str] = field(default_factory=list)  # where its inputs come from
    depth: int = 0


def rows(model: Any, expand_nested: bool = False, depth: int = 0) -> Iterator[Row]:
    """The layers of a model in order; with `expand_nested` also those of models inside."""
    for row in _own_rows(model):
        row.depth = depth
        yield row
        if expand_nested and row.layer.layers and hasattr(row.layer, "summary"):
            yield from rows(row.layer, True, depth + 1)


def _own_rows(model: Any) -> list[Row]:
    graph = getattr(model, "graph", None)
    tensors = getattr(model, "_tensors", None) or [None]
    if graph is None:
        made = [*tensors[1:], *[None] * len(model.layers)]
        pairs = zip(model.layers, made, strict=False)
        return [Row(layer, _shape(_first_output(layer) if t is None else t)) for layer, t in pairs]
    found = {id(layer): Row(layer, _shape(layer.output)) for layer in _entries(model)}
    for node in graph.nodes:
        sources = [t.name for t in node.inputs]
        if isinstance(node.owner, str):
            continue
        row = found.setdefault(id(node.owner), Row(node.owner, _shape(node.outputs)))
        row.inputs += sources
    return list(found.values())


def _entries(model: Any) -> Sequence[Any]:
    return model.layers[: len(model.inputs)]  # type: ignore[no-any-return]


def _first_output(layer: Any) -> Any:
    nodes = layer.__dict__.get("_nodes")
    return nodes[0].outputs if nodes else None


def _shape(outputs: Any) -> Any:
    shapes = [t.shape for t in trees.flatten(outputs)]
    return shapes[0] if len(shapes) == 1 else shapes or None


def summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Print the table, or pass it to `print_fn` as text.

    `line_length` is its width, `positions` are the right edges of its columns as parts of that,
    `layer_range` names the first and the last layer to show.
    """
    from rich.console import Console

    shown = _between(list(rows(model, expand_nested)), layer_range)
    console = Console(width=line_length or 80, record=print_fn is not None,
                      file=None if print_fn is None else io.StringIO())  # fmt: skip
    connected = getattr(model, "graph", None) is not None
    console.print(_table(model, shown, console.width, positions, connected, show_trainable))
    optimizer = _optimizer_weights(model)
    total = [*model.weights, *optimizer]
    for label, weights in (
        ("Total params", total),
        ("Trainable params", model.trainable_weights),
        ("Non-trainable params", model.non_trainable_weights),
        ("Optimizer params", optimizer),
    ):
        if weights or label != "Optimizer params":
            count = sum(math.prod(w.shape) for w in weights)
            console.print(f" {label}: {count:,} ({_size(weights)})", highlight=False)
    if print_fn is not None:
        print_fn(console.export_text())


def _optimizer_weights(model: Any) -> list[Any]:
    optimizer = getattr(model, "optimizer", None)
    return list(optimizer.state) if optimizer is not None else []


def _table(
    model: Any, shown: list[Row], width: int, positions: Any, connected: bool, trainable: bool
) -> Any:
    from rich.table import Table

    table = Table(title=f'Model: "{model.name}" on {model.backend.name}', title_justify="left")
    heads = ["Layer (type)", "Output shape", "Param #"]
    heads += ["Connected to"] * connected + ["Trainable"] * trainable
    edges = [round(width * p) for p in positions or ()]
    for i, head in enumerate(heads):
        wide = edges[i] - (edges[i - 1] if i else 0) if i < len(edges) else None
        table.add_column(head, justify="right" if head == "Param #" else "left", width=wide)
    for row in shown:
        indent = "  " * row.depth + ("└ " if row.depth else "")
        kind = f"{indent}{row.layer.name} ({type(row.layer).__name__})"
        count = f"{row.layer.count_params():,}" if row.layer.built else "? (unbuilt)"
        cells = [kind, "?" if row.shape is None else str(row.shape), count]
        cells += [", ".join(row.inputs) or "-"] * connected
        cells += [_trainable(row.layer)] * trainable
        table.add_row(*cells)
    return table


def _trainable(layer: Any) -> str:
    return "-" if not layer.weights else "Y" if layer.trainable else "N"


def _between(shown: list[Row], layer_range: Sequence[str] | None) -> list[Row]:
    if layer_range is None:
        return shown
    names = [row.layer.name for row in shown]
    first, last = layer_range
    if first not in names or last not in names:
        raise ValueError(f"layer_range must name two layers of the model; got {layer_range}.")
    return shown[names.index(first) : names.index(last) + 1]


def _size(weights: Any) -> str:
    size = float(sum(math.prod(w.shape) * _width(w.dtype) for w in weights))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{size:.2f} {unit}"


def _width(dtype: str) -> int:
    return _BYTES.get(dtype) or int("".join(c for c in dtype if c.isdigit())) // 8
