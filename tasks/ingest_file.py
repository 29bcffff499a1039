"""One report file."""

from __future__ import annotations

from typing import Any

from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from celery.worker.request import Request

from tasks.base import ClassifiedRetry
from tasks.messages import FileMessage
from worker.app import app
from worker.bootstrap import count_loss, world
from worker.domain.errors import IngestError


class LossCountingRequest(Request):
    """The parent's view of a message: it sees a child die, and says so in the ledger before the message comes back."""

    def on_failure(self, exc_info: ExceptionInfo, *args: Any, **kwargs: Any) -> Any:
        """Count a loss; the third makes an outcome of it, and the message then finds nothing to do."""
        if exc_info.type is WorkerLostError:  # its exception comes wrapped, together with the traceback
            lost = FileMessage.model_validate(self.args[0])
            count_loss(lost.run_id, lost.digest)
        return super().on_failure(exc_info, *args, **kwargs)


class IngestFile(ClassifiedRetry):
    """Giving up is a failed outcome of the file; it never fails the chord."""

    abstract = True
    Request = "tasks.ingest_file:LossCountingRequest"

    def give_up(self, error: IngestError, message: dict[str, Any]) -> None:
        """Record the failure as the file's outcome."""
        super().give_up(error, message)
        file = FileMessage.model_validate(message)
        world().fail_file(file.run_id, file.digest, error)


@app.task(name="offgridflow.ingest_file", base=IngestFile, bind=True)
def ingest_file(self: IngestFile, message: dict[str, Any]) -> None:
    """Ingest one report file; its outcome is in the run ledger."""
    file = FileMessage.model_validate(message)
    token = f"{self.request.id}/{self.request.hostname}/{self.attempt}"
    world().ingest_file(file.run_id, file.digest, token, self.attempt, self.worth_another)
