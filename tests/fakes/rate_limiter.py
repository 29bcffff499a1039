"""A limiter that never makes anyone wait, and counts the tokens it gives."""

from __future__ import annotations

from collections import Counter

from worker.domain.errors import IngestError


class FakeRateLimiter:
    """`worker.ports.limits.RateLimiter`. ``taken`` counts tokens by bucket, ``pauses`` is what buckets were pushed back by;
    ``error``, while set, is raised instead.
    """

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.pauses: list[tuple[str, float]] = []
        self.error: IngestError | None = None

    def acquire(self, bucket: str) -> float:
        if self.error:
            raise self.error
        self.taken[bucket] += 1
        return 0.0

    def push_back(self, bucket: str, seconds: float) -> None:
        if self.error:
            raise self.error
        self.pauses.append((bucket, seconds))
