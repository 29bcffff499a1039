"""Telemetry by OpenTelemetry: events are logged, measured, and shown on the span in which they happened."""

from __future__ import annotations

import atexit
import logging
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import TracebackType

from opentelemetry.propagate import inject
from opentelemetry.trace import Span, StatusCode, get_current_span

from worker.adapters.log_export import OtlpLogs, add_trace
from worker.adapters.logs import LEVELS, LogTelemetry
from worker.adapters.metric_instruments import Instruments
from worker.adapters.otlp import Sdk
from worker.adapters.plain_values import plain
from worker.domain.errors import IngestError

SCOPE = "offgridflow"


class OtelTelemetry(LogTelemetry):
    """`worker.ports.telemetry.Telemetry` that also sends ``signals`` (traces, metrics, logs) to a collector."""

    def __init__(self, signals: Collection[str]) -> None:
        super().__init__()
        self.sdk = Sdk(signals)
        self._tracer = self.sdk.traces.get_tracer(SCOPE)
        self._instruments = Instruments(self.sdk.metrics.get_meter(SCOPE))
        self._handler = OtlpLogs(self.sdk.logs)
        root = logging.getLogger()
        for handler in root.handlers:
            handler.addFilter(add_trace)
        if "logs" in signals:
            root.addHandler(self._handler)
        atexit.register(self.close)

    def emit(self, event: str, **fields: object) -> None:
        """Log the event, measure it, and show it on the current span; one that is logged as an error is the span's."""
        super().emit(event, **fields)
        self._instruments.measure(event, fields)
        level, span = LEVELS.get(event, logging.INFO), get_current_span()
        if level >= logging.INFO:
            span.add_event(event, plain(fields))
        if level >= logging.ERROR:
            span.set_attributes(plain({"error.type": fields.get("error_class")}))
            span.set_status(StatusCode.ERROR, str(fields.get("error", event)))

    @contextmanager
    def span(self, name: str, **attributes: object) -> Iterator[None]:
        """What the block does belongs to this span; an error that leaves it is the span's, without its traceback."""
        started = self._tracer.start_as_current_span(
            name, attributes=plain(attributes), record_exception=False, set_status_on_exception=False
        )
        with super().span(name, **attributes), started as span, ExitStack() as stack:
            stack.push(partial(_mark, span))
            yield

    def note(self, **attributes: object) -> None:
        """Add to the current span what was not known when it began."""
        get_current_span().set_attributes(plain(attributes))

    def trace_libraries(self) -> None:
        """Trace Celery's tasks and messages, and requests to AWS; in a worker's child, once."""
        from worker.adapters.instrumentation import instrument  # noqa: PLC0415 (a command does without)

        instrument(self.sdk.traces)

    def headers(self) -> dict[str, str]:
        """What a message takes along, so that who gets it goes on with this trace."""
        carrier: dict[str, str] = {}
        inject(carrier)
        return carrier

    def close(self) -> None:
        """Send what is left, for two seconds at the longest; afterwards everything is only logged."""
        atexit.unregister(self.close)
        logging.getLogger().removeHandler(self._handler)
        self.sdk.close()


def _mark(span: Span, kind: type[BaseException] | None, error: BaseException | None, _at: TracebackType | None) -> None:
    """Say which error ended the span. The text of a foreign one is not ours to repeat: nobody has judged what it says."""
    if kind is None or not issubclass(kind, Exception):
        return
    span.set_attribute("exception.type", kind.__name__)
    if isinstance(error, IngestError):
        span.set_attribute("error.type", str(error.error_class))
        span.set_status(StatusCode.ERROR, str(error))
    else:
        span.set_status(StatusCode.ERROR, kind.__name__)
