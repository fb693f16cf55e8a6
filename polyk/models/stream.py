"""Epochs over a feed: where one ends and the next begins, in which order, and what runs dry."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

from polyk import random
from polyk.models.prefetch import Prefetch
from polyk.select import get_backend, use


class Stream:
    """The batches of one epoch after another.

    Without `steps` an epoch is all that the feed has. With `steps` it takes up where the last one
    ended, and starts over when the feed is through; if that happens within an epoch, a warning says
    so. `limit` is how many batches will be asked for in all, so that none is taken in vain.
    """

    def __init__(
        self, model: Any, feed: Any, steps: int | None = None, *,
        shuffle: bool = False, epochs: int = 1,
    ) -> None:  # fmt: skip
        if steps is not None and steps < 1:
            raise ValueError(f"the number of steps must be at least 1; got {steps}.")
        self.model, self.feed, self.given, self.shuffle = model, feed, steps, shuffle
        self.left = None if steps is None else steps * epochs
        self.steps = steps or feed.steps  # of an epoch, where that is known
        self._items: Any = None
        self._seen = 0
        self.dry = False  # whether an iterator came to its end

    def epoch(self, done: int = 0) -> Iterator[Any]:
        """The batches of the next epoch, of which `done` were taken before."""
        if self._items is None or (self.given is None and not done):
            self._start()
        while done != self.given:
            try:
                data = next(self._items)
            except StopIteration:
                self._end(done)
                break
            done += 1
            self._seen += 1
            yield data
        if self.given is None:
            self.steps, self.dry = done, self.feed.once
        elif self._seen == self.feed.steps:
            self.close()
        if self.left is not None:
            self.left -= done
        self.feed.on_epoch_end()

    @property
    def position(self) -> int:
        """How many batches were taken since the feed was last begun; 0 if it is to begin anew."""
        return 0 if self._items is None else self._seen

    def resume(self, position: int, epochs: int, done: int) -> None:
        """Stand where a stream of the same feed stood, `epochs` and `done` batches later."""
        if self.given is not None and self.left is not None:
            self.left -= epochs * self.given
        if not position:
            return
        left, self.left = self.left, None if self.left is None else self.left - done + position
        self.model._epochs -= self.shuffle
        self._start()
        for _ in range(position):
            next(self._items)
        self.left, self._seen = left, position

    def _start(self) -> None:
        self.close()
        order = _order(self.model, self.feed.ordered) if self.shuffle else None
        if self.shuffle:
            self.model._epochs += 1
        items = self.feed.batches(order)
        if self.feed.ahead:
            items = Prefetch(itertools.islice(items, self.left), self.feed.ahead)
        self._items, self._seen = items, 0

    def _end(self, done: int) -> None:
        """The feed has no more."""
        self.close()
        if self.given is not None:
            self.dry = self.feed.once
            warnings.warn(
                f"the data ran out after {done} of the {self.given} steps of this epoch. They must "
                "yield at least steps_per_epoch * epochs batches; an endless generator, or "
                "repeat() on a data set, does.",
                UserWarning,
                stacklevel=4,
            )

    def close(self) -> None:
        """Let go of the iterator and of its thread."""
        items, self._items = self._items, None
        if isinstance(items, Prefetch):
            items.close()


def _order(model: Any, size: int) -> Any:
    """The order of this epoch: a function of the model's seed and of how many went before."""
    if not size:
        return None
    key = random.fold_in(random.fold_in(model.key, "shuffle"), model._epochs + 1)
    host = get_backend("numpy")
    with use(host):
        return host.to_numpy(random.permutation(size, seed=key))


def groups(items: Iterator[Any], n: int, first: int = 0) -> Iterator[tuple[int, int, Any]]:
    """``(first, last, batch)``, or with `n` above 1 ``(first, last, list of n batches)``."""
    if n == 1:
        for i, item in enumerate(items, first):
            yield i, i, item
        return
    while batches := list(itertools.islice(items, n)):
        yield first, first + len(batches) - 1, batches
        first += len(batches)
