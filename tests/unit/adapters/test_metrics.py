from __future__ import annotations

import pytest

from worker.adapters.metrics import METRICS, Kind, Metric, beginnings, measurements

FOUNDING = {
    "ingestion_success_total": ("connector",),
    "ingestion_failure_total": ("connector", "error_class"),
    "ingestion_items_total": ("connector",),
    "ingestion_latency_seconds": ("connector",),
}


def test_the_founding_metrics_have_their_names_and_labels() -> None:
    labels = {metric.name: metric.labels for metric in METRICS}

    assert labels.items() >= FOUNDING.items()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_prometheus(metric: Metric) -> None:
    is_counter = metric.kind is Kind.COUNTER

    assert is_counter == metric.name.endswith("_total")
    assert (metric.unit == "s") == metric.name.endswith("_seconds")
    assert metric.name in FOUNDING or metric.name.startswith("offgridflow_")


def test_an_event_measures_what_its_fields_say() -> None:
    fields = {"connector": "aws", "state": "published", "total_activities": 7, "latency_ms": 1500, "requests": 3}

    found: dict[str, object] = {
        metric.name: (value, labels) for metric, value, labels in measurements("ingestion complete", fields)
    }

    assert found["ingestion_success_total"] == (1, {"connector": "aws"})
    assert found["ingestion_items_total"] == (7, {"connector": "aws"})
    assert found["ingestion_latency_seconds"] == (1.5, {"connector": "aws"})
    assert found["offgridflow_runs_total"] == (1, {"connector": "aws", "state": "published"})
    assert "offgridflow_last_success_timestamp_seconds" not in found


def test_an_unknown_event_measures_nothing() -> None:
    assert list(measurements("run.opened", {"connector": "aws"})) == []


def test_failures_begin_at_zero_for_every_connector_and_class() -> None:
    [failures] = [metric for metric in METRICS if metric.name == "ingestion_failure_total"]

    labels = list(beginnings(failures))

    assert len(labels) == 12
    assert {"connector": "aws-carbon", "error_class": "auth"} in labels


def test_what_is_labelled_by_source_does_not_begin() -> None:
    [freshness] = [metric for metric in METRICS if metric.name == "offgridflow_last_success_timestamp_seconds"]

    assert list(beginnings(freshness)) == []
