"""A run's parts become the month."""

from __future__ import annotations

from typing import Any

from tasks.base import ClassifiedRetry
from tasks.messages import RunMessage
from tasks.sending import send_trigger
from worker.app import app
from worker.bootstrap import world
from worker.domain.errors import IngestError


class PublishRun(ClassifiedRetry):
    """Giving up closes the run as failed; what was published before stays."""

    abstract = True

    def give_up(self, error: IngestError, message: dict[str, Any]) -> None:
        """Close the run as failed."""
        super().give_up(error, message)
        world().fail_run(RunMessage.model_validate(message).run_id, error)


@app.task(name="offgridflow.publish_run", base=PublishRun, bind=True)
def publish_run(self: PublishRun, message: dict[str, Any]) -> None:
    """Publish a run whose every outcome is in the ledger; a chord's body, and what the watchdog sends."""
    again = world().publish_run(RunMessage.model_validate(message).run_id, self.worth_another)
    if again:
        send_trigger(again)
