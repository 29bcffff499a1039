"""`offgridflow listen` as a process: a delivery is ingested because S3 said so."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.acceptance.buckets import RemoteFolder, totals, totals_of, usage
from tests.fakes.notifications import of_eventbridge, of_s3
from tests.servers.deployment import SCRIPTS, Deployment
from tests.servers.seaweed import BUCKET
from tests.servers.sqs import Queue
from tests.waiting import until
from worker import api
from worker.adapters.sample_month import Month
from worker.domain.outcome import RunState

pytestmark = [pytest.mark.acceptance, pytest.mark.long]

STOP_SECONDS = 5.0


@contextmanager
def listening(deployment: Deployment, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The process, killed at the end if it has not ended."""
    process = subprocess.Popen(
        [SCRIPTS / "offgridflow", "listen"],
        cwd=deployment.folder,
        env=deployment.environment | variables,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def source_name(deployment: Deployment, org: str, remote: RemoteFolder) -> Iterator[str]:
    """A configured source in the bucket."""
    config = deployment.folder / "offgridflow.toml"
    config.write_text(f'[[source]]\nname = "{org}"\norg_id = "{org}"\n[source.cur]\nurl = "{remote.url}"\n')
    yield org
    config.unlink()


def test_a_delivery_that_is_announced_is_published_once_and_a_stop_is_quick(
    deployment: Deployment, source_name: str, remote: RemoteFolder, queue: Queue
) -> None:
    rows = usage("1", "2")
    [*_, manifest] = remote.deliver(Month("2025-01", rows=rows)).manifests
    announced = of_s3(manifest, bucket=BUCKET)
    queue.send("junk", announced, of_eventbridge(manifest, bucket=BUCKET), announced)
    beat = deployment.folder / "listening"

    with listening(deployment, OFFGRIDFLOW_SQS_QUEUE_URL=queue.url, OFFGRIDFLOW_HEARTBEAT_FILE=str(beat)) as process:
        until(lambda: not queue.left, seconds=60)
        until(beat.exists)
        until(lambda: totals(source_name) == totals_of(rows), seconds=60)
        process.send_signal(signal.SIGTERM)
        ended = process.wait(STOP_SECONDS)

    found = [report for report in api.recent_runs(deployment.broker, 100) if report.org_id == source_name]
    assert ended == 0
    assert [report.state for report in found] == [RunState.PUBLISHED]


def test_without_a_queue_it_waits_to_be_stopped(deployment: Deployment) -> None:
    with listening(deployment) as process:
        assert process.stderr
        said = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        ended = process.wait(STOP_SECONDS)

    assert "nothing to listen to" in said
    assert ended == 0


def test_a_queue_that_is_not_there_ends_it_with_what_to_do(deployment: Deployment, queue: Queue) -> None:
    with listening(deployment, OFFGRIDFLOW_SQS_QUEUE_URL=f"{queue.url}-gone") as process:
        _, said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "correct the queue's URL" in said
