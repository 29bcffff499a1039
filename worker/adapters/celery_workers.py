"""Which workers are there, by asking all of them: whoever does not answer in time is taken for away."""

from __future__ import annotations

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from worker.domain.errors import TransientError
from worker.ports.workers import WorkerSeen

ANSWER_SECONDS = 1.0
"""Each answer is waited for so long, and so is the last one that does not come."""


def workers(url: str) -> tuple[WorkerSeen, ...]:
    """The workers of a broker that answered, by name, each with the queues that it serves."""
    with Celery(broker=url, set_as_current=False) as app:
        try:
            answers = app.control.inspect(timeout=ANSWER_SECONDS).active_queues() or {}
        except (OperationalError, RedisError) as error:
            raise TransientError("the broker did not pass the question on", type(error).__name__) from error
    found = {name: tuple(sorted(queue["name"] for queue in queues)) for name, queues in answers.items()}
    return tuple(WorkerSeen(name, found[name]) for name in sorted(found))
