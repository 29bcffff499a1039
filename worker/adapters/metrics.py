"""Every metric there is, as a table: what it counts, and of which events it is made.

Services emit events and know nothing of metrics; this table reads the events' fields. The founding names stay as they were
given; ours begin with ``offgridflow_``. Names and units follow Prometheus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from worker.domain.errors import ErrorClass
from worker.domain.outcome import RunState
from worker.domain.source import CONNECTORS


class Kind(StrEnum):
    """What is done with a value: added up, sorted into buckets, or kept until the next one."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. Each of ``events`` that has the fields ``labels`` and ``value`` counts.

    ``value`` is the field to be taken, from milliseconds to seconds where its name says so; without one, an event counts 1.
    """

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    meaning: str
    events: tuple[str, ...]
    value: str


COMPLETE = ("ingestion complete",)
FAILED = ("failed to ingest S3 CUR", "failed to ingest carbon footprint")
ENDED = (*COMPLETE, *FAILED, "run.closed")
FILE = ("file.ended",)
QUEUE = ("queue.observed",)

CONNECTOR = ("connector",)
ERROR = ("connector", "error_class")
MONTH = ("source_name", "connector", "billing_period")

_Row = tuple[str, str, tuple[str, ...], str, tuple[str, ...], str]

COUNTERS: tuple[_Row, ...] = (
    ("ingestion_success_total", "{run}", CONNECTOR, "months published", COMPLETE, ""),
    ("ingestion_failure_total", "{run}", ERROR, "months or sources that failed, by the first error", FAILED, ""),
    (
        "ingestion_items_total",
        "{activity}",
        CONNECTOR,
        "activities of the months published, those of kept files included",
        COMPLETE,
        "total_activities",
    ),
    ("offgridflow_runs_total", "{run}", ("connector", "state"), "ends of runs, and months that needed none", ENDED, ""),
    (
        "offgridflow_requests_total",
        "{request}",
        CONNECTOR,
        "calls of AWS, counted when their run ends",
        ENDED,
        "requests",
    ),
    (
        "offgridflow_quarantined_files_total",
        "{file}",
        CONNECTOR,
        "files given up because three workers were lost over them, counted when their run ends",
        ENDED,
        "quarantined",
    ),
    ("offgridflow_files_total", "{file}", ("connector", "outcome"), "report files ingested, or failed", FILE, ""),
    ("offgridflow_file_errors_total", "{file}", ERROR, "report files that failed for good", FILE, ""),
    ("offgridflow_rows_total", "{row}", CONNECTOR, "rows read", FILE, "rows"),
    ("offgridflow_rejected_rows_total", "{row}", CONNECTOR, "rows that could not be normalised", FILE, "rejected"),
    ("offgridflow_read_bytes_total", "By", CONNECTOR, "bytes of report files read", FILE, "bytes_read"),
    ("offgridflow_retries_total", "{attempt}", ("error_class",), "attempts made again", ("retrying after error",), ""),
    ("offgridflow_resent_files_total", "{file}", (), "files the watchdog sent again", ("run.repaired",), "files"),
)

HISTOGRAMS: tuple[_Row, ...] = (
    ("ingestion_latency_seconds", "s", CONNECTOR, "from a run's opening to its publication", COMPLETE, "latency_ms"),
    ("offgridflow_file_seconds", "s", CONNECTOR, "the last attempt at a report file", FILE, "seconds"),
    (
        "offgridflow_rate_limit_wait_seconds",
        "s",
        ("family",),
        "waits for a token, of requests that had to wait",
        ("rate limiting applied",),
        "wait_ms",
    ),
)

GAUGES: tuple[_Row, ...] = (
    (
        "offgridflow_last_success_timestamp_seconds",
        "s",
        MONTH,
        "Unix time at which a month was last published or found up to date; a source's three newest months",
        ENDED,
        "succeeded_at",
    ),
    (
        "offgridflow_newest_month_timestamp_seconds",
        "s",
        ("source_name", "connector"),
        "Unix time at which a published month began; the maximum is that of a source's newest month",
        ENDED,
        "month_began_at",
    ),
    ("offgridflow_active_runs", "{run}", (), "runs in flight", ("runs.observed",), "active"),
    ("offgridflow_queue_depth", "{message}", ("queue",), "messages that wait for a worker", QUEUE, "depth"),
    (
        "offgridflow_queue_oldest_age_seconds",
        "s",
        ("queue",),
        "how long the oldest message has waited; 0 when none does",
        QUEUE,
        "oldest_seconds",
    ),
)

METRICS = tuple(
    Metric(name, kind, unit, labels, meaning, events, value)
    for kind, table in ((Kind.COUNTER, COUNTERS), (Kind.HISTOGRAM, HISTOGRAMS), (Kind.GAUGE, GAUGES))
    for name, unit, labels, meaning, events, value in table
)

BUCKETS_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600)
"""From a wait for a token to the deadline of a run."""

KNOWN_VALUES: Mapping[str, tuple[str, ...]] = {
    "connector": tuple(CONNECTORS.values()),
    "error_class": tuple(ErrorClass),
    "state": tuple(RunState),
    "outcome": ("ingested", "failed"),
}


def measurements(event: str, fields: Mapping[str, object]) -> Iterator[tuple[Metric, float, Mapping[str, str]]]:
    """What an event measures: each metric, its value and its labels. What lacks a field measures nothing."""
    for metric in _BY_EVENT.get(event, ()):
        value = fields.get(metric.value) if metric.value else 1
        if isinstance(value, int | float) and all(fields.get(label) is not None for label in metric.labels):
            scale = 0.001 if metric.value.endswith("_ms") else 1.0
            yield metric, value * scale, {label: str(fields[label]) for label in metric.labels}


def beginnings(metric: Metric) -> Iterator[Mapping[str, str]]:
    """The labels under which a counter begins at zero: nobody sees an increase of what was not there before."""
    if metric.kind is Kind.COUNTER and KNOWN_VALUES.keys() >= set(metric.labels):
        for values in product(*(KNOWN_VALUES[label] for label in metric.labels)):
            yield dict(zip(metric.labels, map(str, values), strict=True))


def metrics_table() -> str:
    """The table of docs/telemetry.md, in Markdown."""
    rows = ["| metric | kind | unit | labels | meaning |", "|---|---|---|---|---|"]
    for each in METRICS:
        labels = ", ".join(f"`{label}`" for label in each.labels)
        rows.append(f"| `{each.name}` | {each.kind} | `{each.unit}` | {labels} | {each.meaning} |")
    return "\n".join(rows)


_BY_EVENT = {
    event: tuple(each for each in METRICS if event in each.events)
    for event in {event for each in METRICS for event in each.events}
}
