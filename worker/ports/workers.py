"""Workers, and what waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Backlog(Protocol):
    """What waits for workers."""

    def waiting(self, queue: str) -> tuple[int, datetime | None]:
        """How many messages wait, and since when the oldest does; None when none waits, or it does not say."""

    def active_runs(self) -> int: ...


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker that answered, and the queues that it serves."""

    name: str
    queues: tuple[str, ...]
