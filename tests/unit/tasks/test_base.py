from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded

from tasks import base
from tasks.base import LONGEST_COUNTDOWN_SECONDS
from tests.unit.tasks.miniature import MESSAGE, Miniature
from worker.adapters.system_clock import SystemClock
from worker.domain.errors import (
    AuthError,
    BadRequestError,
    ChangedError,
    ErrorClass,
    FatalError,
    IngestError,
    NotFoundError,
    TransientError,
    UnknownError,
)
from worker.domain.retry import RetryPolicy

THROTTLED = TransientError("slow down", "SlowDown")


@pytest.fixture(autouse=True)
def _three_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    grant(monkeypatch, 3)


def grant(monkeypatch: pytest.MonkeyPatch, attempts: int) -> None:
    monkeypatch.setattr(base, "retry_policy", lambda: RetryPolicy(attempts))


def failing(error: BaseException, times: int | None = None) -> Callable[[], None]:
    """A body that fails so many times, or always."""
    left = iter(range(times)) if times is not None else None

    def body() -> None:
        if left is None or next(left, None) is not None:
            raise error

    return body


def test_what_succeeds_is_done_once() -> None:
    worker = Miniature(failing(THROTTLED, times=0))

    assert worker.work() == []
    assert (worker.calls, worker.given_up) == (1, [])


def test_retry_with_exponential_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    grant(monkeypatch, 9)
    worker = Miniature(failing(THROTTLED))

    countdowns = worker.work()

    assert countdowns == pytest.approx([1, 2, 4, 8, 16, 30, 30, 30], rel=0.2)
    assert worker.calls == 9


def test_two_failures_and_a_success_are_three_calls() -> None:
    worker = Miniature(failing(THROTTLED, times=2))

    worker.work()

    assert (worker.calls, worker.given_up) == (3, [])


def test_attempts_are_counted_from_one() -> None:
    worker = Miniature(failing(THROTTLED))

    worker.work()

    assert worker.attempts == [1, 2, 3]


def test_after_the_last_attempt_a_task_gives_up_with_its_error_and_returns() -> None:
    worker = Miniature(failing(THROTTLED))

    worker.work()

    assert worker.given_up == [(THROTTLED, MESSAGE)]


@pytest.mark.parametrize(
    "error",
    [AuthError("no"), BadRequestError("bad"), NotFoundError("gone"), FatalError("broken"), ChangedError("replaced")],
)
def test_retry_stops_on_non_retryable_error(error: IngestError) -> None:
    worker = Miniature(failing(error))

    countdowns = worker.work()

    assert (countdowns, worker.calls) == ([], 1)
    assert worker.given_up == [(error, MESSAGE)]


def test_an_unknown_error_is_tried_once_more() -> None:
    worker = Miniature(failing(UnknownError("what?")))

    assert worker.work() == pytest.approx([1], rel=0.2)
    assert worker.calls == 2


def test_what_the_other_side_asked_for_is_waited_for() -> None:
    worker = Miniature(failing(TransientError("slow down", retry_after_seconds=77.0), times=1))

    assert worker.work() == [77.0]


def test_a_message_is_put_back_with_its_countdown_and_its_count() -> None:
    worker = Miniature(failing(THROTTLED, times=2))

    worker.work()

    headers = worker.sent()
    assert [each["retries"] for each in headers] == [1, 2]
    assert all(each["eta"] for each in headers)


def test_what_nobody_foresaw_is_unknown_and_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    worker = Miniature(failing(ZeroDivisionError("division by zero")))

    countdowns = worker.work()

    [(error, _)] = worker.given_up
    assert countdowns == pytest.approx([1], rel=0.2)
    assert (error.error_class, error.code) == (ErrorClass.UNKNOWN, "ZeroDivisionError")
    assert error.message == "ZeroDivisionError: division by zero"
    logged = [record for record in caplog.records if record.message == "unforeseen error"]
    assert [record.exc_info is not None for record in logged] == [True, True]


def test_a_task_out_of_time_gives_up_at_once() -> None:
    worker = Miniature(failing(SoftTimeLimitExceeded()))

    assert worker.work() == []

    [(error, _)] = worker.given_up
    assert (error.error_class, error.code) == (ErrorClass.FATAL, "time_limit")


@pytest.mark.parametrize("decision", [Ignore(), Reject("no")])
def test_celerys_own_decisions_are_not_ours_to_judge(decision: Exception) -> None:
    worker = Miniature(failing(decision))

    with pytest.raises(type(decision)):
        worker.work()

    assert worker.given_up == []


def test_a_worker_that_is_stopped_stops() -> None:
    worker = Miniature(failing(SystemExit(0)))

    with pytest.raises(SystemExit):
        worker.work()

    assert worker.given_up == []


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, logger="tasks.base"):
        yield caplog


def test_each_retry_is_logged_with_its_attempt_and_its_wait(logged: pytest.LogCaptureFixture) -> None:
    worker = Miniature(failing(THROTTLED, times=2))

    countdowns = worker.work()

    retries = [vars(record) for record in logged.records if record.message == "retrying after error"]
    assert [each["attempt"] for each in retries] == [1, 2]
    assert [each["backoff_ms"] for each in retries] == [int(seconds * 1000) for seconds in countdowns]
    assert {each["error"] for each in retries} == {"slow down"}


def test_giving_up_leaves_a_trace_in_the_log(logged: pytest.LogCaptureFixture) -> None:
    Miniature(failing(AuthError("no"))).work()

    [gave_up] = [vars(record) for record in logged.records if record.message == "gave up"]
    assert (gave_up["error"], gave_up["error_class"], gave_up["about"]) == ("no", "auth", MESSAGE)


def test_an_error_is_worth_another_attempt_as_long_as_the_policy_grants_one() -> None:
    worker = Miniature(failing(THROTTLED))
    granted = []

    def ask() -> None:
        granted.append(worker.task.worth_another(THROTTLED))
        raise THROTTLED

    worker.body = ask
    worker.work()

    assert granted == [True, True, False]


LINE_TOO_LONG = TransientError("a long line", "rate_limited", retry_after_seconds=70.0)


def seconds_until(eta: str, sent: datetime) -> float:
    return (datetime.fromisoformat(eta) - sent).total_seconds()


@pytest.mark.parametrize(
    ("asked", "countdown"), [(70.0, 70.0), (30.0, 30.0), (0.2, 1.0), (5000.0, LONGEST_COUNTDOWN_SECONDS)]
)
@pytest.mark.parametrize("code", ["rate_limited", "older_worker"])
def test_what_was_no_attempt_is_handed_back_and_burns_none(code: str, asked: float, countdown: float) -> None:
    worker, started = Miniature(failing(TransientError("later", code, retry_after_seconds=asked))), SystemClock().now()

    with pytest.raises(Ignore):
        worker.deliver(retries=1)

    [headers] = worker.sent()
    assert (headers["id"], headers["retries"]) == ("m-1", 1)
    assert seconds_until(headers["eta"], started) == pytest.approx(countdown, abs=1)
    assert worker.given_up == []


def test_so_it_is_on_the_last_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    grant(monkeypatch, 1)
    worker = Miniature(failing(LINE_TOO_LONG))

    with pytest.raises(Ignore):
        worker.deliver(retries=0)

    assert worker.task.worth_another(LINE_TOO_LONG)
    assert worker.given_up == []
