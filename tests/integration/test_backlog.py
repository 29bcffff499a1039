"""What waits in a real broker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from celery import Celery

from worker.adapters.redis_backlog import RedisBacklog, sent_now
from worker.adapters.redis_broker import Broker
from worker.adapters.system_clock import SystemClock


def send(url: str, headers: dict[str, float]) -> None:
    with Celery(broker=url, set_as_current=False) as sender:
        sender.send_task("any", queue="files", ignore_result=True, headers=headers)


def test_an_empty_queue_has_no_oldest_message(clean_valkey_url: str) -> None:
    assert RedisBacklog(Broker.connect(clean_valkey_url)).waiting("files") == (0, None)


def test_the_oldest_message_says_when_it_was_sent(clean_valkey_url: str) -> None:
    long_ago = datetime.fromtimestamp(1_700_000_000, UTC)
    send(clean_valkey_url, {"sent_at": long_ago.timestamp()})
    send(clean_valkey_url, sent_now())

    assert RedisBacklog(Broker.connect(clean_valkey_url)).waiting("files") == (2, long_ago)


def test_a_message_is_sent_now(clean_valkey_url: str) -> None:
    send(clean_valkey_url, sent_now())

    _, sent = RedisBacklog(Broker.connect(clean_valkey_url)).waiting("files")

    assert sent is not None
    assert SystemClock().now() - sent < timedelta(seconds=10)


def test_a_message_that_does_not_say_has_no_age(clean_valkey_url: str) -> None:
    send(clean_valkey_url, {})

    assert RedisBacklog(Broker.connect(clean_valkey_url)).waiting("files") == (1, None)


def test_without_runs_none_is_active(clean_valkey_url: str) -> None:
    assert RedisBacklog(Broker.connect(clean_valkey_url)).active_runs() == 0
