"""From a trigger to runs."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from tasks.base import ClassifiedRetry
from tasks.messages import TriggerMessage
from tasks.sending import send
from worker.app import app
from worker.bootstrap import world
from worker.domain.errors import IngestError


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
    with closing(world().coordinate(trigger.trigger_id, self.worth_another)) as dispatches:
        for dispatch in dispatches:
            send(dispatch)
