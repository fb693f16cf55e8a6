"""What holds while layers call one another: the mode, and who called."""

from __future__ import annotations

import threading
from typing import Any


class _Context(threading.local):
    def __init__(self) -> None:
        self.training: bool | None = None
        self.stack: list[Any] = []  # the layers being called, outermost first


context = _Context()
