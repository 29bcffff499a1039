"""Telemetry as structured logs: one line an event, all data in fields."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog
from structlog.contextvars import bound_contextvars, get_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

LEVELS = {
    "failed to ingest S3 CUR": logging.ERROR,
    "failed to ingest carbon footprint": logging.ERROR,
    "gave up": logging.ERROR,
    "retrying after error": logging.WARNING,
    "run.repaired": logging.WARNING,
    # Seen every five seconds, for the metrics.
    "queue.observed": logging.DEBUG,
    "runs.observed": logging.DEBUG,
}
STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

ON_EVERY_LINE = ("run_id", "trigger_id")
"""Attributes of a span that each line logged inside it has, whoever logs it."""


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
    handler.addFilter(add_context)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("botocore", "urllib3", "pyiceberg", "kombu", "celery.redirected", "amqp"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def extra_fields(record: logging.LogRecord) -> dict[str, object]:
    """What was given to the record as ``extra``, or by its context."""
    return {name: value for name, value in vars(record).items() if name not in STANDARD_FIELDS}


def add_context(record: logging.LogRecord) -> bool:
    """Say on the record what it is about, unless it does so itself."""
    add_fields(record, get_contextvars())
    return True


def add_fields(record: logging.LogRecord, fields: Mapping[str, object]) -> None:
    """Give the record the fields that it lacks."""
    for name, value in fields.items():
        vars(record).setdefault(name, value)


def _add_extra_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """What was given as ``extra`` belongs to the event."""
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event.update(extra_fields(record))
    return event


class LogTelemetry:
    """`worker.ports.telemetry.Telemetry` that logs. A span of it shows only in what is logged inside."""

    def __init__(self) -> None:
        self._log = logging.getLogger("offgridflow")

    def emit(self, event: str, **fields: object) -> None:
        """Log the event with its fields; failures as errors, repairs as warnings."""
        self._log.log(LEVELS.get(event, logging.INFO), event, extra=fields)

    @contextmanager
    def span(self, name: str, **attributes: object) -> Iterator[None]:  # noqa: ARG002 (a line has no name)
        """Have the ids among the attributes on every line."""
        with bound_contextvars(**{name: attributes[name] for name in ON_EVERY_LINE if name in attributes}):
            yield

    def note(self, **attributes: object) -> None:
        """Nothing: a line is written when it happens."""

    def trace_libraries(self) -> None:
        """Nothing: what libraries do shows nowhere."""

    def headers(self) -> dict[str, str]:
        """What a message takes along, so that who gets it goes on from here: nothing."""
        return {}

    def close(self) -> None:
        """Nothing is kept back."""
