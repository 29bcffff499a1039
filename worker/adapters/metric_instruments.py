"""The table of metrics as instruments of OpenTelemetry."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opentelemetry.metrics import Meter

from worker.adapters.metrics import BUCKETS_SECONDS, METRICS, Kind, Metric, beginnings, measurements

Record = Callable[[float, Mapping[str, str]], None]


class Instruments:
    """One instrument for each metric; counters whose labels are known begin at zero."""

    def __init__(self, meter: Meter) -> None:
        self._record = {metric.name: _instrument(meter, metric) for metric in METRICS}
        for metric in METRICS:
            for labels in beginnings(metric):
                self._record[metric.name](0, labels)

    def measure(self, event: str, fields: Mapping[str, object]) -> None:
        """Record what the event measures."""
        for metric, value, labels in measurements(event, fields):
            self._record[metric.name](value, labels)


def _instrument(meter: Meter, metric: Metric) -> Record:
    about = (metric.name, metric.unit, metric.meaning)
    match metric.kind:
        case Kind.COUNTER:
            return meter.create_counter(*about).add
        case Kind.GAUGE:
            return meter.create_gauge(*about).set
        case Kind.HISTOGRAM:
            return meter.create_histogram(*about, explicit_bucket_boundaries_advisory=BUCKETS_SECONDS).record
