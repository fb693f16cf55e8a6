"""model.summary(): a table of layers, output shapes and parameter counts."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import Any

from polyk.models.outline import Row, flat, rows

_BYTES = {"bool": 1}


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

    shown = _between(list(flat(rows(model, expand_nested))), layer_range)
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
        cells = [f"{indent}{row.name} ({row.kind})", "?" if row.shape is None else str(row.shape)]
        cells.append(_count(row.layer))
        cells += [", ".join(row.inputs) or "-"] * connected
        cells += [_trainable(row.layer)] * trainable
        table.add_row(*cells)
    return table


def _count(layer: Any) -> str:
    return "0" if layer is None else f"{layer.count_params():,}" if layer.built else "? (unbuilt)"


def _trainable(layer: Any) -> str:
    return "-" if layer is None or not layer.weights else "Y" if layer.trainable else "N"


def _between(shown: list[Row], layer_range: Sequence[str] | None) -> list[Row]:
    if layer_range is None:
        return shown
    names = [row.name for row in shown]
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
