"""The SDK of OpenTelemetry, sending by OTLP over HTTP; built after the fork, because its threads do not survive one.

Where to, how often and how much of it, the standard ``OTEL_*`` variables say, which the SDK reads by itself. All is sent from
threads of its own: a collector that is slow, or away, gets less, and costs no time.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Collection
from importlib.metadata import version
from uuid import uuid4

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics import _Gauge as Gauge
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import get_current_span
from opentelemetry.util.types import AnyValue

SERVICE = "offgridflow-ingest"
WATCHDOG = "run/offgridflow.repair_runs"
LED_TO_SOMETHING = "offgridflow.led_to_something"

CLOSING_SECONDS = 2.0
"""How long the end of a process waits for what is still to be sent."""


class BatchWithoutIdleLooks(BatchSpanProcessor):
    """Sends spans in batches, but not those of the watchdog's looks that led to nothing: there is one every five seconds."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """A look that anything else is inside of led to something."""
        above = get_current_span(parent_context)
        if isinstance(above, Span) and above.name == WATCHDOG:
            above.set_attribute(LED_TO_SOMETHING, value=True)
        super().on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Keep the span for the next batch."""
        is_idle = span.status.is_unset and LED_TO_SOMETHING not in (span.attributes or {})
        if span.name != WATCHDOG or not is_idle:
            super().on_end(span)


class Sdk:
    """A provider for each signal; those of ``signals`` (traces, metrics, logs) send, the others keep nothing.

    ``close`` sends what is left, for two seconds at the longest.
    """

    def __init__(self, signals: Collection[str]) -> None:
        resource = _resource()
        self.traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self.logs = LoggerProvider(resource, shutdown_on_exit=False)
        if "traces" in signals:
            self.traces.add_span_processor(BatchWithoutIdleLooks(OTLPSpanExporter()))
        if "logs" in signals:
            self.logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
        readers = [PeriodicExportingMetricReader(_metric_exporter())] if "metrics" in signals else []
        self.metrics = MeterProvider(readers, resource, shutdown_on_exit=False)
        # Each batch that is not sent is one line, not one for each attempt at it.
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)
        self._over = threading.Event()
        # Started now, for it may be told so late that no thread can be started any more.
        self._closing = threading.Thread(target=self._close, name="telemetry-close", daemon=True)
        self._closing.start()

    def close(self) -> None:
        """Send the rest. What a collector does not take within two seconds is lost."""
        self._over.set()
        self._closing.join(CLOSING_SECONDS)

    def _close(self) -> None:
        self._over.wait()
        for provider in (self.traces, self.logs, self.metrics):
            provider.shutdown()


def _resource() -> Resource:
    """Who speaks. What the environment says wins, except that no two processes are the same instance."""
    named = Resource({"service.name": SERVICE, "service.version": version("offgridflow-ingest")})
    process: dict[str, AnyValue] = {
        "service.instance.id": uuid4().hex,
        "host.name": socket.gethostname(),
        "process.pid": os.getpid(),
    }
    return named.merge(OTELResourceDetector().detect()).merge(Resource(process))


def _metric_exporter() -> OTLPMetricExporter:
    """A gauge is sent when it was observed, and not for ever by whichever process happened to observe it once."""
    return OTLPMetricExporter(preferred_temporality={Gauge: AggregationTemporality.DELTA})
