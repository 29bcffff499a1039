"""Telemetry as structured logs: one line an event, all data in fields."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LEVELS = {"failed to ingest S3 CUR": logging.ERROR, "run.repaired": logging.WARNING}
STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(*, pretty: bool, level: int = logging.INFO) -> None:
    """Send everything that anybody logs to stderr: readable on a terminal, else a JSON object a line."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_extra_fields,
    ]
    last: Processor = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    chain: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        last,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=chain))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("botocore", "urllib3", "pyiceberg", "kombu", "celery.redirected", "amqp"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _add_extra_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """What was given as ``extra`` belongs to the event."""
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event.update({name: value for name, value in vars(record).items() if name not in STANDARD_FIELDS})
    return event


class LogTelemetry:
    """`Telemetry` that logs."""

    def __init__(self) -> None:
        self._log = logging.getLogger("offgridflow")

    def emit(self, event: str, **fields: object) -> None:
        """Log the event with its fields; failures as errors, repairs as warnings."""
        self._log.log(LEVELS.get(event, logging.INFO), event, extra=fields)
