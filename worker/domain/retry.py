"""When to try again, as a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from worker.domain.errors import ChangedError, ErrorClass, IngestError

WorthAnother = Callable[[IngestError], bool]
"""Whether an error is worth another attempt at the whole; the task that asks knows how many it has left."""

BASE_SECONDS = 1.0
CAP_SECONDS = 30.0
JITTER = 0.2
UNKNOWN_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Delays of 1, 2, 4, 8, 16, 30, 30 … seconds; ``max_attempts`` counts the first one."""

    max_attempts: int = 3

    def delay(self, attempt: int, error: IngestError, chance: float) -> float | None:
        """Seconds to wait after the ``attempt``-th try (from 1) failed with ``error``; None: give up.

        ``chance`` in [0, 1) spreads the delay by ±20 %, so that workers do not come back together. What the other side
        asked for (Retry-After) is never undercut.
        """
        if attempt >= self.attempts_for(error):
            return None
        base = min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(attempt - 1, 16))
        jittered = base * (1 + JITTER * (2 * chance - 1))
        return max(jittered, error.retry_after_seconds or 0.0)

    def attempts_for(self, error: IngestError) -> int:
        """How many attempts this error is worth, the first included."""
        if isinstance(error, ChangedError):
            return 1  # the plan is stale: only planning again helps
        match error.error_class:
            case ErrorClass.TRANSIENT:
                return self.max_attempts
            case ErrorClass.UNKNOWN:
                return min(self.max_attempts, UNKNOWN_ATTEMPTS)
            case _:
                return 1
