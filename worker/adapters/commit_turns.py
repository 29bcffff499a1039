"""Committing to a table that others commit to: decide, commit, and decide again when another commit came first."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from pyiceberg.exceptions import CommitFailedException, ValidationException

from worker.adapters.catalog import catalog_errors
from worker.domain.errors import TransientError

MAX_COMMITS = 20
LONGEST_PAUSE_SECONDS = 0.5

T = TypeVar("T")


def committed(
    about: str,
    attempt: Callable[[], T],
    turn: Callable[[], AbstractContextManager[object]],
    pause: Callable[[float], None],
) -> T:
    """What ``attempt`` returns once its commit is accepted; each attempt takes a ``turn`` and reads the table anew.

    TransientError when so many others commit that our turn never comes; ``about`` says what it was for.
    """
    for _ in range(MAX_COMMITS):
        with turn(), catalog_errors():
            try:
                return attempt()
            except (CommitFailedException, ValidationException):
                # Whatever was decided is stale now. A record that was written stays: a twin may have published it.
                pass
        pause(random.uniform(0, LONGEST_PAUSE_SECONDS))  # noqa: S311  spreads publishers, keeps no secret
    message = f"{about}: {MAX_COMMITS} other commits to the table came first"
    raise TransientError(message, "contention", "publish fewer sources of one org at the same time")
