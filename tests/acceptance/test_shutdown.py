"""How a worker may be told to stop: warm, soft, cold, by its soft time limit. Each ends in seconds and leaves nothing behind."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from redis import Redis

from tests.acceptance.buckets import NOTHING, RemoteFolder, publications, totals, totals_of, usage
from tests.acceptance.readings import files_read
from tests.servers.deployment import Deployment
from tests.waiting import until
from worker import api
from worker.adapters.sample_month import Month
from worker.domain.outcome import RunState
from worker.domain.report import RunReport
from worker.domain.source import Source

pytestmark = [pytest.mark.acceptance, pytest.mark.long]

ROWS = usage("1.25", "2.5", "4.125")
MONTH = Month("2025-01", rows=ROWS, rows_per_file=1)
HELD = "report-00001.csv.gz"
EACH_ONCE = {f"report-0000{number}.csv.gz": 1 for number in (1, 2, 3)}
SECONDS = 10.0
USUAL = ("control", "files")


@dataclass(frozen=True, slots=True)
class Stop:
    """The signals that a worker gets, under these settings of Celery's; ``remapped``: with REMAP_SIGTERM=SIGQUIT."""

    signals: tuple[signal.Signals, ...]
    settings: dict[str, object] = field(default_factory=dict)
    remapped: bool = True


SOFT = Stop((signal.SIGTERM,), {"worker_soft_shutdown_timeout": 1})
COLD = Stop((signal.SIGQUIT,), {"worker_soft_shutdown_timeout": 0})
TWICE = Stop((signal.SIGQUIT, signal.SIGQUIT), {"worker_soft_shutdown_timeout": 3})
WARM = Stop((signal.SIGTERM,), remapped=False)


@pytest.fixture
def stoppable(deployment: Deployment) -> Iterator[Deployment]:
    """The deployment, whose usual workers come back in the end."""
    yield deployment
    restart(deployment, *USUAL)


def restart(deployment: Deployment, *names: str, **settings: object) -> None:
    for name in names:
        deployment.workers[name].kill()
    deployment.start_workers(*names, **settings)


def start(deployment: Deployment, stop: Stop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A files worker for this way to stop, in the place of the usual one."""
    if not stop.remapped:
        monkeypatch.delitem(deployment.environment, "REMAP_SIGTERM")
    restart(deployment, "files", **stop.settings)


def tell(deployment: Deployment, stop: Stop) -> None:
    for number in stop.signals:
        said = len(deployment.log)
        deployment.workers["files"].process.send_signal(number)
        until(lambda: "shutdown" in deployment.log[said:].lower())  # noqa: B023 - asked at once


def unacknowledged_files(deployment: Deployment) -> list[str]:
    """Messages that somebody took and neither did nor gave back: they would come back in two hours."""
    with Redis.from_url(deployment.broker, decode_responses=True) as redis:
        return [message for message in redis.hvals("unacked") if "offgridflow.ingest_file" in message]


@dataclass(frozen=True, slots=True)
class Ended:
    """In how many seconds the worker ended, the messages that it left behind, and what another made of the run."""

    seconds: float
    left: list[str]
    report: RunReport


@contextmanager
def waiting_for_a_file(deployment: Deployment, source: Source) -> Iterator[str]:
    """The files worker waits for `HELD`, which comes when the block is left; yields the id of what was asked for."""
    with deployment.s3.holding(HELD) as held:
        asked = deployment.ask(source)
        until(held.reached.is_set, seconds=60)
        yield asked


def end(deployment: Deployment, asked: str, since: float) -> Ended:
    """Let the files worker end, and another one do the rest."""
    deployment.workers["files"].process.wait(timeout=30)
    seconds = time.monotonic() - since
    left = unacknowledged_files(deployment)
    deployment.start_workers("files")
    [report] = deployment.follow(asked)
    return Ended(seconds, left, report)


@pytest.mark.parametrize("stop", [SOFT, COLD, TWICE], ids=["soft", "cold", "told twice"])
def test_a_worker_that_is_stopped_puts_its_file_back(
    stoppable: Deployment, org: str, remote: RemoteFolder, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.deliver(MONTH)
    start(stoppable, stop, monkeypatch)

    with waiting_for_a_file(stoppable, api.source(remote.url, org)) as asked:
        told = time.monotonic()
        tell(stoppable, stop)
        ended = end(stoppable, asked, since=told)

    assert ended.seconds < SECONDS
    assert ended.left == []
    assert ended.report.state is RunState.PUBLISHED
    assert {file.attempts for file in api.run_files(stoppable.broker, ended.report.run_id)} == {1}
    assert files_read(stoppable.s3, remote.prefix)[HELD] >= 2
    assert totals(org) == totals_of(ROWS)
    assert publications(stoppable, org) == 1


def test_a_warm_worker_ends_its_file_and_takes_no_other(
    stoppable: Deployment, org: str, remote: RemoteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.deliver(MONTH)
    start(stoppable, WARM, monkeypatch)

    with waiting_for_a_file(stoppable, api.source(remote.url, org)) as asked:
        tell(stoppable, WARM)
    ended = end(stoppable, asked, since=time.monotonic())

    assert ended.seconds < SECONDS
    assert ended.left == []
    assert ended.report.state is RunState.PUBLISHED
    assert files_read(stoppable.s3, remote.prefix) == EACH_ONCE
    assert publications(stoppable, org) == 1


def test_a_file_that_takes_longer_than_its_time_limit_fails_and_says_so(
    stoppable: Deployment, org: str, remote: RemoteFolder
) -> None:
    remote.deliver(MONTH)
    restart(stoppable, *USUAL, task_soft_time_limit=5, task_time_limit=20)  # a message carries its sender's limits

    with stoppable.s3.holding(HELD):
        [report] = stoppable.ingest(api.source(remote.url, org))

    [error] = report.errors
    assert (error.code, error.error_class, error.file.rpartition("/")[2]) == ("time_limit", "fatal", HELD)
    assert (report.state, report.files.ingested) == (RunState.FAILED, 2)
    assert report.seconds < SECONDS
    assert unacknowledged_files(stoppable) == []
    assert totals(org) == NOTHING
