"""From the arrays a user passes to batches, with every check on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from polyk import dtypes, trees
from polyk.errors import DTypeError, ShapeError
from polyk.utils import pack_x_y_sample_weight as pack


class Feed:
    """Inputs, targets and sample weights of one length, cut into batches of NumPy arrays.

    The last batch is short where the length is no multiple of `batch_size`. Engines that compile
    for each shape compile once more for it: filling it up to full size and masking by weights would
    change what batch normalization, losses of a user's own and `train_step`s see.
    """

    once = False  # whether the batches can be had a single time
    ahead = 0  # how many batches a thread prepares while a step runs; slicing is quick

    def __init__(
        self, x: Any, y: Any = None, sample_weight: Any = None, *,
        batch_size: int | None = None, dtype: str = "float32",
    ) -> None:  # fmt: skip
        self.x, self.y, self.sample_weight = host_batch(x, y, sample_weight, dtype)
        self.batch_size = 32 if batch_size is None else int(batch_size)
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1; got {batch_size}.")
        self.size = check_lengths(self.x, self.y, self.sample_weight)

    @property
    def steps(self) -> int | None:
        """How many batches there are."""
        return -(-self.size // self.batch_size)

    @property
    def ordered(self) -> int:
        """How many things shuffling puts in order: the samples."""
        return self.size

    def batches(self, order: Any = None) -> Iterator[Any]:
        """Batch by batch, as `train_step` takes them, in `order` if given."""
        data = pack(self.x, self.y, self.sample_weight)
        for start in range(0, self.size, self.batch_size):
            stop = min(start + self.batch_size, self.size)
            part: Any = slice(start, stop) if order is None else order[start:stop]
            yield trees.map(lambda a, p=part: a[p], data)  # type: ignore[misc]

    def on_epoch_end(self) -> None:
        """Arrays stay as they are."""

    def split(self, fraction: float) -> tuple[Feed, Feed]:
        """The first samples, and the last `fraction` of them."""
        cut = int(self.size * (1 - fraction))
        if not 0 < fraction < 1 or not 0 < cut < self.size:
            raise ValueError(
                f"validation_split={fraction} of {self.size} samples leaves nothing to "
                f"{'train' if fraction >= 0.5 else 'validate'} on."
            )
        return self._part(slice(0, cut)), self._part(slice(cut, None))

    def _part(self, span: slice) -> Feed:
        part = object.__new__(Feed)
        part.batch_size = self.batch_size
        part.x, part.y, part.sample_weight = (
            trees.map(lambda a: a[span], tree) for tree in (self.x, self.y, self.sample_weight)
        )
        part.size = len(trees.flatten(part.x)[0])
        return part

    def weigh_classes(self, class_weight: dict[int, float]) -> None:
        """Multiply each sample's weight by that of its class (labels, or one-hot rows)."""
        self.sample_weight = weigh_classes(self.y, self.sample_weight, class_weight)


def host_batch(x: Any, y: Any, sample_weight: Any, dtype: str) -> tuple[Any, Any, Any]:
    """All leaves as NumPy arrays; lists of numbers are arrays."""
    named = (("x", as_tree(x)), ("y", as_tree(y)), ("sample_weight", as_tree(sample_weight)))
    return tuple(trees.map(lambda a, n=name: host_array(a, dtype, n), tree)  # type: ignore[misc]
                 for name, tree in named)  # fmt: skip


def check_lengths(x: Any, y: Any, sample_weight: Any) -> int:
    """How many samples there are, the same everywhere."""
    lengths = {}
    for name, tree in (("x", x), ("y", y), ("sample_weight", sample_weight)):
        for i, a in enumerate(trees.flatten(tree)):
            if not a.shape:
                raise ShapeError(f"{name} must have a batch axis; got a scalar.")
            lengths[name if i == 0 else f"{name}[{i}]"] = a.shape[0]
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} has {n}" for name, n in lengths.items())
        raise ShapeError(f"the data differ in how many samples they have: {told}.")
    if not lengths or not next(iter(lengths.values())):
        raise ValueError("there is no data: x has 0 samples.")
    return int(next(iter(lengths.values())))


def weigh_classes(y: Any, sample_weight: Any, class_weight: dict[int, float]) -> Any:
    """`sample_weight`, or 1, times the weight of each sample's class."""
    import numpy as np

    targets = trees.flatten(y)
    if len(targets) != 1:
        raise ValueError("class_weight needs a model with one output.")
    labels = targets[0]
    one_hot = labels.ndim > 1 and labels.shape[-1] > 1
    labels = labels.argmax(-1) if one_hot else labels.reshape(len(labels))
    table = np.ones(max(int(labels.max()), *class_weight) + 1, dtypes.floatx())
    for label, weight in class_weight.items():
        table[int(label)] = weight
    return table[labels.astype(int)] * (1 if sample_weight is None else sample_weight)


def as_tree(x: Any) -> Any:
    """A list of numbers or rows is one array; a list of arrays is several inputs."""
    if isinstance(x, (list, tuple)) and not any(hasattr(a, "shape") for a in trees.flatten(x)):
        import numpy as np

        return np.asarray(x)
    return {k: as_tree(v) for k, v in x.items()} if isinstance(x, dict) else x


def host_array(x: Any, dtype: str, name: str = "x") -> Any:
    """`x` as a NumPy array: floats in `dtype`, 64-bit ints in int32 where they fit."""
    import numpy as np

    a = _numpy(x)
    if a.dtype.kind == "f" or "float" in a.dtype.name:
        return a.astype(dtype, copy=False)
    if a.dtype.kind not in "iub":
        raise DTypeError(f"{name} must be numbers; got an array of {a.dtype}.")
    if a.dtype in (np.int64, np.uint64, np.uint32) and (a.size == 0 or abs(a).max() < 2**31):
        return a.astype(np.int32)
    return a


def _numpy(x: Any) -> Any:
    """An array, a tensor of any engine (loaded by polyk or not), a pandas frame or series."""
    import numpy as np

    from polyk.select import is_tensor, to_numpy

    if isinstance(x, np.ndarray):
        return x
    if is_tensor(x):
        return to_numpy(x)
    if hasattr(x, "detach"):  # torch keeps gradients and devices
        x = x.detach().cpu()
    a = np.asarray(x)
    if a.dtype == object and hasattr(x, "iloc"):  # columns of several dtypes
        try:
            return a.astype("float64")
        except (TypeError, ValueError):
            return a
    return a
