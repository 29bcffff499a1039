"""How many requests a customer's AWS account gets from us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class RateLimiter(Protocol):
    """The token bucket that every request to a customer's AWS account goes through."""

    def acquire(self, bucket: str) -> float:
        """Take one token of the named bucket, waiting for it; returns the seconds waited. TransientError: no limiter."""

    def push_back(self, bucket: str, seconds: float) -> None:
        """Give nobody a token of the bucket for so long: the service asked for a pause. TransientError: no limiter."""


@dataclass(frozen=True, slots=True)
class BucketLevel:
    """How a token bucket stands: ``tokens`` left, below zero as many promised; the wait for the next one; what fills it.

    ``bucket`` is the API family and, after a colon, the digest of the AWS identity.
    """

    bucket: str
    tokens: float
    wait_seconds: float
    capacity: int
    rate_per_second: float
