"""A clock that the test owns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class ManualClock:
    """Time that passes when it is told to."""

    def __init__(self, start: datetime = datetime(2024, 2, 3, tzinfo=UTC)) -> None:
        self.time = start

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
