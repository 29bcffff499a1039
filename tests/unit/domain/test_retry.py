from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.errors import (
    AuthError,
    BadRequestError,
    ChangedError,
    FatalError,
    IngestError,
    NotFoundError,
    TransientError,
    UnknownError,
)
from worker.domain.retry import RetryPolicy

MIDDLE = 0.5
"""The chance that spreads nothing."""

attempts = st.integers(min_value=1, max_value=10_000)
chances = st.floats(min_value=0, max_value=1, exclude_max=True)


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (5000, 30)]
)
def test_delays_double_up_to_half_a_minute(attempt: int, seconds: float) -> None:
    delay = RetryPolicy(max_attempts=10_000).delay(attempt, TransientError("later"), MIDDLE)

    assert delay == pytest.approx(seconds)


@given(attempts, chances)
def test_jitter_stays_within_a_fifth(attempt: int, chance: float) -> None:
    policy, error = RetryPolicy(max_attempts=20_000), TransientError("later")
    base = policy.delay(attempt, error, MIDDLE)

    delay = policy.delay(attempt, error, chance)

    assert base is not None
    assert delay is not None
    assert 0.8 * base - 1e-9 <= delay <= 1.2 * base + 1e-9


@given(attempts, chances, st.floats(min_value=0, max_value=1e6))
def test_what_the_other_side_asked_for_is_never_undercut(attempt: int, chance: float, asked: float) -> None:
    error = TransientError("throttled", retry_after_seconds=asked)

    delay = RetryPolicy(max_attempts=20_000).delay(attempt, error, chance)

    assert delay is not None
    assert delay >= asked


@pytest.mark.parametrize(
    ("error", "attempts_worth"),
    [
        (TransientError("throttled"), 5),
        (UnknownError("what?"), 2),
        (ChangedError("replaced"), 1),
        (AuthError("no"), 1),
        (BadRequestError("bad"), 1),
        (NotFoundError("gone"), 1),
        (FatalError("broken"), 1),
    ],
)
def test_each_class_is_worth_so_many_attempts(error: IngestError, attempts_worth: int) -> None:
    policy = RetryPolicy(max_attempts=5)

    delays = [policy.delay(attempt, error, MIDDLE) for attempt in range(1, 7)]

    assert [delay is not None for delay in delays] == [attempt < attempts_worth for attempt in range(1, 7)]


def test_one_attempt_means_no_retry_of_anything() -> None:
    policy = RetryPolicy(max_attempts=1)

    delays = [policy.delay(1, error, MIDDLE) for error in (TransientError("later"), UnknownError("what?"))]

    assert delays == [None, None]
