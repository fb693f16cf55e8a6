"""NumPy arrays made ready: labels as rows, rows of one norm, sequences of one length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["normalize", "pad_sequences", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class numbers (...) or (..., 1) to rows with a single 1 (..., classes), in floatx.

    >>> to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    import numpy as np

    from polyk.dtypes import floatx

    labels = np.asarray(x, np.int64)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes = num_classes or (int(labels.max()) + 1 if labels.size else 0)
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(
            f"to_categorical: labels run from {labels.min()} to {labels.max()}; {classes} classes "
            f"have numbers from 0 to {classes - 1}."
        )
    return np.eye(classes, dtype=floatx())[labels]


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """`x` divided by its norm of `order` along `axis`; where that is 0, `x` stays."""
    import numpy as np

    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    return np.asarray(x) / np.expand_dims(norm, axis)


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Any:
    """Lists of different lengths as one array (N, maxlen, ...), filled with `value`.

    `padding` and `truncating` say at which end, "pre" or "post", values are added and cut off.
    """
    import numpy as np

    for name, given in (("padding", padding), ("truncating", truncating)):
        if given not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {name} must be 'pre' or 'post'; got {given!r}.")
    rows = [np.asarray(s) for s in sequences]
    length = max(map(len, rows), default=0) if maxlen is None else maxlen
    item = next((r.shape[1:] for r in rows if len(r)), ())
    out = np.full((len(rows), length, *item), value, dtype)
    for target, row in zip(out, rows, strict=True):
        kept = row[max(len(row) - length, 0) :] if truncating == "pre" else row[:length]
        if len(kept):
            if kept.shape[1:] != item:
                raise ValueError(
                    f"pad_sequences: entries of shape {kept.shape[1:]} among entries of {item}."
                )
            place = slice(length - len(kept), None) if padding == "pre" else slice(len(kept))
            target[place] = kept
    return out
