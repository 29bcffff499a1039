"""A collector: it receives traces, metrics and logs by OTLP over HTTP, as every real one does, and keeps them to be asked about."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

Values = Mapping[str, Any]
REQUESTS: Mapping[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}
ERROR = 2
"""The status of a span that failed."""


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """One span. ``instance`` is who sent it; ``events`` are by name; ``failed`` is its status."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: Values
    events: Mapping[str, Values]
    failed: bool
    description: str
    instance: str


@dataclass(frozen=True, slots=True)
class Point:
    """The newest value of a metric by its labels and who sent it; of a histogram its count."""

    labels: Values
    instance: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log."""

    body: str
    severity: str
    trace_id: str
    attributes: Values


@dataclass(slots=True)
class Collector:
    """What arrived, in order: `requests` as messages, `bodies` as bytes."""

    url: str
    requests: list[tuple[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> list[ReceivedSpan]:
        return [
            _span(span, _values(group.resource.attributes))
            for request in self._of("/v1/traces")
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]

    @property
    def lines(self) -> list[Line]:
        return [
            Line(each.body.string_value, each.severity_text, each.trace_id.hex(), _values(each.attributes))
            for request in self._of("/v1/logs")
            for group in request.resource_logs
            for scope in group.scope_logs
            for each in scope.log_records
        ]

    @property
    def metric_names(self) -> set[str]:
        return {metric.name for _, metric in self._metrics()}

    def named(self, name: str) -> list[ReceivedSpan]:
        """The spans of this name."""
        return [span for span in self.spans if span.name == name]

    def points(self, name: str, **labels: str) -> list[Point]:
        """The newest value for each sender and set of labels, of those that have ``labels``."""
        newest: dict[tuple[str, str], Point] = {}
        for instance, metric in self._metrics():
            if metric.name == name:
                for point in getattr(metric, metric.WhichOneof("data")).data_points:
                    has = _values(point.attributes)
                    value = point.count if hasattr(point, "bucket_counts") else _number(point)
                    newest[instance, str(sorted(has.items()))] = Point(has, instance, value, metric.unit)
        return [each for each in newest.values() if labels.items() <= each.labels.items()]

    def total(self, name: str, **labels: str) -> float:
        """The sum over all senders."""
        return sum(each.value for each in self.points(name, **labels))

    def _of(self, path: str) -> Iterable[Any]:
        return (request for where, request in tuple(self.requests) if where == path)

    def _metrics(self) -> Iterator[tuple[str, Any]]:
        for request in self._of("/v1/metrics"):
            for group in request.resource_metrics:
                instance = _values(group.resource.attributes)["service.instance.id"]
                for scope in group.scope_metrics:
                    for metric in scope.metrics:
                        yield instance, metric


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: whoever sends may be killed."""


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            heard.bodies.append(body)
            heard.requests.append((self.path, REQUESTS[self.path].FromString(body)))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server calls it
            """Say nothing."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        heard = Collector(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield heard
        finally:
            server.shutdown()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that nothing was sent to."""
    with collecting() as opened:
        yield opened


def orphans(spans: Iterable[ReceivedSpan]) -> list[ReceivedSpan]:
    """Spans whose parent is not among them."""
    spans = tuple(spans)
    known = {span.span_id for span in spans}
    return [span for span in spans if span.parent_id and span.parent_id not in known]


def ancestors(span: ReceivedSpan, spans: Iterable[ReceivedSpan]) -> list[str]:
    """The names of the spans that it is inside of, the nearest first."""
    by_id = {each.span_id: each for each in spans}
    names = []
    while span.parent_id in by_id:
        span = by_id[span.parent_id]
        names.append(span.name)
    return names


def _span(span: Any, sender: Values) -> ReceivedSpan:
    return ReceivedSpan(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        _values(span.attributes),
        {event.name: _values(event.attributes) for event in span.events},
        span.status.code == ERROR,
        span.status.message,
        sender["service.instance.id"],
    )


def _values(attributes: Iterable[Any]) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def _number(point: Any) -> float:
    value: float = getattr(point, point.WhichOneof("value"))
    return value
