"""A bucket that was pushed back: its files go back to the queue, nothing is burnt, and `status` shows the line."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from tests.acceptance.buckets import RemoteFolder, publications, totals, totals_of, usage
from tests.acceptance.commands import Command
from tests.servers.deployment import Deployment
from tests.servers.seaweed import Seaweed
from tests.waiting import until
from worker import api
from worker.adapters.sample_month import Month
from worker.composition import limiter
from worker.domain.outcome import RunState
from worker.domain.source import digest

pytestmark = pytest.mark.acceptance

ROWS = usage("1.25", "2.5", "4.125", "8.0625")
MONTH = Month("2025-01", rows=ROWS, rows_per_file=1)
PUSHED_BACK_SECONDS = 80.0
"""Longer than a worker waits for a token."""


def test_files_in_a_long_line_are_handed_back_and_their_month_is_published_all_the_same(
    deployment: Deployment, org: str, remote: RemoteFolder, seaweed: Seaweed, command: Command
) -> None:
    remote.deliver(MONTH)
    buckets, bucket = limiter(deployment.broker), f"s3:{digest('key', seaweed.owner.access_key)[:16]}"
    said = len(deployment.log)

    with ExitStack() as blocks:
        held = [blocks.enter_context(deployment.s3.holding(f"report-0000{number}.csv.gz")) for number in (1, 2)]
        asked = deployment.ask(api.source(remote.url, org))
        for each in held:  # both children of the worker
            until(each.reached.is_set, seconds=60)
        buckets.push_back(bucket, PUSHED_BACK_SECONDS)
    until(lambda: deployment.log[said:].count("handing back") >= 2, seconds=30)
    shown = json.loads(command("status", "--json").out)["limits"]
    in_words = command("status").out
    buckets.reset(bucket)  # the line is over; the watchdog finds the files sooner than their countdown ends
    [report] = deployment.follow(asked)

    assert [(each["bucket"], each["capacity"], each["rate_per_second"]) for each in shown] == [(bucket, 1000, 1000.0)]
    assert shown[0]["tokens"] < 0
    assert 30 < shown[0]["wait_seconds"] <= PUSHED_BACK_SECONDS
    assert bucket in in_words
    assert report.state is RunState.PUBLISHED
    assert {file.attempts for file in api.run_files(deployment.broker, report.run_id)} == {1}
    assert totals(org) == totals_of(ROWS)
    assert publications(deployment, org) == 1


def test_without_a_broker_there_are_no_limits_to_show(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from worker.settings import settings

    monkeypatch.delenv("OFFGRIDFLOW_BROKER_URL")
    settings.cache_clear()

    assert json.loads(command("status", "--json").out)["limits"] == []
