"""Work that can be interrupted, though an engine does it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from worker.services.lease import CancelledError

T = TypeVar("T")

ASK_SECONDS = 0.5
GRACE_SECONDS = 2.0
"""How long interrupted work is waited for. It may be stalled, in a download say, and is then left to its own time limit."""


def interruptible(work: Callable[[Callable[[], None]], T], still_wanted: Callable[[], None]) -> T:
    """What ``work`` returns, done in a thread of its own, so that a signal or a time limit can end the wait for it.

    Python hands signals to the main thread alone, and only between two steps of Python: while an engine reads a file there,
    a worker that is told to stop would hear of it at the file's end. ``work`` is given a check to call now and then; once
    the wait was interrupted, or ``still_wanted`` raised, it raises CancelledError.
    """
    interrupted, ended = threading.Event(), threading.Event()

    def go_on() -> None:
        if interrupted.is_set():
            raise CancelledError
        still_wanted()

    def worked() -> T:
        try:
            return work(go_on)
        finally:
            ended.set()

    thread = ThreadPoolExecutor(1, thread_name_prefix="work")
    try:
        # Also while the thread is being started: whatever began hears of the interruption.
        working = thread.submit(copy_context().run, worked)  # what it does belongs to our span
        while not ended.wait(ASK_SECONDS):
            still_wanted()
        return working.result()
    except BaseException:  # a signal as well: the thread must not go on behind it
        interrupted.set()
        ended.wait(GRACE_SECONDS)
        raise
    finally:
        thread.shutdown(wait=False)
