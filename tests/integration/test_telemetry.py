"""What reaches a collector of one process' events, spans and lines."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from time import monotonic

import pytest

from tests.servers.otlp import Collector, orphans
from tests.servers.valkey import free_port
from worker.adapters import logs
from worker.adapters.telemetry import OtelTelemetry
from worker.domain.errors import AuthError

SIGNALS = ("traces", "metrics", "logs")
Start = Callable[..., OtelTelemetry]


@pytest.fixture
def start(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts telemetry that sends to the collector, or to ``endpoint``. None of its threads outlives the test."""
    started = []
    threads = set(threading.enumerate())
    root = logging.getLogger()
    before, level = root.handlers[:], root.level

    def start(*signals: str, endpoint: str = collector.url) -> OtelTelemetry:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        logs.configure(pretty=False)
        started.append(OtelTelemetry(signals or SIGNALS))
        return started[-1]

    yield start
    for each in started:
        each.close()
    # They draw from ``random``, for which Hypothesis would blame whichever test comes next.
    for thread in set(threading.enumerate()) - threads:
        thread.join()
    root.handlers[:] = before
    root.setLevel(level)


def test_a_span_has_its_parent_its_attributes_and_what_was_noted(start: Start, collector: Collector) -> None:
    telemetry = start()

    with telemetry.span("outer", run_id="r1"), telemetry.span("inner", files=3):
        telemetry.note(rows=7)
    telemetry.close()

    [inner], [outer] = collector.named("inner"), collector.named("outer")
    assert (inner.parent_id, inner.trace_id) == (outer.span_id, outer.trace_id)
    assert (inner.attributes, outer.attributes) == ({"files": 3, "rows": 7}, {"run_id": "r1"})
    assert orphans(collector.spans) == []


def test_an_error_that_leaves_a_span_is_its_status(start: Start, collector: Collector) -> None:
    telemetry = start()

    with pytest.raises(AuthError), telemetry.span("file"):
        raise AuthError("no", "AccessDenied")
    telemetry.close()

    [span] = collector.named("file")
    assert (span.failed, span.description) == (True, "no")
    assert span.attributes == {"exception.type": "AuthError", "error.type": "auth"}


def test_of_a_foreign_error_only_its_class_is_told(start: Start, collector: Collector) -> None:
    telemetry = start("traces")

    with pytest.raises(ValueError, match="canary"), telemetry.span("file"):
        raise ValueError("canary")
    telemetry.close()

    assert [span.description for span in collector.spans] == ["ValueError"]
    assert not any(b"canary" in body for body in collector.bodies)


def test_a_failure_that_is_told_is_its_spans(start: Start, collector: Collector) -> None:
    telemetry = start()

    with telemetry.span("aws.ingest_s3_cur"):
        telemetry.emit("failed to ingest S3 CUR", connector="aws", error="no", error_class="auth", state="failed")
    telemetry.close()

    [span] = collector.spans
    assert (span.failed, span.description, span.attributes["error.type"]) == (True, "no", "auth")
    assert collector.total("ingestion_failure_total", connector="aws", error_class="auth") == 1
    assert collector.total("ingestion_failure_total", connector="aws", error_class="fatal") == 0


def test_a_line_has_the_run_and_the_trace_that_it_was_logged_in(
    start: Start, collector: Collector, capfd: pytest.CaptureFixture[str]
) -> None:
    telemetry = start()

    with telemetry.span("file", run_id="r1"):
        logging.getLogger("anybody").warning("slow")
    telemetry.close()

    [line], [span] = collector.lines, collector.spans
    assert (line.body, line.severity, line.trace_id) == ("slow", "WARNING", span.trace_id)
    assert line.attributes["run_id"] == "r1"
    said = capfd.readouterr().err
    assert f'"trace_id": "{span.trace_id}"' in said
    assert '"run_id": "r1"' in said


def test_a_gauge_is_sent_when_it_was_observed_and_not_again(start: Start, collector: Collector) -> None:
    telemetry = start("metrics")

    telemetry.emit("queue.observed", queue="files", depth=5, oldest_seconds=1.5)
    telemetry.sdk.metrics.force_flush()
    telemetry.sdk.metrics.force_flush()
    telemetry.close()

    sent = [metric.gauge.data_points for _, metric in collector._metrics() if metric.name == "offgridflow_queue_depth"]
    assert [[point.as_double for point in points] for points in sent] == [[5.0]]


def test_signals_that_are_not_wanted_are_not_sent(start: Start, collector: Collector) -> None:
    telemetry = start("metrics")

    with telemetry.span("outer"):
        telemetry.emit("run.opened", run_id="r1")
    telemetry.close()

    assert {path for path, _ in collector.requests} == {"/v1/metrics"}


def test_a_message_takes_the_trace_along(start: Start, collector: Collector) -> None:
    telemetry = start()

    with telemetry.span("outer"):
        headers = telemetry.headers()
    telemetry.close()

    [span] = collector.spans
    assert headers["traceparent"].startswith(f"00-{span.trace_id}-{span.span_id}-")


def test_idle_looks_of_the_watchdog_are_not_sent(start: Start, collector: Collector) -> None:
    telemetry = start()
    look = "run/offgridflow.repair_runs"

    with telemetry.span(look):
        telemetry.emit("runs.observed", active=1)
    with telemetry.span(look), telemetry.span("apply_async/offgridflow.ingest_file"):
        pass
    with telemetry.span(look):
        telemetry.emit("failed to ingest S3 CUR", error="not done before the run's deadline")
    telemetry.close()

    assert [span.failed for span in collector.named(look)] == [False, True]
    assert orphans(collector.spans) == []


def test_a_collector_that_is_away_costs_two_seconds_at_the_end_and_no_more(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "3")  # seconds that its threads try it, on their own
    telemetry = start(endpoint=f"http://127.0.0.1:{free_port()}")

    began = monotonic()
    for _ in range(1000):
        with telemetry.span("file"):
            telemetry.emit("run.opened", run_id="r1")
    worked = monotonic()
    telemetry.close()

    assert worked - began < 2
    assert monotonic() - worked < 3
