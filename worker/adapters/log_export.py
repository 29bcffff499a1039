"""Log lines on their way to a collector, and on every line the trace that it belongs to."""

from __future__ import annotations

import logging
import traceback

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

from worker.adapters.logs import add_context, add_fields, extra_fields
from worker.adapters.plain_values import plain

SEVERITIES = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}


def add_trace(record: logging.LogRecord) -> bool:
    """Say on the record in which trace and span it was logged."""
    here = get_current_span().get_span_context()
    if here.is_valid:
        add_fields(record, {"trace_id": format_trace_id(here.trace_id), "span_id": format_span_id(here.span_id)})
    return True


class OtlpLogs(logging.Handler):
    """Hands each line to the SDK, its fields as attributes; the SDK adds trace and span.

    What the exporters themselves complain about is left to the other handlers: it would never end.
    """

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._provider = provider
        self.addFilter(lambda record: not record.name.startswith("opentelemetry"))
        self.addFilter(add_context)

    def emit(self, record: logging.LogRecord) -> None:
        """Hand it over; it is sent later."""
        fields = extra_fields(record) | {"logger": record.name}
        if record.exc_info and record.exc_info[0]:
            fields["exception.type"] = record.exc_info[0].__name__
            fields["exception.stacktrace"] = "".join(traceback.format_exception(*record.exc_info))
        line = LogRecord(
            timestamp=int(record.created * 1e9),
            severity_text=record.levelname,
            severity_number=SEVERITIES.get(record.levelno, SeverityNumber.UNSPECIFIED),
            body=record.getMessage(),
            attributes=plain(fields),
        )
        self._provider.get_logger("offgridflow").emit(line)
