"""PyDataset: batches by number, which several workers may prepare at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any


class PyDataset:
    """Subclass it with ``__getitem__(i)``, which gives batch `i`, and ``__len__``, their number.

    `workers` threads prepare up to `max_queue_size` batches ahead; with `use_multiprocessing`
    processes, to which the data set is pickled. `on_epoch_end` may change what comes next.

    >>> class Pairs(polyk.utils.PyDataset):
    ...     def __len__(self):
    ...         return 10
    ...     def __getitem__(self, i):
    ...         return np.full((4, 3), i), np.full((4, 1), i)
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers, self.use_multiprocessing = workers, use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__.")

    @property
    def num_batches(self) -> int | None:
        """How many batches there are; None for endlessly many."""
        if not hasattr(self, "__len__"):
            raise NotImplementedError(
                f"{type(self).__name__} must define __len__, or num_batches (None: endless)."
            )
        return len(self)

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""

    def batches(self, indices: Iterable[int]) -> Iterator[Any]:
        """The batches of `indices` in their order, prepared by the workers."""
        pool = self._pool()
        if pool is None:
            yield from (self[i] for i in indices)
            return
        with pool:
            yield from _in_order(pool, self.__getitem__, indices, max(self.max_queue_size, 1))

    def _pool(self) -> Executor | None:
        workers = getattr(self, "workers", 1)  # a subclass may not have called __init__
        if not getattr(self, "use_multiprocessing", False):
            return ThreadPoolExecutor(workers) if workers > 1 else None
        from multiprocessing import get_context

        # A fork would copy the locks of the engines' threads.
        return ProcessPoolExecutor(max(workers, 1), mp_context=get_context("spawn"))


Sequence = PyDataset


def _in_order(
    pool: Executor, get: Callable[[int], Any], indices: Iterable[int], ahead: int
) -> Iterator[Any]:
    pending: deque[Future[Any]] = deque()
    try:
        for i in indices:
            pending.append(pool.submit(get, i))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()
