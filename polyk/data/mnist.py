"""MNIST and data sets in its format, such as Fashion-MNIST, read from a folder of idx files.

The format: http://yann.lecun.com/exdb/mnist. Two zero bytes, a type code (8: unsigned byte), the
number of axes, each axis as a big-endian 32-bit integer, then the values.
"""

import gzip
import struct
import zlib
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyk.data.digits import Split

_LIMIT = 1 << 20  # images in a file; what claims more is not of this kind


def load_mnist(folder: str | PathLike[str]) -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)`` from the four ``.gz`` files in `folder`.

    ``x``: float32 ``(N, 28, 28, 1)`` in [0, 1]. ``y``: int32 ``(N,)``. Raises FileNotFoundError
    where a file is missing, ValueError where it is not what its name says.
    """
    return _split(Path(folder), "train"), _split(Path(folder), "t10k")


def _split(folder: Path, part: str) -> Split:
    images, labels = (
        folder / f"{part}-images-idx3-ubyte.gz",
        folder / f"{part}-labels-idx1-ubyte.gz",
    )
    x, y = _read_idx(images, (28, 28)), _read_idx(labels, ())
    if len(x) != len(y):
        raise ValueError(f"{folder}: {len(x)} images but {len(y)} labels in {part}.")
    return x[..., np.newaxis].astype(np.float32) / np.float32(255), y.astype(np.int32)


def _read_idx(path: Path, item: tuple[int, ...]) -> NDArray[Any]:
    """The array ``(n, *item)`` of bytes in `path`; reads no more than its header allows."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; load_mnist needs the original four .gz files.")
    axes = 1 + len(item)
    try:
        with gzip.open(path) as file:
            magic, *shape = struct.unpack(f">{1 + axes}I", file.read(4 * (1 + axes)))
            if magic != 0x0800 + axes:
                raise ValueError(f"its magic number is {magic}, not {0x0800 + axes}")
            if tuple(shape[1:]) != item or shape[0] > _LIMIT:
                raise ValueError(f"its header claims the shape {tuple(shape)}")
            size = int(np.prod(shape))
            values = file.read(size + 1)
    except (OSError, EOFError, zlib.error, struct.error) as e:
        raise ValueError(f"{path} is damaged: {e}.") from e
    except ValueError as e:
        raise ValueError(
            f"{path} is no idx file of {'images' if item else 'labels'}: {e}."
        ) from None
    if len(values) != size:
        found = "more" if len(values) > size else f"{len(values):,}"
        raise ValueError(f"{path} should hold {size:,} values and holds {found}.")
    return np.frombuffer(values, np.uint8).reshape(shape)
