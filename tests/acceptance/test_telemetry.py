"""What a collector hears of real workers: whole traces, the metrics by their names, lines that belong to a trace, and no secret."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.acceptance.buckets import RemoteFolder, usage
from tests.acceptance.processes import needs_proc
from tests.servers.deployment import Deployment, deployed, used
from tests.servers.environments import WRONG
from tests.servers.otlp import Collector, ReceivedSpan, ancestors, collecting, orphans
from tests.servers.seaweed import BUCKET, Seaweed
from tests.servers.valkey import free_port
from tests.waiting import until
from worker import api
from worker.adapters.sample_month import Month
from worker.domain.outcome import RunState

pytestmark = pytest.mark.acceptance

TWO_FILES = Month("2025-01", rows=usage("1", "2"), rows_per_file=1)
IN_COORDINATE = ["aws.manifest", "aws.ingest_s3_cur", "run/offgridflow.coordinate", "trigger"]


def sending_to(url: str) -> dict[str, str]:
    """OpenTelemetry's own variables, all soon: nobody waits for a minute."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_BLRP_SCHEDULE_DELAY": "100",
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
    }


@pytest.fixture(scope="module")
def heard() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def shared_observed(
    tmp_path_factory: pytest.TempPathFactory, seaweed: Seaweed, heard: Collector
) -> Iterator[Deployment]:
    """Workers that are heard; their bucket of tokens is small, so that they have to wait."""
    few = {"OFFGRIDFLOW_RATE_LIMIT_CAPACITY": "1", "OFFGRIDFLOW_RATE_LIMIT_PER_SEC": "5"}
    folder = tmp_path_factory.mktemp("observed")
    with deployed(folder, seaweed, "control", "files", **sending_to(heard.url), **few) as deployment:
        yield deployment


@pytest.fixture
def observed(shared_observed: Deployment) -> Iterator[Deployment]:
    with used(shared_observed.environment):
        yield shared_observed


def ingested(deployment: Deployment, heard: Collector, url: str, org: str, **variables: str) -> list[ReceivedSpan]:
    """Ingest as a user does; all spans of the trace that comes of it, once it is whole."""
    ended = deployment.cli("ingest", "--url", url, "--org", org, "--json", **variables)
    assert ended.returncode == 0, ended.stderr

    def whole_trace() -> list[ReceivedSpan]:
        mine = [span.trace_id for span in heard.named("aws.publish") if span.attributes["org_id"] == org]
        spans = [span for span in heard.spans if span.trace_id in mine]
        return [] if orphans(spans) else spans

    return until(whole_trace, seconds=20)


def test_one_ingest_is_one_trace_from_the_trigger_to_the_publication(
    observed: Deployment, heard: Collector, org: str, remote: RemoteFolder
) -> None:
    delivery = remote.deliver(TWO_FILES)

    spans = ingested(observed, heard, remote.url, org)

    files = [span for span in spans if span.name == "aws.report_file"]
    [publication] = [span for span in spans if span.name == "aws.publish"]
    to_a_file = ["run/offgridflow.ingest_file", "apply_async/offgridflow.ingest_file", *IN_COORDINATE]
    assert [span.name for span in spans if not span.parent_id] == ["trigger"]
    assert [ancestors(file, spans) for file in files] == [to_a_file, to_a_file]
    assert ancestors(publication, spans)[-len(to_a_file) :] == to_a_file
    assert sorted(file.attributes["key"] for file in files) == sorted(delivery.files)
    assert [file.attributes["rows"] for file in files] == [1, 1]
    said = {name: publication.attributes[name] for name in ("org_id", "connector", "billing_period", "files", "rows")}
    assert said == {"org_id": org, "connector": "aws", "billing_period": "2025-01", "files": 2, "rows": 2}
    assert len({span.attributes["run_id"] for span in (*files, publication)}) == 1


def test_requests_are_inside_of_what_they_are_made_for_and_waits_inside_of_requests(
    observed: Deployment, heard: Collector, org: str, remote: RemoteFolder
) -> None:
    delivery = remote.deliver(TWO_FILES)

    spans = ingested(observed, heard, remote.url, org)

    fetches = [span for span in spans if span.name == "S3.GetObject" and "aws.report_file" in ancestors(span, spans)]
    waits = [span for span in spans if span.name == "aws.rate_wait"]
    assert sorted(span.attributes["aws.s3.key"] for span in fetches) == sorted(delivery.files)
    assert {span.attributes["aws.s3.bucket"] for span in spans if span.name.startswith("S3.")} == {BUCKET}
    assert {ancestors(wait, spans)[0].partition(".")[0] for wait in waits} == {"S3"}
    assert {wait.attributes["family"] for wait in waits} == {"s3"}


def test_metrics_are_counted_under_their_names(
    observed: Deployment, heard: Collector, org: str, remote: RemoteFolder
) -> None:
    counters = {
        "ingestion_success_total": 1,
        "ingestion_items_total": 2,
        "ingestion_latency_seconds": 1,
        "offgridflow_files_total": 2,
        "offgridflow_rows_total": 2,
    }
    remote.deliver(TWO_FILES)
    before = {name: heard.total(name, connector="aws") for name in counters}

    ingested(observed, heard, remote.url, org)

    after = {name: before[name] + more for name, more in counters.items()}
    until(lambda: {name: heard.total(name, connector="aws") for name in counters} == after)
    watched = {"offgridflow_queue_depth", "offgridflow_active_runs", "offgridflow_rate_limit_wait_seconds"}
    until(lambda: watched <= heard.metric_names)
    assert {point.labels["queue"] for point in heard.points("offgridflow_queue_depth")} >= {"control", "files"}
    assert {point.unit for point in heard.points("ingestion_latency_seconds")} == {"s"}


def test_a_failure_is_on_its_span_in_its_metric_and_in_the_log(
    observed: Deployment, heard: Collector, org: str, remote: RemoteFolder
) -> None:
    remote.deliver(TWO_FILES)
    before = heard.total("ingestion_failure_total", connector="aws", error_class="auth")

    [report] = observed.ingest(api.source(remote.url, org, "wrong", profile="wrong"))

    failed = until(lambda: [span for span in heard.named("aws.ingest_s3_cur") if span.attributes["org_id"] == org])
    assert report.state is RunState.FAILED
    assert [(span.failed, span.attributes["error.type"]) for span in failed] == [(True, "auth")]
    until(lambda: heard.total("ingestion_failure_total", connector="aws", error_class="auth") == before + 1)
    [line] = [line for line in heard.lines if line.attributes.get("run_id") == report.run_id]
    assert (line.body, line.severity) == ("failed to ingest S3 CUR", "ERROR")
    assert line.trace_id == failed[0].trace_id


def test_every_line_about_a_run_has_its_id_and_its_trace(
    observed: Deployment, heard: Collector, org: str, remote: RemoteFolder
) -> None:
    remote.deliver(TWO_FILES)

    spans = ingested(observed, heard, remote.url, org)

    run_id = next(span.attributes["run_id"] for span in spans if span.name == "aws.publish")
    until(
        lambda: "ingestion complete" in {line.body for line in heard.lines if line.attributes.get("run_id") == run_id}
    )
    lines = [line for line in heard.lines if line.attributes.get("run_id") == run_id]
    [complete] = [line for line in lines if line.body == "ingestion complete"]
    waits = [line for line in lines if line.body == "rate limiting applied"]
    assert complete.attributes["total_activities"] == 2
    assert complete.attributes["latency_ms"] > 0
    assert all(line.attributes["wait_ms"] >= 0 for line in waits)
    assert {line.trace_id for line in lines} == {spans[0].trace_id}


def test_no_secret_is_heard(
    observed: Deployment, heard: Collector, org: str, remote: RemoteFolder, seaweed: Seaweed
) -> None:
    canaries = [seaweed.owner.secret_key, WRONG.secret_key, "canary-of-the-broker"]
    remote.deliver(TWO_FILES)
    with Redis.from_url(observed.broker) as redis:
        redis.execute_command("ACL", "SETUSER", "canary", "on", ">canary-of-the-broker", "~*", "&*", "+@all")
    known = observed.broker.replace("redis://", "redis://canary:canary-of-the-broker@")

    ingested(observed, heard, remote.url, org, OFFGRIDFLOW_BROKER_URL=known)
    refused = observed.cli("ingest", "--no-wait", OFFGRIDFLOW_BROKER_URL=known.replace("//canary:", "//nobody:"))
    observed.ingest(api.source(remote.url, org, "wrong", profile="wrong"))

    until(lambda: heard.total("ingestion_failure_total", error_class="auth"))
    assert refused.returncode != 0
    assert [canary for canary in canaries if any(canary.encode() in body for body in heard.bodies)] == []


@needs_proc
@pytest.mark.long
def test_a_killed_child_is_replaced_by_one_that_is_heard(
    observed: Deployment, heard: Collector, org: str, remote: RemoteFolder
) -> None:
    remote.deliver(TWO_FILES)
    killed = observed.workers["files"].children
    for child in killed:
        os.kill(child, signal.SIGKILL)
    until(lambda: len(set(observed.workers["files"].children) - set(killed)) == 2)

    spans = ingested(observed, heard, remote.url, org)

    assert len([span for span in spans if span.name == "aws.report_file"]) == 2


@pytest.mark.long
def test_children_of_one_task_each_are_all_heard(
    tmp_path: Path, seaweed: Seaweed, org: str, remote: RemoteFolder
) -> None:
    remote.deliver(TWO_FILES)

    with (
        collecting() as heard,
        deployed(tmp_path / "deployment", seaweed, **sending_to(heard.url)) as deployment,
        used(deployment.environment),
    ):
        deployment.start_workers("control")
        deployment.start_workers("files", worker_max_tasks_per_child=1)
        spans = ingested(deployment, heard, remote.url, org)

        assert len({span.instance for span in spans if span.name == "aws.report_file"}) == 2


@pytest.mark.long
def test_a_collector_that_is_away_delays_nothing(
    tmp_path: Path, seaweed: Seaweed, org: str, remote: RemoteFolder
) -> None:
    remote.deliver(TWO_FILES)
    nobody = sending_to(f"http://127.0.0.1:{free_port()}")

    with (
        deployed(tmp_path / "deployment", seaweed, "control", "files", **nobody) as deployment,
        used(deployment.environment),
    ):
        [report] = deployment.ingest(api.source(remote.url, org))
        workers = deployment.workers.values()
        for worker in workers:
            worker.process.send_signal(signal.SIGTERM)
        codes = [worker.process.wait(20) for worker in workers]

    assert report.state is RunState.PUBLISHED
    assert report.seconds < 10
    assert None not in codes


@pytest.mark.long
def test_the_embedded_workers_are_heard_to_the_end(
    deployment: Deployment, org: str, remote: RemoteFolder, tmp_path: Path
) -> None:
    remote.deliver(TWO_FILES)

    with collecting() as heard:
        patient = {"OFFGRIDFLOW_BROKER_URL": "", "OFFGRIDFLOW_STALE_SECONDS": "120"}
        embedded = {**patient, "OFFGRIDFLOW_HOME": str(tmp_path / "home"), **sending_to(heard.url)}
        ended = deployment.cli("ingest", "--url", remote.url, "--org", org, **embedded)
        until(lambda: heard.named("run/offgridflow.publish_run"))

        assert ended.returncode == 0, ended.stderr
        assert orphans(heard.spans) == []
        assert [span.name for span in heard.spans if not span.parent_id] == ["trigger"]
