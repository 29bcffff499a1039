"""The process that listens to a queue for S3's notifications, so that a delivery is ingested when it comes, not on the hour.

It needs neither polars nor a table: what it does for a delivery is to ask for it, as `worker.runs.trigger` does.
"""

from __future__ import annotations

# ruff: noqa: PLC0415 (as in `worker.api`: who listens to nothing needs no boto3)
import logging
import signal
import threading
from functools import partial

from worker.domain.errors import TransientError
from worker.runs import trigger
from worker.settings import broker_url, settings
from worker.sources import configured_sources

log = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0
"""Between two attempts at a queue or a broker that cannot be reached."""


def listen() -> None:
    """Take notifications until a signal ends it. Without OFFGRIDFLOW_SQS_QUEUE_URL there is nothing to do but wait for that.

    What another attempt cannot mend is raised. Ended at any moment, it loses nothing: what it had not done comes again.
    """
    ask = partial(trigger, broker_url())
    queue_url = settings().sqs_queue_url
    if queue_url is None:
        log.warning("OFFGRIDFLOW_SQS_QUEUE_URL is not set: there is nothing to listen to")
        signal.pause()
        return
    from worker.adapters.sqs_notifications import SqsNotifications
    from worker.bootstrap import telemetry
    from worker.services.take_notifications import take_notifications

    queue, between_attempts = SqsNotifications(queue_url), threading.Event()
    while True:
        try:
            take_notifications(queue, configured_sources, ask, telemetry())
            _sign_of_life()
        except TransientError as error:
            log.warning("cannot listen", extra={"error": str(error)})
            between_attempts.wait(error.retry_after_seconds or PAUSE_SECONDS)


def _sign_of_life() -> None:
    """What a probe looks at: the queue answered, and within the last 20 s or so."""
    if file := settings().heartbeat_file:
        file.touch()
