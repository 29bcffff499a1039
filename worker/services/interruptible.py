"""Work that can be interrupted, though an engine does it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from worker.services.lease import CancelledError

T = TypeVar("T")


def interruptible(work: Callable[[Callable[[], None]], T], still_wanted: Callable[[], None]) -> T:
    """What ``work`` returns, done in a thread of its own, so that a signal or a time limit can end the wait for it.

    Python hands signals to the main thread alone, and only between two steps of Python: while an engine reads a file there,
    a worker that is told to stop would hear of it at the file's end. ``work`` is given a check to call now and then, as it
    would have called ``still_wanted``; once the wait was interrupted it raises CancelledError.
    """
    interrupted = threading.Event()

    def go_on() -> None:
        if interrupted.is_set():
            raise CancelledError
        still_wanted()

    with ThreadPoolExecutor(1, thread_name_prefix="work") as thread:
        try:
            # Also while the thread is being started: whatever began hears of the interruption.
            return thread.submit(work, go_on).result()
        except BaseException:
            interrupted.set()
            raise
