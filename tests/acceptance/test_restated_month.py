"""AWS restates a month in overwrite mode: the same keys with other content, and the manifest last."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.acceptance.buckets import RemoteFolder, Totals, totals, totals_of, usage
from tests.servers.deployment import Deployment
from tests.waiting import until
from worker import api
from worker.adapters.sample_month import Month
from worker.domain.outcome import RunState

pytestmark = pytest.mark.acceptance

OLD = usage("1.25", "2.5", "4.125")
NEW = [*usage("100.5"), OLD[1]]
"""One file for each row: the first changes, the second stays, the third is gone."""

JANUARY = Month("2025-01", rows=OLD, rows_per_file=1, overwrite=True, version_id="delivery-1")
RESTATED = Month("2025-01", rows=NEW, rows_per_file=1, overwrite=True, version_id="delivery-2")


@contextmanager
def reader(deployment: Deployment, org: str) -> Iterator[list[Totals]]:
    """What somebody reads who asks all the while, repetitions left out."""
    seen, over = [totals(org)], threading.Event()

    def read() -> None:
        while not over.is_set():
            if (now := totals(org)) != seen[-1]:
                seen.append(now)

    reading = threading.Thread(target=read)
    reading.start()
    try:
        yield seen
    finally:
        over.set()
        reading.join()


def test_exactly_the_changed_file_is_read(deployment: Deployment, org: str, remote: RemoteFolder) -> None:
    source = api.source(remote.url, org)
    remote.deliver(JANUARY)
    deployment.ingest(source)
    changed, _same = remote.deliver(RESTATED).files
    before = len(deployment.s3.passed)

    [report] = deployment.ingest(source)

    read = [
        each.path.rpartition("/")[2].partition("?")[0] for each in deployment.s3.passed[before:] if ".csv" in each.path
    ]
    assert report.state is RunState.PUBLISHED
    assert (report.files.total, report.files.ingested, report.files.unchanged) == (2, 1, 1)
    assert report.bytes_read == (remote.local / changed).stat().st_size
    assert read == [changed.rpartition("/")[2]]


def test_a_reader_sees_the_old_month_or_the_new_one(deployment: Deployment, org: str, remote: RemoteFolder) -> None:
    source = api.source(remote.url, org)
    remote.deliver(JANUARY)
    deployment.ingest(source)

    with reader(deployment, org) as seen:
        for month in (RESTATED, JANUARY, RESTATED):
            remote.deliver(month)
            deployment.ingest(source)
        until(lambda: len(seen) >= 4)

    assert seen == [totals_of(OLD), totals_of(NEW), totals_of(OLD), totals_of(NEW)]


def test_new_data_under_the_old_manifest_changes_nothing(
    deployment: Deployment, org: str, remote: RemoteFolder
) -> None:
    source = api.source(remote.url, org)
    delivery = remote.deliver(JANUARY)
    deployment.ingest(source)
    remote.put(delivery.files[0], b"not even a report")

    [report] = deployment.ingest(source)

    assert report.state is RunState.UP_TO_DATE
    assert totals(org) == totals_of(OLD)
