"""From a trigger to runs."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tasks.base import ClassifiedRetry
from tasks.messages import TriggerMessage
from tasks.sending import send, send_trigger
from worker.app import app
from worker.bootstrap import world
from worker.domain.errors import IngestError
from worker.domain.trigger import Trigger


class Coordinate(ClassifiedRetry):
    """Giving up is said on the trigger, where whoever asked looks."""

    abstract = True

    def give_up(self, error: IngestError, message: dict[str, Any]) -> None:
        """Conclude the trigger as failed."""
        super().give_up(error, message)
        world().fail_trigger(TriggerMessage.model_validate(message).trigger_id, error)


@app.task(name="offgridflow.coordinate", base=Coordinate, bind=True)
def coordinate(self: Coordinate, message: dict[str, Any]) -> None:
    """Discover, plan, and enqueue one message for each file that changed."""
    trigger = TriggerMessage.model_validate(message)
    for dispatch in world().coordinate(trigger.trigger_id, self.worth_another):
        send(dispatch)


@app.task(name="offgridflow.ingest_all", base=ClassifiedRetry)
def ingest_all() -> None:
    """What beat sends: a trigger for every configured source."""
    send_trigger(world().open_trigger(Trigger(f"beat-{uuid4().hex}")))
