"""Messages out: the only module that knows how a run becomes messages."""

from __future__ import annotations

from typing import Any

from celery import chord, signature
from celery.canvas import Signature

from tasks.messages import FileMessage, RunMessage, TriggerMessage
from worker.app import app
from worker.services.dispatch import Dispatch

FIRST = 0
FILES, BACKFILL = "files", "backfill"


def send(dispatch: Dispatch) -> None:
    """A run's files and, when they are done, its publication.

    The first time as a chord, the fast path; files sent again go without one, because the watchdog publishes what is
    complete. Ids are made of the run, so that the same message twice is the same task.
    """
    publish = _publish(dispatch.run_id)
    if not dispatch.digests:
        publish.apply_async()
        return
    files = [_file(dispatch, digest) for digest in dispatch.digests]
    if dispatch.generation == FIRST:
        chord(files, publish).apply_async()
    else:
        for file in files:
            file.apply_async()


def send_trigger(trigger_id: str) -> None:
    """Have a trigger planned."""
    message = TriggerMessage(trigger_id=trigger_id).model_dump()
    signature("offgridflow.coordinate", (message,), app=app).apply_async()


def files_queue_is_empty() -> bool:
    """Whether no file's message waits for a worker."""
    with app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        # Not passively: Redis keeps no empty list, so an empty queue would be an error there. Declaring one does nothing.
        return not any(channel.queue_declare(queue).message_count for queue in (FILES, BACKFILL))


def _publish(run_id: str) -> Signature[None]:
    message = RunMessage(run_id=run_id).model_dump()
    return signature("offgridflow.publish_run", (message,), immutable=True, app=app)


def _file(dispatch: Dispatch, digest: str) -> Signature[None]:
    message = FileMessage(run_id=dispatch.run_id, digest=digest, generation=dispatch.generation).model_dump()
    task_id = f"{dispatch.run_id}:{digest[:16]}:{dispatch.generation}"
    queue = BACKFILL if dispatch.background else FILES
    where = {"queue": queue, "routing_key": queue}
    return signature("offgridflow.ingest_file", (message,), immutable=True, task_id=task_id, app=app, **where)
