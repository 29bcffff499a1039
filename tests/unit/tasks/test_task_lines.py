from __future__ import annotations

import logging

import pytest
from structlog.contextvars import get_contextvars

from tasks import base
from tests.fakes.telemetry import FakeTelemetry
from tests.unit.tasks.miniature import MESSAGE, Miniature
from worker.adapters.logs import add_context
from worker.domain.errors import TransientError
from worker.domain.retry import RetryPolicy


def test_every_line_of_a_task_says_what_its_message_says() -> None:
    seen: list[dict[str, object]] = []

    Miniature(lambda: seen.append(get_contextvars())).work()

    assert seen == [MESSAGE]
    assert get_contextvars() == {}


def test_a_record_keeps_what_it_says_itself() -> None:
    records = [logging.makeLogRecord({}), logging.makeLogRecord({"run_id": "its own"})]

    def body() -> None:
        assert all(add_context(record) for record in records)

    Miniature(body).work()

    assert [vars(record)["run_id"] for record in records] == ["run-1", "its own"]


def test_an_attempt_that_is_made_again_is_told_with_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry = FakeTelemetry()
    monkeypatch.setattr(base, "telemetry", lambda: telemetry)
    monkeypatch.setattr(base, "retry_policy", lambda: RetryPolicy(2))

    def body() -> None:
        raise TransientError("slow down", "SlowDown")

    countdowns = Miniature(body).work()

    [retried] = telemetry.of("retrying after error")
    [gave_up] = telemetry.of("gave up")
    assert (retried["attempt"], retried["backoff_ms"]) == (1, int(countdowns[0] * 1000))
    assert retried["error_class"] == gave_up["error_class"] == "transient"
