"""What the exit code says."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """A script can tell a month that failed from a command that was wrong."""

    NO_RUN_FAILED = 0
    EVERY_RUN_FAILED = 1
    USAGE = 2
    SOME_RUNS_FAILED = 3
    INTERRUPTED = 130
