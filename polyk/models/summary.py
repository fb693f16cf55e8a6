"""model.summary(): a table of layers, output shapes and parameter counts."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

_BYTES = {"bool": 1}


def summary(model: Any, print_fn: Callable[[str], Any] | None = None) -> None:
    """Print the table, or pass it to `print_fn` as text."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f'Model: "{model.name}" on {model.backend.name}', title_justify="left")
    table.add_column("Layer (type)")
    table.add_column("Output shape")
    table.add_column("Param #", justify="right")
    for layer, shape in model._rows():
        kind = f"{layer.name} ({type(layer).__name__})"
        table.add_row(kind, "?" if shape is None else str(shape), f"{layer.count_params():,}")
    console = Console(width=80, record=print_fn is not None, quiet=False,
                      file=None if print_fn is None else io.StringIO())  # fmt: skip
    console.print(table)
    for label, weights in (
        ("Total params", model.weights),
        ("Trainable params", model.trainable_weights),
        ("Non-trainable params", model.non_trainable_weights),
    ):
        count = sum(math.prod(w.shape) for w in weights)
        console.print(f" {label}: {count:,} ({_size(weights)})", highlight=False)
    if print_fn is not None:
        print_fn(console.export_text())


def _size(weights: Any) -> str:
    size = float(sum(math.prod(w.shape) * _width(w.dtype) for w in weights))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{size:.2f} {unit}"


def _width(dtype: str) -> int:
    return _BYTES.get(dtype) or int("".join(c for c in dtype if c.isdigit())) // 8
