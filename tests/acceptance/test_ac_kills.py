"""Acceptance criteria about kills: of publishers, of workers, of the broker, at moments that nobody chose."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from random import Random, SystemRandom

import pytest
from redis import Redis

from tests.acceptance.buckets import NOTHING, RemoteFolder, Totals, publications, totals, totals_of, usage
from tests.acceptance.forge import forging
from tests.acceptance.processes import needs_proc
from tests.servers.ageing import let_leases_age, let_turns_end
from tests.servers.deployment import Deployment
from tests.waiting import until
from worker import api
from worker.adapters.aws_errors import LONGEST_RETRY_AFTER_SECONDS
from worker.adapters.redis_keys import RunKeys
from worker.adapters.sample_month import Month, write_month
from worker.adapters.token_bucket import LONGEST_WAIT_SECONDS
from worker.domain.outcome import RunState

pytestmark = [pytest.mark.acceptance, needs_proc]

KILLS = 50
A = usage("1.25", "2.5", "4.125")
B = usage("100.5", "200.25")
ROWS = usage("1.25", "2.5", "4.125")
MONTH = Month("2025-01", rows=ROWS, rows_per_file=1)


@contextmanager
def reader(org: str) -> Iterator[list[Totals]]:
    """Everything that somebody reads who asks all the while."""
    seen, over = [totals(org)], threading.Event()

    def read() -> None:
        while not over.is_set():
            seen.append(totals(org))

    reading = threading.Thread(target=read)
    reading.start()
    try:
        yield seen
    finally:
        over.set()
        reading.join()


@pytest.mark.long
def test_ac2_a_reader_sees_one_version_or_the_other_wherever_the_publisher_is_killed(
    clean_valkey_url: str, org: str, tmp_path: Path
) -> None:
    seed = SystemRandom().randrange(1_000_000)
    chance, bucket, kills, replaced = Random(seed), tmp_path / "bucket", 0, 0
    source = api.source(bucket.as_uri(), org)
    versions = [Month("2025-01", rows=rows, rows_per_file=1, overwrite=True) for rows in (A, B)]
    write_month(bucket, versions[0])

    with forging(tmp_path, clean_valkey_url) as forge:
        forge.complete(source)
        with reader(org) as seen:
            while kills < KILLS:
                write_month(bucket, versions[(replaced + 1) % 2])
                while kills < KILLS and forge.killed(source, chance):
                    kills += 1
                    let_turns_end(clean_valkey_url)
                replaced += 1
            forge.complete(source)
            until(lambda: seen[-1] == totals(org))

    changes = [seen[0], *(now for before, now in pairwise(seen) if now != before)]
    expected = [totals_of(A), totals_of(B)]
    assert changes == [expected[number % 2] for number in range(replaced + 1)], f"seed {seed}"
    assert len(seen) > KILLS


def test_ac11_a_run_ends_though_its_worker_its_broker_its_chord_and_a_message_are_lost(
    deployment: Deployment, org: str, remote: RemoteFolder
) -> None:
    remote.deliver(Month("2025-01", rows=ROWS * 2, rows_per_file=1))

    with deployment.s3.holding("report-00001.csv.gz") as one, deployment.s3.holding("report-00002.csv.gz") as other:
        asked = deployment.ask(api.source(remote.url, org))
        until(lambda: one.reached.is_set() and other.reached.is_set(), seconds=60)
        deployment.workers["files"].kill()
    deployment.valkey.kill()
    deployment.valkey.start()
    with Redis.from_url(deployment.broker, decode_responses=True) as redis:
        chord = [key for key in redis.scan_iter("celery-task*") if redis.type(key) != "none"]
        dropped = redis.lpop("files")
        redis.delete(*chord)
    let_leases_age(deployment.broker, "files")
    deployment.start_workers("files")
    [report] = deployment.follow(asked, restarting=True)

    assert chord
    assert dropped
    assert report.state is RunState.PUBLISHED
    assert totals(org) == totals_of(ROWS * 2)
    assert publications(deployment, org) == 1


@pytest.fixture
def hasty(deployment: Deployment) -> Iterator[Deployment]:
    """The deployment, its files worker taking a message for lost after 5 s."""
    from worker.celeryconfig import broker_transport_options

    deployment.workers["files"].kill()
    deployment.start_workers(
        "files",
        broker_transport_options=broker_transport_options | {"visibility_timeout": 5, "unacked_restore_interval": 1},
    )
    yield deployment
    deployment.workers["files"].kill()
    deployment.start_workers("files")


def test_ac12_a_file_that_two_children_ingest_at_once_counts_once(
    hasty: Deployment, org: str, remote: RemoteFolder
) -> None:
    [file] = remote.deliver(Month("2025-01", rows=ROWS)).files

    with hasty.s3.holding(file) as held:
        asked = hasty.ask(api.source(remote.url, org))
        until(held.reached.is_set, seconds=60)
        until(lambda: len(hasty.s3.reads(file)) == 2, seconds=60)
    [report] = hasty.follow(asked)

    with Redis.from_url(hasty.broker, decode_responses=True) as redis:
        [claims] = redis.hvals(RunKeys.of(report.run_id).deliveries)
    assert claims == "2"
    assert report.state is RunState.PUBLISHED
    assert (report.files.ingested, report.balance.read.rows) == (1, len(ROWS))
    assert report.bytes_read == (remote.local / file).stat().st_size
    assert totals(org) == totals_of(ROWS)
    assert publications(hasty, org) == 1


def test_ac12_no_wait_outlasts_the_visibility_timeout(deployment: Deployment) -> None:
    from worker import celeryconfig

    longest = celeryconfig.task_time_limit + LONGEST_WAIT_SECONDS + LONGEST_RETRY_AFTER_SECONDS

    assert longest < float(str(celeryconfig.broker_transport_options["visibility_timeout"]))


def test_ac13_a_file_that_kills_three_children_fails_alone_and_names_itself(
    deployment: Deployment, org: str, remote: RemoteFolder
) -> None:
    poison, *siblings = remote.deliver(MONTH).files
    source = api.source(remote.url, org)

    with ExitStack() as blocks:
        holds = [blocks.enter_context(deployment.s3.holding(poison)) for _ in range(3)]
        asked = deployment.ask(source)
        for held in holds:
            until(held.reached.is_set, seconds=60)
            os.kill(deployment.workers["files"].child_with_a_file_in(deployment.spool), signal.SIGKILL)
        [report] = deployment.follow(asked)
    after_the_kills = totals(org)
    [healed] = deployment.ingest(source)

    assert report.state is RunState.FAILED
    assert [(error.code, error.file) for error in report.errors] == [("worker_lost", poison)]
    assert (report.files.ingested, report.files.failed) == (2, 1)
    assert after_the_kills == NOTHING
    assert healed.state is RunState.PUBLISHED
    assert totals(org) == totals_of(ROWS)
    assert [len(deployment.s3.reads(sibling)) for sibling in siblings] == [1, 1]
