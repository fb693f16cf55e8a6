"""From the arrays a user passes to batches, with every check on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from polyk import dtypes, trees
from polyk.errors import DTypeError, ShapeError


class Feed:
    """Inputs, targets and sample weights of one length, cut into batches of NumPy arrays."""

    def __init__(
        self, x: Any, y: Any = None, sample_weight: Any = None, *,
        batch_size: int | None = None, dtype: str = "float32",
    ) -> None:  # fmt: skip
        self.x = trees.map(lambda a: host_array(a, dtype, "x"), as_tree(x))
        self.y = trees.map(lambda a: host_array(a, dtype, "y"), as_tree(y))
        self.sample_weight = trees.map(
            lambda a: host_array(a, dtype, "sample_weight"), sample_weight
        )
        self.batch_size = 32 if batch_size is None else int(batch_size)
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1; got {batch_size}.")
        self.size = self._check_lengths()

    def _check_lengths(self) -> int:
        named = (("x", self.x), ("y", self.y), ("sample_weight", self.sample_weight))
        lengths = {}
        for name, tree in named:
            for i, a in enumerate(trees.flatten(tree)):
                if a.ndim == 0:
                    raise ShapeError(f"{name} must have a batch axis; got a scalar.")
                lengths[name if i == 0 else f"{name}[{i}]"] = len(a)
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} has {n}" for name, n in lengths.items())
            raise ShapeError(f"the data differ in how many samples they have: {told}.")
        if not lengths or not next(iter(lengths.values())):
            raise ValueError("there is no data: x has 0 samples.")
        return next(iter(lengths.values()))

    @property
    def steps(self) -> int:
        """How many batches there are."""
        return -(-self.size // self.batch_size)

    def batches(self, order: Any = None) -> Iterator[tuple[Any, Any, Any]]:
        """``(x, y, sample_weight)`` batch by batch, in `order` if given; the last may be short."""
        data = (self.x, self.y, self.sample_weight)
        for start in range(0, self.size, self.batch_size):
            stop = min(start + self.batch_size, self.size)
            part: Any = slice(start, stop) if order is None else order[start:stop]
            yield tuple(trees.map(lambda a, p=part: a[p], tree) for tree in data)  # type: ignore[misc]

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
        import numpy as np

        targets = trees.flatten(self.y)
        if len(targets) != 1:
            raise ValueError("class_weight needs a model with one output.")
        labels = targets[0]
        one_hot = labels.ndim > 1 and labels.shape[-1] > 1
        labels = labels.argmax(-1) if one_hot else labels.reshape(len(labels))
        table = np.ones(max(int(labels.max()), *class_weight) + 1, dtypes.floatx())
        for label, weight in class_weight.items():
            table[int(label)] = weight
        given = 1 if self.sample_weight is None else self.sample_weight
        self.sample_weight = table[labels.astype(int)] * given


def as_tree(x: Any) -> Any:
    """A list of numbers or rows is one array; a list of arrays is several inputs."""
    if isinstance(x, (list, tuple)) and not any(hasattr(a, "shape") for a in trees.flatten(x)):
        import numpy as np

        return np.asarray(x)
    return x


def host_array(x: Any, dtype: str, name: str = "x") -> Any:
    """`x` as a NumPy array: floats in `dtype`, 64-bit ints in int32 where they fit."""
    import numpy as np

    from polyk.select import is_tensor, to_numpy

    a = to_numpy(x) if is_tensor(x) and not isinstance(x, np.ndarray) else np.asarray(x)
    if a.dtype.kind == "f":
        return a.astype(dtype, copy=False)
    if a.dtype.kind not in "iub":
        raise DTypeError(f"{name} must be numbers; got an array of {a.dtype}.")
    if a.dtype in (np.int64, np.uint64, np.uint32) and (a.size == 0 or abs(a).max() < 2**31):
        return a.astype(np.int32)
    return a
