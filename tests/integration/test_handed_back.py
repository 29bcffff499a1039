"""A message that is handed back, inside a chord, on a real broker with a real worker."""

from __future__ import annotations

from collections import Counter
from typing import Any

from celery import Celery, chord
from celery.contrib.testing.worker import start_worker

from tasks.base import ClassifiedRetry
from tests.waiting import until
from worker.domain.errors import TransientError

LONG_LINE = TransientError("a long line", "rate_limited", retry_after_seconds=0.1)


def test_a_chord_waits_for_headers_that_are_handed_back_and_they_burn_no_attempt(clean_valkey_url: str) -> None:
    app = Celery("lines", broker=clean_valkey_url, backend=clean_valkey_url, set_as_current=False)
    app.conf.task_acks_late = True
    runs, attempts, published = Counter[str](), Counter[int](), list[str]()

    @app.task(name="lines.ingest", base=ClassifiedRetry, bind=True)
    def ingest(task: ClassifiedRetry, message: dict[str, Any]) -> None:
        attempts[task.attempt] += 1
        runs[message["file"]] += 1
        if message["file"] in {"b", "d"} and runs[message["file"]] < 3:
            raise LONG_LINE

    @app.task(name="lines.publish", ignore_result=True)
    def publish() -> None:
        published.append("once")

    with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False):
        chord([ingest.s({"file": name}) for name in "abcd"], publish.si()).apply_async()
        until(lambda: published, seconds=30)

    assert runs == {"a": 1, "b": 3, "c": 1, "d": 3}
    assert attempts == {1: 8}
    assert published == ["once"]
