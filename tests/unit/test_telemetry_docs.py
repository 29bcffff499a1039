from __future__ import annotations

import re
from pathlib import Path

from worker.adapters.logs import LEVELS
from worker.adapters.metrics import METRICS, metrics_table

HOUSE = Path(__file__).parents[2]
CODE = "\n".join(file.read_text() for folder in ("worker", "tasks") for file in (HOUSE / folder).rglob("*.py"))
PAGE = (HOUSE / "docs" / "telemetry.md").read_text()

BY_THE_WATCHDOG = {"queue.observed", "runs.observed"}
"""Seen every five seconds, for the metrics alone."""


def test_the_page_has_the_table_of_metrics_as_the_code_has_it() -> None:
    assert metrics_table() in PAGE


def test_every_span_of_ours_is_explained() -> None:
    spans = set(re.findall(r'\.span\(\s*"([\w.]+)"', CODE)) | {"aws.ingest_s3_cur", "aws.ingest_carbon_footprint"}

    assert spans >= {"trigger", "aws.manifest", "aws.report_file", "aws.publish", "aws.rate_wait"}
    assert [span for span in spans if f"`{span}`" not in PAGE] == []


def test_every_event_that_is_measured_or_has_a_level_is_emitted() -> None:
    known = LEVELS.keys() | {event for metric in METRICS for event in metric.events}

    assert [event for event in known if f'"{event}"' not in CODE.replace("\n", "")] == []
    assert [event for event in known - BY_THE_WATCHDOG if f"`{event}`" not in PAGE] == []
