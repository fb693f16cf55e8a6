"""Data that come in batches: generators, data sets, loaders, whatever can be iterated."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from polyk import trees
from polyk.models.feed import Feed, check_lengths, host_batch, weigh_classes
from polyk.select import engine_of, to_numpy
from polyk.utils import PyDataset, unpack_x_y_sample_weight
from polyk.utils import pack_x_y_sample_weight as pack


def as_feed(x: Any, y: Any = None, sample_weight: Any = None, **options: Any) -> Any:
    """A `Feed` of arrays, or `Batches` of anything else that can be iterated.

    Arrays are NumPy's, tensors of any engine, pandas frames and series, lists of numbers, and
    lists and dicts of these.
    """
    if isinstance(x, (list, tuple, dict)) or hasattr(x, "shape"):
        return Feed(x, y, sample_weight, **options)
    if isinstance(x, PyDataset) or hasattr(x, "__iter__"):
        for name, given in (("y", y), ("sample_weight", sample_weight)):
            if given is not None:
                raise ValueError(
                    f"{name} must not be given where x is a {type(x).__name__}: each of its "
                    "batches is (x, y) or (x, y, sample_weight)."
                )
        del options["batch_size"]
        return (Indexed if isinstance(x, PyDataset) else Batches)(x, **options)
    if x is None:
        raise ValueError("there is no data: x is missing.")
    raise TypeError(f"x must be an array, a list or dict of arrays, or yield batches; got {x!r}.")


class Batches:
    """The batches of an iterable: ``x``, ``(x, y)`` or ``(x, y, sample_weight)`` each.

    An iterator is read on from epoch to epoch; anything else is started anew. Its leaves become
    NumPy arrays, but for tensors that are on the model's accelerator already.
    """

    ahead = 2
    ordered = 0  # nothing that core could shuffle

    def __init__(self, source: Any, dtype: str = "float32") -> None:
        self.source, self.dtype = source, dtype
        self.class_weight: dict[int, float] | None = None
        self.check: Callable[[Any], None] | None = None  # of the targets of each batch
        self.steps = self._count()
        self._peeked: Iterator[Any] | None = None
        self.x, self.y, self.sample_weight = self._example()

    def _count(self) -> int | None:
        try:
            return len(self.source)
        except TypeError:  # also of what has no end
            return None

    @property
    def once(self) -> bool:
        """Whether the source is an iterator, which cannot be started anew."""
        return iter(self.source) is self.source

    def _example(self) -> tuple[Any, Any, Any]:
        items = iter(self.source)
        for item in items:
            self._peeked = itertools.chain([item], items)
            return self._convert(item)
        raise ValueError(f"there is no data: {self._name()} yields nothing.")

    def _name(self) -> str:
        return f"the {type(self.source).__name__}"

    def batches(self, order: Any = None) -> Iterator[Any]:
        """Batch by batch, as `train_step` takes them."""
        items, self._peeked = self._peeked, self._peeked if self.once else None
        return map(self._batch, iter(self.source) if items is None else items)

    def _batch(self, item: Any) -> Any:
        x, y, sample_weight = self._convert(item)
        if self.class_weight is not None:
            labels, given = (trees.map(to_numpy, tree) for tree in (y, sample_weight))
            sample_weight = weigh_classes(labels, given, self.class_weight)
        if self.check is not None and y is not None and not _on_accelerator(y):
            self.check(y)
        return pack(x, y, sample_weight)

    def _convert(self, item: Any) -> tuple[Any, Any, Any]:
        x, y, sample_weight = unpack_x_y_sample_weight(item)
        if x is None:
            raise ValueError(f"{self._name()} gave a batch without x.")
        if _on_accelerator((x, y, sample_weight)):
            return x, y, sample_weight
        batch = host_batch(x, y, sample_weight, self.dtype)
        check_lengths(*batch)
        return batch

    def on_epoch_end(self) -> None:
        """Iterables are told nothing."""

    def split(self, fraction: float) -> Any:
        raise ValueError(
            f"validation_split={fraction} needs arrays, whose last part is held out; x is "
            f"{self._name()}. Give validation_data instead."
        )

    def weigh_classes(self, class_weight: dict[int, float]) -> None:
        """Weigh the samples of each batch as it comes."""
        self.class_weight = class_weight


class Indexed(Batches):
    """The batches of a `PyDataset`, in the order of their numbers or in a shuffled one."""

    once = False

    def __init__(self, source: PyDataset, dtype: str = "float32") -> None:
        super().__init__(source, dtype)
        self.ahead = max(getattr(source, "max_queue_size", 10), 1)
        self.ordered = self.steps or 0

    def _count(self) -> int | None:
        return self.source.num_batches  # type: ignore[no-any-return]

    def _example(self) -> tuple[Any, Any, Any]:
        if self.steps == 0:
            raise ValueError(f"there is no data: {self._name()} has 0 batches.")
        return self._convert(self.source[0])

    def batches(self, order: Any = None) -> Iterator[Any]:
        indices: Any = itertools.count() if self.steps is None else range(self.steps)
        self.source.on_epoch_begin()
        return map(self._batch, self.source.batches(indices if order is None else map(int, order)))

    def on_epoch_end(self) -> None:
        self.source.on_epoch_end()
        self.steps = self._count()


def _on_accelerator(tree: Any) -> bool:
    """Whether all leaves are tensors of an engine, away from the host."""
    placed = [(engine_of(x), x) for x in trees.flatten(tree)]
    return all(engine is not None and engine.device(x) != "cpu" for engine, x in placed)
