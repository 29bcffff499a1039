"""Wait for a fact, not for a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(fact: Callable[[], T], seconds: float = 20.0, tick: Callable[[], object] | None = None) -> T:
    """The first truthy answer of ``fact``; AssertionError when none came in time. ``tick`` passes the time in between."""
    tick = tick or (lambda: threading.Event().wait(0.01))
    deadline = time.monotonic() + seconds
    while not (answer := fact()):
        assert time.monotonic() < deadline, f"not so within {seconds:g} s: {fact}"
        tick()
    return answer
