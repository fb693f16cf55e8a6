"""An iterator that a thread keeps a few items ahead, so that the next batch is ready."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any, Self

from polyk.select import current, current_device, scope

_END = object()


class Prefetch:
    """The items of `items`, made in a thread of the same backend and device as this one.

    An exception is raised where its item would have come. `close` ends the thread.
    """

    def __init__(self, items: Iterator[Any], ahead: int) -> None:
        self._queue: queue.Queue[Any] = queue.Queue(ahead)
        self._stop = threading.Event()
        self._items, self._place = items, (current(), current_device())
        self._thread = threading.Thread(target=self._work, name="polyk-prefetch", daemon=True)
        self._thread.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        item, error = self._queue.get()
        if item is not _END:
            return item
        self._queue.put((_END, None))  # whoever asks again hears the same
        raise error or StopIteration

    def _work(self) -> None:
        error: BaseException | None = None
        try:
            with scope(*self._place):
                for item in self._items:
                    if not self._put(item, None):
                        return
        except BaseException as e:  # raised in the thread that asks for the item
            error = e
        self._put(_END, error)

    def _put(self, item: Any, error: BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put((item, error), timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def close(self) -> None:
        """End the thread; what it prepared is lost."""
        self._stop.set()
        self._thread.join(5)  # not for ever: the source may be waiting for something itself
