"""A worker in miniature: one message at a time, as often as its task asks to be tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import uuid4

from celery import Celery
from celery.exceptions import Retry

from tasks.base import ClassifiedRetry
from worker.domain.errors import IngestError

MESSAGE = {"run_id": "run-1"}


@dataclass(slots=True)
class Miniature:
    """One task on a broker in memory. ``calls`` counts how often its body ran, ``given_up`` what it gave up with."""

    body: Callable[[], None]
    app: Celery = field(init=False)
    task: ClassifiedRetry = field(init=False)
    calls: int = 0
    attempts: list[int] = field(default_factory=list)
    given_up: list[tuple[IngestError, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        given_up, note = self.given_up, self._called

        class Noting(ClassifiedRetry):
            abstract = True

            def give_up(self, error: IngestError, message: dict[str, Any]) -> None:
                super().give_up(error, message)
                given_up.append((error, message))

        self.app = Celery("miniature", broker="memory://", set_as_current=False)
        self.app.conf.task_default_queue = uuid4().hex

        @self.app.task(name="miniature", base=Noting, bind=True, shared=False)
        def run(task: ClassifiedRetry, _message: dict[str, Any]) -> None:
            note(task.attempt)

        self.task = run

    def work(self) -> list[float]:
        """Deliver the message until it wants no more; the countdowns in between."""
        countdowns: list[float] = []
        while (countdown := self.deliver(len(countdowns))) is not None:
            countdowns.append(countdown)
        return countdowns

    def deliver(self, retries: int) -> float | None:
        """Deliver the message once; the countdown after which it wants to be delivered again."""
        self.task.push_request(id="m-1", retries=retries, called_directly=False, args=(MESSAGE,), kwargs={})
        try:
            self.task(MESSAGE)
        except Retry as again:
            return cast("float", again.when)
        finally:
            self.task.pop_request()
        return None

    def sent(self) -> list[dict[str, Any]]:
        """The headers of every message that was put back on the queue."""
        with self.app.connection_for_read() as connection:
            queue = connection.SimpleQueue(self.app.conf.task_default_queue)
            return [queue.get_nowait().headers for _ in range(queue.qsize())]

    def _called(self, attempt: int) -> None:
        self.calls += 1
        self.attempts.append(attempt)
        self.body()
