"""The verb that is a process: `listen`."""

from __future__ import annotations

import logging

from worker.bootstrap import configure_logging
from worker.listening import listen as take_notifications


def listen() -> None:
    """Listen to the queue OFFGRIDFLOW_SQS_QUEUE_URL for S3's notifications, and ingest what they announce."""
    configure_logging(logging.INFO)
    try:
        take_notifications()
    except KeyboardInterrupt:
        return  # a signal is how it ends
